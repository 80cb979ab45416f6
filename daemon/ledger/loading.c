#include <string.h>

#include "book.h"
#include "daemon/base/check.h"

enum error ledger_load_definition(struct ledger *ledger, enum entry_kind kind, const struct definition *definition) {
    if (definition->number >= (kind == ENTRY_COMPETITION ? (int)COMPETITIONS_MAX : (int)NODES_MAX)) {
        return ERROR_DAMAGED;
    }
    ledger_define(ledger, kind, definition);
    return ERROR_NONE;
}

enum error ledger_load_cell(struct ledger *ledger, cell_key_t cell) {
    uint16_t competition = cell_key_competition(cell);
    uint32_t number = ledger->cube.count;
    if (ledger_competition(ledger, competition) == NULL) {
        return ERROR_DAMAGED;
    }
    uint32_t found = ledger_find_cell(ledger, cell);
    return found == CUBE_FULL ? ERROR_LIMIT : found == number ? ERROR_NONE : ERROR_DAMAGED;
}

static bool is_free(const struct project_record *record) {
    return record->code[0] == 0;
}

static enum error load_project(struct ledger *ledger, uint32_t number, const struct project_record *project,
                               const struct project_key *key, uint64_t hash) {
    const struct cell *cell = &ledger->cube.cells[project->cell];
    if (number != ledger->projects.count || number == ledger->projects.capacity ||
        project_table_find(&ledger->projects, key, hash) != NULL) {
        return ERROR_DAMAGED;
    }
    *project_table_add(&ledger->projects, key, hash) = *project;
    int64_t value = (int64_t)project->contract_value;
    sums_add(&ledger->cube.cells[project->cell].sums, value, project->participants, project->migrant_participants);
    cube_touch(&ledger->cube, project->cell);
    ledger->value_sums[cell_key_competition(cell->key)] += value;
    return ERROR_NONE;
}

static bool fits(const struct ledger *ledger, const struct project_record *project) {
    return project->cell < ledger->cube.count && project->contract_value <= (uint64_t)CONTRACT_VALUE_FEN_MAX &&
           cell_key_competition(ledger->cube.cells[project->cell].key) == project->competition;
}

/* The keys of all first, so that the index's cache misses are waited for together. */
enum error ledger_load_block(struct ledger *ledger, uint32_t number, const struct project_block *block) {
    struct project_key keys[BLOCK_PROJECTS];
    uint64_t hashes[BLOCK_PROJECTS];
    for (size_t i = 0; i < BLOCK_PROJECTS; i++) {
        const struct project_record *project = &block->projects[i];
        memcpy(keys[i].code, project->code, sizeof keys[i].code);
        keys[i].competition = project->competition;
        hashes[i] = project_key_hash(&keys[i]);
        project_table_prefetch_slot(&ledger->projects, hashes[i]);
    }
    for (size_t i = 0; i < BLOCK_PROJECTS; i++) {
        const struct project_record *project = &block->projects[i];
        if (is_free(project)) {
            continue;
        }
        enum error error = ERROR_DAMAGED;
        if (fits(ledger, project)) {
            error = load_project(ledger, number * BLOCK_PROJECTS + (uint32_t)i, project, &keys[i], hashes[i]);
        }
        if (error != ERROR_NONE) {
            return error;
        }
    }
    return ERROR_NONE;
}

enum error ledger_load_day(struct ledger *ledger, uint16_t competition, uint32_t region, uint16_t day,
                           const struct sums *sums) {
    const struct definition *definition = ledger_competition(ledger, competition);
    if (definition == NULL) {
        return ERROR_DAMAGED;
    }
    uint32_t curve = curves_find_or_add(&ledger->curves, competition, region, definition->first_day);
    if (curve == CURVE_NONE) {
        return ERROR_LIMIT;
    }
    sums_merge(curves_touch(&ledger->curves, curve, day), sums);
    return ERROR_NONE;
}

void ledger_load_sequence(struct ledger *ledger, uint16_t node, uint64_t sequence) {
    CHECK(node < NODES_MAX);
    ledger->sequences[node] = sequence;
}

void ledger_resume(struct ledger *ledger, uint64_t complete_version, uint64_t version) {
    CHECK(complete_version <= version);
    ledger->version = complete_version;
    ledger->loaded_version = version;
    ledger->captured_version = version;
    ledger->captured_cells = ledger->cube.count;
    ledger->definitions_changed = false;
    ledger->rounds.complete_version = complete_version;
    curves_settle(&ledger->curves, CURVE_READER_ARCHIVE);
}
