/* What the journal and the archive have in common about LMDB files: making one whole or not at all, telling whether one was
 * cut off, and what LMDB's results mean. An LMDB file that was cut off while being made is unusable for ever, and one that
 * lost its end is a SIGBUS later. */
#ifndef TALLY_DAEMON_BASE_ENVIRONMENT_H
#define TALLY_DAEMON_BASE_ENVIRONMENT_H

#include <lmdb.h>
#include <stdint.h>

#include "daemon/base/error.h"

/* What an LMDB result means. path: a file or folder on the disk in question, to tell a full disk from a broken one: LMDB
 * says EIO for a write that a full disk cut short. */
enum error environment_error(int result, const char *path);

/* Bytes of the file that are in use. */
uint64_t environment_bytes(MDB_env *env);

/* Gives a file that was made aside, and is closed, its name: synced, renamed, its folder synced.
 * Errors: DISK_FULL, IO, with the fault filled. */
MUST_USE enum error environment_settle(const char *aside, const char *path, struct fault *fault);

/* Makes the entry of a file or folder in the folder around it durable. Errors: DISK_FULL, IO. */
MUST_USE enum error environment_sync_folder_of(const char *path);

/* Removes a file that nobody has open, for good: its folder is synced. Errors: DISK_FULL, IO. */
MUST_USE enum error environment_remove(const char *path);

/* Makes sure of the disk space of an environment's lock file, before it is opened with locks: LMDB makes that file with a
 * hole and writes into it through a mapping, which a full disk turns into SIGBUS. One that is there already is taken as it
 * is. Errors: DISK_FULL, IO, with the fault filled. */
MUST_USE enum error environment_reserve_lock(const char *path, struct fault *fault);

/* The least that an LMDB file can have: its two meta pages. */
uint64_t environment_bytes_least(void);

/* Whether the file has at least so many bytes: environment_bytes_least before it is opened, environment_bytes before a page
 * beyond the first two is touched. mend says what to do if not. Errors: DAMAGED, IO, with the fault filled. */
MUST_USE enum error environment_check_size(const char *path, uint64_t bytes, const char *mend, struct fault *fault);

#endif
