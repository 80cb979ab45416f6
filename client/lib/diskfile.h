/* The files of a diskbox: its directory, its lock, and an LMDB environment that is whole or not there. */
#ifndef TALLY_LIB_DISKFILE_H
#define TALLY_LIB_DISKFILE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"

enum diskfile_table { DISKFILE_BATCHES = 0, DISKFILE_WAITING, DISKFILE_REFUSED, DISKFILE_META, DISKFILE_TABLES };

struct diskfile {
    int directory; /* descriptor, held for syncing and for statvfs */
    int lock;
    MDB_env *environment;
    MDB_dbi table[DISKFILE_TABLES];
};

/* Makes what is missing and opens. A new environment has its tables and "format" and "node" in meta.
 * On failure nothing stays open. Errors as diskbox_open. */
TALLY_MUST_USE enum tally_error diskfile_open(struct diskfile *file, const char *directory, const char *node,
                                              uint64_t bytes_max, char *message);

/* May be called on what diskfile_open failed to open, and twice. */
void diskfile_close(struct diskfile *file);

/* Whether what LMDB returned means that the disk is full: the change was not made, and may be tried again. */
bool diskfile_full(const struct diskfile *file, int code);

/* The tally_error for what LMDB returned, with a sentence: DISK when the disk is full or fails, OUTBOX_FULL, MEMORY,
 * OUTBOX_DAMAGED. */
TALLY_MUST_USE enum tally_error diskfile_error(const struct diskfile *file, int code, char *message);

#endif
