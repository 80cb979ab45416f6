#include "state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/environment.h"

enum {
    PATH_BYTES = 4200,
    ASIDE_MAP_BYTES = 4 << 20,
    READERS_MAX = 64,
};

/* Address space only. Sanitizers leave less of it. */
static const size_t map_bytes[] = {(size_t)1 << 40, (size_t)1 << 36};

static const char cut_off_mend[] = "remove it, the daemon makes it again from the journal";

enum error state_file_error(const struct state_file *file, int result) {
    return environment_error(result, file->path);
}

int state_file_get_number(const struct state_file *file, MDB_txn *transaction, const char *name, uint64_t *number) {
    MDB_val key = state_file_value(name, strlen(name));
    MDB_val value;
    int result = mdb_get(transaction, file->tables[TABLE_META], &key, &value);
    if (result == MDB_SUCCESS && value.mv_size != sizeof *number) {
        return MDB_CORRUPTED;
    }
    if (result == MDB_SUCCESS) {
        memcpy(number, value.mv_data, sizeof *number);
    }
    return result;
}

int state_file_put_number(const struct state_file *file, MDB_txn *transaction, const char *name, uint64_t number) {
    MDB_val key = state_file_value(name, strlen(name));
    MDB_val value = state_file_value(&number, sizeof number);
    return mdb_put(transaction, file->tables[TABLE_META], &key, &value, 0);
}

int state_file_table_size(const struct state_file *file, MDB_txn *transaction, enum table table,
                          struct state_table_size *size) {
    MDB_stat statistics;
    int result = mdb_stat(transaction, file->tables[table], &statistics);
    if (result == MDB_SUCCESS) {
        *size = (struct state_table_size){.entries = statistics.ms_entries, .pages = statistics.ms_leaf_pages};
    }
    return result;
}

static int open_environment(MDB_env **env, const char *path, size_t bytes, unsigned flags) {
    int result = mdb_env_create(env);
    if (result != MDB_SUCCESS) {
        *env = NULL;
        return result;
    }
    mdb_env_set_mapsize(*env, bytes);
    mdb_env_set_maxreaders(*env, READERS_MAX);
    mdb_env_set_maxdbs(*env, TABLE_COUNT);
    result = mdb_env_open(*env, path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0600);
    if (result != MDB_SUCCESS) {
        mdb_env_close(*env);
        *env = NULL;
    }
    return result;
}

static int open_tables(struct state_file *file, MDB_txn *transaction, unsigned flags) {
    int result = MDB_SUCCESS;
    for (int i = 0; result == MDB_SUCCESS && i < TABLE_COUNT; i++) {
        unsigned keys = layout_table_numbered[i] ? MDB_INTEGERKEY : 0;
        result = mdb_dbi_open(transaction, layout_table_names[i], flags | keys, &file->tables[i]);
    }
    return result;
}

/* ---- making ---- */

static int fill_new(struct state_file *file, uint64_t epoch) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(file->env, NULL, 0, &transaction);
    if (result != MDB_SUCCESS) {
        return result;
    }
    result = open_tables(file, transaction, MDB_CREATE);
    if (result == MDB_SUCCESS) {
        result = state_file_put_number(file, transaction, LAYOUT_META_FORMAT, LAYOUT_FORMAT);
    }
    if (result == MDB_SUCCESS) {
        result = state_file_put_number(file, transaction, LAYOUT_META_EPOCH, epoch);
    }
    if (result == MDB_SUCCESS) {
        result = state_file_put_number(file, transaction, LAYOUT_META_VERSION, 0);
    }
    if (result == MDB_SUCCESS) {
        result = state_file_put_number(file, transaction, LAYOUT_META_COMPLETE, 0);
    }
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(transaction);
        return result;
    }
    return mdb_txn_commit(transaction);
}

