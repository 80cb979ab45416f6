#include "daemon/archive/pace.h"

#include <criterion/criterion.h>

#define MS INT64_C(1000000)

/* A capture of so many projects that was written from 1,000 to 1,010 ms. */
static struct pace after(uint32_t projects, uint32_t blocks, bool more, uint64_t new_projects) {
    struct pace pace = {0};
    struct capture capture = {.more = more, .project_count = projects, .block_count = blocks};
    pace_note(&pace, &capture, new_projects, 1000 * MS, 1010 * MS);
    return pace;
}

Test(pace, holds_a_sixty_fourth_of_all_blocks_within_its_bounds) {
    cr_assert_eq(pace_blocks_max(&(struct pace){.projects = 0}), PACE_BLOCKS_MIN);
    cr_assert_eq(pace_blocks_max(&(struct pace){.projects = 1000000}), PACE_BLOCKS_MIN);
    cr_assert_eq(pace_blocks_max(&(struct pace){.projects = 10000000}), 10000000 / BLOCK_PROJECTS / 64);
    cr_assert_eq(pace_blocks_max(&(struct pace){.projects = UINT32_MAX}), CAPTURE_BLOCKS_MAX);
}

Test(pace, lets_the_first_change_wait_for_more) {
    struct pace none = {0};
    struct pace whole = after(1000, 10, false, 1000);
    cr_assert_eq(pace_due_ns(&none, 5000 * MS), 5200 * MS);
    cr_assert_eq(pace_due_ns(&whole, 5000 * MS), 5200 * MS);
}

Test(pace, rests_after_a_capture_twice_as_long_as_it_took) {
    struct pace pace = {.began_ns = 1000 * MS, .ended_ns = 2000 * MS};
    cr_assert_eq(pace_due_ns(&pace, 2100 * MS), 4000 * MS);
    pace.more = true;
    pace.loading = true;
    cr_assert_eq(pace_due_ns(&pace, 2100 * MS), 4000 * MS);
}

/* A million projects are 32 captures; ten million 64 and a little. */
Test(pace, spreads_a_round_over_ten_seconds) {
    struct pace million = after(1000000, 1024, true, 0);
    struct pace ten = after(10000000, 5040, true, 0);
    cr_assert_eq(pace_due_ns(&million, 0), 1000 * MS + 10000 * MS / 32);
    cr_assert_eq(pace_due_ns(&ten, 0), 1000 * MS + 10000 * MS / 65);
}

Test(pace, only_rests_while_most_projects_are_new_and_takes_all_it_can) {
    struct pace loading = after(10000000, 5000, true, 5000 * BLOCK_PROJECTS / 2 + 1);
    struct pace usual = after(10000000, 5000, true, 5000 * BLOCK_PROJECTS / 2);
    cr_assert_eq(pace_due_ns(&loading, 0), 1030 * MS);
    cr_assert_gt(pace_due_ns(&usual, 0), 1030 * MS);
    cr_assert_eq(pace_blocks_max(&loading), CAPTURE_BLOCKS_MAX);
    cr_assert_lt(pace_blocks_max(&usual), CAPTURE_BLOCKS_MAX);
}
