#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "layout.h"
#include "lookup.h"
#include "state_file.h"

struct state {
    struct state_file file;
};

/* ---- opening ---- */

static enum error open_or_make(struct state *state, const struct state_options *options, struct fault *fault) {
    bool known = false;
    enum error error = ERROR_NONE;
    if (access(options->path, F_OK) == 0) {
        error = state_file_open(&state->file, options->path, &known, fault);
    } else if (errno != ENOENT) {
        return fault_set(fault, error_of_errno(errno), "%s: %s", options->path, strerror(errno));
    }
    if (error != ERROR_NONE || (known && state->file.epoch == options->epoch)) {
        return error;
    }
    if (known && atomic_load_explicit(&state->file.version, memory_order_relaxed) > 0 &&
        options->journal_version == 0) {
        return fault_set(fault, ERROR_DAMAGED,
                         "%s: holds what another journal added up to, but the journal is new and empty: it was lost; "
                         "restore the whole data directory from one backup, or remove this file to begin anew",
                         options->path);
    }
    if (access(options->path, F_OK) == 0) {
        log_event(LOG_WARNING, "state-replaced",
                  "path=\"%s\" what=\"it is of another %s; it is made again from the journal\"", options->path,
                  known ? "epoch than the journal" : "format");
    }
    state_file_close(&state->file);
    error = state_file_make(options->path, options->epoch, fault);
    return error == ERROR_NONE ? state_file_open(&state->file, options->path, &known, fault) : error;
}

struct state *state_open(const struct state_options *options, struct fault *fault) {
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: %s", options->path, error_text(ERROR_MEMORY));
        return NULL;
    }
    if (open_or_make(state, options, fault) != ERROR_NONE) {
        goto fail;
    }
    uint64_t version = atomic_load_explicit(&state->file.version, memory_order_relaxed); /* nobody writes yet */
    if (version > options->journal_version) {
        fault_set(
            fault, ERROR_DAMAGED,
            "%s: holds what entries up to %" PRIu64 " changed, but the journal ends at %" PRIu64
            ": the journal has lost its end; restore the whole data directory from one backup, or remove this file "
            "to start from what the journal has",
            options->path, version, options->journal_version);
        goto fail;
    }
    return state;
fail:
    state_close(state);
    return NULL;
}

void state_close(struct state *state) {
    if (state != NULL) {
        state_file_close(&state->file);
        free(state);
    }
}

uint64_t state_version(const struct state *state) {
    return atomic_load_explicit(&state->file.complete, memory_order_acquire); /* with the release of the commit */
}

uint64_t state_bytes(const struct state *state) {
    return state_file_bytes(&state->file);
}

struct stored_source state_source(struct state *state) {
    return lookup_source(&state->file);
}

struct state_file *state_file(struct state *state) {
    return &state->file;
}

/* ---- loading ---- */

struct loading {
    const struct state_file *file;
    const struct state_loader *loader;
    MDB_txn *transaction;
    struct state_reach reach;
    uint32_t cells;
    struct project_block block; /* where LMDB has it, it is not aligned */
    struct entry_refusal refusals[BATCH_ROWS_MAX];
};

/* Hands one key and value on. Errors: DAMAGED if they are not what the table holds, or the callback's. */
typedef enum error load_one(struct loading *loading, const MDB_val *key, const MDB_val *value);

