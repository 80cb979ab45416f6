#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "daemon/base/check.h"

/* Rows of a run: enough misses in flight to hide each other, few enough that four runs stay in the first-level cache.
 * Measured: 8 and 16 are alike. */
enum { RUN_ROWS = 8 };

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
    return project_table_bytes(&ledger->projects) + ledger->cube.count * sizeof *ledger->cube.cells +
           ledger->projects.count / BLOCK_PROJECTS;
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

/* ---- one row ---- */

/* A batch while it is applied. What is the same for all its rows is read once: nothing that is written for a row can then
 * make the compiler read it again. */
struct applying {
    struct ledger *ledger;
    struct entry *entry;
    struct batch batch;
    uint64_t version;
    uint16_t competition;
    uint16_t node;
    uint16_t day; /* of receipt */
    bool has_texts;
    bool counts_days;     /* else they were loaded: see ledger_resume */
    int64_t value_change; /* of the competition's sum, so far */
    uint32_t refused;
    uint32_t unchanged;
};

/* What a row says, with the cell that it belongs in. */
struct row {
    int64_t contract_value;
    uint32_t participants;
    uint32_t migrant_participants;
    uint32_t text_hash; /* 0 = the row has no texts */
    uint16_t number;    /* in its batch */
    uint16_t day;
    cell_key_t cell_key;
    uint32_t expected_cell; /* its number, probably; CUBE_FULL: there was none when it was looked for */
};

static inline void row_read(struct row *row, const struct applying *applying, size_t i, uint32_t expected_cell) {
    const struct batch *batch = &applying->batch;
    row->contract_value = batch->contract_value[i];
    row->participants = (uint32_t)batch->participants[i];
    row->migrant_participants = (uint32_t)batch->migrant_participants[i];
    row->text_hash = applying->has_texts ? entry_text_hash(applying->entry, i) : 0;
    row->number = (uint16_t)i;
    row->day = entry_row_day(batch, applying->day, i);
    row->cell_key =
        cell_key(applying->competition, batch->region[i], (uint8_t)batch->category[i], (uint8_t)batch->status[i]);
    row->expected_cell = expected_cell;
}

static inline void count_day(const struct applying *applying, uint32_t curve, uint16_t on_day,
                             const struct sums *change) {
    if (curve != CURVE_NONE && applying->counts_days) {
        sums_merge(curves_touch(&applying->ledger->curves, curve, on_day), change);
    }
}

/* What the project's figures become less what they were. */
static inline struct sums difference(const struct project_record *record, const struct row *row) {
    return (struct sums){.contract_value = row->contract_value - (int64_t)record->contract_value,
                         .participants = (int64_t)row->participants - record->participants,
                         .migrant_participants = (int64_t)row->migrant_participants - record->migrant_participants};
}

static inline struct sums gain(const struct row *row) {
    return (struct sums){.projects = 1,
                         .contract_value = row->contract_value,
                         .participants = row->participants,
                         .migrant_participants = row->migrant_participants};
}

static inline struct sums loss(const struct project_record *record) {
    return (struct sums){.projects = -1,
                         .contract_value = -(int64_t)record->contract_value,
                         .participants = -(int64_t)record->participants,
                         .migrant_participants = -(int64_t)record->migrant_participants};
}

static inline void count_cell(struct cube *cube, uint32_t number, const struct sums *change) {
    sums_merge(&cube->cells[number].sums, change);
    cube_touch(cube, number);
}

/* Both cells mostly lie in one region, so on one curve: then its day changes once, by the difference. */
static inline void count_move(const struct applying *applying, const struct project_record *record,
                              const struct row *row, uint32_t cell) {
    struct cube *cube = &applying->ledger->cube;
    uint32_t old_curve = cube->cells[record->cell].curve;
    uint32_t curve = cube->cells[cell].curve;
    struct sums out = loss(record);
    struct sums in = gain(row);
    count_cell(cube, record->cell, &out);
    count_cell(cube, cell, &in);
    if (old_curve == curve) {
        struct sums change = difference(record, row);
        count_day(applying, curve, row->day, &change);
    } else {
        count_day(applying, old_curve, row->day, &out);
        count_day(applying, curve, row->day, &in);
    }
}

static void note_texts(struct ledger *ledger, uint64_t version, uint32_t project, uint16_t row) {
    CHECK(ledger->text_count < TEXT_CHANGES_MAX);
    ledger->texts[ledger->text_count++] = (struct text_change){.version = version, .project = project, .row = row};
}

