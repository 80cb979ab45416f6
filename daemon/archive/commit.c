#include "commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "project_writer.h"

/* All functions of this file that return int return LMDB's results. */
struct commit {
    struct state_file *file;
    const struct basis *basis;
    struct window *window;
    MDB_txn *transaction;
};

static int put(const struct commit *commit, enum table table, const struct layout_key *key, const void *bytes,
               size_t size) {
    MDB_val wanted = state_file_key(key);
    MDB_val value = state_file_value(bytes, size);
    return mdb_put(commit->transaction, commit->file->tables[table], &wanted, &value, 0);
}

/* ---- definitions, sequences, cells ---- */

static int write_definition(const struct commit *commit, enum entry_kind kind, const struct definition *definition,
                            int64_t value_sum) {
    struct layout_key key;
    uint8_t value[LAYOUT_DEFINITION_BYTES];
    layout_definition_key(&key, kind, definition->number);
    definition_encode(definition, value);
    memcpy(value + DEFINITION_BYTES, &value_sum, sizeof value_sum);
    return put(commit, TABLE_DEFINITIONS, &key, value, sizeof value);
}

static int write_competitions(const struct commit *commit) {
    int result = MDB_SUCCESS;
    for (size_t i = 0; i < COMPETITIONS_MAX && result == MDB_SUCCESS; i++) {
        const struct basis_competition *competition = &commit->basis->competitions[i];
        if (competition->changed) {
            result = write_definition(commit, ENTRY_COMPETITION, &competition->definition, competition->value_sum);
        }
    }
    return result;
}

static int write_nodes(const struct commit *commit) {
    int result = MDB_SUCCESS;
    for (uint16_t i = 0; i < NODES_MAX && result == MDB_SUCCESS; i++) {
        const struct basis_node *node = &commit->basis->nodes[i];
        if (node->definition_changed) {
            result = write_definition(commit, ENTRY_NODE, &node->definition, 0);
        }
        if (node->sequence_changed && result == MDB_SUCCESS) {
            struct layout_key key;
            layout_node_key(&key, i);
            result = put(commit, TABLE_NODES, &key, &node->sequence, sizeof node->sequence);
        }
    }
    return result;
}

static int write_cells(const struct commit *commit) {
    const struct keytable *cells = &commit->basis->cells;
    int result = MDB_SUCCESS;
    for (uint32_t i = commit->basis->cells_stored; i < cells->count && result == MDB_SUCCESS; i++) {
        struct layout_key key;
        layout_cell_key(&key, cells->keys[i]);
        result = put(commit, TABLE_CELLS, &key, "", 0);
    }
    return result;
}

/* ---- days ---- */

static int by_prefix(const void *a, const void *b) {
    const struct window_order *left = a;
    const struct window_order *right = b;
    return left->prefix < right->prefix ? -1 : left->prefix > right->prefix;
}

static int write_day(MDB_cursor *cursor, uint64_t day_key, const struct sums *change) {
    struct layout_key key;
    layout_day_key(&key, window_day_competition(day_key), window_day_region(day_key), window_day_day(day_key));
    MDB_val wanted = state_file_key(&key);
    MDB_val stored;
    struct sums sums = {0};
    int result = mdb_cursor_get(cursor, &wanted, &stored, MDB_SET);
    if (result == MDB_SUCCESS && stored.mv_size != sizeof sums) {
        return MDB_CORRUPTED;
    }
    if (result == MDB_SUCCESS) {
        memcpy(&sums, stored.mv_data, sizeof sums);
    } else if (result != MDB_NOTFOUND) {
        return result;
    }
    sums_merge(&sums, change);
    return state_file_put_at(cursor, &key, &sums, sizeof sums);
}

static int write_days(const struct commit *commit) {
    struct window *window = commit->window;
    if (window->days.count == 0) {
        return MDB_SUCCESS;
    }
    for (uint32_t i = 0; i < window->days.count; i++) {
        window->order[i] = (struct window_order){.prefix = window->days.keys[i], .number = i};
    }
    qsort(window->order, window->days.count, sizeof *window->order, by_prefix);
    MDB_cursor *cursor;
    int result = state_file_open_cursor(commit->file, commit->transaction, TABLE_DAYS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < window->days.count && result == MDB_SUCCESS; i++) {
        uint32_t number = window->order[i].number;
        if (!sums_zero(&window->day_sums[number])) {
            result = write_day(cursor, window->days.keys[number], &window->day_sums[number]);
        }
    }
    mdb_cursor_close(cursor);
    return result;
}

/* ---- receipts ---- */

static bool kept(uint64_t sequence, uint64_t last_sequence) {
    return sequence + WINDOW_BATCHES_MAX > last_sequence;
}