static enum error load_table(struct loading *loading, enum table table, load_one *load) {
    MDB_cursor *cursor;
    int result = mdb_cursor_open(loading->transaction, loading->file->tables[table], &cursor);
    if (result != MDB_SUCCESS) {
        return state_file_error(loading->file, result);
    }
    MDB_val key;
    MDB_val value;
    enum error error = ERROR_NONE;
    result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (result == MDB_SUCCESS && error == ERROR_NONE) {
        error = load(loading, &key, &value);
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return error != ERROR_NONE || result == MDB_NOTFOUND ? error : state_file_error(loading->file, result);
}

static enum error load_definition(struct loading *loading, const MDB_val *key, const MDB_val *value) {
    enum entry_kind kind;
    uint16_t number;
    struct definition definition;
    if (!layout_read_definition_key(key->mv_data, key->mv_size, &kind, &number) ||
        definition_decode(value->mv_data, value->mv_size, &definition) != ERROR_NONE || definition.number != number) {
        return ERROR_DAMAGED;
    }
    return loading->loader->definition(loading->loader->context, kind, &definition);
}

static enum error load_cell(struct loading *loading, const MDB_val *key, const MDB_val *value) {
    uint32_t number;
    cell_key_t cell;
    if (!layout_read_number(key->mv_data, key->mv_size, &number) || number != loading->cells ||
        !layout_read_cell(value->mv_data, value->mv_size, &cell)) {
        return ERROR_DAMAGED;
    }
    loading->cells++;
    return loading->loader->cell(loading->loader->context, cell);
}

static enum error load_block(struct loading *loading, const MDB_val *key, const MDB_val *value) {
    uint32_t number;
    if (!layout_read_number(key->mv_data, key->mv_size, &number) || value->mv_size != sizeof loading->block) {
        return ERROR_DAMAGED;
    }
    memcpy(&loading->block, value->mv_data, sizeof loading->block);
    return loading->block.version <= loading->reach.version
               ? loading->loader->block(loading->loader->context, number, &loading->block)
               : ERROR_DAMAGED;
}

static enum error load_day(struct loading *loading, const MDB_val *key, const MDB_val *value) {
    uint16_t competition;
    uint32_t region;
    uint16_t day;
    struct sums sums;
    if (!layout_read_day_key(key->mv_data, key->mv_size, &competition, &region, &day) ||
        value->mv_size != sizeof sums) {
        return ERROR_DAMAGED;
    }
    memcpy(&sums, value->mv_data, sizeof sums);
    return loading->loader->day(loading->loader->context, competition, region, day, &sums);
}

static enum error load_sequence(struct loading *loading, const MDB_val *key, const MDB_val *value) {
    uint16_t node;
    uint64_t sequence;
    if (!layout_read_node_key(key->mv_data, key->mv_size, &node) || value->mv_size != sizeof sequence) {
        return ERROR_DAMAGED;
    }
    memcpy(&sequence, value->mv_data, sizeof sequence);
    return loading->loader->sequence(loading->loader->context, node, sequence);
}

static enum error load_receipt(struct loading *loading, const MDB_val *key, const MDB_val *value) {
    uint16_t node;
    uint64_t sequence;
    struct receipt receipt;
    if (!layout_read_receipt_key(key->mv_data, key->mv_size, &node, &sequence) ||
        !layout_receipt_read(value->mv_data, value->mv_size, sequence, &receipt, loading->refusals)) {
        return ERROR_DAMAGED;
    }
    return loading->loader->receipt(loading->loader->context, node, &receipt);
}

static int read_reach(struct loading *loading) {
    struct state_reach *reach = &loading->reach;
    int result = state_file_get_number(loading->file, loading->transaction, LAYOUT_META_COMPLETE, &reach->complete);
    if (result == MDB_SUCCESS) {
        result = state_file_get_number(loading->file, loading->transaction, LAYOUT_META_VERSION, &reach->version);
    }
    return result == MDB_SUCCESS && reach->complete > reach->version ? MDB_CORRUPTED : result;
}

static enum error load_tables(struct loading *loading, struct fault *fault) {
    const struct state_loader *loader = loading->loader;
    const struct {
        enum table table;
        load_one *load;
        bool wanted;
    } steps[] = {
        {TABLE_DEFINITIONS, load_definition, loader->definition != NULL},
        {TABLE_CELLS, load_cell, loader->cell != NULL},
        {TABLE_BLOCKS, load_block, loader->block != NULL},
        {TABLE_DAYS, load_day, loader->day != NULL},
        {TABLE_NODES, load_sequence, loader->sequence != NULL},
        {TABLE_RECEIPTS, load_receipt, loader->receipt != NULL},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum error error = steps[i].wanted ? load_table(loading, steps[i].table, steps[i].load) : ERROR_NONE;
        if (error != ERROR_NONE) {
            return fault_set(fault, error, "%s: its table \"%s\" cannot be loaded: %s", loading->file->path,
                             layout_table_names[steps[i].table], error_text(error));
        }
    }
    return ERROR_NONE;
}

static enum error load_all(struct loading *loading, struct state_reach *reach, struct fault *fault) {
    int result = mdb_txn_begin(loading->file->env, NULL, MDB_RDONLY, &loading->transaction);
    if (result == MDB_SUCCESS) {
        result = read_reach(loading);
        *reach = loading->reach;
        enum error error = result == MDB_SUCCESS ? load_tables(loading, fault) : ERROR_NONE;
        mdb_txn_abort(loading->transaction);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    return result == MDB_SUCCESS ? ERROR_NONE
                                 : fault_set(fault, state_file_error(loading->file, result), "%s: cannot be read: %s",
                                             loading->file->path, mdb_strerror(result));
}

enum error state_load(const struct state *state, const struct state_loader *loader, struct state_reach *reach,
                      struct fault *fault) {
    struct loading *loading = malloc(sizeof *loading);
    if (loading == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s: %s", state->file.path, error_text(ERROR_MEMORY));
    }
    *loading = (struct loading){.file = &state->file, .loader = loader};
    enum error error = load_all(loading, reach, fault);
    free(loading);
    return error;
}
