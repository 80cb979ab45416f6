#include "fold.h"

#include <stdlib.h>
#include <string.h>

#include "basis.h"
#include "commit.h"
#include "daemon/base/check.h"
#include "state_file.h"
#include "window.h"

/* Rows whose memory is asked for together before any is decided, as in the ledger. */
enum { RUN_ROWS = 16 };

struct fold {
    struct state_file *file;
    uint64_t projects_max;
    struct basis basis;
    struct window window;
    struct window_pages pages;
    MDB_txn *view; /* reset except while fold_read runs: what is stored of projects */
    struct entry entry;
    struct arena arena;
    uint8_t *arena_memory;
};

static uint32_t window_projects(const struct fold_options *options) {
    if (options->window_projects != 0) {
        return options->window_projects;
    }
    uint64_t enough = options->projects_max + 2 * (uint64_t)BATCH_ROWS_MAX;
    return enough < WINDOW_PROJECTS_MAX ? (uint32_t)enough : WINDOW_PROJECTS_MAX;
}

static enum error open_view(struct fold *fold) {
    int result = mdb_txn_begin(fold->file->env, NULL, MDB_RDONLY, &fold->view);
    if (result != MDB_SUCCESS) {
        fold->view = NULL;
        return state_file_error(fold->file, result);
    }
    mdb_txn_reset(fold->view);
    return ERROR_NONE;
}

