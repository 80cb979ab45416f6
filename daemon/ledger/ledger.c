#include "ledger.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/base/check.h"
#include "project_table.h"

/* Rows whose memory is asked for together before any is applied: enough misses in flight to hide each other, few enough to
 * stay in the first-level cache. Measured: 8 to 32 are alike, 1 costs twice as much at 1 M projects. */
enum { RUN_ROWS = 16 };

struct ledger {
    struct project_table projects;
    struct cube cube;
    struct curves curves;
    uint64_t version;
    uint64_t filled_version; /* of the last snapshot */
    bool defined_competition[COMPETITIONS_MAX];
    bool defined_node[NODES_MAX];
    struct definition competitions[COMPETITIONS_MAX];
    struct definition nodes[NODES_MAX];
    uint64_t sequences[NODES_MAX];
    int64_t value_sums[COMPETITIONS_MAX]; /* contract values of all projects, counting or not: see figures_fit */
};

struct ledger *ledger_create(uint64_t projects_max) {
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        return NULL;
    }
    if (project_table_init(&ledger->projects, projects_max) != ERROR_NONE || cube_init(&ledger->cube) != ERROR_NONE ||
        curves_init(&ledger->curves) != ERROR_NONE) {
        ledger_destroy(ledger);
        return NULL;
    }
    ledger->cube.limit = LEAF_CELLS_MAX;
    ledger->curves.limit = LEAF_CURVES_MAX;
    return ledger;
}

void ledger_destroy(struct ledger *ledger) {
    if (ledger == NULL) {
        return;
    }
    project_table_fini(&ledger->projects);
    cube_fini(&ledger->cube);
    curves_fini(&ledger->curves);
    free(ledger);
}

uint64_t ledger_version(const struct ledger *ledger) {
    return ledger->version;
}

uint64_t ledger_projects(const struct ledger *ledger) {
    return ledger->projects.count;
}

size_t ledger_bytes(const struct ledger *ledger) {
    return project_table_bytes(&ledger->projects) + ledger->cube.count * sizeof *ledger->cube.cells;
}

uint64_t ledger_sequence(const struct ledger *ledger, uint16_t node) {
    return node < NODES_MAX ? ledger->sequences[node] : 0;
}

const struct definition *ledger_competition(const struct ledger *ledger, uint16_t number) {
    return number < COMPETITIONS_MAX && ledger->defined_competition[number] ? &ledger->competitions[number] : NULL;
}

const struct definition *ledger_node(const struct ledger *ledger, uint16_t number) {
    return number < NODES_MAX && ledger->defined_node[number] ? &ledger->nodes[number] : NULL;
}

/* ---- applying ---- */

/* What a row says, with the cell that it belongs in. */
struct row {
    int64_t contract_value;
    uint32_t participants;
    uint32_t migrant_participants;
    uint32_t text_hash; /* 0 = the row has no texts */
    uint16_t node;
    uint16_t competition;
    uint16_t day;
    cell_key_t cell;
};

static void row_read(struct row *row, const struct entry *entry, size_t i) {
    const struct batch *batch = &entry->batch;
    *row = (struct row){
        .contract_value = batch->contract_value[i],
        .participants = (uint32_t)batch->participants[i],
        .migrant_participants = (uint32_t)batch->migrant_participants[i],
        .text_hash = entry_text_hash(entry, i),
        .node = entry->node,
        .competition = entry->competition,
        .day = entry_row_day(entry, i),
        .cell = cell_key(entry->competition, batch->region[i], (uint8_t)batch->category[i], (uint8_t)batch->status[i]),
    };
}

/* The number of the cell, made with its curve if new; CUBE_FULL if there is no room for either. */
static uint32_t find_cell(struct ledger *ledger, cell_key_t key) {
    uint32_t before = ledger->cube.count;
    uint32_t number = cube_find_or_add(&ledger->cube, key);
    if (number == CUBE_FULL || ledger->cube.count == before) {
        return number;
    }
    const struct definition *competition = &ledger->competitions[cell_key_competition(key)];
    if ((competition->counts >> cell_key_status(key) & 1) != 0) {
        uint32_t curve =
            curves_find_or_add(&ledger->curves, competition->number, cell_key_region(key), competition->first_day);
        if (curve == CURVE_NONE) {
            cube_remove_last(&ledger->cube);
            return CUBE_FULL;
        }
        ledger->cube.cells[number].curve = curve;
    }
    return number;
}

