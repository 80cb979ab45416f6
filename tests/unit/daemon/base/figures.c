#include "daemon/base/figures.h"

#include <criterion/criterion.h>

#include "tests/support/random.h"

Test(figures, sums_take_away_what_they_added) {
    struct random random = {.state = 9};
    struct sums sums = {0};
    int64_t figures[500][3];
    for (size_t i = 0; i < 500; i++) {
        figures[i][0] = (int64_t)(random_next(&random) >> 1);
        figures[i][1] = (int64_t)random_below(&random, 100000000);
        figures[i][2] = (int64_t)random_below(&random, 100000000);
        sums_add(&sums, figures[i][0], figures[i][1], figures[i][2]);
    }
    cr_assert(!sums_zero(&sums));
    cr_assert_eq(sums.projects, 500);
    for (size_t i = 500; i-- > 0;) {
        struct sums loss = {-1, -figures[i][0], -figures[i][1], -figures[i][2]};
        sums_merge(&sums, &loss);
    }
    cr_assert(sums_zero(&sums), "even where the value wrapped on the way");
}

Test(figures, merged_sums_are_the_sums_of_each_part) {
    struct sums a = {1, 20, 300, 4000};
    struct sums b = {5, INT64_MAX, 7, 8};
    sums_merge(&a, &b);
    struct sums expected = {6, sums_wrap_add(20, INT64_MAX), 307, 4008};
    cr_assert(sums_equal(&a, &expected));
}

Test(figures, sums_are_equal_when_all_four_are) {
    const struct sums sums = {1, 2, 3, 4};
    const struct sums others[] = {{0, 2, 3, 4}, {1, 0, 3, 4}, {1, 2, 0, 4}, {1, 2, 3, 0}};
    cr_assert(sums_equal(&sums, &sums));
    for (size_t i = 0; i < 4; i++) {
        cr_assert(!sums_equal(&sums, &others[i]));
    }
    const struct sums nearly_zero[] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
    for (size_t i = 0; i < 4; i++) {
        cr_assert(!sums_zero(&nearly_zero[i]));
    }
}

Test(figures, an_update_is_its_owners_and_not_of_an_earlier_day) {
    cr_assert_eq(figures_judge(3, 19000, 3, 19000), REFUSAL_NONE);
    cr_assert_eq(figures_judge(3, 19000, 3, 19001), REFUSAL_NONE);
    cr_assert_eq(figures_judge(3, 19000, 3, 18999), REFUSAL_DAY_BEFORE_LAST);
    cr_assert_eq(figures_judge(3, 19000, 4, 19000), REFUSAL_PROJECT_NOT_YOURS);
    cr_assert_eq(figures_judge(3, 19000, 4, 18999), REFUSAL_PROJECT_NOT_YOURS);
}