/* Bounds were checked where the row was judged: the masks only tell the compiler. */
static inline void record_set(const struct applying *applying, struct project_record *record, const struct row *row,
                              uint32_t cell) {
    struct ledger *ledger = applying->ledger;
    uint32_t number = (uint32_t)(record - ledger->projects.records);
    uint32_t text_hash = record->text_hash;
    if (row->text_hash != 0 && row->text_hash != text_hash) {
        text_hash = row->text_hash;
        if (applying->counts_days) { /* else they were stored */
            note_texts(ledger, applying->version, number, row->number);
        }
    }
    record->contract_value = (uint64_t)row->contract_value & ((UINT64_C(1) << 50) - 1);
    record->participants = row->participants & ((UINT32_C(1) << 27) - 1);
    record->migrant_participants = row->migrant_participants & ((UINT32_C(1) << 27) - 1);
    record->updated_version = applying->version & PROJECT_VERSION_MAX;
    record->cell = cell & ((UINT32_C(1) << 20) - 1);
    record->text_hash = text_hash;
    record->effective_day = row->day;
    ledger_touch(ledger, number);
}

static inline bool same_figures(const struct project_record *record, const struct row *row) {
    return (int64_t)record->contract_value == row->contract_value && record->participants == row->participants &&
           record->migrant_participants == row->migrant_participants &&
           (row->text_hash == 0 || row->text_hash == record->text_hash);
}

/* The row's cell, made if there is none yet; CUBE_FULL if there is no room for it. */
static inline uint32_t cell_of(const struct applying *applying, const struct row *row) {
    const struct cube *cube = &applying->ledger->cube;
    bool found = row->expected_cell != CUBE_FULL && cube->cells[row->expected_cell].key == row->cell_key;
    return found ? row->expected_cell : ledger_find_cell(applying->ledger, row->cell_key);
}

static enum refusal add_project(struct applying *applying, const struct row *row, const struct project_key *key,
                                uint64_t hash) {
    struct ledger *ledger = applying->ledger;
    bool room = ledger->projects.count < ledger->projects.capacity;
    uint32_t cell = room ? cell_of(applying, row) : CUBE_FULL;
    if (cell == CUBE_FULL) {
        return REFUSAL_TOTALS_FULL;
    }
    struct project_record *record = project_table_add(&ledger->projects, key, hash);
    struct sums in = gain(row);
    count_cell(&ledger->cube, cell, &in);
    count_day(applying, ledger->cube.cells[cell].curve, row->day, &in);
    applying->value_change += row->contract_value;
    record->node = applying->node;
    record_set(applying, record, row, cell);
    return REFUSAL_NONE;
}

static inline enum refusal change_project(struct applying *applying, const struct row *row,
                                          struct project_record *record) {
    struct ledger *ledger = applying->ledger;
    enum refusal refusal = figures_judge(record->node, record->effective_day, applying->node, row->day);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    uint32_t cell = cell_of(applying, row);
    if (cell == CUBE_FULL) {
        return REFUSAL_TOTALS_FULL;
    }
    if (cell != record->cell) {
        count_move(applying, record, row, cell);
    } else if (same_figures(record, row)) {
        applying->unchanged++;
        if (record->effective_day == row->day) {
            return REFUSAL_NONE;
        }
    } else {
        struct sums change = difference(record, row);
        count_cell(&ledger->cube, cell, &change);
        count_day(applying, ledger->cube.cells[cell].curve, row->day, &change);
    }
    applying->value_change += row->contract_value - (int64_t)record->contract_value;
    record_set(applying, record, row, cell);
    return REFUSAL_NONE;
}

/* ---- one entry ---- */

/* Some rows on their way to being applied. Four steps, and between two steps of a run come steps of three other runs: by the
 * time that a step looks, the memory has what the step before asked for. */
enum { RUNS = 4 };

struct run {
    size_t first;
    size_t count;
    struct project_key keys[RUN_ROWS];
    uint64_t hashes[RUN_ROWS];
    struct project_record *expected[RUN_ROWS];
    uint32_t cells[RUN_ROWS]; /* that the rows probably belong in; CUBE_FULL: there was none */
};

