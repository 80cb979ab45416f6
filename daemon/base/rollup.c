#include "rollup.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "region_set.h"

/* Where a leaf's figures are summed up: its own region first, the whole last. */
struct path {
    uint32_t count;
    uint32_t number[REGION_LEVELS];
};

/* A cell of the sums: which region it belongs to, and the next of the same region in order of category and status. */
struct link {
    uint32_t region;
    uint32_t next;
};

struct rollup {
    uint64_t version;
    uint64_t projects;
    bool torn; /* an apply has failed halfway */

    struct cube leaves;
    struct path *leaf_paths; /* by leaf: cells of sums */
    struct cube sums;
    struct link *links; /* by cell of sums */

    struct curves leaf_days;
    struct path *day_paths; /* by curve of leaf_days: curves of sum_days */
    struct curves sum_days;

    struct region_set regions;
};

#define LEAF_PATHS_BYTES (CUBE_CELLS_MAX * sizeof(struct path))
#define LINKS_BYTES (CUBE_CELLS_MAX * sizeof(struct link))
#define DAY_PATHS_BYTES (CURVES_MAX * sizeof(struct path))

struct rollup *rollup_create(void) {
    struct rollup *rollup = calloc(1, sizeof *rollup);
    if (rollup == NULL) {
        return NULL;
    }
    rollup->leaf_paths = memory_reserve(LEAF_PATHS_BYTES);
    rollup->links = memory_reserve(LINKS_BYTES);
    rollup->day_paths = memory_reserve(DAY_PATHS_BYTES);
    if (rollup->leaf_paths == NULL || rollup->links == NULL || rollup->day_paths == NULL ||
        cube_init(&rollup->leaves) != ERROR_NONE || cube_init(&rollup->sums) != ERROR_NONE ||
        curves_init(&rollup->leaf_days, LEAF_CURVES_MAX, 1 << CURVE_READER_TOTALS) != ERROR_NONE ||
        curves_init(&rollup->sum_days, CURVES_MAX, 1 << CURVE_READER_TOTALS) != ERROR_NONE ||
        region_set_init(&rollup->regions) != ERROR_NONE) {
        rollup_destroy(rollup);
        return NULL;
    }
    return rollup;
}

void rollup_destroy(struct rollup *rollup) {
    if (rollup == NULL) {
        return;
    }
    cube_fini(&rollup->leaves);
    cube_fini(&rollup->sums);
    curves_fini(&rollup->leaf_days);
    curves_fini(&rollup->sum_days);
    memory_release(rollup->leaf_paths, LEAF_PATHS_BYTES);
    memory_release(rollup->links, LINKS_BYTES);
    memory_release(rollup->day_paths, DAY_PATHS_BYTES);
    region_set_fini(&rollup->regions);
    free(rollup);
}

static void add_difference(struct sums *to, const struct sums *now, const struct sums *before) {
    to->projects += now->projects - before->projects;
    to->contract_value =
        sums_wrap_add(to->contract_value, sums_wrap_subtract(now->contract_value, before->contract_value));
    to->participants += now->participants - before->participants;
    to->migrant_participants += now->migrant_participants - before->migrant_participants;
}

/* Puts a new cell into its region's chain, which is in order of category and status. */
static void chain_cell(struct rollup *rollup, uint32_t number, uint32_t region) {
    cell_key_t key = rollup->sums.cells[number].key;
    uint32_t *next = &rollup->regions.entries[region].first_cell;
    while (*next != CUBE_FULL && rollup->sums.cells[*next].key < key) {
        next = &rollup->links[*next].next;
    }
    rollup->links[number] = (struct link){.region = region, .next = *next};
    *next = number;
}

/* The cell of the sums in one region for a leaf's category and status. */
static uint32_t sums_cell(struct rollup *rollup, cell_key_t leaf, uint32_t region_code) {
    uint32_t region = region_set_find_or_add(&rollup->regions, cell_key_competition(leaf), region_code);
    if (region == REGION_NONE) {
        return CUBE_FULL;
    }
    uint32_t cells_before = rollup->sums.count;
    cell_key_t key = cell_key(cell_key_competition(leaf), region_code, cell_key_category(leaf), cell_key_status(leaf));
    uint32_t number = cube_find_or_add(&rollup->sums, key);
    if (rollup->sums.count > cells_before) {
        chain_cell(rollup, number, region);
    }
    return number;
}

static enum error lay_leaf_path(struct rollup *rollup, uint32_t leaf) {
    cell_key_t key = rollup->leaves.cells[leaf].key;
    uint32_t codes[REGION_LEVELS];
    size_t count = region_path(cell_key_region(key), codes);
    struct path path = {.count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        path.number[i] = sums_cell(rollup, key, codes[i]);
        if (path.number[i] == CUBE_FULL) {
            return ERROR_LIMIT;
        }
    }
    rollup->leaf_paths[leaf] = path;
    return ERROR_NONE;
}

