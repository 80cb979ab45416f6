#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/archive/state_file.h"
#include "proto/region.h"
#include "shelf.h"
#include "tests/support/history.h"

enum { SHOWN_MAX = 4096 };

/* ---- a list, and what it must be ---- */

struct shown {
    uint32_t region;
    char code[PROJECT_CODE_BYTES_MAX + 1];
};

struct shown_list {
    size_t count;
    struct shown rows[SHOWN_MAX];
};

static void show(void *visitor, const struct stored_project *project) {
    struct shown_list *shown = visitor;
    cr_assert_lt(shown->count, SHOWN_MAX);
    struct shown *row = &shown->rows[shown->count++];
    row->region = project->figures.region;
    memcpy(row->code, project->code, sizeof row->code);
}

static int compare_shown(const void *a, const void *b) {
    const struct shown *left = a;
    const struct shown *right = b;
    return left->region != right->region ? (int)left->region - (int)right->region : strcmp(left->code, right->code);
}

struct gathering {
    uint16_t competition;
    uint32_t region;
    cell_key_t cells[4096]; /* by number */
    uint32_t cell_count;
    struct shown_list *expected;
};

static enum error gather_cell(void *context, cell_key_t cell) {
    struct gathering *gathering = context;
    cr_assert_lt(gathering->cell_count, sizeof gathering->cells / sizeof gathering->cells[0]);
    gathering->cells[gathering->cell_count++] = cell;
    return ERROR_NONE;
}

static enum error gather(void *context, uint32_t number, const struct project_block *block) {
    const struct gathering *gathering = context;
    (void)number;
    for (size_t i = 0; i < BLOCK_PROJECTS && block->projects[i].code[0] != 0; i++) {
        const struct project_record *record = &block->projects[i];
        uint32_t region = cell_key_region(gathering->cells[record->cell]);
        if (record->competition == gathering->competition && region_within(region, gathering->region)) {
            struct stored_project project = {.figures.region = region};
            memcpy(project.code, record->code, sizeof record->code);
            show(gathering->expected, &project);
        }
    }
    return ERROR_NONE;
}

/* All projects of the region, sorted, read from the blocks without the index. */
static void expect(const struct shelf *shelf, uint16_t competition, uint32_t region, struct shown_list *expected) {
    static struct gathering gathering;
    gathering = (struct gathering){.competition = competition, .region = region, .expected = expected};
    struct state_loader loader = {.context = &gathering, .cell = gather_cell, .block = gather};
    struct fault fault = {0};
    struct state_reach reach;
    expected->count = 0;
    cr_assert_eq(state_load(shelf->state, &loader, &reach, &fault), ERROR_NONE);
    qsort(expected->rows, expected->count, sizeof expected->rows[0], compare_shown);
}

static void page_through(const struct shelf *shelf, uint16_t competition, uint32_t region, size_t page,
                         struct shown_list *shown) {
    struct stored_source source = state_source(shelf->state);
    uint32_t after_region = 0;
    const char *after_code = "";
    size_t before;
    shown->count = 0;
    do {
        uint64_t version;
        before = shown->count;
        cr_assert_eq(
            source.list(source.context, competition, region, after_region, after_code, page, show, shown, &version),
            ERROR_NONE);
        cr_assert_leq(shown->count - before, page);
        cr_assert_eq(version, entries_version(shelf->entries));
        if (shown->count > 0) {
            after_region = shown->rows[shown->count - 1].region;
            after_code = shown->rows[shown->count - 1].code;
        }
    } while (shown->count > before);
}

Test(lookup, pages_through_every_region_in_order) {
    static struct shown_list expected;
    static struct shown_list shown;
    struct shelf shelf;
    struct history history;
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = 500, .rows_max = 100};
    const uint32_t regions[] = {0, 330000, 330100, 330106, 310000, 310101, 340000, 350000, 659000};
    shelf_open(&shelf, 1 << 20);
    history_init(&history, shelf.entries, 21, &shape);
    for (size_t round = 0; round < 4; round++) { /* projects move between regions from round to round */
        history_extend(&history, 40);
        shelf_catch_up(&shelf);
        for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
            for (size_t page = 1; page <= 1000; page *= 10) {
                uint16_t competition = (uint16_t)(page % 2);
                expect(&shelf, competition, regions[i], &expected);
                page_through(&shelf, competition, regions[i], page, &shown);
                cr_assert_eq(shown.count, expected.count, "%u: %zu %zu", regions[i], shown.count, expected.count);
                cr_assert_arr_eq(shown.rows, expected.rows, shown.count);
            }
        }
    }
    expect(&shelf, 0, 330000, &expected);
    cr_assert_gt(expected.count, 100);
    history_fini(&history);
    shelf_close(&shelf);
}

static void keep(void *visitor, const struct stored_project *project) {
    *(struct stored_project *)visitor = *project;
}

Test(lookup, finds_a_project_with_its_texts) {
    struct shelf shelf;
    struct stored_project found = {0};
    struct definition definition = {.statuses = 3, .counts = 2, .first_day = 18000, .key = "key"};
    struct entries_row row = {.code = "2101-330106-04-01-123456",
                              .region = 330106,
                              .category = 2,
                              .status = 1,
                              .contract_value = 123,
                              .participants = 7,
                              .migrant_participants = 6,
                              .name = "杭州地铁",
                              .contractor = "中建",
                              .start_day = 18500,
                              .completion_day = 19500};
    struct entries_batch batch = {
        .day = 18800, .wall_ms = 99, .columns = ENTRIES_ALL_COLUMNS, .rows = &row, .count = 1};
    shelf_open(&shelf, 1 << 20);
    entries_define(shelf.entries, ENTRY_COMPETITION, &definition);
    entries_define(shelf.entries, ENTRY_NODE, &definition);
    entries_add_batch(shelf.entries, &batch);
    shelf_catch_up(&shelf);
    uint64_t version = 0;
    struct stored_source source = state_source(shelf.state);
    cr_assert_eq(source.find(source.context, 0, row.code, keep, &found, &version), ERROR_NONE);
    cr_assert_eq(version, 3);
    cr_assert_str_eq(found.code, row.code);
    cr_assert_str_eq(found.name, row.name);
    cr_assert_str_eq(found.contractor, row.contractor);
    cr_assert_eq(found.start_day, 18500);
    cr_assert_eq(found.completion_day, 19500);
    cr_assert_eq(found.figures.contract_value, 123);
    cr_assert_eq(found.figures.effective_day, 18800);
    cr_assert_eq(found.updated_version, 3);
    cr_assert_eq(found.updated_ms, 99);
    shelf_close(&shelf);
}

Test(lookup, tells_nothing_of_projects_that_are_not_there) {
    struct shelf shelf;
    struct stored_project found = {.competition = 5};
    uint64_t version = 9;
    const char *codes[] = {"A-1", "", "a-code-that-is-longer-than-any-project-may-have"};
    shelf_open(&shelf, 1 << 20);
    struct stored_source source = state_source(shelf.state);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        cr_assert_eq(source.find(source.context, 0, codes[i], keep, &found, &version), ERROR_NONE);
        cr_assert_eq(found.competition, 5);
        cr_assert_eq(version, 0);
    }
    shelf_close(&shelf);
}