enum error state_file_make(const char *path, uint64_t epoch, struct fault *fault) {
    char aside[PATH_BYTES];
    snprintf(aside, sizeof aside, "%s.new", path);
    if (unlink(aside) != 0 && errno != ENOENT) {
        return fault_set(fault, error_of_errno(errno), "%s: cannot be removed: %s", aside, strerror(errno));
    }
    struct state_file file = {.path = aside};
    int result = open_environment(&file.env, aside, ASIDE_MAP_BYTES, MDB_NOLOCK);
    if (result == MDB_SUCCESS) {
        result = fill_new(&file, epoch);
        mdb_env_close(file.env);
    }
    if (result != MDB_SUCCESS) {
        enum error error = state_file_error(&file, result);
        unlink(aside);
        return fault_set(fault, error, "%s: cannot be made: %s", aside, mdb_strerror(result));
    }
    return environment_settle(aside, path, fault);
}

/* ---- opening ---- */

static enum error open_map(struct state_file *file, struct fault *fault) {
    enum error error = environment_reserve_lock(file->path, fault);
    if (error != ERROR_NONE) {
        return error;
    }
    int result = MDB_INVALID;
    for (size_t i = 0; i < sizeof map_bytes / sizeof map_bytes[0] && result != MDB_SUCCESS; i++) {
        result = open_environment(&file->env, file->path, map_bytes[i], 0);
    }
    if (result == MDB_SUCCESS) {
        return ERROR_NONE;
    }
    return fault_set(fault, state_file_error(file, result), "%s: cannot be opened: %s; if it is damaged, %s",
                     file->path, mdb_strerror(result), cut_off_mend);
}

/* The handles of the tables are kept by a commit; an abort would close them. */
static enum error read_meta(struct state_file *file, bool *known, struct fault *fault) {
    MDB_txn *transaction;
    uint64_t format = 0;
    uint64_t version = 0;
    uint64_t complete = 0;
    int result = mdb_txn_begin(file->env, NULL, MDB_RDONLY, &transaction);
    if (result != MDB_SUCCESS) {
        return fault_set(fault, state_file_error(file, result), "%s: cannot be read: %s", file->path,
                         mdb_strerror(result));
    }
    result = mdb_dbi_open(transaction, layout_table_names[TABLE_META], 0, &file->tables[TABLE_META]);
    if (result == MDB_SUCCESS) {
        result = state_file_get_number(file, transaction, LAYOUT_META_FORMAT, &format);
    }
    *known = format == LAYOUT_FORMAT;
    if (result == MDB_SUCCESS && *known) {
        result = open_tables(file, transaction, 0);
    }
    if (result == MDB_SUCCESS && *known) {
        result = state_file_get_number(file, transaction, LAYOUT_META_EPOCH, &file->epoch);
    }
    if (result == MDB_SUCCESS && *known) {
        result = state_file_get_number(file, transaction, LAYOUT_META_VERSION, &version);
    }
    if (result == MDB_SUCCESS && *known) {
        result = state_file_get_number(file, transaction, LAYOUT_META_COMPLETE, &complete);
    }
    mdb_txn_commit(transaction);
    atomic_init(&file->complete, complete);
    atomic_init(&file->version, version);
    if (result == MDB_SUCCESS) {
        return ERROR_NONE;
    }
    return fault_set(fault, state_file_error(file, result),
                     "%s: is not a state that this daemon wrote (%s); remove it, it is made again from the journal",
                     file->path, mdb_strerror(result));
}

enum error state_file_open(struct state_file *file, const char *path, bool *known, struct fault *fault) {
    *known = false;
    *file = (struct state_file){.path = strdup(path)};
    if (file->path == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s: %s", path, error_text(ERROR_MEMORY));
    }
    enum error error = environment_check_size(path, environment_bytes_least(), cut_off_mend, fault);
    if (error == ERROR_NONE) {
        error = open_map(file, fault);
    }
    if (error == ERROR_NONE) { /* before any page beyond the first two is touched */
        error = environment_check_size(path, state_file_bytes(file), cut_off_mend, fault);
    }
    if (error == ERROR_NONE) {
        error = read_meta(file, known, fault);
    }
    if (error != ERROR_NONE || !*known) {
        state_file_close(file);
    }
    return error;
}

void state_file_close(struct state_file *file) {
    if (file->env != NULL) {
        mdb_env_close(file->env);
    }
    free(file->path);
    file->env = NULL;
    file->path = NULL;
}

uint64_t state_file_bytes(const struct state_file *file) {
    return environment_bytes(file->env);
}
