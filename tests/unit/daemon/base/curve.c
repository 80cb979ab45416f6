#include "daemon/base/curve.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/random.h"

enum { FIRST_DAY = 18700 };

static struct curves curves;

static void init(void) {
    cr_assert_eq(curves_init(&curves, CURVES_MAX, 1 << CURVE_READER_TOTALS | 1 << CURVE_READER_ARCHIVE), ERROR_NONE);
}

static void fini(void) {
    curves_fini(&curves);
}

TestSuite(curve, .init = init, .fini = fini);

Test(curve, is_found_again_by_competition_and_region) {
    for (uint32_t i = 0; i < 5000; i++) {
        cr_assert_eq(curves_find(&curves, (uint16_t)(i % 5), i), CURVE_NONE);
        cr_assert_eq(curves_find_or_add(&curves, (uint16_t)(i % 5), i, FIRST_DAY), i);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        cr_assert_eq(curves_find(&curves, (uint16_t)(i % 5), i), i);
        cr_assert_eq(curves_find_or_add(&curves, (uint16_t)(i % 5), i, FIRST_DAY), i);
        cr_assert_eq(curves_find(&curves, (uint16_t)(i % 5 + 1), i), CURVE_NONE);
    }
}

Test(curve, none_is_made_beyond_the_limit) {
    curves.limit = 3;
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(curves_find_or_add(&curves, 0, i, FIRST_DAY), i);
    }
    cr_assert_eq(curves_find_or_add(&curves, 0, 3, FIRST_DAY), CURVE_NONE);
    cr_assert_eq(curves_find_or_add(&curves, 0, 2, FIRST_DAY), 2);
}

/* Random changes on random days against an array of days. */
Test(curve, totals_as_of_a_day_are_the_sum_of_all_changes_up_to_it) {
    enum { DAYS = 600 };
    struct random random = {.state = 17};
    uint32_t curve = curves_find_or_add(&curves, 1, 330000, FIRST_DAY);
    uint32_t other = curves_find_or_add(&curves, 1, 340000, FIRST_DAY);
    int64_t changes[DAYS] = {0};
    for (int round = 0; round < 300; round++) {
        uint16_t row = (uint16_t)random_below(&random, DAYS);
        int64_t value = (int64_t)random_below(&random, 1000) - 500;
        changes[row] += value;
        curves_touch(&curves, curve, (uint16_t)(FIRST_DAY + row))->contract_value += value;
        curves_touch(&curves, other, (uint16_t)(FIRST_DAY + row))->contract_value += 1;
        int64_t running = 0;
        for (uint16_t day = 0; day < DAYS; day++) {
            running += changes[day];
            struct sums sums;
            curves_as_of(&curves, curve, (uint16_t)(FIRST_DAY + day), &sums);
            cr_assert_eq(sums.contract_value, running);
        }
        struct sums sums;
        curves_as_of(&curves, curve, UINT16_MAX, &sums);
        cr_assert_eq(sums.contract_value, running);
        curves_as_of(&curves, curve, FIRST_DAY - 1, &sums);
        cr_assert(sums_zero(&sums));
    }
}

Test(curve, without_a_change_is_zero_on_every_day) {
    uint32_t curve = curves_find_or_add(&curves, 1, 330000, FIRST_DAY);
    struct sums sums = {1, 1, 1, 1};
    curves_as_of(&curves, curve, FIRST_DAY, &sums);
    cr_assert(sums_zero(&sums));
    curves_as_of(&curves, curve, UINT16_MAX, &sums);
    cr_assert(sums_zero(&sums));
}

Test(curve, days_beyond_its_rows_are_counted_on_the_first_or_last) {
    uint32_t curve = curves_find_or_add(&curves, 1, 330000, FIRST_DAY);
    curves_touch(&curves, curve, FIRST_DAY - 100)->projects += 1;
    curves_touch(&curves, curve, 0)->projects += 1;
    curves_touch(&curves, curve, UINT16_MAX)->projects += 10;
    curves_touch(&curves, curve, FIRST_DAY + CURVE_DAYS_MAX)->projects += 10;
    cr_assert_eq(curves_row(&curves, curve, 0)->projects, 2);
    cr_assert_eq(curves_row(&curves, curve, CURVE_DAYS_MAX - 1)->projects, 20);
    struct sums sums;
    curves_as_of(&curves, curve, FIRST_DAY, &sums);
    cr_assert_eq(sums.projects, 2);
    curves_as_of(&curves, curve, UINT16_MAX, &sums);
    cr_assert_eq(sums.projects, 22);
}

static size_t listed(enum curve_reader reader) {
    return curves.changes[reader].count;
}

Test(curve, lists_each_changed_day_once_until_settled) {
    uint32_t curve = curves_find_or_add(&curves, 1, 330000, FIRST_DAY);
    uint32_t other = curves_find_or_add(&curves, 2, 330000, FIRST_DAY);
    curves_touch(&curves, curve, FIRST_DAY + 5);
    curves_touch(&curves, other, FIRST_DAY + 5);
    curves_touch(&curves, curve, FIRST_DAY + 5);
    curves_touch(&curves, curve, FIRST_DAY + 6);
    const struct curve_point *points = curves.changes[CURVE_READER_TOTALS].points;
    cr_assert_eq(listed(CURVE_READER_TOTALS), 3);
    cr_assert(points[0].curve == curve && points[0].day == 5);
    cr_assert(points[1].curve == other && points[2].day == 6);
    curves_settle(&curves, CURVE_READER_TOTALS);
    cr_assert_eq(listed(CURVE_READER_TOTALS), 0);
    curves_touch(&curves, curve, FIRST_DAY + 5);
    cr_assert_eq(listed(CURVE_READER_TOTALS), 1);
}

Test(curve, each_reader_has_a_list_of_its_own) {
    uint32_t curve = curves_find_or_add(&curves, 1, 330000, FIRST_DAY);
    curves_touch(&curves, curve, FIRST_DAY);
    curves_settle(&curves, CURVE_READER_TOTALS);
    curves_touch(&curves, curve, FIRST_DAY);
    curves_touch(&curves, curve, FIRST_DAY + 1);
    cr_assert(listed(CURVE_READER_TOTALS) == 2 && listed(CURVE_READER_ARCHIVE) == 2);
    curves_settle(&curves, CURVE_READER_ARCHIVE);
    cr_assert(listed(CURVE_READER_TOTALS) == 2 && listed(CURVE_READER_ARCHIVE) == 0);
    curves_touch(&curves, curve, FIRST_DAY + 1);
    cr_assert(listed(CURVE_READER_TOTALS) == 2 && listed(CURVE_READER_ARCHIVE) == 1);
}