static void count_out(struct ledger *ledger, const struct project_record *record, uint16_t day) {
    struct cell *cell = &ledger->cube.cells[record->cell];
    sums_subtract(&cell->sums, record->contract_value, record->participants, record->migrant_participants);
    cube_touch(&ledger->cube, record->cell);
    if (cell->curve != CURVE_NONE) {
        sums_subtract(curves_touch(&ledger->curves, cell->curve, day), record->contract_value, record->participants,
                      record->migrant_participants);
    }
}

static void count_in(struct ledger *ledger, const struct project_record *record, uint16_t day) {
    struct cell *cell = &ledger->cube.cells[record->cell];
    sums_add(&cell->sums, record->contract_value, record->participants, record->migrant_participants);
    cube_touch(&ledger->cube, record->cell);
    if (cell->curve != CURVE_NONE) {
        sums_add(curves_touch(&ledger->curves, cell->curve, day), record->contract_value, record->participants,
                 record->migrant_participants);
    }
}

static void record_set(struct project_record *record, const struct row *row, uint32_t cell) {
    record->contract_value = row->contract_value;
    record->participants = row->participants;
    record->migrant_participants = row->migrant_participants;
    record->cell = cell;
    record->effective_day = row->day;
    record->text_hash = row->text_hash != 0 ? row->text_hash : record->text_hash;
}

static bool says_nothing_new(const struct ledger *ledger, const struct project_record *record, const struct row *row) {
    return ledger->cube.cells[record->cell].key == row->cell && record->contract_value == row->contract_value &&
           record->participants == row->participants && record->migrant_participants == row->migrant_participants &&
           (row->text_hash == 0 || row->text_hash == record->text_hash);
}

static enum refusal add_project(struct ledger *ledger, const struct row *row, const struct project_key *key,
                                uint64_t hash) {
    int64_t *value_sum = &ledger->value_sums[row->competition];
    if (ledger->projects.count == ledger->projects.capacity || !figures_fit(*value_sum, 0, row->contract_value)) {
        return REFUSAL_TOTALS_FULL;
    }
    uint32_t cell = find_cell(ledger, row->cell);
    if (cell == CUBE_FULL) {
        return REFUSAL_TOTALS_FULL;
    }
    struct project_record *record = project_table_add(&ledger->projects, key, hash);
    record->node = row->node;
    record_set(record, row, cell);
    count_in(ledger, record, row->day);
    *value_sum += row->contract_value;
    return REFUSAL_NONE;
}

static enum refusal change_project(struct ledger *ledger, const struct row *row, struct project_record *record,
                                   uint32_t *unchanged) {
    enum refusal refusal = figures_judge(record->node, record->effective_day, row->node, row->day);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    if (says_nothing_new(ledger, record, row)) {
        record->effective_day = row->day;
        *unchanged += 1;
        return REFUSAL_NONE;
    }
    int64_t *value_sum = &ledger->value_sums[row->competition];
    if (!figures_fit(*value_sum, record->contract_value, row->contract_value)) {
        return REFUSAL_TOTALS_FULL;
    }
    bool stays = ledger->cube.cells[record->cell].key == row->cell;
    uint32_t cell = stays ? record->cell : find_cell(ledger, row->cell);
    if (cell == CUBE_FULL) {
        return REFUSAL_TOTALS_FULL;
    }
    *value_sum += row->contract_value - record->contract_value;
    count_out(ledger, record, row->day);
    record_set(record, row, cell);
    count_in(ledger, record, row->day);
    return REFUSAL_NONE;
}

