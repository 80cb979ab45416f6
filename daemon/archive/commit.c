#include "commit.h"

static enum error error_of(const struct commit *commit, int result) {
    return state_file_error(commit->file, result);
}

static int read_sizes(struct commit *commit) {
    int result = MDB_SUCCESS;
    for (int table = 0; table < TABLE_COUNT && result == MDB_SUCCESS; table++) {
        struct state_table_size size = {0};
        result = state_file_table_size(commit->file, commit->transaction, (enum table)table, &size);
        commit->pages[table] = size.pages;
    }
    return result;
}

enum error commit_begin(struct commit *commit, struct state_file *file) {
    *commit = (struct commit){.file = file, .pages_max = COMMIT_PAGES_MAX};
    int result = mdb_txn_begin(file->env, NULL, 0, &commit->transaction);
    if (result != MDB_SUCCESS) {
        commit->transaction = NULL;
        return error_of(commit, result);
    }
    result = read_sizes(commit);
    if (result != MDB_SUCCESS) {
        commit_abort(commit);
    }
    return error_of(commit, result);
}

enum error commit_end(struct commit *commit) {
    int result = mdb_txn_commit(commit->transaction);
    commit->transaction = NULL;
    return error_of(commit, result);
}

void commit_abort(struct commit *commit) {
    mdb_txn_abort(commit->transaction);
    commit->transaction = NULL;
}

void commit_expect(struct commit *commit, enum table table, size_t changes) {
    commit->changes[table] += changes;
}

bool commit_full(const struct commit *commit) {
    size_t pages = 0;
    for (int table = 0; table < TABLE_COUNT; table++) {
        size_t changes = commit->changes[table];
        pages += changes < commit->pages[table] ? changes : commit->pages[table];
        pages += changes / COMMIT_ENTRIES_PER_PAGE;
    }
    return pages >= commit->pages_max;
}

/* ---- reading and changing ---- */

static int open_cursor(struct commit *commit, enum table table, MDB_cursor **cursor) {
    int result = MDB_SUCCESS;
    if (commit->cursors[table] == NULL) {
        result = mdb_cursor_open(commit->transaction, commit->file->tables[table], &commit->cursors[table]);
    }
    *cursor = commit->cursors[table];
    return result;
}

/* What is not there is no error: then both are empty. */
static enum error get(struct commit *commit, enum table table, MDB_cursor_op operation, MDB_val *key, MDB_val *value) {
    MDB_cursor *cursor;
    int result = open_cursor(commit, table, &cursor);
    if (result == MDB_SUCCESS) {
        result = mdb_cursor_get(cursor, key, value, operation);
    }
    if (result == MDB_NOTFOUND) {
        *key = (MDB_val){0};
        *value = (MDB_val){0};
        return ERROR_NONE;
    }
    return error_of(commit, result);
}

static enum error put(struct commit *commit, enum table table, MDB_val key, MDB_val value, unsigned flags) {
    MDB_cursor *cursor;
    int result = open_cursor(commit, table, &cursor);
    if (result == MDB_SUCCESS) {
        result = mdb_cursor_put(cursor, &key, &value, flags);
    }
    return error_of(commit, result);
}

enum error commit_find(struct commit *commit, enum table table, MDB_val key, MDB_val *value) {
    return get(commit, table, MDB_SET, &key, value);
}

enum error commit_find_last(struct commit *commit, enum table table, MDB_val *key, MDB_val *value) {
    return get(commit, table, MDB_LAST, key, value);
}

enum error commit_find_previous(struct commit *commit, enum table table, MDB_val *key, MDB_val *value) {
    return get(commit, table, MDB_PREV, key, value);
}

enum error commit_find_from(struct commit *commit, enum table table, MDB_val from, MDB_val *key, MDB_val *value) {
    *key = from;
    return get(commit, table, MDB_SET_RANGE, key, value);
}

enum error commit_put(struct commit *commit, enum table table, MDB_val key, MDB_val value) {
    return put(commit, table, key, value, 0);
}

enum error commit_append(struct commit *commit, enum table table, MDB_val key, MDB_val value) {
    return put(commit, table, key, value, MDB_APPEND);
}

enum error commit_replace(struct commit *commit, enum table table, MDB_val key, MDB_val value) {
    return put(commit, table, key, value, MDB_CURRENT);
}

enum error commit_remove(struct commit *commit, enum table table) {
    return error_of(commit, mdb_cursor_del(commit->cursors[table], 0));
}

enum error commit_put_number(struct commit *commit, const char *name, uint64_t number) {
    return error_of(commit, state_file_put_number(commit->file, commit->transaction, name, number));
}

enum error commit_count(const struct commit *commit, enum table table, uint64_t *count) {
    struct state_table_size size = {0};
    int result = state_file_table_size(commit->file, commit->transaction, table, &size);
    *count = size.entries;
    return error_of(commit, result);
}
