#include "daemon/base/rollup.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/totals.h"

enum { LEAVES = 400, DAYS = 300, FIRST_DAY = 18700, COMPETITIONS = 2 };

/* The simple model: what each leaf and each of its days hold now, and whether a snapshot has told. */
struct leaf {
    struct snapshot_cell cell;
    bool told;
};

struct leaf_day {
    struct snapshot_day day;
    bool told;
};

struct model {
    unsigned seed;
    uint64_t version;
    struct leaf leaves[LEAVES];
    struct leaf_day days[DAYS];
    struct snapshot snapshot;
    struct rollup *rollup;
};

static unsigned pick(struct model *model, unsigned limit) {
    model->seed = model->seed * 1103515245 + 12345;
    return (model->seed >> 8) % limit;
}

/* Counties mostly, but projects may lie directly in a city or a province. */
static uint32_t pick_region(struct model *model) {
    static const uint32_t provinces[] = {310000, 320000, 330000, 340000, 110000};
    uint32_t province = provinces[pick(model, 5)];
    switch (pick(model, 8)) {
    case 0:
        return province;
    case 1:
        return province + 100 * (1 + pick(model, 5));
    default:
        return province + 100 * (1 + pick(model, 5)) + 1 + pick(model, 12);
    }
}

static bool leaf_exists(const struct model *model, size_t count, cell_key_t key) {
    for (size_t i = 0; i < count; i++) {
        if (model->leaves[i].cell.key == key) {
            return true;
        }
    }
    return false;
}

static bool day_exists(const struct model *model, size_t count, const struct snapshot_day *day) {
    for (size_t i = 0; i < count; i++) {
        const struct snapshot_day *other = &model->days[i].day;
        if (other->competition == day->competition && other->region == day->region && other->day == day->day) {
            return true;
        }
    }
    return false;
}

static struct sums pick_sums(struct model *model, bool may_fall) {
    int64_t low = may_fall ? -500 : 0;
    return (struct sums){.projects = low + pick(model, 1000),
                         .contract_value = (low + pick(model, 1000)) * INT64_C(1000000000000),
                         .participants = low + pick(model, 1000),
                         .migrant_participants = low + pick(model, 1000)};
}

static void model_init(struct model *model, unsigned seed) {
    *model = (struct model){.seed = seed, .rollup = rollup_create()};
    cr_assert_not_null(model->rollup);
    for (size_t i = 0; i < LEAVES; i++) {
        struct snapshot_cell *cell = &model->leaves[i].cell;
        do {
            cell->key = cell_key((uint16_t)pick(model, COMPETITIONS), pick_region(model), (uint8_t)pick(model, 3),
                                 (uint8_t)pick(model, 5));
        } while (leaf_exists(model, i, cell->key));
    }
    for (size_t i = 0; i < DAYS; i++) {
        struct snapshot_day *day = &model->days[i].day;
        do {
            *day = (struct snapshot_day){.competition = (uint16_t)pick(model, COMPETITIONS),
                                         .first_day = FIRST_DAY,
                                         .region = pick_region(model),
                                         .day = (uint16_t)(FIRST_DAY + pick(model, 40))};
        } while (day_exists(model, i, day));
    }
}

static void model_fini(struct model *model) {
    free(model->snapshot.cells);
    free(model->snapshot.days);
    rollup_destroy(model->rollup);
}

static void model_change(struct model *model) {
    for (unsigned i = 1 + pick(model, 60); i > 0; i--) {
        struct leaf *leaf = &model->leaves[pick(model, LEAVES)];
        leaf->cell.sums = pick(model, 10) == 0 ? (struct sums){0} : pick_sums(model, false);
        leaf->told = false;
        struct leaf_day *day = &model->days[pick(model, DAYS)];
        day->day.sums = pick_sums(model, true);
        day->told = false;
    }
}

/* What the ledger would fill: what changed since the last one. everything: as on a new ledger. */
static void model_fill(struct model *model, bool everything) {
    struct snapshot *snapshot = &model->snapshot;
    cr_assert_eq(snapshot_reserve(snapshot, LEAVES, DAYS), ERROR_NONE);
    snapshot->cell_count = snapshot->day_count = 0;
    snapshot->version = model->version;
    snapshot->projects = model->version * 3;
    for (size_t i = 0; i < LEAVES; i++) {
        if (everything || !model->leaves[i].told) {
            snapshot->cells[snapshot->cell_count++] = model->leaves[i].cell;
            model->leaves[i].told = true;
        }
    }
    for (size_t i = 0; i < DAYS; i++) {
        if (everything || !model->days[i].told) {
            snapshot->days[snapshot->day_count++] = model->days[i].day;
            model->days[i].told = true;
        }
    }
}

