#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/archive/fold.h"
#include "proto/region.h"
#include "tests/support/history.h"
#include "tests/unit/daemon/folder.h"

enum { SHOWN_MAX = 4096 };

struct shelf {
    struct folder folder;
    struct entries *entries;
    struct state *state;
    struct stored_source source;
};

static void open_shelf(struct shelf *shelf) {
    char path[FOLDER_PATH_BYTES];
    struct fault fault = {0};
    folder_init(&shelf->folder);
    struct state_options options = {
        .path = folder_join(&shelf->folder, "state.mdb", path), .epoch = 1, .journal_version = UINT64_MAX};
    shelf->entries = entries_create();
    shelf->state = state_open(&options, &fault);
    cr_assert_not_null(shelf->state, "%s", fault.text);
    shelf->source = state_source(shelf->state);
}

static void close_shelf(struct shelf *shelf) {
    state_close(shelf->state);
    entries_destroy(shelf->entries);
    folder_fini(&shelf->folder);
}

static void fold_all(struct shelf *shelf) {
    struct fault fault = {0};
    struct fold_options options = {.state = shelf->state, .projects_max = 1 << 20};
    struct fold *fold = fold_create(&options, &fault);
    cr_assert_not_null(fold, "%s", fault.text);
    struct entry_source source = entries_source(shelf->entries);
    enum fold_progress progress;
    uint64_t written;
    do {
        cr_assert_eq(fold_read(fold, &source, 1 << 20, &progress), ERROR_NONE);
    } while (progress != FOLD_CAUGHT_UP);
    cr_assert_eq(fold_commit(fold, &written), ERROR_NONE);
    fold_destroy(fold);
}

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
    struct shown_list *expected;
};

static enum error gather(void *context, uint16_t competition, const char *code, const struct figures *figures) {
    const struct gathering *gathering = context;
    if (competition == gathering->competition && region_within(figures->region, gathering->region)) {
        struct stored_project project = {.figures = *figures};
        strcpy(project.code, code);
        show(gathering->expected, &project);
    }
    return ERROR_NONE;
}

/* All projects of the region, sorted, read from the table of projects without the index. */
static void expect(const struct shelf *shelf, uint16_t competition, uint32_t region, struct shown_list *expected) {
    struct gathering gathering = {.competition = competition, .region = region, .expected = expected};
    struct state_loader loader = {.context = &gathering, .project = gather};
    struct fault fault = {0};
    uint64_t version;
    expected->count = 0;
    cr_assert_eq(state_load(shelf->state, &loader, &version, &fault), ERROR_NONE);
    qsort(expected->rows, expected->count, sizeof expected->rows[0], compare_shown);
}

static void page_through(const struct shelf *shelf, uint16_t competition, uint32_t region, size_t page,
                         struct shown_list *shown) {
    uint32_t after_region = 0;
    const char *after_code = "";
    size_t before;
    shown->count = 0;
    do {
        uint64_t version;
        before = shown->count;
        cr_assert_eq(shelf->source.list(shelf->source.context, competition, region, after_region, after_code, page,
                                        show, shown, &version),
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
    open_shelf(&shelf);
    history_init(&history, shelf.entries, 21, &shape);
    for (size_t round = 0; round < 4; round++) { /* projects move between regions from round to round */
        history_extend(&history, 40);
        fold_all(&shelf);
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
    close_shelf(&shelf);
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
    open_shelf(&shelf);
    entries_define(shelf.entries, ENTRY_COMPETITION, &definition);
    entries_define(shelf.entries, ENTRY_NODE, &definition);
    entries_add_batch(shelf.entries, &batch);
    fold_all(&shelf);
    uint64_t version = 0;
    cr_assert_eq(shelf.source.find(shelf.source.context, 0, row.code, keep, &found, &version), ERROR_NONE);
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
    close_shelf(&shelf);
}

Test(lookup, tells_nothing_of_projects_that_are_not_there) {
    struct shelf shelf;
    struct stored_project found = {.competition = 5};
    uint64_t version = 9;
    const char *codes[] = {"A-1", "", "a-code-that-is-longer-than-any-project-may-have"};
    open_shelf(&shelf);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        cr_assert_eq(shelf.source.find(shelf.source.context, 0, codes[i], keep, &found, &version), ERROR_NONE);
        cr_assert_eq(found.competition, 5);
        cr_assert_eq(version, 0);
    }
    close_shelf(&shelf);
}