/* Step 1: asks for the places in the index. Takes the batch's next rows, whose codes begin at *code. */
static void run_begin(struct run *run, const struct applying *applying, size_t first, const uint8_t **code) {
    const struct batch *batch = &applying->batch;
    const uint8_t *verdicts = applying->entry->verdicts + first;
    const uint8_t *codes_end = batch->code + batch->code_bytes_sum;
    size_t left = batch->rows - first;
    run->first = first;
    run->count = left < RUN_ROWS ? left : RUN_ROWS;
    for (size_t i = 0; i < run->count; i++) {
        uint32_t code_bytes = batch->code_bytes[first + i];
        if (verdicts[i] == REFUSAL_NONE) {
            CHECK(code_bytes <= PROJECT_CODE_BYTES_MAX);
            if (codes_end - *code >= PROJECT_CODE_BYTES_MAX) {
                project_key_cut(&run->keys[i], applying->competition, *code, code_bytes);
            } else {
                project_key_set(&run->keys[i], applying->competition, *code, code_bytes);
            }
            run->hashes[i] = project_key_hash(&run->keys[i]);
            project_table_prefetch_slot(&applying->ledger->projects, run->hashes[i]);
        }
        *code += code_bytes;
    }
}

/* Step 2: asks for the records. */
static void run_expect(struct run *run, const struct applying *applying) {
    const uint8_t *verdicts = applying->entry->verdicts + run->first;
    for (size_t i = 0; i < run->count; i++) {
        if (verdicts[i] == REFUSAL_NONE) {
            run->expected[i] = project_table_expect(&applying->ledger->projects, run->hashes[i]);
        }
    }
}

/* Step 3: asks for the cells that the projects are in and for those that they belong in. */
static void run_find_cells(struct run *run, const struct applying *applying) {
    const struct cube *cube = &applying->ledger->cube;
    const struct batch *batch = &applying->batch;
    const uint8_t *verdicts = applying->entry->verdicts + run->first;
    for (size_t i = 0; i < run->count; i++) {
        size_t row = run->first + i;
        if (verdicts[i] == REFUSAL_NONE) {
            cell_key_t key = cell_key(applying->competition, batch->region[row], (uint8_t)batch->category[row],
                                      (uint8_t)batch->status[row]);
            run->cells[i] = cube_expect(cube, key);
            if (run->expected[i] != NULL) {
                __builtin_prefetch(&cube->cells[run->expected[i]->cell], 1);
            }
        }
    }
}

static inline void apply_row(struct applying *applying, const struct run *run, size_t i) {
    struct row row;
    row_read(&row, applying, run->first + i, run->cells[i]);
    struct project_record *record = run->expected[i];
    const struct project_key *key = &run->keys[i];
    if (record == NULL || !project_record_is(record, key)) { /* a row of a run before may have made it since */
        record = project_table_find(&applying->ledger->projects, key, run->hashes[i]);
    }
    enum refusal refusal =
        record == NULL ? add_project(applying, &row, key, run->hashes[i]) : change_project(applying, &row, record);
    if (refusal != REFUSAL_NONE) {
        applying->entry->verdicts[run->first + i] = (uint8_t)refusal;
        applying->refused++;
    }
}

/* Step 4: works. */
static void run_apply(const struct run *run, struct applying *applying) {
    const uint8_t *verdicts = applying->entry->verdicts + run->first;
    for (size_t i = 0; i < run->count; i++) {
        if (verdicts[i] == REFUSAL_NONE) {
            apply_row(applying, run, i);
        }
    }
}

static void apply_rows(struct applying *applying) {
    struct run runs[RUNS];
    const uint8_t *code = applying->batch.code;
    size_t count = (applying->batch.rows + RUN_ROWS - 1) / RUN_ROWS;
    for (size_t step = 0; step < count + RUNS - 1; step++) {
        if (step < count) {
            run_begin(&runs[step % RUNS], applying, step * RUN_ROWS, &code);
        }
        if (step >= 1 && step - 1 < count) {
            run_expect(&runs[(step - 1) % RUNS], applying);
        }
        if (step >= 2 && step - 2 < count) {
            run_find_cells(&runs[(step - 2) % RUNS], applying);
        }
        if (step >= 3) {
            run_apply(&runs[(step - 3) % RUNS], applying);
        }
    }
}

static void apply_batch(struct ledger *ledger, struct entry *entry) {
    CHECK(ledger_competition(ledger, entry->competition) != NULL);
    struct applying applying = {.ledger = ledger,
                                .entry = entry,
                                .batch = entry->batch,
                                .version = entry->version,
                                .competition = entry->competition,
                                .node = entry->node,
                                .day = entry->day,
                                .has_texts = batch_has_texts(&entry->batch),
                                .counts_days = !ledger_catching_up(ledger)};
    apply_rows(&applying);
    ledger->value_sums[entry->competition] += applying.value_change;
    entry->value_sum = ledger->value_sums[entry->competition];
    entry->unchanged = applying.unchanged;
    entry->refused += applying.refused;
    entry->accepted = (uint32_t)entry->batch.rows - entry->refused;
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