static void model_fold(struct model *model) {
    model->version += 1 + pick(model, 9);
    model_fill(model, false);
    cr_assert_eq(rollup_apply(model->rollup, &model->snapshot), ERROR_NONE);
}

static struct sums recount(const struct model *model, uint16_t competition, uint32_t region, unsigned categories,
                           unsigned statuses) {
    struct sums sums = {0};
    for (size_t i = 0; i < LEAVES; i++) {
        cell_key_t key = model->leaves[i].cell.key;
        if (cell_key_competition(key) == competition && region_within(cell_key_region(key), region) &&
            (categories >> cell_key_category(key) & 1) != 0 && (statuses >> cell_key_status(key) & 1) != 0) {
            sums_merge(&sums, &model->leaves[i].cell.sums);
        }
    }
    return sums;
}

static struct sums recount_as_of(const struct model *model, uint16_t competition, uint32_t region, uint16_t last) {
    struct sums sums = {0};
    for (size_t i = 0; i < DAYS; i++) {
        const struct snapshot_day *day = &model->days[i].day;
        if (day->competition == competition && region_within(day->region, region) && day->day <= last) {
            sums_merge(&sums, &day->sums);
        }
    }
    return sums;
}

static void expect_sums(struct sums got, struct sums wanted, struct rollup_region region) {
    cr_assert(sums_equal(&got, &wanted), "competition %u region %06u: %ld projects instead of %ld", region.competition,
              region.region, got.projects, wanted.projects);
}

static void expect_cells(const struct model *model, uint32_t number) {
    struct rollup_region region = rollup_region(model->rollup, number);
    struct rollup_cell cells[ROLLUP_CELLS_OF_REGION_MAX];
    size_t count = rollup_cells(model->rollup, number, cells);
    size_t seen = 0;
    for (unsigned category = 0; category < CATEGORIES_MAX; category++) {
        for (unsigned status = 0; status < STATUSES_MAX; status++) {
            struct sums wanted = recount(model, region.competition, region.region, 1u << category, 1u << status);
            if (sums_zero(&wanted)) {
                continue;
            }
            cr_assert_lt(seen, count);
            cr_assert_eq(cells[seen].category, category);
            cr_assert_eq(cells[seen].status, status);
            expect_sums(cells[seen].sums, wanted, region);
            seen++;
        }
    }
    cr_assert_eq(seen, count);
}

static void expect_history(const struct model *model, uint32_t number) {
    static struct rollup_point points[CURVE_DAYS_MAX];
    struct rollup_region region = rollup_region(model->rollup, number);
    size_t count = rollup_history(model->rollup, number, FIRST_DAY + 5, FIRST_DAY + 30, points);
    for (size_t i = 0; i < count; i++) {
        cr_assert_geq(points[i].day, FIRST_DAY + 5);
        cr_assert_leq(points[i].day, FIRST_DAY + 30);
        cr_assert(i == 0 || points[i].day > points[i - 1].day);
        expect_sums(points[i].sums, recount_as_of(model, region.competition, region.region, points[i].day), region);
    }
    for (uint16_t day = FIRST_DAY - 1; day <= FIRST_DAY + 41; day++) {
        expect_sums(rollup_as_of(model->rollup, number, day),
                    recount_as_of(model, region.competition, region.region, day), region);
    }
}

static void expect_all(const struct model *model) {
    for (uint32_t number = 0; number < rollup_region_count(model->rollup); number++) {
        struct rollup_region region = rollup_region(model->rollup, number);
        expect_sums(rollup_totals(model->rollup, number, 0x16),
                    recount(model, region.competition, region.region, 0xFFFF, 0x16), region);
        cr_assert_eq(rollup_find(model->rollup, region.competition, region.region), number);
        expect_cells(model, number);
        expect_history(model, number);
    }
}

Test(rollup, every_region_holds_the_sum_of_what_lies_in_it_after_random_changes) {
    static struct model model;
    model_init(&model, 20211028);
    for (int round = 0; round < 60; round++) {
        model_change(&model);
        model_fold(&model);
        if (round % 15 == 14) {
            expect_all(&model);
        }
    }
    cr_assert_eq(rollup_version(model.rollup), model.version);
    cr_assert_eq(rollup_projects(model.rollup), model.version * 3);
    model_fini(&model);
}

Test(rollup, exactly_the_changed_regions_are_listed_once) {
    static struct model model;
    model_init(&model, 7);
    model_fold(&model);
    rollup_settle(model.rollup);
    model.leaves[3].cell.sums.projects += 1;
    model.leaves[3].told = false;
    model_fold(&model);
    model.leaves[3].cell.sums.projects += 1;
    model.leaves[3].told = false;
    model_fold(&model);
    uint32_t path[REGION_LEVELS];
    size_t wanted = region_path(cell_key_region(model.leaves[3].cell.key), path);
    size_t count;
    const uint32_t *changed = rollup_changed(model.rollup, &count);
    cr_assert_eq(count, wanted);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(rollup_region(model.rollup, changed[i]).region, path[i]);
    }
    rollup_settle(model.rollup);
    rollup_changed(model.rollup, &count);
    cr_assert_eq(count, 0);
    model_fini(&model);
}

