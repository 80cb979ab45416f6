#include <string.h>

#include "book.h"

bool ledger_find(const struct ledger *ledger, uint16_t competition, const char *code, struct figures *figures) {
    struct project_key key;
    project_key_set(&key, competition, code, strnlen(code, PROJECT_CODE_BYTES_MAX));
    const struct project_record *record = project_table_find(&ledger->projects, &key, project_key_hash(&key));
    if (record == NULL) {
        return false;
    }
    cell_key_t cell = ledger->cube.cells[record->cell].key;
    *figures = (struct figures){.contract_value = (int64_t)record->contract_value,
                                .participants = record->participants,
                                .migrant_participants = record->migrant_participants,
                                .region = cell_key_region(cell),
                                .node = record->node,
                                .effective_day = record->effective_day,
                                .category = cell_key_category(cell),
                                .status = cell_key_status(cell),
                                .text_hash = record->text_hash};
    return true;
}

/* Sums of hashes do not depend on the order of what is hashed. */
static uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, size, seed);
}

static uint64_t digest_projects(const struct ledger *ledger) {
    uint64_t digest = 0;
    for (uint64_t i = 0; i < ledger->projects.count; i++) {
        struct project_record record = ledger->projects.records[i];
        cell_key_t cell = ledger->cube.cells[record.cell].key;
        record.cell = 0; /* what was numbered in the order of coming */
        record.updated_version = 0;
        digest += hash_bytes(&record, sizeof record, cell);
    }
    return digest;
}

static uint64_t digest_totals(const struct ledger *ledger) {
    uint64_t digest = 0;
    for (uint32_t i = 0; i < ledger->cube.count; i++) {
        const struct cell *cell = &ledger->cube.cells[i];
        digest += sums_zero(&cell->sums) ? 0 : hash_bytes(&cell->sums, sizeof cell->sums, cell->key);
    }
    for (uint32_t i = 0; i < ledger->curves.count; i++) {
        const struct curve *curve = &ledger->curves.curves[i];
        for (uint32_t row = curve->day_low; row <= curve->day_high; row++) {
            const struct sums *sums = curves_row(&ledger->curves, i, (uint16_t)row);
            uint64_t seed = (uint64_t)curve->competition << 48 | (uint64_t)curve->region << 16 | row;
            digest += sums_zero(sums) ? 0 : hash_bytes(sums, sizeof *sums, seed);
        }
    }
    return digest;
}

uint64_t ledger_digest(const struct ledger *ledger) {
    uint64_t parts[] = {digest_projects(ledger), digest_totals(ledger),
                        hash_bytes(ledger->sequences, sizeof ledger->sequences, 0), ledger->projects.count};
    return hash_bytes(parts, sizeof parts, 0);
}
