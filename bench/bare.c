#include "bench/bare.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/clock.h"

/* Address space; the records of a run are far less. */
static const size_t map_bytes = (size_t)16 << 30;

struct bare {
    MDB_env *env;
    MDB_dbi records;
    size_t record_bytes;
    uint64_t written;
};

static bool complain(int result) {
    fprintf(stderr, "bench: bare commit: %s\n", mdb_strerror(result));
    return false;
}

static int open_table(struct bare *bare) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(bare->env, NULL, 0, &transaction);
    if (result != MDB_SUCCESS) {
        return result;
    }
    result = mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY | MDB_CREATE, &bare->records);
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(transaction);
        return result;
    }
    return mdb_txn_commit(transaction);
}

struct bare *bare_open(const char *path, size_t record_bytes) {
    struct bare *bare = calloc(1, sizeof *bare);
    if (bare == NULL || mdb_env_create(&bare->env) != MDB_SUCCESS) {
        fputs("bench: out of memory\n", stderr);
        free(bare);
        return NULL;
    }
    bare->record_bytes = record_bytes;
    remove(path);
    mdb_env_set_mapsize(bare->env, map_bytes);
    int result = mdb_env_open(bare->env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
    result = result == MDB_SUCCESS ? open_table(bare) : result;
    if (result != MDB_SUCCESS) {
        complain(result);
        bare_close(bare);
        return NULL;
    }
    return bare;
}

bool bare_commit(struct bare *bare, int64_t *commit_ns) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(bare->env, NULL, 0, &transaction);
    if (result != MDB_SUCCESS) {
        return complain(result);
    }
    uint64_t number = ++bare->written;
    MDB_val key = {sizeof number, &number};
    MDB_val value = {bare->record_bytes, NULL};
    result = mdb_put(transaction, bare->records, &key, &value, MDB_RESERVE | MDB_APPEND);
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(transaction);
        return complain(result);
    }
    memset(value.mv_data, (int)(number & UINT8_MAX), value.mv_size);
    int64_t began_ns = clock_now_ns();
    result = mdb_txn_commit(transaction);
    *commit_ns = clock_now_ns() - began_ns;
    return result == MDB_SUCCESS || complain(result);
}

void bare_close(struct bare *bare) {
    if (bare != NULL) {
        mdb_env_close(bare->env);
        free(bare);
    }
}