static int write_new_receipts(const struct commit *commit, uint8_t *bytes) {
    const struct window *window = commit->window;
    int result = MDB_SUCCESS;
    for (uint32_t i = 0; i < window->receipt_count && result == MDB_SUCCESS; i++) {
        const struct window_receipt *added = &window->receipts[i];
        if (kept(added->receipt.sequence, commit->basis->nodes[added->node].sequence)) {
            struct layout_key key;
            layout_receipt_key(&key, added->node, added->receipt.sequence);
            result = put(commit, TABLE_RECEIPTS, &key, bytes, layout_receipt_write(&added->receipt, bytes));
        }
    }
    return result;
}

/* Removes the node's receipts that are not among its last ones. */
static int drop_old_receipts(MDB_cursor *cursor, uint16_t node, uint64_t last_sequence) {
    for (;;) {
        struct layout_key from;
        layout_receipt_key(&from, node, 0);
        MDB_val key = state_file_key(&from);
        MDB_val value;
        uint16_t found_node;
        uint64_t sequence;
        int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        if (result != MDB_SUCCESS) {
            return result == MDB_NOTFOUND ? MDB_SUCCESS : result;
        }
        if (!layout_read_receipt_key(key.mv_data, key.mv_size, &found_node, &sequence)) {
            return MDB_CORRUPTED;
        }
        if (found_node != node || kept(sequence, last_sequence)) {
            return MDB_SUCCESS;
        }
        result = mdb_cursor_del(cursor, 0);
        if (result != MDB_SUCCESS) {
            return result;
        }
    }
}

static int write_receipts(const struct commit *commit) {
    uint8_t *bytes = malloc(LAYOUT_RECEIPT_BYTES_MAX);
    if (bytes == NULL) {
        return ENOMEM;
    }
    int result = write_new_receipts(commit, bytes);
    free(bytes);
    MDB_cursor *cursor;
    if (result == MDB_SUCCESS) {
        result = state_file_open_cursor(commit->file, commit->transaction, TABLE_RECEIPTS, &cursor);
    }
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (uint16_t i = 0; i < NODES_MAX && result == MDB_SUCCESS; i++) {
        const struct basis_node *node = &commit->basis->nodes[i];
        if (node->sequence_changed) {
            result = drop_old_receipts(cursor, i, node->sequence);
        }
    }
    mdb_cursor_close(cursor);
    return result;
}

/* ---- all of it ---- */

static int read_pages(const struct state_file *file, MDB_txn *transaction, struct window_pages *pages) {
    struct state_table_size projects = {0};
    struct state_table_size texts = {0};
    struct state_table_size regions = {0};
    int result = state_file_table_size(file, transaction, TABLE_PROJECTS, &projects);
    if (result == MDB_SUCCESS) {
        result = state_file_table_size(file, transaction, TABLE_TEXTS, &texts);
    }
    if (result == MDB_SUCCESS) {
        result = state_file_table_size(file, transaction, TABLE_REGIONS, &regions);
    }
    *pages = (struct window_pages){.projects = projects.pages, .texts = texts.pages, .regions = regions.pages};
    return result;
}

static int write_all(const struct commit *commit, struct window_pages *pages, uint64_t *written) {
    int (*const steps[])(const struct commit *commit) = {write_competitions, write_nodes, write_cells, write_days,
                                                         write_receipts};
    int result = project_writer_write(commit->file, commit->transaction, commit->window, written);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && result == MDB_SUCCESS; i++) {
        result = steps[i](commit);
    }
    if (result == MDB_SUCCESS) {
        result = state_file_put_number(commit->file, commit->transaction, LAYOUT_META_VERSION, commit->basis->version);
    }
    return result == MDB_SUCCESS ? read_pages(commit->file, commit->transaction, pages) : result;
}

enum error commit_write(struct state_file *file, const struct basis *basis, struct window *window,
                        struct window_pages *pages, uint64_t *written) {
    struct commit commit = {.file = file, .basis = basis, .window = window};
    struct window_pages grown;
    uint64_t projects = 0;
    int result = mdb_txn_begin(file->env, NULL, 0, &commit.transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(file, result);
    }
    result = write_all(&commit, &grown, &projects);
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(commit.transaction);
        return state_file_error(file, result);
    }
    result = mdb_txn_commit(commit.transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(file, result);
    }
    *pages = grown;
    *written = projects;
    /* Release: who sees the version finds its state in the file. */
    atomic_store_explicit(&file->version, basis->version, memory_order_release);
    return ERROR_NONE;
}

enum error commit_pages(const struct state_file *file, struct window_pages *pages) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(file->env, NULL, MDB_RDONLY, &transaction);
    if (result == MDB_SUCCESS) {
        result = read_pages(file, transaction, pages);
        mdb_txn_abort(transaction);
    }
    return state_file_error(file, result);
}
