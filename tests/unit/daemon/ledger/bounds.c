/* What the ledger does when one of its tables is full: the row is refused with totals-full, nothing else changes, and rows
 * that need no new room are still taken. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "daemon/ledger/ledger.h"
#include "teller.h"

static uint32_t region_of(uint32_t number) {
    return 310000 + number;
}

/* ---- projects ---- */

Test(bounds, a_full_table_of_projects_refuses_new_ones_only) {
    struct teller teller;
    teller_init(&teller, 2);
    struct columns_row row = {.code = "p1", .region = 310101, .contract_value = 5, .participants = 1};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE);
    row.code = "p2";
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE);
    row.code = "p3";
    uint64_t digest = ledger_digest(teller.ledger);
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_TOTALS_FULL);
    ledger_load_sequence(teller.ledger, 0, 2); /* the sequence is used up; all else is as it was */
    cr_assert_eq(ledger_digest(teller.ledger), digest);
    ledger_load_sequence(teller.ledger, 0, 3);
    row = (struct columns_row){.code = "p1", .region = 310104, .contract_value = 6, .participants = 1};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE);
    cr_assert_eq(ledger_projects(teller.ledger), 2);
    teller_fini(&teller);
}

/* ---- value ---- */

enum { FULL_PROJECTS = (int)(VALUE_SUM_MAX / CONTRACT_VALUE_FEN_MAX) };

/* As many projects of the greatest value as there may be. */
static void fill_value(struct teller *teller) {
    for (int i = 0; i < FULL_PROJECTS; i++) {
        char code[16];
        snprintf(code, sizeof code, "p%d", i);
        struct columns_row row = {.code = code, .region = 310101, .contract_value = CONTRACT_VALUE_FEN_MAX};
        cr_assert_eq(teller_tell(teller, 0, 0, 19000, &row), REFUSAL_NONE);
    }
}

Test(bounds, the_value_of_a_competition_is_taken_up_to_its_last_fen) {
    struct teller teller;
    teller_init(&teller, 10000);
    fill_value(&teller);
    const int64_t left = VALUE_SUM_MAX - FULL_PROJECTS * CONTRACT_VALUE_FEN_MAX;
    struct columns_row row = {.code = "last", .region = 310101, .contract_value = left + 1};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_TOTALS_FULL);
    cr_assert(!ledger_find(teller.ledger, 0, "last", &(struct figures){0}));
    row.contract_value = left;
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE);
    row = (struct columns_row){.code = "zero", .region = 310101};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE, "a project of no value still fits");
    row.contract_value = 1;
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_TOTALS_FULL);
    struct sums sums = teller_cell(&teller, 0, 310101, 0, 0);
    cr_assert_eq(sums.contract_value, VALUE_SUM_MAX);
    cr_assert_eq(sums.projects, FULL_PROJECTS + 2);
    teller_fini(&teller);
}

Test(bounds, value_that_one_project_gives_up_another_may_take) {
    struct teller teller;
    teller_init(&teller, 10000);
    fill_value(&teller);
    struct columns_row row = {.code = "p7", .region = 310101, .contract_value = 1000};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE);
    row = (struct columns_row){.code = "new", .region = 310101, .contract_value = CONTRACT_VALUE_FEN_MAX - 1000};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE);
    row = (struct columns_row){.code = "p7", .region = 310101, .contract_value = CONTRACT_VALUE_FEN_MAX};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_TOTALS_FULL);
    struct figures figures;
    cr_assert(ledger_find(teller.ledger, 0, "p7", &figures));
    cr_assert_eq(figures.contract_value, 1000, "a refused row leaves the project as it was");
    teller_fini(&teller);
}

Test(bounds, each_competition_has_its_own_bound_of_value) {
    struct teller teller;
    teller_init(&teller, 10000);
    fill_value(&teller);
    struct columns_row row = {.code = "p", .region = 310101, .contract_value = CONTRACT_VALUE_FEN_MAX};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_TOTALS_FULL);
    cr_assert_eq(teller_tell(&teller, 0, 1, 19000, &row), REFUSAL_NONE);
    teller_fini(&teller);
}

/* ---- cells and curves ---- */

/* A project in a cell of its own, of a status that does not count, so that no curve is needed. */
static enum refusal tell_in_cell(struct teller *teller, const char *code, uint32_t cell) {
    struct columns_row row = {
        .code = code, .region = region_of(cell / 16), .category = cell % 16, .status = TELLER_STATUS_NOT_COUNTING};
    return teller_tell(teller, 0, 0, 19000, &row);
}

