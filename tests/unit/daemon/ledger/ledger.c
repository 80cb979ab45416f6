/* The ledger's rules, one by one. That they hold together is agreement.c's. */
#include "daemon/ledger/ledger.h"

#include <criterion/criterion.h>
#include <string.h>

#include "teller.h"

static struct figures figures_of(const struct teller *teller, uint16_t competition, const char *code) {
    struct figures figures = {0};
    cr_assert(ledger_find(teller->ledger, competition, code, &figures), "%s", code);
    return figures;
}

static void expect_sums(struct sums sums, int64_t projects, int64_t value, int64_t participants, int64_t migrants) {
    cr_assert_eq(sums.projects, projects);
    cr_assert_eq(sums.contract_value, value);
    cr_assert_eq(sums.participants, participants);
    cr_assert_eq(sums.migrant_participants, migrants);
}

static const struct columns_row first_row = {
    .code = "p1", .region = 330106, .contract_value = 900, .participants = 60, .migrant_participants = 20};

Test(ledger, a_project_is_counted_where_its_row_says) {
    struct teller teller;
    teller_init(&teller, 100);
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &first_row), REFUSAL_NONE);
    expect_sums(teller_cell(&teller, 0, 330106, 0, 0), 1, 900, 60, 20);
    struct figures figures = figures_of(&teller, 0, "p1");
    cr_assert(figures.node == 1 && figures.effective_day == 19000 && figures.region == 330106);
    cr_assert(!ledger_find(teller.ledger, 1, "p1", &figures), "not in another competition");
    cr_assert(!ledger_find(teller.ledger, 0, "p", &figures));
    teller_fini(&teller);
}

Test(ledger, a_change_moves_all_of_it_to_the_new_cell) {
    struct teller teller;
    teller_init(&teller, 100);
    struct columns_row row = first_row;
    teller_tell(&teller, 1, 0, 19000, &row);
    row.region = 330110;
    row.category = 2;
    row.status = TELLER_STATUS_NOT_COUNTING;
    row.contract_value = 1000;
    row.participants = 70;
    row.migrant_participants = 30;
    cr_assert_eq(teller_tell(&teller, 1, 0, 19001, &row), REFUSAL_NONE);
    cr_assert_eq(teller.entry->unchanged, 0);
    expect_sums(teller_cell(&teller, 0, 330106, 0, 0), 0, 0, 0, 0);
    expect_sums(teller_cell(&teller, 0, 330110, 2, TELLER_STATUS_NOT_COUNTING), 1, 1000, 70, 30);
    cr_assert_eq(ledger_projects(teller.ledger), 1);
    teller_fini(&teller);
}

Test(ledger, the_node_that_reported_first_owns_the_project) {
    struct teller teller;
    teller_init(&teller, 100);
    struct columns_row row = first_row;
    teller_tell(&teller, 1, 0, 19000, &row);
    row.contract_value = 1;
    cr_assert_eq(teller_tell(&teller, 2, 0, 19001, &row), REFUSAL_PROJECT_NOT_YOURS);
    cr_assert_eq(teller_tell(&teller, 2, 0, 18999, &row), REFUSAL_PROJECT_NOT_YOURS, "said before its day is judged");
    cr_assert_eq(figures_of(&teller, 0, "p1").contract_value, 900);
    cr_assert_eq(teller_tell(&teller, 2, 1, 19001, &row), REFUSAL_NONE, "in another competition it is another project");
    cr_assert_eq(ledger_sequence(teller.ledger, 2), 3);
    teller_fini(&teller);
}

Test(ledger, days_of_a_project_never_go_back) {
    struct teller teller;
    teller_init(&teller, 100);
    struct columns_row row = first_row;
    row.effective_day = 18900;
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &row), REFUSAL_NONE);
    cr_assert_eq(figures_of(&teller, 0, "p1").effective_day, 18900);
    row.contract_value = 1;
    row.effective_day = 18899;
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &row), REFUSAL_DAY_BEFORE_LAST);
    row.effective_day = 18900;
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &row), REFUSAL_NONE, "the same day again is fine");
    row.effective_day = 0;
    cr_assert_eq(teller_tell(&teller, 1, 0, 19002, &row), REFUSAL_NONE);
    cr_assert_eq(figures_of(&teller, 0, "p1").effective_day, 19002, "no day means the day of receipt");
    teller_fini(&teller);
}

