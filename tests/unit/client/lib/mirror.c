#include "client/lib/mirror.h"

#include <criterion/criterion.h>

static enum mirror_news hear(struct mirror *mirror, uint64_t epoch, uint32_t code, uint64_t version,
                             uint64_t projects) {
    struct tally_watch_cell cells[2] = {{.category = 1, .totals = {.projects = projects}}, {.category = 2}};
    struct tally_watch_region region = {.region = code,
                                        .version = version,
                                        .time_ms = version * 10,
                                        .totals = {.projects = projects},
                                        .cell_count = 2,
                                        .cells = cells};
    return mirror_hear(mirror, epoch, &region);
}

static uint64_t projects_of(struct mirror *mirror, uint32_t code) {
    struct tally_watch_region region;
    return mirror_get(mirror, code, &region, NULL, 0) ? region.totals.projects : UINT64_MAX;
}

Test(mirror, keeps_the_newest_of_each_region) {
    struct mirror *mirror = mirror_create();
    cr_assert_eq(hear(mirror, 1, 330100, 5, 50), MIRROR_CHANGED);
    cr_assert_eq(hear(mirror, 1, 310000, 6, 60), MIRROR_CHANGED);
    cr_assert_eq(hear(mirror, 1, 330100, 7, 70), MIRROR_CHANGED);
    cr_assert_eq(hear(mirror, 1, 330100, 6, 66), MIRROR_OLD);
    cr_assert_eq(hear(mirror, 1, 330100, 7, 77), MIRROR_OLD, "an answer to another subscriber");
    cr_assert_eq(projects_of(mirror, 330100), 70);
    cr_assert_eq(projects_of(mirror, 310000), 60);
    cr_assert_eq(projects_of(mirror, 320000), UINT64_MAX);
    mirror_destroy(mirror);
}

Test(mirror, gives_cells_as_far_as_there_is_room) {
    struct mirror *mirror = mirror_create();
    struct tally_watch_region region;
    struct tally_watch_cell cells[4];
    hear(mirror, 1, 330100, 5, 50);
    cr_assert(mirror_get(mirror, 330100, &region, cells, 4));
    cr_assert_eq(region.cell_count, 2);
    cr_assert_eq(region.cells, cells);
    cr_assert_eq(cells[0].totals.projects, 50);
    cr_assert(mirror_get(mirror, 330100, &region, cells, 1));
    cr_assert_eq(region.cell_count, 1);
    cr_assert(mirror_get(mirror, 330100, &region, NULL, 0));
    cr_assert_eq(region.cell_count, 0);
    cr_assert_null(region.cells);
    mirror_destroy(mirror);
}

Test(mirror, lists_regions_in_order) {
    struct mirror *mirror = mirror_create();
    struct tally_watch_region regions[2];
    for (uint32_t i = 200; i > 0; i--) {
        hear(mirror, 1, 330000 + i * 7 % 211, 5, i);
    }
    cr_assert_eq(mirror_regions(mirror, regions, 2), 200);
    cr_assert_lt(regions[0].region, regions[1].region);
    cr_assert_null(regions[0].cells);
    mirror_destroy(mirror);
}

Test(mirror, forgets_everything_when_the_epoch_changes) {
    struct mirror *mirror = mirror_create();
    struct tally_watch_state state;
    hear(mirror, 1, 330100, 500, 50);
    cr_assert_eq(hear(mirror, 2, 310000, 3, 30), MIRROR_RESET);
    cr_assert_eq(projects_of(mirror, 330100), UINT64_MAX);
    cr_assert_eq(projects_of(mirror, 310000), 30);
    mirror_state(mirror, &state);
    cr_assert_eq(state.epoch, 2);
    cr_assert_eq(state.version, 3);
    cr_assert_eq(mirror_beat(mirror, 3, 1, 99), MIRROR_RESET);
    cr_assert_eq(mirror_regions(mirror, NULL, 0), 0);
    mirror_destroy(mirror);
}

Test(mirror, the_version_only_grows_within_an_epoch) {
    struct mirror *mirror = mirror_create();
    struct tally_watch_state state;
    cr_assert_eq(mirror_beat(mirror, 1, 10, 100), MIRROR_CHANGED);
    cr_assert_eq(mirror_beat(mirror, 1, 10, 200), MIRROR_OLD);
    hear(mirror, 1, 330100, 8, 50);
    mirror_state(mirror, &state);
    cr_assert_eq(state.version, 10);
    cr_assert_eq(state.time_ms, 200);
    mirror_destroy(mirror);
}

Test(mirror, tells_each_changed_region_once) {
    struct mirror *mirror = mirror_create();
    uint32_t region = 0;
    hear(mirror, 1, 330100, 5, 50);
    hear(mirror, 1, 310000, 5, 50);
    hear(mirror, 1, 330100, 6, 60);
    cr_assert(mirror_take_changed(mirror, &region));
    cr_assert_eq(region, 310000);
    cr_assert(mirror_take_changed(mirror, &region));
    cr_assert_eq(region, 330100);
    cr_assert(!mirror_take_changed(mirror, &region));
    hear(mirror, 1, 330100, 6, 60);
    cr_assert(!mirror_take_changed(mirror, &region), "nothing new");
    mirror_destroy(mirror);
}

Test(mirror, keeps_no_more_regions_than_its_bound) {
    struct mirror *mirror = mirror_create();
    for (uint32_t i = 0; i < MIRROR_REGIONS_MAX; i++) {
        cr_assert_eq(hear(mirror, 1, i, 5, i), MIRROR_CHANGED);
    }
    cr_assert_eq(hear(mirror, 1, 999999, 5, 1), MIRROR_FULL);
    cr_assert_eq(hear(mirror, 1, 5, 6, 55), MIRROR_CHANGED, "known ones go on");
    mirror_destroy(mirror);
}
