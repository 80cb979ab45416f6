#include "teller.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void apply(struct teller *teller) {
    teller->entry->version = ledger_version(teller->ledger) + 1;
    ledger_apply(teller->ledger, teller->entry);
}

void teller_define(struct teller *teller, enum entry_kind kind, const struct definition *definition) {
    teller->entry->kind = kind;
    teller->entry->batch = (struct batch){0};
    teller->entry->refused_by_intake = 0;
    teller->entry->definition = *definition;
    apply(teller);
}

void teller_init(struct teller *teller, uint64_t projects_max) {
    *teller = (struct teller){
        .ledger = ledger_create(projects_max), .entry = calloc(1, sizeof *teller->entry), .columns = columns_create()};
    cr_assert(teller->ledger != NULL && teller->entry != NULL);
    sums_map_init(&teller->cells);
    struct definition definition = {.statuses = 7,
                                    .counts = 1 << TELLER_STATUS_COUNTING | 1 << TELLER_STATUS_ALSO_COUNTING,
                                    .first_day = TELLER_FIRST_DAY};
    for (uint16_t i = 0; i < TELLER_COMPETITIONS; i++) {
        definition.number = i;
        snprintf(definition.key, sizeof definition.key, "competition-%u", i);
        teller_define(teller, ENTRY_COMPETITION, &definition);
    }
    definition = (struct definition){0};
    for (uint16_t i = 0; i < TELLER_NODES; i++) {
        definition.number = i;
        snprintf(definition.key, sizeof definition.key, "node-%u", i);
        teller_define(teller, ENTRY_NODE, &definition);
    }
}

void teller_fini(struct teller *teller) {
    ledger_destroy(teller->ledger);
    sums_map_fini(&teller->cells);
    free(teller->entry);
    free(teller->columns);
    free(teller->snapshot.cells);
    free(teller->snapshot.days);
}

static void take_up(struct teller *teller, enum entry_kind kind, uint16_t node) {
    teller->entry->kind = kind;
    teller->entry->node = node;
    teller->entry->sequence = ledger_sequence(teller->ledger, node) + 1;
    teller->entry->refused_by_intake = 0;
}

enum refusal teller_tell(struct teller *teller, uint16_t node, uint16_t competition, uint16_t day,
                         const struct columns_row *row) {
    take_up(teller, ENTRY_BATCH, node);
    teller->entry->competition = competition;
    teller->entry->day = day;
    struct columns_present present = {.effective_day = row->effective_day != 0,
                                      .name = row->name != NULL,
                                      .contractor = row->contractor != NULL,
                                      .start_day = row->start_day != 0,
                                      .completion_day = row->completion_day != 0};
    columns_clear(teller->columns);
    columns_add(teller->columns, row);
    teller->entry->batch = columns_batch(teller->columns, present, teller->entry->sequence, "");
    teller->entry->verdicts[0] = REFUSAL_NONE;
    apply(teller);
    cr_assert_eq(teller->entry->accepted + teller->entry->refused, 1);
    cr_assert_eq(teller->entry->refused, teller->entry->verdicts[0] != REFUSAL_NONE);
    return (enum refusal)teller->entry->verdicts[0];
}

void teller_refuse_batch(struct teller *teller, uint16_t node, uint32_t rows, enum refusal code) {
    take_up(teller, ENTRY_BATCH_REFUSED, node);
    teller->entry->batch = (struct batch){.rows = rows};
    teller->entry->batch_code = (uint16_t)code;
    apply(teller);
}

struct sums teller_cell(struct teller *teller, uint16_t competition, uint32_t region, uint8_t category,
                        uint8_t status) {
    cr_assert_eq(ledger_fill(teller->ledger, &teller->snapshot), ERROR_NONE);
    for (size_t i = 0; i < teller->snapshot.cell_count; i++) {
        *sums_map_at(&teller->cells, teller->snapshot.cells[i].key) = teller->snapshot.cells[i].sums;
    }
    return sums_map_get(&teller->cells, cell_key(competition, region, category, status));
}
