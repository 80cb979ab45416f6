#include "totals.h"

static void begin(struct totals *totals, const struct rollup *rollup, const struct competition *competition,
                  uint32_t region) {
    tally__totals__init(&totals->message);
    totals->message.competition = (char *)(uintptr_t)competition->key; /* packing only reads it */
    totals->message.region = region;
    totals->message.version = rollup_version(rollup);
}

static void put_sums(Tally__Totals *message, const struct sums *sums) {
    message->projects = (uint64_t)sums->projects;
    message->contract_value = sums->contract_value;
    message->participants = sums->participants;
    message->migrant_participants = sums->migrant_participants;
}

static void put_cell(struct totals *totals, size_t i, const struct rollup_cell *cell) {
    totals->category[i] = cell->category;
    totals->status[i] = cell->status;
    totals->projects[i] = (uint64_t)cell->sums.projects;
    totals->contract_value[i] = cell->sums.contract_value;
    totals->participants[i] = cell->sums.participants;
    totals->migrant_participants[i] = cell->sums.migrant_participants;
}

static void put_columns(struct totals *totals, size_t count) {
    Tally__Totals *message = &totals->message;
    message->n_cell_category = message->n_cell_status = message->n_cell_projects = count;
    message->n_cell_contract_value = message->n_cell_participants = message->n_cell_migrant_participants = count;
    message->cell_category = totals->category;
    message->cell_status = totals->status;
    message->cell_projects = totals->projects;
    message->cell_contract_value = totals->contract_value;
    message->cell_participants = totals->participants;
    message->cell_migrant_participants = totals->migrant_participants;
}

void totals_fill(struct totals *totals, const struct rollup *rollup, const struct competition *competition,
                 uint32_t region) {
    begin(totals, rollup, competition, region);
    uint32_t number = rollup_find(rollup, competition->number, region);
    if (number == REGION_NONE) {
        return;
    }
    struct rollup_cell cells[ROLLUP_CELLS_OF_REGION_MAX];
    size_t count = rollup_cells(rollup, number, cells);
    struct sums counting = {0};
    for (size_t i = 0; i < count; i++) {
        put_cell(totals, i, &cells[i]);
        if ((competition->counts >> cells[i].status & 1) != 0) {
            sums_merge(&counting, &cells[i].sums);
        }
    }
    put_columns(totals, count);
    put_sums(&totals->message, &counting);
}

void totals_fill_as_of(struct totals *totals, const struct rollup *rollup, const struct competition *competition,
                       uint32_t region, uint16_t day) {
    begin(totals, rollup, competition, region);
    totals->message.day = day;
    uint32_t number = rollup_find(rollup, competition->number, region);
    if (number != REGION_NONE) {
        struct sums sums = rollup_as_of(rollup, number, day);
        put_sums(&totals->message, &sums);
    }
}
