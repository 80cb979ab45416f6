/* The LMDB environment behind struct state: one file with the tables of layout.h. Only this folder includes it.
 * Default flags (and NOTLS, NOSUBDIR): every commit is synced, nothing acknowledged is lost by a power cut. The file is
 * made aside, synced and renamed, because an LMDB file that was cut off while being made is unusable for ever. */
#ifndef TALLY_DAEMON_ARCHIVE_STATE_FILE_H
#define TALLY_DAEMON_ARCHIVE_STATE_FILE_H

#include <lmdb.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "layout.h"

struct state_file {
    /* Immutable after open. */
    char *path;
    MDB_env *env;
    MDB_dbi tables[TABLE_COUNT];
    uint64_t epoch;

    /* Atomic: written by whoever commits, read by any. As in struct state_reach. */
    _Atomic uint64_t complete;
    _Atomic uint64_t version;
};

/* Makes an empty state at version 0 under path, in place of what may be there. Errors: DISK_FULL, IO, MEMORY. */
MUST_USE enum error state_file_make(const char *path, uint64_t epoch, struct fault *fault);

/* Opens the file and checks its size, format and tables. A format other than LAYOUT_FORMAT leaves *known false and is no
 * error: the file is only closed again. Errors: DAMAGED, IO, MEMORY; then nothing is open. */
MUST_USE enum error state_file_open(struct state_file *file, const char *path, bool *known, struct fault *fault);

/* A file that is not open is fine. */
void state_file_close(struct state_file *file);

/* Bytes of the file that are in use. Any thread. */
uint64_t state_file_bytes(const struct state_file *file);

/* What an LMDB result means here. LMDB says EIO for a write that a full disk cut short. */
enum error state_file_error(const struct state_file *file, int result);

/* A value for LMDB, which does not write to what it is given. */
static inline MDB_val state_file_value(const void *data, size_t size) {
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

static inline MDB_val state_file_key(const struct layout_key *key) {
    return state_file_value(key->bytes, key->size);
}

static inline int state_file_open_cursor(const struct state_file *file, MDB_txn *transaction, enum table table,
                                         MDB_cursor **cursor) {
    return mdb_cursor_open(transaction, file->tables[table], cursor);
}

/* For runs of ascending keys: the cursor stays on the page where the next key probably is. */
static inline int state_file_put_at(MDB_cursor *cursor, const struct layout_key *key, const void *bytes, size_t size) {
    MDB_val wanted = state_file_key(key);
    MDB_val value = state_file_value(bytes, size);
    return mdb_cursor_put(cursor, &wanted, &value, 0);
}

/* How large a table is as of the last commit; the result is LMDB's. */
struct state_table_size {
    uint64_t entries;
    size_t pages; /* leaves */
};
MUST_USE int state_file_table_size(const struct state_file *file, MDB_txn *transaction, enum table table,
                                   struct state_table_size *size);

/* A number of the meta table; the result is LMDB's. */
MUST_USE int state_file_get_number(const struct state_file *file, MDB_txn *transaction, const char *name,
                                   uint64_t *number);
MUST_USE int state_file_put_number(const struct state_file *file, MDB_txn *transaction, const char *name,
                                   uint64_t number);

#endif
