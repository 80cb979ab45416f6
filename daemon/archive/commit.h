/* One write transaction of state.mdb, with a bound on what it may change: LMDB 0.9 keeps changed pages in memory and lists at
 * most 131,071 of them; beyond that it spills, which is where its defects were. Who writes says first how many entries of a
 * table will change, and stops where commit_full says so; the rest follows in the next one.
 * Archive only: one thread at a time. Keys and values are borrowed for the call. */
#ifndef TALLY_DAEMON_ARCHIVE_COMMIT_H
#define TALLY_DAEMON_ARCHIVE_COMMIT_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/error.h"
#include "state_file.h"

enum {
    COMMIT_PAGES_MAX = 96 << 10, /* where commit_full begins; what one step adds before it asks again comes on top */
    COMMIT_ENTRIES_PER_PAGE = 7, /* at least so many new ones share a page: texts of the greatest length */
};

struct commit {
    struct state_file *file;
    MDB_txn *transaction;
    size_t pages_max;                 /* COMMIT_PAGES_MAX, unless somebody lowers it */
    MDB_cursor *cursors[TABLE_COUNT]; /* opened when first used; they end with the transaction */
    size_t pages[TABLE_COUNT];        /* leaves, when it began */
    size_t changes[TABLE_COUNT];      /* expected so far */
};

/* Errors: MEMORY, DISK_FULL, IO: nothing was begun. */
MUST_USE enum error commit_begin(struct commit *commit, struct state_file *file);

/* Syncs. Errors: DISK_FULL, MEMORY: nothing was written. IO: outcome unknown. The transaction has ended either way. */
MUST_USE enum error commit_end(struct commit *commit);

void commit_abort(struct commit *commit);

/* So many entries of the table, anywhere in it, will change or be new. */
void commit_expect(struct commit *commit, enum table table, size_t changes);

/* Whether what is expected may change pages_max pages or more. */
bool commit_full(const struct commit *commit);

/* Errors of all below: as state_file_error has them. value is valid until the next change. */

/* value->mv_data is NULL if there is none. */
MUST_USE enum error commit_find(struct commit *commit, enum table table, MDB_val key, MDB_val *value);

/* The last of the table, key->mv_data NULL if it is empty. */
MUST_USE enum error commit_find_last(struct commit *commit, enum table table, MDB_val *key, MDB_val *value);

/* The one before where the last call for the table was. */
MUST_USE enum error commit_find_previous(struct commit *commit, enum table table, MDB_val *key, MDB_val *value);

/* The first that is not below from. */
MUST_USE enum error commit_find_from(struct commit *commit, enum table table, MDB_val from, MDB_val *key,
                                     MDB_val *value);

MUST_USE enum error commit_put(struct commit *commit, enum table table, MDB_val key, MDB_val value);

/* The key is above all others of the table: pages are filled up. */
MUST_USE enum error commit_append(struct commit *commit, enum table table, MDB_val key, MDB_val value);

/* Puts the value in place of what the last find for the table found, of the same key and size. */
MUST_USE enum error commit_replace(struct commit *commit, enum table table, MDB_val key, MDB_val value);

/* Removes what the last find for the table found. */
MUST_USE enum error commit_remove(struct commit *commit, enum table table);

MUST_USE enum error commit_put_number(struct commit *commit, const char *name, uint64_t number);

/* Entries of a table, with what this transaction changed. */
MUST_USE enum error commit_count(const struct commit *commit, enum table table, uint64_t *count);

#endif
