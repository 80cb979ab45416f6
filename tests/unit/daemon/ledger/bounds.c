/* What the ledger does when one of its tables is full: the row is refused with totals-full, nothing else changes, and rows
 * that need no new room are still taken. */
#include <criterion/criterion.h>
#include <string.h>

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

static struct project_block block_of_one(const char *code) {
    struct project_block block = {.version = 1};
    memcpy(block.projects[0].code, code, strlen(code));
    return block;
}

Test(bounds, loading_a_project_that_is_there_or_beyond_the_bound_or_in_no_cell_or_after_a_gap_is_damage) {
    struct teller teller;
    teller_init(&teller, BLOCK_PROJECTS);
    cr_assert_eq(ledger_load_cell(teller.ledger, cell_key(0, 310101, 0, 0)), ERROR_NONE);
    struct project_block block = block_of_one("p1");
    cr_assert_eq(ledger_load_block(teller.ledger, 0, &block), ERROR_NONE);
    cr_assert_eq(ledger_load_block(teller.ledger, 0, &block), ERROR_DAMAGED, "its number is taken");
    cr_assert_eq(ledger_load_block(teller.ledger, 1, &block), ERROR_DAMAGED, "its number is beyond projects-max");
    struct project_block other = block_of_one("p2");
    memcpy(&other.projects[1], &other.projects[0], sizeof other.projects[1]);
    memset(&other.projects[0], 0, sizeof other.projects[0]);
    memcpy(other.projects[1].code, "p1", 2);
    cr_assert_eq(ledger_load_block(teller.ledger, 0, &other), ERROR_DAMAGED, "the project has a number");
    memcpy(other.projects[1].code, "p2", 2);
    other.projects[1].cell = 1;
    cr_assert_eq(ledger_load_block(teller.ledger, 0, &other), ERROR_DAMAGED, "there is no such cell");
    other.projects[1].cell = 0;
    other.projects[1].competition = 1;
    cr_assert_eq(ledger_load_block(teller.ledger, 0, &other), ERROR_DAMAGED, "the cell is another competition's");
    other.projects[1].competition = 0;
    memcpy(&other.projects[2], &other.projects[1], sizeof other.projects[2]);
    memset(&other.projects[1], 0, sizeof other.projects[1]);
    cr_assert_eq(ledger_load_block(teller.ledger, 0, &other), ERROR_DAMAGED, "number 1 is missing");
    memcpy(&other.projects[1], &other.projects[2], sizeof other.projects[1]);
    memset(&other.projects[2], 0, sizeof other.projects[2]);
    cr_assert_eq(ledger_load_block(teller.ledger, 0, &other), ERROR_NONE);
    cr_assert_eq(ledger_projects(teller.ledger), 2);
    teller_fini(&teller);
}