struct fold *fold_create(const struct fold_options *options, struct fault *fault) {
    struct fold *fold = calloc(1, sizeof *fold);
    if (fold == NULL) {
        fault_set(fault, ERROR_MEMORY, "archive: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    fold->file = state_file(options->state);
    fold->projects_max = options->projects_max;
    fold->arena_memory = malloc(BATCH_ARENA_BYTES);
    if (fold->arena_memory == NULL || window_init(&fold->window, window_projects(options)) != ERROR_NONE) {
        fault_set(fault, ERROR_MEMORY, "archive: %s", error_text(ERROR_MEMORY));
        goto fail;
    }
    arena_init(&fold->arena, fold->arena_memory, BATCH_ARENA_BYTES);
    if (basis_init(&fold->basis, options->state, fault) != ERROR_NONE) {
        goto fail;
    }
    enum error error = commit_pages(fold->file, &fold->pages);
    if (error == ERROR_NONE) {
        error = open_view(fold);
    }
    if (error != ERROR_NONE) {
        fault_set(fault, error, "%s: cannot be read: %s", fold->file->path, error_text(error));
        goto fail;
    }
    return fold;
fail:
    fold_destroy(fold);
    return NULL;
}

void fold_destroy(struct fold *fold) {
    if (fold == NULL) {
        return;
    }
    if (fold->view != NULL) {
        mdb_txn_abort(fold->view);
    }
    basis_fini(&fold->basis);
    window_fini(&fold->window);
    free(fold->arena_memory);
    free(fold);
}

uint64_t fold_version(const struct fold *fold) {
    return fold->basis.version;
}

bool fold_pending(const struct fold *fold) {
    return fold->window.entries > 0;
}

/* ---- one row ---- */

struct row {
    const uint8_t *code;
    uint32_t code_bytes;
    uint64_t hash;
};

/* Fills a record that was just made with what is stored of its project, if anything is. */
static enum error load_record(struct fold *fold, struct cached_project *record) {
    struct layout_key key;
    struct layout_project stored;
    layout_project_key(&key, record->competition, record->code, record->code_bytes);
    MDB_val wanted = state_file_key(&key);
    MDB_val value;
    int result = mdb_get(fold->view, fold->file->tables[TABLE_PROJECTS], &wanted, &value);
    if (result == MDB_NOTFOUND) {
        return ERROR_NONE;
    }
    if (result != MDB_SUCCESS || value.mv_size != sizeof stored) {
        return result != MDB_SUCCESS ? state_file_error(fold->file, result) : ERROR_DAMAGED;
    }
    memcpy(&stored, value.mv_data, sizeof stored);
    layout_project_figures(&stored, &record->figures);
    record->updated_version = stored.updated_version;
    record->updated_ms = stored.updated_ms;
    record->stored_region = stored.region;
    record->exists = true;
    return ERROR_NONE;
}

/* The project's record. Errors: IO, DAMAGED. */
static enum error meet(struct fold *fold, const struct row *row, struct cached_project **record) {
    struct project_cache *cache = &fold->window.cache;
    uint16_t competition = fold->entry.competition;
    *record = project_cache_find(cache, row->hash, competition, row->code, row->code_bytes);
    if (*record != NULL) {
        return ERROR_NONE;
    }
    *record = project_cache_add(cache, row->hash, competition, row->code, row->code_bytes);
    return load_record(fold, *record);
}

/* What row i makes of a project. */
static void read_figures(const struct entry *entry, size_t i, uint32_t old_text_hash, struct figures *figures) {
    const struct batch *batch = &entry->batch;
    uint32_t text_hash = entry_text_hash(entry, i);
    *figures = (struct figures){.contract_value = batch->contract_value[i],
                                .participants = (uint32_t)batch->participants[i],
                                .migrant_participants = (uint32_t)batch->migrant_participants[i],
                                .region = batch->region[i],
                                .node = entry->node,
                                .effective_day = entry_row_day(entry, i),
                                .category = (uint8_t)batch->category[i],
                                .status = (uint8_t)batch->status[i],
                                .text_hash = text_hash != 0 ? text_hash : old_text_hash};
}

static bool says_nothing_new(const struct figures *old, const struct figures *new) {
    return old->region == new->region && old->category == new->category && old->status == new->status &&
           old->contract_value == new->contract_value && old->participants == new->participants &&
           old->migrant_participants == new->migrant_participants && old->text_hash == new->text_hash;
}

static void count(struct fold *fold, const struct cached_project *record, const struct figures *new) {
    uint16_t competition = record->competition;
    const struct figures *old = &record->figures;
    if (record->exists && basis_counts(&fold->basis, competition, old->status)) {
        sums_subtract(window_day(&fold->window, competition, old->region, new->effective_day), old->contract_value,
                      old->participants, old->migrant_participants);
    }
    if (basis_counts(&fold->basis, competition, new->status)) {
        sums_add(window_day(&fold->window, competition, new->region, new->effective_day), new->contract_value,
                 new->participants, new->migrant_participants);
    }
}

static void set_figures(struct fold *fold, struct cached_project *record, const struct figures *figures) {
    window_set_figures(&fold->window, record, figures);
    record->updated_version = fold->entry.version;
    record->updated_ms = fold->entry.wall_ms;
}

/* The rules of the ledger, in its order: whether a row is refused must come out the same. */
static enum refusal decide(struct fold *fold, struct cached_project *record, const struct figures *new,
                           uint32_t *unchanged) {
    const struct figures *old = &record->figures;
    if (record->exists) {
        enum refusal refusal = figures_judge(old->node, old->effective_day, new->node, new->effective_day);
        if (refusal != REFUSAL_NONE) {
            return refusal;
        }
        if (says_nothing_new(old, new)) {
            *unchanged += 1;
            if (old->effective_day != new->effective_day) {
                set_figures(fold, record, new);
            }
            return REFUSAL_NONE;
        }
    } else if (fold->basis.projects >= fold->projects_max) {
        return REFUSAL_TOTALS_FULL;
    }
    struct basis_competition *competition = &fold->basis.competitions[record->competition];
    int64_t old_value = record->exists ? old->contract_value : 0;
    if (!figures_fit(competition->value_sum, old_value, new->contract_value) ||
        !basis_enter_cell(&fold->basis, cell_key(record->competition, new->region, new->category, new->status))) {
        return REFUSAL_TOTALS_FULL;
    }
    competition->value_sum += new->contract_value - old_value;
    competition->changed = true;
    fold->basis.projects += !record->exists;
    count(fold, record, new);
    set_figures(fold, record, new);
    return REFUSAL_NONE;
}

static enum error apply_row(struct fold *fold, const struct row *row, size_t i) {
    struct entry *entry = &fold->entry;
    struct cached_project *record;
    enum error error = meet(fold, row, &record);
    if (error != ERROR_NONE) {
        return error;
    }
    struct figures figures;
    read_figures(entry, i, record->figures.text_hash, &figures);
    enum refusal refusal = decide(fold, record, &figures, &entry->unchanged);
    if (refusal == REFUSAL_NONE) {
        entry->accepted++;
        window_take_texts(&fold->window, record, &entry->batch, i);
    } else {
        entry->verdicts[i] = (uint8_t)refusal;
        entry->refused++;
    }
    return ERROR_NONE;
}

/* ---- one entry ---- */

/* Up to RUN_ROWS rows from `first`: first asks for all the memory, then works. */
static enum error apply_run(struct fold *fold, size_t first, size_t count_of_rows, const uint8_t **code) {
    const struct entry *entry = &fold->entry;
    struct row rows[RUN_ROWS];
    for (size_t i = 0; i < count_of_rows; i++) {
        uint32_t code_bytes = entry->batch.code_bytes[first + i];
        rows[i] = (struct row){.code = *code, .code_bytes = code_bytes};
        if (entry->verdicts[first + i] == REFUSAL_NONE) {
            CHECK(code_bytes <= PROJECT_CODE_BYTES_MAX);
            rows[i].hash = project_cache_hash(entry->competition, *code, code_bytes);
            project_cache_prefetch_slot(&fold->window.cache, rows[i].hash);
        }
        *code += code_bytes;
    }
    for (size_t i = 0; i < count_of_rows; i++) {
        if (entry->verdicts[first + i] == REFUSAL_NONE) {
            project_cache_prefetch_record(&fold->window.cache, rows[i].hash);
        }
    }
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < count_of_rows && error == ERROR_NONE; i++) {
        if (entry->verdicts[first + i] == REFUSAL_NONE) {
            error = apply_row(fold, &rows[i], first + i);
        }
    }
    return error;
}

static void fill_refusals(const struct entry *entry, struct receipt *receipt) {
    uint32_t filled = 0;
    for (size_t i = 0; filled < receipt->refusal_count; i++) {
        if (entry->verdicts[i] != REFUSAL_NONE) {
            receipt->refusals[filled++] = (struct entry_refusal){.row = (uint16_t)i, .code = entry->verdicts[i]};
        }
    }
}

static void add_receipt(struct fold *fold) {
    const struct entry *entry = &fold->entry;
    uint32_t refusal_count = entry->kind == ENTRY_BATCH ? entry->refused : 0;
    struct receipt *receipt = window_add_receipt(&fold->window, entry->node, refusal_count);
    receipt->sequence = entry->sequence;
    receipt->version = entry->version;
    receipt->rows = (uint32_t)entry->batch.rows;
    receipt->accepted = entry->accepted;
    receipt->unchanged = entry->unchanged;
    receipt->batch_code = entry->batch_code;
    fill_refusals(entry, receipt);
}

static enum error apply_rows(struct fold *fold) {
    const struct entry *entry = &fold->entry;
    if (entry->competition >= COMPETITIONS_MAX || !fold->basis.competitions[entry->competition].defined) {
        return ERROR_DAMAGED;
    }
    const uint8_t *code = entry->batch.code;
    enum error error = ERROR_NONE;
    for (size_t first = 0; first < entry->batch.rows && error == ERROR_NONE; first += RUN_ROWS) {
        size_t left = entry->batch.rows - first;
        error = apply_run(fold, first, left < RUN_ROWS ? left : RUN_ROWS, &code);
    }
    return error;
}

static enum error apply_batch(struct fold *fold) {
    struct entry *entry = &fold->entry;
    entry->accepted = 0;
    entry->unchanged = 0;
    entry->refused = entry->refused_by_intake;
    enum error error = basis_take_sequence(&fold->basis, entry->node, entry->sequence);
    if (error == ERROR_NONE && entry->kind == ENTRY_BATCH) {
        error = apply_rows(fold);
    }
    if (error == ERROR_NONE) {
        add_receipt(fold);
    }
    return error;
}

static enum error apply(struct fold *fold, const struct entry_record *record) {
    struct entry *entry = &fold->entry;
    if (record->version != fold->basis.version + 1) {
        return ERROR_DAMAGED;
    }
    enum error error = entry_from_record(entry, record, &fold->arena);
    if (error != ERROR_NONE) {
        return error;
    }
    bool is_batch = entry->kind == ENTRY_BATCH || entry->kind == ENTRY_BATCH_REFUSED;
    error = is_batch ? apply_batch(fold) : basis_define(&fold->basis, entry->kind, &entry->definition);
    if (error == ERROR_NONE) {
        fold->basis.version = record->version;
        fold->window.entries++;
        fold->window.body_bytes += record->body_bytes;
    }
    return error;
}

/* ---- many ---- */

struct reading {
    struct fold *fold;
    bool full;
};

static enum error visit(void *visitor, const struct entry_record *record) {
    struct reading *reading = visitor;
    if (!window_has_room(&reading->fold->window, &reading->fold->pages)) {
        reading->full = true;
        return ERROR_LIMIT; /* ends the reading before this entry */
    }
    return apply(reading->fold, record);
}

enum error fold_read(struct fold *fold, const struct entry_source *source, size_t bytes_max,
                     enum fold_progress *progress) {
    int result = mdb_txn_renew(fold->view);
    if (result != MDB_SUCCESS) {
        return state_file_error(fold->file, result);
    }
    struct reading reading = {.fold = fold};
    uint64_t before = fold->basis.version;
    uint64_t last_version;
    enum error error = source->read(source->context, before, bytes_max, visit, &reading, &last_version);
    mdb_txn_reset(fold->view);
    if (error != ERROR_NONE && !reading.full) {
        return error;
    }
    *progress = reading.full ? FOLD_FULL : fold->basis.version == before ? FOLD_CAUGHT_UP : FOLD_MORE;
    return ERROR_NONE;
}

enum error fold_commit(struct fold *fold, uint64_t *written) {
    enum error error = commit_write(fold->file, &fold->basis, &fold->window, &fold->pages, written);
    if (error == ERROR_NONE) {
        window_settle(&fold->window);
        basis_settle(&fold->basis);
    }
    return error;
}