static void apply_row(struct ledger *ledger, struct entry *entry, size_t i, const struct project_key *key,
                      uint64_t hash) {
    struct row row;
    row_read(&row, entry, i);
    struct project_record *record = project_table_find(&ledger->projects, key, hash);
    enum refusal refusal =
        record == NULL ? add_project(ledger, &row, key, hash) : change_project(ledger, &row, record, &entry->unchanged);
    if (refusal == REFUSAL_NONE) {
        entry->accepted++;
    } else {
        entry->verdicts[i] = (uint8_t)refusal;
        entry->refused++;
    }
}

/* Up to RUN_ROWS rows from `first`: first asks for all the memory, then works. */
static void apply_run(struct ledger *ledger, struct entry *entry, size_t first, size_t count, const uint8_t **code) {
    struct project_key keys[RUN_ROWS];
    uint64_t hashes[RUN_ROWS];
    for (size_t i = 0; i < count; i++) {
        uint32_t code_bytes = entry->batch.code_bytes[first + i];
        if (entry->verdicts[first + i] == REFUSAL_NONE) {
            CHECK(code_bytes <= PROJECT_CODE_BYTES_MAX);
            project_key_set(&keys[i], entry->competition, *code, code_bytes);
            hashes[i] = project_key_hash(&keys[i]);
            project_table_prefetch_slot(&ledger->projects, hashes[i]);
        }
        *code += code_bytes;
    }
    for (size_t i = 0; i < count; i++) {
        if (entry->verdicts[first + i] == REFUSAL_NONE) {
            project_table_prefetch_record(&ledger->projects, hashes[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (entry->verdicts[first + i] == REFUSAL_NONE) {
            /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): no verdict has changed since the hashes were set */
            apply_row(ledger, entry, first + i, &keys[i], hashes[i]);
        }
    }
}

static void apply_batch(struct ledger *ledger, struct entry *entry) {
    CHECK(ledger_competition(ledger, entry->competition) != NULL);
    const uint8_t *code = entry->batch.code;
    for (size_t first = 0; first < entry->batch.rows; first += RUN_ROWS) {
        size_t left = entry->batch.rows - first;
        apply_run(ledger, entry, first, left < RUN_ROWS ? left : RUN_ROWS, &code);
    }
}

static void take_sequence(struct ledger *ledger, const struct entry *entry) {
    CHECK(ledger_node(ledger, entry->node) != NULL);
    CHECK(entry->sequence == ledger->sequences[entry->node] + 1);
    ledger->sequences[entry->node] = entry->sequence;
}

static void define(struct ledger *ledger, enum entry_kind kind, const struct definition *definition) {
    bool competition = kind == ENTRY_COMPETITION;
    CHECK(definition->number < (competition ? (int)COMPETITIONS_MAX : (int)NODES_MAX));
    if (competition) {
        ledger->competitions[definition->number] = *definition;
        ledger->defined_competition[definition->number] = true;
    } else {
        ledger->nodes[definition->number] = *definition;
        ledger->defined_node[definition->number] = true;
    }
}

void ledger_apply(struct ledger *ledger, struct entry *entry) {
    CHECK(entry->version == ledger->version + 1);
    entry->accepted = 0;
    entry->unchanged = 0;
    entry->refused = entry->refused_by_intake;
    switch (entry->kind) {
    case ENTRY_BATCH:
        take_sequence(ledger, entry);
        apply_batch(ledger, entry);
        break;
    case ENTRY_BATCH_REFUSED:
        take_sequence(ledger, entry);
        entry->refused = (uint32_t)entry->batch.rows;
        break;
    case ENTRY_COMPETITION:
    case ENTRY_NODE:
        define(ledger, entry->kind, &entry->definition);
        break;
    }
    ledger->version = entry->version;
}

/* ---- loading ---- */

enum error ledger_load_definition(struct ledger *ledger, enum entry_kind kind, const struct definition *definition) {
    if (definition->number >= (kind == ENTRY_COMPETITION ? (int)COMPETITIONS_MAX : (int)NODES_MAX)) {
        return ERROR_DAMAGED;
    }
    define(ledger, kind, definition);
    return ERROR_NONE;
}

enum error ledger_load_cell(struct ledger *ledger, cell_key_t cell) {
    if (ledger_competition(ledger, cell_key_competition(cell)) == NULL) {
        return ERROR_DAMAGED;
    }
    return find_cell(ledger, cell) == CUBE_FULL ? ERROR_LIMIT : ERROR_NONE;
}

enum error ledger_load_project(struct ledger *ledger, uint16_t competition, const char *code,
                               const struct figures *figures) {
    if (ledger_competition(ledger, competition) == NULL) {
        return ERROR_DAMAGED;
    }
    struct project_key key;
    project_key_set(&key, competition, code, strnlen(code, PROJECT_CODE_BYTES_MAX));
    uint64_t hash = project_key_hash(&key);
    if (ledger->projects.count == ledger->projects.capacity ||
        !figures_fit(ledger->value_sums[competition], 0, figures->contract_value)) {
        return ERROR_LIMIT;
    }
    uint32_t number = find_cell(ledger, cell_key(competition, figures->region, figures->category, figures->status));
    if (number == CUBE_FULL) {
        return ERROR_LIMIT;
    }
    struct project_record *record = project_table_add(&ledger->projects, &key, hash);
    record->contract_value = figures->contract_value;
    record->participants = figures->participants;
    record->migrant_participants = figures->migrant_participants;
    record->cell = number;
    record->text_hash = figures->text_hash;
    record->node = figures->node;
    record->effective_day = figures->effective_day;
    sums_add(&ledger->cube.cells[number].sums, figures->contract_value, figures->participants,
             figures->migrant_participants);
    cube_touch(&ledger->cube, number);
    ledger->value_sums[competition] += figures->contract_value;
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

void ledger_resume_at(struct ledger *ledger, uint64_t version) {
    ledger->version = version;
}

/* ---- looking ---- */

bool ledger_changed(const struct ledger *ledger) {
    return ledger->version != ledger->filled_version || ledger->cube.changed_count > 0 ||
           ledger->curves.changed_count > 0;
}

enum error ledger_fill(struct ledger *ledger, struct snapshot *snapshot) {
    const struct cube *cube = &ledger->cube;
    const struct curves *curves = &ledger->curves;
    enum error error = snapshot_reserve(snapshot, cube->changed_count, curves->changed_count);
    if (error != ERROR_NONE) {
        return error;
    }
    for (uint32_t i = 0; i < cube->changed_count; i++) {
        const struct cell *cell = &cube->cells[cube->changed[i]];
        snapshot->cells[i] = (struct snapshot_cell){.key = cell->key, .sums = cell->sums};
    }
    for (size_t i = 0; i < curves->changed_count; i++) {
        const struct curve_point *point = &curves->changed[i];
        const struct curve *curve = &curves->curves[point->curve];
        snapshot->days[i] = (struct snapshot_day){.competition = curve->competition,
                                                  .first_day = curve->first_day,
                                                  .region = curve->region,
                                                  .day = (uint16_t)(curve->first_day + point->day),
                                                  .sums = *curves_row(curves, point->curve, point->day)};
    }
    snapshot->version = ledger->version;
    snapshot->projects = ledger->projects.count;
    snapshot->cell_count = cube->changed_count;
    snapshot->day_count = curves->changed_count;
    ledger->filled_version = ledger->version;
    cube_settle(&ledger->cube);
    curves_settle(&ledger->curves);
    return ERROR_NONE;
}

bool ledger_find(const struct ledger *ledger, uint16_t competition, const char *code, struct figures *figures) {
    struct project_key key;
    project_key_set(&key, competition, code, strnlen(code, PROJECT_CODE_BYTES_MAX));
    const struct project_record *record = project_table_find(&ledger->projects, &key, project_key_hash(&key));
    if (record == NULL) {
        return false;
    }
    cell_key_t cell = ledger->cube.cells[record->cell].key;
    *figures = (struct figures){.contract_value = record->contract_value,
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
        record.cell = 0; /* cells are numbered in the order in which they came */
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