Test(ledger, a_row_that_says_nothing_new_is_counted_as_unchanged_but_its_day_holds) {
    struct teller teller;
    teller_init(&teller, 100);
    struct columns_row row = first_row;
    teller_tell(&teller, 1, 0, 19000, &row);
    teller_cell(&teller, 0, 330106, 0, 0);
    cr_assert_eq(teller_tell(&teller, 1, 0, 19005, &row), REFUSAL_NONE);
    cr_assert(teller.entry->unchanged == 1 && teller.entry->accepted == 1);
    cr_assert_eq(ledger_fill(teller.ledger, &teller.snapshot), ERROR_NONE);
    cr_assert(teller.snapshot.cell_count == 0 && teller.snapshot.day_count == 0);
    row.contract_value = 7;
    cr_assert_eq(teller_tell(&teller, 1, 0, 19004, &row), REFUSAL_DAY_BEFORE_LAST);
    teller_fini(&teller);
}

/* Each figure and each text on its own is something new. */
Test(ledger, any_difference_is_something_new) {
    struct columns_row rows[9];
    for (size_t i = 0; i < 9; i++) {
        rows[i] = first_row;
        rows[i].name = "名称";
        rows[i].contractor = "单位";
        rows[i].start_day = 18800;
        rows[i].completion_day = 19800;
    }
    rows[1].category = 1;
    rows[2].status = TELLER_STATUS_ALSO_COUNTING;
    rows[3].contract_value++;
    rows[4].participants++;
    rows[5].migrant_participants++;
    rows[6].name = "名";
    rows[7].contractor = "";
    rows[8].completion_day++;
    for (size_t i = 0; i < 9; i++) {
        struct teller teller;
        teller_init(&teller, 100);
        teller_tell(&teller, 1, 0, 19000, &rows[0]);
        cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &rows[i]), REFUSAL_NONE);
        cr_assert_eq(teller.entry->unchanged, i == 0, "row %zu", i);
        teller_fini(&teller);
    }
}

Test(ledger, absent_texts_leave_the_texts_as_they_were) {
    struct teller teller;
    teller_init(&teller, 100);
    struct columns_row with = first_row;
    with.name = "杭州西站枢纽";
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &first_row), REFUSAL_NONE);
    cr_assert_eq(figures_of(&teller, 0, "p1").text_hash, 0);
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &with), REFUSAL_NONE);
    cr_assert_eq(teller.entry->unchanged, 0, "the first texts are something new");
    uint32_t hash = figures_of(&teller, 0, "p1").text_hash;
    cr_assert_neq(hash, 0);
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &first_row), REFUSAL_NONE);
    cr_assert_eq(teller.entry->unchanged, 1);
    cr_assert_eq(figures_of(&teller, 0, "p1").text_hash, hash);
    with.name = "";
    cr_assert_eq(teller_tell(&teller, 1, 0, 19000, &with), REFUSAL_NONE);
    cr_assert_eq(teller.entry->unchanged, 0, "an empty text in a present column is something new");
    teller_fini(&teller);
}

Test(ledger, a_change_shows_on_the_day_it_became_true_and_only_in_what_counts) {
    struct teller teller;
    teller_init(&teller, 100);
    struct columns_row row = first_row;
    teller_tell(&teller, 1, 0, 19000, &row);
    row.status = TELLER_STATUS_NOT_COUNTING;
    row.effective_day = 19010;
    teller_tell(&teller, 1, 0, 19020, &row);
    cr_assert_eq(ledger_fill(teller.ledger, &teller.snapshot), ERROR_NONE);
    cr_assert_eq(teller.snapshot.day_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct snapshot_day *day = &teller.snapshot.days[i];
        int64_t sign = day->day == 19000 ? 1 : -1;
        cr_assert(day->day == 19000 || day->day == 19010);
        cr_assert(day->competition == 0 && day->region == 330106 && day->first_day == TELLER_FIRST_DAY);
        expect_sums(day->sums, sign, sign * 900, sign * 60, sign * 20);
    }
    teller_fini(&teller);
}

Test(ledger, a_batch_refused_as_a_whole_uses_up_its_sequence_and_nothing_else) {
    struct teller teller;
    teller_init(&teller, 100);
    teller_tell(&teller, 1, 0, 19000, &first_row);
    struct sums before = teller_cell(&teller, 0, 330106, 0, 0);
    teller_refuse_batch(&teller, 1, 500, REFUSAL_COMPETITION_UNKNOWN);
    cr_assert(teller.entry->refused == 500 && teller.entry->accepted == 0 && teller.entry->unchanged == 0);
    cr_assert_eq(ledger_sequence(teller.ledger, 1), 2);
    cr_assert_eq(ledger_sequence(teller.ledger, 0), 0);
    cr_assert(ledger_changed(teller.ledger), "the version moved on");
    struct sums after = teller_cell(&teller, 0, 330106, 0, 0);
    cr_assert(sums_equal(&before, &after));
    cr_assert(!ledger_changed(teller.ledger));
    teller_fini(&teller);
}

