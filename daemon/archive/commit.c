#include "commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* All functions of this file that return int return LMDB's results. */
struct commit {
    struct state_file *file;
    const struct basis *basis;
    struct window *window;
    MDB_txn *transaction;
    uint64_t written;
};

static int put(const struct commit *commit, enum table table, const struct layout_key *key, const void *bytes,
               size_t size) {
    MDB_val wanted = state_file_key(key);
    MDB_val value = state_file_value(bytes, size);
    return mdb_put(commit->transaction, commit->file->tables[table], &wanted, &value, 0);
}

/* For runs of ascending keys: the cursor stays on the page where the next key probably is. */
static int put_at(MDB_cursor *cursor, const struct layout_key *key, const void *bytes, size_t size) {
    MDB_val wanted = state_file_key(key);
    MDB_val value = state_file_value(bytes, size);
    return mdb_cursor_put(cursor, &wanted, &value, 0);
}

static int open_cursor(const struct commit *commit, enum table table, MDB_cursor **cursor) {
    return mdb_cursor_open(commit->transaction, commit->file->tables[table], cursor);
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

/* ---- projects ---- */

static int compare_codes(const struct cached_project *a, const struct cached_project *b) {
    if (a->competition != b->competition) {
        return a->competition < b->competition ? -1 : 1;
    }
    return memcmp(a->code, b->code, sizeof a->code);
}

static int by_code(const void *a, const void *b, void *context) {
    const struct cached_project *records = context;
    return compare_codes(&records[*(const uint32_t *)a], &records[*(const uint32_t *)b]);
}

static int by_region(const void *a, const void *b, void *context) {
    const struct cached_project *records = context;
    const struct cached_project *left = &records[*(const uint32_t *)a];
    const struct cached_project *right = &records[*(const uint32_t *)b];
    if (left->competition == right->competition && left->figures.region != right->figures.region) {
        return left->figures.region < right->figures.region ? -1 : 1;
    }
    return compare_codes(left, right);
}

static int write_figures(struct commit *commit) {
    const struct window *window = commit->window;
    MDB_cursor *cursor;
    int result = open_cursor(commit, TABLE_PROJECTS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < window->changed_count && result == MDB_SUCCESS; i++) {
        const struct cached_project *record = &window->cache.records[window->changed[i]];
        if (record->figures_changed) {
            struct layout_key key;
            struct layout_project value;
            layout_project_key(&key, record->competition, record->code, record->code_bytes);
            layout_project_set(&value, &record->figures, record->updated_version, record->updated_ms);
            result = put_at(cursor, &key, &value, sizeof value);
            commit->written++;
        }
    }
    mdb_cursor_close(cursor);
    return result;
}

/* What is stored of the texts, with what came in place of it. */
static void merge_texts(struct layout_texts *texts, const struct window_texts *change) {
    if ((change->given & WINDOW_NAME) != 0) {
        texts->name = change->texts.name;
        texts->name_bytes = change->texts.name_bytes;
    }
    if ((change->given & WINDOW_CONTRACTOR) != 0) {
        texts->contractor = change->texts.contractor;
        texts->contractor_bytes = change->texts.contractor_bytes;
    }
    if ((change->given & WINDOW_START_DAY) != 0) {
        texts->start_day = change->texts.start_day;
    }
    if ((change->given & WINDOW_COMPLETION_DAY) != 0) {
        texts->completion_day = change->texts.completion_day;
    }
}

/* Texts that are there already are not written again: nodes tend to send them with every row. */
static int write_texts_of(MDB_cursor *cursor, const struct cached_project *record, const struct window_texts *change) {
    struct layout_key key;
    layout_project_key(&key, record->competition, record->code, record->code_bytes);
    MDB_val wanted = state_file_key(&key);
    MDB_val stored = {0};
    struct layout_texts texts = {0};
    int result = mdb_cursor_get(cursor, &wanted, &stored, MDB_SET);
    if (result == MDB_SUCCESS && !layout_texts_read(stored.mv_data, stored.mv_size, &texts)) {
        return MDB_CORRUPTED;
    }
    if (result != MDB_SUCCESS && result != MDB_NOTFOUND) {
        return result;
    }
    bool is_new = result == MDB_NOTFOUND;
    uint8_t bytes[LAYOUT_TEXTS_BYTES_MAX];
    merge_texts(&texts, change);
    size_t size = layout_texts_write(&texts, bytes);
    bool same = !is_new && size == stored.mv_size && memcmp(bytes, stored.mv_data, size) == 0;
    return same ? MDB_SUCCESS : put_at(cursor, &key, bytes, size);
}

static int write_texts(const struct commit *commit) {
    const struct window *window = commit->window;
    MDB_cursor *cursor;
    int result = open_cursor(commit, TABLE_TEXTS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < window->changed_count && result == MDB_SUCCESS; i++) {
        const struct cached_project *record = &window->cache.records[window->changed[i]];
        if (record->texts != 0) {
            result = write_texts_of(cursor, record, &window->texts[record->texts - 1]);
        }
    }
    mdb_cursor_close(cursor);
    return result;
}

static int move_in_index(const struct commit *commit, MDB_cursor *cursor, const struct cached_project *record) {
    struct layout_key key;
    if (record->stored_region != 0) {
        layout_region_key(&key, record->competition, record->stored_region, record->code, record->code_bytes);
        MDB_val old = state_file_key(&key);
        int result = mdb_del(commit->transaction, commit->file->tables[TABLE_REGIONS], &old, NULL);
        if (result != MDB_SUCCESS) {
            return result;
        }
    }
    layout_region_key(&key, record->competition, record->figures.region, record->code, record->code_bytes);
    return put_at(cursor, &key, "", 0);
}

static int write_regions(const struct commit *commit) {
    struct window *window = commit->window;
    struct cached_project *records = window->cache.records;
    size_t count = 0;
    for (uint32_t i = 0; i < window->changed_count; i++) {
        const struct cached_project *record = &records[window->changed[i]];
        if (record->exists && record->figures.region != record->stored_region) {
            window->order[count++] = window->changed[i];
        }
    }
    if (count == 0) {
        return MDB_SUCCESS;
    }
    qsort_r(window->order, count, sizeof *window->order, by_region, records);
    MDB_cursor *cursor;
    int result = open_cursor(commit, TABLE_REGIONS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (size_t i = 0; i < count && result == MDB_SUCCESS; i++) {
        result = move_in_index(commit, cursor, &records[window->order[i]]);
    }
    mdb_cursor_close(cursor);
    return result;
}

static int write_projects(struct commit *commit) {
    struct window *window = commit->window;
    if (window->changed_count == 0) {
        return MDB_SUCCESS;
    }
    qsort_r(window->changed, window->changed_count, sizeof *window->changed, by_code, window->cache.records);
    int result = write_figures(commit);
    if (result == MDB_SUCCESS && window->texts_count > 0) {
        result = write_texts(commit);
    }
    return result == MDB_SUCCESS ? write_regions(commit) : result;
}

/* ---- days ---- */

static int by_key(const void *a, const void *b, void *context) {
    const uint64_t *keys = context;
    uint64_t left = keys[*(const uint32_t *)a];
    uint64_t right = keys[*(const uint32_t *)b];
    return left < right ? -1 : left > right;
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
    return put_at(cursor, &key, &sums, sizeof sums);
}

static int write_days(const struct commit *commit) {
    struct window *window = commit->window;
    if (window->days.count == 0) {
        return MDB_SUCCESS;
    }
    for (uint32_t i = 0; i < window->days.count; i++) {
        window->order[i] = i;
    }
    qsort_r(window->order, window->days.count, sizeof *window->order, by_key, window->days.keys);
    MDB_cursor *cursor;
    int result = open_cursor(commit, TABLE_DAYS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < window->days.count && result == MDB_SUCCESS; i++) {
        uint32_t number = window->order[i];
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
        result = open_cursor(commit, TABLE_RECEIPTS, &cursor);
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

static int write_all(struct commit *commit, struct window_pages *pages) {
    int (*const steps[])(const struct commit *commit) = {write_competitions, write_nodes, write_cells, write_days,
                                                         write_receipts};
    int result = write_projects(commit);
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
    int result = mdb_txn_begin(file->env, NULL, 0, &commit.transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(file, result);
    }
    result = write_all(&commit, &grown);
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(commit.transaction);
        return state_file_error(file, result);
    }
    result = mdb_txn_commit(commit.transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(file, result);
    }
    *pages = grown;
    *written = commit.written;
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