Test(rollup, regions_and_children_come_in_order_of_their_codes) {
    static struct model model;
    model_init(&model, 99);
    model_fold(&model);
    size_t sum = 0;
    for (uint16_t competition = 0; competition < COMPETITIONS; competition++) {
        size_t count;
        const uint32_t *numbers = rollup_regions(model.rollup, competition, &count);
        sum += count;
        size_t children_of_all = 0;
        for (size_t i = 0; i < count; i++) {
            struct rollup_region region = rollup_region(model.rollup, numbers[i]);
            cr_assert_eq(region.competition, competition);
            cr_assert(i == 0 || region.region > rollup_region(model.rollup, numbers[i - 1]).region);
            children_of_all += region_level(region.region) == REGION_LEVEL_PROVINCE;
        }
        uint32_t children[ROLLUP_CHILDREN_MAX];
        cr_assert_eq(rollup_children(model.rollup, competition, REGION_ALL, children), children_of_all);
        size_t cities = rollup_children(model.rollup, competition, 330000, children);
        cr_assert_gt(cities, 0);
        for (size_t i = 0; i < cities; i++) {
            uint32_t code = rollup_region(model.rollup, children[i]).region;
            cr_assert_eq(region_parent(code), 330000);
            cr_assert_eq(region_level(code), REGION_LEVEL_CITY);
        }
        cr_assert_eq(rollup_children(model.rollup, competition, 330106, children), 0);
    }
    cr_assert_eq(sum, rollup_region_count(model.rollup));
    size_t none;
    rollup_regions(model.rollup, COMPETITIONS, &none);
    cr_assert_eq(none, 0);
    cr_assert_eq(rollup_find(model.rollup, COMPETITIONS, REGION_ALL), REGION_NONE);
    model_fini(&model);
}

Test(rollup, a_copy_is_equal_and_goes_its_own_way) {
    static struct model model;
    char text[ROLLUP_DIFFERENCE_BYTES];
    model_init(&model, 5);
    model_change(&model);
    model_fold(&model);
    struct rollup *copy = rollup_create();
    rollup_copy(copy, model.rollup);
    cr_assert(rollup_equal(copy, "copy", model.rollup, "original", text), "%s", text);
    model_change(&model);
    model_fold(&model);
    cr_assert_not(rollup_equal(copy, "copy", model.rollup, "original", text));
    cr_assert_eq(rollup_apply(copy, &model.snapshot), ERROR_NONE);
    cr_assert(rollup_equal(copy, "copy", model.rollup, "original", text), "%s", text);
    rollup_destroy(copy);
    expect_all(&model);
    model_fini(&model);
}

/* Small steps or one step at the end: the same. A cell that fell back to zero is as good as none. */
Test(rollup, the_way_there_does_not_matter) {
    static struct model model;
    char text[ROLLUP_DIFFERENCE_BYTES];
    model_init(&model, 11);
    for (int round = 0; round < 30; round++) {
        model_change(&model);
        model_fold(&model);
    }
    struct snapshot_cell gone = {.key = cell_key(1, 330199, 2, 2), .sums = {.projects = 1}};
    struct snapshot passing = {.version = model.version, .cell_count = 1, .cells = &gone};
    cr_assert_eq(rollup_apply(model.rollup, &passing), ERROR_NONE);
    gone.sums.projects = 0;
    passing.projects = model.version * 3;
    cr_assert_eq(rollup_apply(model.rollup, &passing), ERROR_NONE);
    struct rollup *fresh = rollup_create();
    model_fill(&model, true);
    cr_assert_eq(rollup_apply(fresh, &model.snapshot), ERROR_NONE);
    cr_assert(rollup_equal(model.rollup, "steps", fresh, "leap", text), "%s", text);
    cr_assert(rollup_equal(fresh, "leap", model.rollup, "steps", text), "%s", text);
    rollup_destroy(fresh);
    model_fini(&model);
}