Test(ledger, knows_definitions_by_number_and_the_last_one_holds) {
    struct teller teller;
    teller_init(&teller, 100);
    cr_assert_str_eq(ledger_competition(teller.ledger, 1)->key, "competition-1");
    cr_assert_str_eq(ledger_node(teller.ledger, 2)->key, "node-2");
    cr_assert_null(ledger_competition(teller.ledger, TELLER_COMPETITIONS));
    cr_assert_null(ledger_competition(teller.ledger, UINT16_MAX));
    cr_assert_null(ledger_node(teller.ledger, TELLER_NODES));
    cr_assert_null(ledger_node(teller.ledger, UINT16_MAX));
    struct definition wider = *ledger_competition(teller.ledger, 1);
    wider.statuses |= 1 << 9;
    wider.counts |= 1 << 9;
    teller_define(&teller, ENTRY_COMPETITION, &wider);
    cr_assert(definition_equal(ledger_competition(teller.ledger, 1), &wider));
    struct columns_row row = first_row;
    row.status = 9;
    cr_assert_eq(teller_tell(&teller, 1, 1, 19000, &row), REFUSAL_NONE);
    cr_assert_eq(ledger_fill(teller.ledger, &teller.snapshot), ERROR_NONE);
    cr_assert_eq(teller.snapshot.day_count, 1, "the new status counts");
    teller_fini(&teller);
}

Test(ledger, loading_what_names_no_definition_is_damage) {
    struct teller teller;
    teller_init(&teller, 100);
    cr_assert_eq(ledger_load_day(teller.ledger, 7, 330106, 19000, &(struct sums){0}), ERROR_DAMAGED);
    cr_assert_eq(ledger_load_cell(teller.ledger, cell_key(7, 330106, 0, 0)), ERROR_DAMAGED);
    cr_assert_eq(ledger_load_cell(teller.ledger, cell_key(0, 330106, 0, 0)), ERROR_NONE);
    cr_assert_eq(ledger_load_cell(teller.ledger, cell_key(0, 330106, 0, 0)), ERROR_DAMAGED, "each cell comes once");
    struct definition definition = {.number = COMPETITIONS_MAX};
    cr_assert_eq(ledger_load_definition(teller.ledger, ENTRY_COMPETITION, &definition), ERROR_DAMAGED);
    cr_assert_eq(ledger_load_definition(teller.ledger, ENTRY_NODE, &definition), ERROR_NONE);
    definition.number = NODES_MAX;
    cr_assert_eq(ledger_load_definition(teller.ledger, ENTRY_NODE, &definition), ERROR_DAMAGED);
    cr_assert_eq(ledger_projects(teller.ledger), 0);
    teller_fini(&teller);
}

/* ---- the digest: blind to the order in which things came, to nothing else ---- */

static uint64_t digest_after(const struct columns_row *rows, const uint16_t *competitions, size_t count,
                             uint16_t node) {
    struct teller teller;
    teller_init(&teller, 100);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(teller_tell(&teller, node, competitions[i], 19000, &rows[i]), REFUSAL_NONE);
    }
    uint64_t digest = ledger_digest(teller.ledger);
    teller_fini(&teller);
    return digest;
}

Test(ledger, digests_of_equal_states_are_equal_whatever_came_first) {
    struct columns_row rows[3] = {first_row, first_row, first_row};
    rows[1].code = "p2";
    rows[1].region = 310101;
    rows[2].code = "p3";
    rows[2].category = 3;
    uint64_t forth = digest_after(rows, (uint16_t[]){0, 1, 0}, 3, 1);
    struct columns_row turned[3] = {rows[2], rows[0], rows[1]};
    cr_assert_eq(digest_after(turned, (uint16_t[]){0, 0, 1}, 3, 1), forth);
}

Test(ledger, digests_of_different_states_differ) {
    static const uint16_t here = 0;
    static const uint16_t elsewhere = 1;
    uint64_t digest = digest_after(&first_row, &here, 1, 1);
    cr_assert_neq(digest_after(&first_row, &elsewhere, 1, 1), digest);
    cr_assert_neq(digest_after(&first_row, &here, 1, 2), digest);
    struct columns_row rows[9];
    for (size_t i = 0; i < 9; i++) {
        rows[i] = first_row;
    }
    rows[0].code = "p2";
    rows[1].region = 330108;
    rows[2].category = 1;
    rows[3].status = TELLER_STATUS_ALSO_COUNTING;
    rows[4].contract_value++;
    rows[5].participants++;
    rows[6].migrant_participants++;
    rows[7].effective_day = 18999;
    rows[8].name = "";
    for (size_t i = 0; i < 9; i++) {
        cr_assert_neq(digest_after(&rows[i], &here, 1, 1), digest, "row %zu", i);
    }
}
