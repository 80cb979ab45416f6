#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "daemon/base/check.h"

/* Rows whose memory is asked for together before any is applied: enough misses in flight to hide each other, few enough to
 * stay in the first-level cache. Measured: 8 to 32 are alike, 1 costs twice as much at 1 M projects. */
enum { RUN_ROWS = 16 };

struct ledger *ledger_create(uint64_t projects_max) {
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        return NULL;
    }
    const uint8_t readers = 1 << CURVE_READER_TOTALS | 1 << CURVE_READER_ARCHIVE;
    if (project_table_init(&ledger->projects, projects_max) != ERROR_NONE || cube_init(&ledger->cube) != ERROR_NONE ||
        curves_init(&ledger->curves, LEAF_CURVES_MAX, readers) != ERROR_NONE ||
        ledger_init_rounds(ledger) != ERROR_NONE) {
        ledger_destroy(ledger);
        return NULL;
    }
    ledger->cube.limit = LEAF_CELLS_MAX;
    return ledger;
}

void ledger_destroy(struct ledger *ledger) {
    if (ledger == NULL) {
        return;
    }
    ledger_fini_rounds(ledger);
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

int64_t ledger_value_sum(const struct ledger *ledger, uint16_t competition) {
    return competition < COMPETITIONS_MAX ? ledger->value_sums[competition] : 0;
}

bool ledger_has_room(const struct ledger *ledger, const struct entry *entry) {
    return entry->kind != ENTRY_BATCH || !batch_has_texts(&entry->batch) ||
           ledger->text_count + entry->batch.rows <= TEXT_CHANGES_MAX;
}

/* ---- one row ---- */

/* What a row says, with the cell that it belongs in. */
struct row {
    int64_t contract_value;
    uint32_t participants;
    uint32_t migrant_participants;
    uint32_t text_hash; /* 0 = the row has no texts */
    uint16_t number;    /* in its batch */
    uint16_t day;
    cell_key_t cell;
};

static inline void row_read(struct row *row, const struct entry *entry, size_t i) {
    const struct batch *batch = &entry->batch;
    *row = (struct row){
        .contract_value = batch->contract_value[i],
        .participants = (uint32_t)batch->participants[i],
        .migrant_participants = (uint32_t)batch->migrant_participants[i],
        .text_hash = batch_has_texts(batch) ? entry_text_hash(entry, i) : 0,
        .number = (uint16_t)i,
        .day = entry_row_day(entry, i),
        .cell = cell_key(entry->competition, batch->region[i], (uint8_t)batch->category[i], (uint8_t)batch->status[i]),
    };
}

uint32_t ledger_find_cell(struct ledger *ledger, cell_key_t key) {
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

/* What days changed up to loaded_version was loaded with them. */
static struct sums *day_to_count(struct ledger *ledger, uint32_t curve, uint16_t day) {
    return curve == CURVE_NONE || ledger_catching_up(ledger) ? NULL : curves_touch(&ledger->curves, curve, day);
}

static void count_in(struct ledger *ledger, const struct row *row, uint32_t number) {
    struct cell *cell = &ledger->cube.cells[number];
    sums_add(&cell->sums, row->contract_value, row->participants, row->migrant_participants);
    cube_touch(&ledger->cube, number);
    struct sums *day = day_to_count(ledger, cell->curve, row->day);
    if (day != NULL) {
        sums_add(day, row->contract_value, row->participants, row->migrant_participants);
    }
}

static void count_out(struct ledger *ledger, const struct project_record *record, uint16_t on_day) {
    struct cell *cell = &ledger->cube.cells[record->cell];
    int64_t value = (int64_t)record->contract_value;
    sums_subtract(&cell->sums, value, record->participants, record->migrant_participants);
    cube_touch(&ledger->cube, record->cell);
    struct sums *day = day_to_count(ledger, cell->curve, on_day);
    if (day != NULL) {
        sums_subtract(day, value, record->participants, record->migrant_participants);
    }
}

/* The project stays in its cell: one cell and one day instead of two each. */
static void count_difference(struct ledger *ledger, const struct project_record *record, const struct row *row) {
    struct cell *cell = &ledger->cube.cells[record->cell];
    int64_t value = row->contract_value - (int64_t)record->contract_value;
    int64_t participants = (int64_t)row->participants - (int64_t)record->participants;
    int64_t migrants = (int64_t)row->migrant_participants - (int64_t)record->migrant_participants;
    sums_change(&cell->sums, value, participants, migrants);
    cube_touch(&ledger->cube, record->cell);
    struct sums *day = day_to_count(ledger, cell->curve, row->day);
    if (day != NULL) {
        sums_change(day, value, participants, migrants);
    }
}

/* The bounds were checked where the row was judged: the masks only tell the compiler. */
static void record_set(struct ledger *ledger, struct project_record *record, const struct row *row, uint32_t cell,
                       uint64_t version) {
    uint32_t number = (uint32_t)(record - ledger->projects.records);
    record->contract_value = (uint64_t)row->contract_value & ((UINT64_C(1) << 50) - 1);
    record->participants = row->participants & ((UINT32_C(1) << 27) - 1);
    record->migrant_participants = row->migrant_participants & ((UINT32_C(1) << 27) - 1);
    record->cell = cell & ((UINT32_C(1) << 20) - 1);
    record->effective_day = row->day;
    record->updated_version = version & PROJECT_VERSION_MAX;
    if (row->text_hash != 0 && row->text_hash != record->text_hash) {
        record->text_hash = row->text_hash;
        if (!ledger_catching_up(ledger)) { /* else they were stored */
            CHECK(ledger->text_count < TEXT_CHANGES_MAX);
            ledger->texts[ledger->text_count++] =
                (struct text_change){.version = version, .project = number, .row = row->number};
        }
    }
    ledger_touch(ledger, number);
}

static bool says_nothing_new(const struct ledger *ledger, const struct project_record *record, const struct row *row) {
    return ledger->cube.cells[record->cell].key == row->cell &&
           (int64_t)record->contract_value == row->contract_value && record->participants == row->participants &&
           record->migrant_participants == row->migrant_participants &&
           (row->text_hash == 0 || row->text_hash == record->text_hash);
}

static enum refusal add_project(struct ledger *ledger, const struct entry *entry, const struct row *row,
                                const struct project_key *key, uint64_t hash) {
    uint32_t number = ledger->projects.count;
    uint32_t cell = number < ledger->projects.capacity ? ledger_find_cell(ledger, row->cell) : CUBE_FULL;
    if (cell == CUBE_FULL) {
        return REFUSAL_TOTALS_FULL;
    }
    struct project_record *record = project_table_add(&ledger->projects, key, hash);
    record->node = entry->node;
    record_set(ledger, record, row, cell, entry->version);
    count_in(ledger, row, cell);
    ledger->value_sums[entry->competition] += row->contract_value;
    return REFUSAL_NONE;
}

static enum refusal change_project(struct ledger *ledger, const struct row *row, struct project_record *record,
                                   struct entry *entry) {
    enum refusal refusal = figures_judge(record->node, record->effective_day, entry->node, row->day);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    if (says_nothing_new(ledger, record, row)) {
        entry->unchanged++;
        if (record->effective_day != row->day) {
            record_set(ledger, record, row, record->cell, entry->version);
        }
        return REFUSAL_NONE;
    }
    uint32_t cell = record->cell;
    if (ledger->cube.cells[cell].key == row->cell) {
        count_difference(ledger, record, row);
    } else {
        cell = ledger_find_cell(ledger, row->cell);
        if (cell == CUBE_FULL) {
            return REFUSAL_TOTALS_FULL;
        }
        count_out(ledger, record, row->day);
        count_in(ledger, row, cell);
    }
    ledger->value_sums[entry->competition] += row->contract_value - (int64_t)record->contract_value;
    record_set(ledger, record, row, cell, entry->version);
    return REFUSAL_NONE;
}

static void apply_row(struct ledger *ledger, struct entry *entry, size_t i, const struct project_key *key,
                      uint64_t hash) {
    struct row row;
    row_read(&row, entry, i);
    struct project_record *record = project_table_find(&ledger->projects, key, hash);
    enum refusal refusal =
        record == NULL ? add_project(ledger, entry, &row, key, hash) : change_project(ledger, &row, record, entry);
    if (refusal == REFUSAL_NONE) {
        entry->accepted++;
    } else {
        entry->verdicts[i] = (uint8_t)refusal;
        entry->refused++;
    }
}

/* ---- one entry ---- */

/* Up to RUN_ROWS rows from `first`: first asks for all the memory, then works. codes_end is where the batch's codes end. */
static void apply_run(struct ledger *ledger, struct entry *entry, size_t first, size_t count, const uint8_t **code,
                      const uint8_t *codes_end) {
    struct project_key keys[RUN_ROWS];
    uint64_t hashes[RUN_ROWS];
    for (size_t i = 0; i < count; i++) {
        uint32_t code_bytes = entry->batch.code_bytes[first + i];
        if (entry->verdicts[first + i] == REFUSAL_NONE) {
            CHECK(code_bytes <= PROJECT_CODE_BYTES_MAX);
            if (codes_end - *code >= PROJECT_CODE_BYTES_MAX) {
                project_key_cut(&keys[i], entry->competition, *code, code_bytes);
            } else {
                project_key_set(&keys[i], entry->competition, *code, code_bytes);
            }
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
    const uint8_t *codes_end = code + entry->batch.code_bytes_sum;
    for (size_t first = 0; first < entry->batch.rows; first += RUN_ROWS) {
        size_t left = entry->batch.rows - first;
        apply_run(ledger, entry, first, left < RUN_ROWS ? left : RUN_ROWS, &code, codes_end);
    }
    entry->value_sum = ledger->value_sums[entry->competition];
}

static void take_sequence(struct ledger *ledger, const struct entry *entry) {
    CHECK(ledger_node(ledger, entry->node) != NULL);
    if (!ledger_catching_up(ledger)) { /* else the stored sequence is this one or a later one */
        CHECK(entry->sequence == ledger->sequences[entry->node] + 1);
        ledger->sequences[entry->node] = entry->sequence;
    }
}

void ledger_define(struct ledger *ledger, enum entry_kind kind, const struct definition *definition) {
    bool competition = kind == ENTRY_COMPETITION;
    CHECK(definition->number < (competition ? (int)COMPETITIONS_MAX : (int)NODES_MAX));
    if (competition) {
        ledger->competitions[definition->number] = *definition;
        ledger->defined_competition[definition->number] = true;
    } else {
        ledger->nodes[definition->number] = *definition;
        ledger->defined_node[definition->number] = true;
    }
    ledger->definitions_changed = true;
}

void ledger_apply(struct ledger *ledger, struct entry *entry) {
    CHECK(entry->version == ledger->version + 1 && entry->version <= PROJECT_VERSION_MAX);
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
        if (!ledger_catching_up(ledger)) {
            ledger_define(ledger, entry->kind, &entry->definition);
        }
        break;
    }
    ledger->version = entry->version;
    ledger->wall_ms = entry->wall_ms;
}
