#include "bench/sightings.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct sightings *sightings;
static struct sightings_result *result;

static void make(void) {
    sightings = sightings_create(2);
    result = calloc(1, sizeof *result);
    cr_assert(sightings != NULL && result != NULL);
}

static void drop(void) {
    sightings_destroy(sightings);
    free(result);
}

TestSuite(sightings, .init = make, .fini = drop);

Test(sightings, freshness_is_from_the_receipt_to_each_subscribers_first_sight) {
    sightings_receipt(sightings, 3, 1000);
    sightings_totals(sightings, 0, 3, 1010);
    sightings_totals(sightings, 0, 4, 1500);
    sightings_totals(sightings, 1, 2, 1005);
    sightings_totals(sightings, 1, 5, 1030);
    sightings_sum_up(sightings, 0, 2000, NULL, NULL, result);
    cr_assert_eq(result->freshness.count, 2);
    cr_assert_eq(result->missing, 0);
    cr_assert_eq(result->early, 0);
    cr_assert_eq(histogram_percentile(&result->freshness, 0), 10);
    cr_assert_eq(result->freshness.maximum, 30, "version 5 shows version 3");
}

Test(sightings, one_sight_answers_every_receipt_before_it) {
    for (uint64_t version = 1; version <= 5; version++) {
        sightings_receipt(sightings, version, (int64_t)version * 10);
    }
    sightings_totals(sightings, 0, 5, 60);
    sightings_totals(sightings, 1, 4, 60);
    sightings_sum_up(sightings, 0, 1000, NULL, NULL, result);
    cr_assert_eq(result->freshness.count, 9);
    cr_assert_eq(result->freshness.maximum, 50);
    cr_assert_eq(result->missing, 1, "the second never saw version 5");
}

Test(sightings, totals_before_the_receipt_count_as_none) {
    sightings_receipt(sightings, 1, 100);
    sightings_totals(sightings, 0, 1, 90);
    sightings_totals(sightings, 1, 1, 100);
    sightings_sum_up(sightings, 0, 1000, NULL, NULL, result);
    cr_assert_eq(result->freshness.count, 2);
    cr_assert_eq(result->freshness.maximum, 0);
    cr_assert_eq(result->early, 1);
}

Test(sightings, the_first_of_several_receipts_of_a_version_counts) {
    sightings_receipt(sightings, 1, 100);
    sightings_receipt(sightings, 1, 150);
    sightings_totals(sightings, 0, 1, 200);
    sightings_totals(sightings, 0, 1, 250);
    sightings_totals(sightings, 1, 1, 200);
    sightings_sum_up(sightings, 0, 1000, NULL, NULL, result);
    cr_assert_eq(result->freshness.count, 2);
    cr_assert_eq(result->freshness.maximum, 100);
}

Test(sightings, receipts_outside_the_time_are_left_out) {
    sightings_receipt(sightings, 1, 100);
    sightings_receipt(sightings, 2, 200);
    sightings_receipt(sightings, 3, 300);
    sightings_totals(sightings, 0, 3, 310);
    sightings_totals(sightings, 1, 3, 320);
    sightings_sum_up(sightings, 150, 250, NULL, NULL, result);
    cr_assert_eq(result->freshness.count, 2);
    cr_assert_eq(result->freshness.maximum, 120);
}

static bool concerns_second(void *context, uint64_t version, size_t subscriber) {
    (void)context;
    return version == 2 && subscriber == 1;
}

Test(sightings, whom_it_does_not_concern_is_left_out) {
    sightings_receipt(sightings, 1, 100);
    sightings_receipt(sightings, 2, 200);
    sightings_totals(sightings, 1, 2, 240);
    sightings_sum_up(sightings, 0, 1000, concerns_second, NULL, result);
    cr_assert_eq(result->freshness.count, 1);
    cr_assert_eq(result->freshness.maximum, 40);
    cr_assert_eq(result->missing, 0);
}

Test(sightings, the_highest_versions_are_known) {
    cr_assert_eq(sightings_received(sightings), 0);
    cr_assert_eq(sightings_seen(sightings, 0), 0);
    sightings_receipt(sightings, 9, 1);
    sightings_receipt(sightings, 7, 2);
    sightings_totals(sightings, 0, 8, 3);
    sightings_totals(sightings, 0, 6, 4);
    cr_assert_eq(sightings_received(sightings), 9);
    cr_assert_eq(sightings_seen(sightings, 0), 8);
}

Test(sightings, a_subscriber_may_see_very_much) {
    for (uint64_t version = 1; version <= 10000; version++) {
        sightings_receipt(sightings, version, (int64_t)version);
        sightings_totals(sightings, 0, version, (int64_t)version + 5);
        sightings_totals(sightings, 1, version, (int64_t)version + 5);
    }
    sightings_sum_up(sightings, 0, 100000, NULL, NULL, result);
    cr_assert_eq(result->freshness.count, 20000);
    cr_assert_eq(histogram_percentile(&result->freshness, 0.5), 5);
}