Test(bounds, a_full_cube_refuses_rows_that_need_a_new_cell_only) {
    struct teller teller;
    teller_init(&teller, 10);
    for (uint32_t cell = 0; cell + 2 < LEAF_CELLS_MAX; cell++) {
        cell_key_t key = cell_key(0, region_of(cell / 16), cell % 16, TELLER_STATUS_NOT_COUNTING);
        cr_assert_eq(ledger_load_cell(teller.ledger, key), ERROR_NONE);
    }
    cr_assert_eq(tell_in_cell(&teller, "p1", LEAF_CELLS_MAX - 2), REFUSAL_NONE);
    cr_assert_eq(tell_in_cell(&teller, "p2", LEAF_CELLS_MAX - 1), REFUSAL_NONE);
    cr_assert_eq(tell_in_cell(&teller, "p3", LEAF_CELLS_MAX), REFUSAL_TOTALS_FULL, "a new project");
    cr_assert_eq(tell_in_cell(&teller, "p2", LEAF_CELLS_MAX), REFUSAL_TOTALS_FULL, "a project that moves");
    cr_assert_eq(ledger_projects(teller.ledger), 2);
    struct figures figures;
    cr_assert(ledger_find(teller.ledger, 0, "p2", &figures));
    cr_assert_eq(figures.region, region_of((LEAF_CELLS_MAX - 1) / 16));
    cr_assert_eq(tell_in_cell(&teller, "p3", 5), REFUSAL_NONE);
    cr_assert_eq(tell_in_cell(&teller, "p2", 6), REFUSAL_NONE);
    cell_key_t beyond = cell_key(0, region_of(LEAF_CELLS_MAX / 16), 0, TELLER_STATUS_NOT_COUNTING);
    cr_assert_eq(ledger_load_cell(teller.ledger, beyond), ERROR_LIMIT);
    teller_fini(&teller);
}

Test(bounds, without_a_curve_a_cell_that_counts_is_refused_and_not_left_behind) {
    struct teller teller;
    teller_init(&teller, 10);
    for (uint32_t i = 0; i < LEAF_CURVES_MAX; i++) {
        cell_key_t key = cell_key(0, region_of(i), 0, TELLER_STATUS_COUNTING);
        cr_assert_eq(ledger_load_cell(teller.ledger, key), ERROR_NONE);
    }
    struct columns_row row = {.code = "p", .region = region_of(LEAF_CURVES_MAX), .status = TELLER_STATUS_COUNTING};
    size_t bytes = ledger_bytes(teller.ledger);
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_TOTALS_FULL);
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_TOTALS_FULL, "and again");
    cr_assert_eq(ledger_bytes(teller.ledger), bytes, "no cell was kept for it");
    cr_assert_eq(ledger_load_day(teller.ledger, 0, row.region, 19000, &(struct sums){1, 1, 1, 1}), ERROR_LIMIT);
    row.status = TELLER_STATUS_NOT_COUNTING;
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE, "what does not count needs no curve");
    row = (struct columns_row){.code = "q", .region = region_of(3), .status = TELLER_STATUS_COUNTING};
    cr_assert_eq(teller_tell(&teller, 0, 0, 19000, &row), REFUSAL_NONE);
    cr_assert_eq(teller_cell(&teller, 0, region_of(3), 0, TELLER_STATUS_COUNTING).projects, 1);
    teller_fini(&teller);
}

/* ---- loading ---- */

Test(bounds, loading_more_than_there_is_room_for_is_a_limit) {
    struct teller teller;
    teller_init(&teller, 1);
    struct figures figures = {.contract_value = 5, .region = 310101};
    cr_assert_eq(ledger_load_project(teller.ledger, 0, "p1", &figures), ERROR_NONE);
    cr_assert_eq(ledger_load_project(teller.ledger, 0, "p2", &figures), ERROR_LIMIT);
    cr_assert_eq(ledger_projects(teller.ledger), 1);
    teller_fini(&teller);
}

Test(bounds, loading_more_value_than_a_competition_may_have_is_a_limit) {
    struct teller teller;
    teller_init(&teller, 10);
    struct figures figures = {.contract_value = VALUE_SUM_MAX - 1, .region = 310101};
    cr_assert_eq(ledger_load_project(teller.ledger, 0, "p1", &figures), ERROR_NONE);
    figures.contract_value = 2;
    cr_assert_eq(ledger_load_project(teller.ledger, 0, "p2", &figures), ERROR_LIMIT);
    figures.contract_value = 1;
    cr_assert_eq(ledger_load_project(teller.ledger, 0, "p2", &figures), ERROR_NONE);
    teller_fini(&teller);
}