static enum error fold_cell(struct rollup *rollup, const struct snapshot_cell *cell) {
    uint32_t leaf = cube_find_or_add(&rollup->leaves, cell->key);
    if (leaf == CUBE_FULL) {
        return ERROR_LIMIT;
    }
    if (rollup->leaf_paths[leaf].count == 0) {
        enum error error = lay_leaf_path(rollup, leaf);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    struct sums *before = &rollup->leaves.cells[leaf].sums;
    const struct path *path = &rollup->leaf_paths[leaf];
    for (uint32_t i = 0; i < path->count; i++) {
        add_difference(&rollup->sums.cells[path->number[i]].sums, &cell->sums, before);
        region_set_touch(&rollup->regions, rollup->links[path->number[i]].region);
    }
    *before = cell->sums;
    return ERROR_NONE;
}

static uint32_t sums_curve(struct rollup *rollup, const struct snapshot_day *day, uint32_t region_code) {
    uint32_t region = region_set_find_or_add(&rollup->regions, day->competition, region_code);
    if (region == REGION_NONE) {
        return CURVE_NONE;
    }
    uint32_t curve = curves_find_or_add(&rollup->sum_days, day->competition, region_code, day->first_day);
    rollup->regions.entries[region].curve = curve;
    return curve;
}

static enum error lay_day_path(struct rollup *rollup, const struct snapshot_day *day, uint32_t leaf) {
    uint32_t codes[REGION_LEVELS];
    size_t count = region_path(day->region, codes);
    struct path path = {.count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        path.number[i] = sums_curve(rollup, day, codes[i]);
        if (path.number[i] == CURVE_NONE) {
            return ERROR_LIMIT;
        }
    }
    rollup->day_paths[leaf] = path;
    return ERROR_NONE;
}

static enum error fold_day(struct rollup *rollup, const struct snapshot_day *day) {
    uint32_t leaf = curves_find_or_add(&rollup->leaf_days, day->competition, day->region, day->first_day);
    if (leaf == CURVE_NONE) {
        return ERROR_LIMIT;
    }
    if (rollup->day_paths[leaf].count == 0) {
        enum error error = lay_day_path(rollup, day, leaf);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    struct sums *before = curves_touch(&rollup->leaf_days, leaf, day->day);
    const struct path *path = &rollup->day_paths[leaf];
    for (uint32_t i = 0; i < path->count; i++) {
        add_difference(curves_touch(&rollup->sum_days, path->number[i], day->day), &day->sums, before);
    }
    *before = day->sums;
    return ERROR_NONE;
}

static enum error fold(struct rollup *rollup, const struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->cell_count; i++) {
        enum error error = fold_cell(rollup, &snapshot->cells[i]);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    for (size_t i = 0; i < snapshot->day_count; i++) {
        enum error error = fold_day(rollup, &snapshot->days[i]);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    return ERROR_NONE;
}

enum error rollup_apply(struct rollup *rollup, const struct snapshot *snapshot) {
    CHECK(snapshot->version >= rollup->version);
    enum error error = fold(rollup, snapshot);
    region_set_order(&rollup->regions);
    curves_settle(&rollup->leaf_days, CURVE_READER_TOTALS);
    curves_settle(&rollup->sum_days, CURVE_READER_TOTALS);
    rollup->torn = error != ERROR_NONE;
    if (error == ERROR_NONE) {
        rollup->version = snapshot->version;
        rollup->projects = snapshot->projects;
    }
    return error;
}

bool rollup_whole(const struct rollup *rollup) {
    return !rollup->torn;
}

uint64_t rollup_version(const struct rollup *rollup) {
    return rollup->version;
}

uint64_t rollup_projects(const struct rollup *rollup) {
    return rollup->projects;
}

uint32_t rollup_region_count(const struct rollup *rollup) {
    return rollup->regions.count;
}

struct rollup_region rollup_region(const struct rollup *rollup, uint32_t number) {
    CHECK(number < rollup->regions.count);
    const struct region_entry *region = &rollup->regions.entries[number];
    return (struct rollup_region){.competition = region->competition, .region = region->region};
}

const uint32_t *rollup_changed(const struct rollup *rollup, size_t *count) {
    *count = rollup->regions.changed_count;
    return rollup->regions.changed;
}

void rollup_settle(struct rollup *rollup) {
    region_set_settle(&rollup->regions);
}

uint32_t rollup_find(const struct rollup *rollup, uint16_t competition, uint32_t region) {
    return region_set_find(&rollup->regions, competition, region);
}

const uint32_t *rollup_regions(const struct rollup *rollup, uint16_t competition, size_t *count) {
    uint32_t first = region_set_bound(&rollup->regions, competition, 0);
    *count = region_set_bound(&rollup->regions, competition + 1u, 0) - first;
    return rollup->regions.ordered + first;
}

size_t rollup_children(const struct rollup *rollup, uint16_t competition, uint32_t region,
                       uint32_t numbers[ROLLUP_CHILDREN_MAX]) {
    size_t count = 0;
    for (uint32_t i = region_set_bound(&rollup->regions, competition, region); i < rollup->regions.ordered_count; i++) {
        const struct region_entry *below = &rollup->regions.entries[rollup->regions.ordered[i]];
        if (below->competition != competition || !region_within(below->region, region)) {
            break;
        }
        if (below->region != region && region_parent(below->region) == region) {
            CHECK(count < ROLLUP_CHILDREN_MAX);
            numbers[count++] = rollup->regions.ordered[i];
        }
    }
    return count;
}

size_t rollup_cells(const struct rollup *rollup, uint32_t number,
                    struct rollup_cell cells[ROLLUP_CELLS_OF_REGION_MAX]) {
    CHECK(number < rollup->regions.count);
    size_t count = 0;
    for (uint32_t at = rollup->regions.entries[number].first_cell; at != CUBE_FULL; at = rollup->links[at].next) {
        const struct cell *cell = &rollup->sums.cells[at];
        if (!sums_zero(&cell->sums)) {
            cells[count++] = (struct rollup_cell){
                .category = cell_key_category(cell->key), .status = cell_key_status(cell->key), .sums = cell->sums};
        }
    }
    return count;
}

struct sums rollup_totals(const struct rollup *rollup, uint32_t number, uint16_t counts) {
    CHECK(number < rollup->regions.count);
    struct sums totals = {0};
    for (uint32_t at = rollup->regions.entries[number].first_cell; at != CUBE_FULL; at = rollup->links[at].next) {
        const struct cell *cell = &rollup->sums.cells[at];
        if ((counts >> cell_key_status(cell->key) & 1) != 0) {
            sums_merge(&totals, &cell->sums);
        }
    }
    return totals;
}

struct sums rollup_as_of(const struct rollup *rollup, uint32_t number, uint16_t day) {
    CHECK(number < rollup->regions.count);
    struct sums totals = {0};
    if (rollup->regions.entries[number].curve != CURVE_NONE) {
        curves_as_of(&rollup->sum_days, rollup->regions.entries[number].curve, day, &totals);
    }
    return totals;
}

size_t rollup_history(const struct rollup *rollup, uint32_t number, uint16_t first_day, uint16_t last_day,
                      struct rollup_point *points) {
    CHECK(number < rollup->regions.count);
    if (rollup->regions.entries[number].curve == CURVE_NONE) {
        return 0;
    }
    const struct curve *curve = &rollup->sum_days.curves[rollup->regions.entries[number].curve];
    struct sums running = {0};
    size_t count = 0;
    for (unsigned row = curve->day_low; row <= curve->day_high; row++) {
        const struct sums *change = curves_row(&rollup->sum_days, rollup->regions.entries[number].curve, (uint16_t)row);
        unsigned day = curve->first_day + row;
        if (day > last_day) {
            break;
        }
        sums_merge(&running, change);
        if (day >= first_day && !sums_zero(change)) {
            points[count++] = (struct rollup_point){.day = (uint16_t)day, .sums = running};
        }
    }
    return count;
}

struct rollup_tables rollup_tables(const struct rollup *rollup) {
    return (struct rollup_tables){.leaves = &rollup->leaves,
                                  .sums = &rollup->sums,
                                  .leaf_days = &rollup->leaf_days,
                                  .sum_days = &rollup->sum_days};
}

/* Adding the keys in the same order gives them the same numbers. */
static void copy_cube(struct cube *into, const struct cube *from) {
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t number = cube_find_or_add(into, from->cells[i].key);
        CHECK(number == i);
        into->cells[i].sums = from->cells[i].sums;
    }
}

static void copy_curves(struct curves *into, const struct curves *from) {
    for (uint32_t i = 0; i < from->count; i++) {
        const struct curve *curve = &from->curves[i];
        uint32_t number = curves_find_or_add(into, curve->competition, curve->region, curve->first_day);
        CHECK(number == i);
        into->curves[i] = *curve;
        for (uint32_t row = curve->day_low; row <= curve->day_high; row++) {
            into->days[(size_t)row * into->limit + i] = *curves_row(from, i, (uint16_t)row);
        }
    }
}

void rollup_copy(struct rollup *into, const struct rollup *from) {
    CHECK(into->version == 0 && into->regions.count == 0);
    copy_cube(&into->leaves, &from->leaves);
    copy_cube(&into->sums, &from->sums);
    copy_curves(&into->leaf_days, &from->leaf_days);
    copy_curves(&into->sum_days, &from->sum_days);
    region_set_copy(&into->regions, &from->regions);
    memcpy(into->leaf_paths, from->leaf_paths, from->leaves.count * sizeof *into->leaf_paths);
    memcpy(into->links, from->links, from->sums.count * sizeof *into->links);
    memcpy(into->day_paths, from->day_paths, from->leaf_days.count * sizeof *into->day_paths);
    into->version = from->version;
    into->projects = from->projects;
    into->torn = from->torn;
}