Test(rollup, a_difference_is_found_wherever_it_is) {
    static struct model model;
    char text[ROLLUP_DIFFERENCE_BYTES];
    model_init(&model, 13);
    model_change(&model);
    model_fold(&model);
    struct rollup *copy = rollup_create();
    rollup_copy(copy, model.rollup);
    struct rollup_tables tables = rollup_tables(copy);

    struct sums *sums = &tables.sums->cells[tables.sums->count - 1].sums;
    sums->participants++;
    cr_assert_not(rollup_equal(model.rollup, "live", copy, "recounted", text));
    cr_assert_not_null(strstr(text, "the totals of competition"), "%s", text);
    sums->participants--;

    sums = &tables.leaves->cells[0].sums;
    sums->contract_value++;
    cr_assert_not(rollup_equal(model.rollup, "live", copy, "recounted", text));
    cr_assert_not_null(strstr(text, "directly in a region"), "%s", text);
    sums->contract_value--;

    const struct curve *curve = &tables.sum_days->curves[0];
    sums = &tables.sum_days->days[curve->day_low];
    sums->migrant_participants++;
    cr_assert_not(rollup_equal(model.rollup, "live", copy, "recounted", text));
    cr_assert_not_null(strstr(text, "what days changed"), "%s", text);
    sums->migrant_participants--;

    cr_assert(rollup_equal(model.rollup, "live", copy, "recounted", text));
    rollup_destroy(copy);
    model_fini(&model);
}

Test(rollup, totals_message_counts_only_what_counts_and_fits_its_bound) {
    struct rollup *rollup = rollup_create();
    static struct snapshot_cell cells[ROLLUP_CELLS_OF_REGION_MAX];
    for (unsigned i = 0; i < ROLLUP_CELLS_OF_REGION_MAX; i++) {
        cells[i] = (struct snapshot_cell){.key = cell_key(4, 330106, (uint8_t)(i / 16), (uint8_t)(i % 16)),
                                          .sums = {INT64_MAX / 1000, INT64_MAX / 1000, INT64_MAX / 1000, 1}};
    }
    struct snapshot snapshot = {.version = UINT64_MAX, .cell_count = ROLLUP_CELLS_OF_REGION_MAX, .cells = cells};
    cr_assert_eq(rollup_apply(rollup, &snapshot), ERROR_NONE);
    struct competition competition = {.number = 4, .key = "abcdefghijklmnopqrstuvwxyz012345", .counts = 1u << 3};
    static struct totals totals;
    totals_fill(&totals, rollup, &competition, 330100);
    totals.message.time_ms = totals.message.epoch = totals.message.request = UINT64_MAX;
    cr_assert_eq(totals.message.n_cell_category, ROLLUP_CELLS_OF_REGION_MAX);
    cr_assert_eq(totals.message.projects, (uint64_t)(16 * (INT64_MAX / 1000)));
    cr_assert_eq(totals.message.migrant_participants, 16);
    cr_assert_leq(tally__totals__get_packed_size(&totals.message), TOTALS_BYTES_MAX);
    totals_fill(&totals, rollup, &competition, 320000);
    cr_assert_eq(totals.message.n_cell_category, 0);
    cr_assert_eq(totals.message.projects, 0);
    rollup_destroy(rollup);
}

/* The worst that the ledger lets through: as many leaves as it takes, each in a city of its own. */
Test(rollup, no_table_is_full_while_the_ledger_keeps_to_its_bound) {
    struct rollup *rollup = rollup_create();
    struct snapshot snapshot = {.version = 1};
    cr_assert_eq(snapshot_reserve(&snapshot, LEAF_CELLS_MAX, 0), ERROR_NONE);
    for (uint16_t competition = 0; snapshot.cell_count < LEAF_CELLS_MAX; competition++) {
        for (uint32_t city = 0; city < 34 * 99 && snapshot.cell_count < LEAF_CELLS_MAX; city++) {
            uint32_t region = (11 + city / 99) * 10000 + (1 + city % 99) * 100 + 1;
            snapshot.cells[snapshot.cell_count++] =
                (struct snapshot_cell){.key = cell_key(competition, region, 0, 1), .sums = {.projects = 1}};
        }
    }
    cr_assert_eq(rollup_apply(rollup, &snapshot), ERROR_NONE);
    cr_assert(rollup_whole(rollup));
    cr_assert_eq(rollup_totals(rollup, rollup_find(rollup, 0, REGION_ALL), 2).projects, 34 * 99);
    free(snapshot.cells);
    rollup_destroy(rollup);
}

Test(rollup, what_does_not_fit_is_told_and_leaves_it_torn) {
    struct rollup *rollup = rollup_create();
    struct snapshot snapshot = {.version = 1};
    cr_assert_eq(snapshot_reserve(&snapshot, CUBE_CELLS_MAX, 0), ERROR_NONE);
    for (uint32_t i = 0; i < CUBE_CELLS_MAX; i++) {
        uint32_t region = 110101 + i / 256;
        snapshot.cells[snapshot.cell_count++] =
            (struct snapshot_cell){.key = cell_key(0, region, (uint8_t)(i / 16 % 16), (uint8_t)(i % 16))};
    }
    cr_assert_eq(rollup_apply(rollup, &snapshot), ERROR_LIMIT);
    cr_assert_not(rollup_whole(rollup));
    cr_assert_eq(rollup_version(rollup), 0);
    free(snapshot.cells);
    rollup_destroy(rollup);
}
