/* Writes what a fold has gathered to state.mdb: one transaction, in the order of the keys, so that LMDB goes through each
 * page once. Archive's thread only. */
#ifndef TALLY_DAEMON_ARCHIVE_COMMIT_H
#define TALLY_DAEMON_ARCHIVE_COMMIT_H

#include <stdint.h>

#include "basis.h"
#include "daemon/base/error.h"
#include "state_file.h"
#include "window.h"

/* Makes the file true at basis->version. The window's room for sorting is used; all else in memory stays, so that the same commit can be
 * tried again; settling is the caller's.
 * pages   out: how large the tables have become
 * written out: project states
 * Errors: DISK_FULL, MEMORY, DAMAGED: nothing was written. IO: outcome unknown. */
MUST_USE enum error commit_write(struct state_file *file, const struct basis *basis, struct window *window,
                                 struct window_pages *pages, uint64_t *written);

/* The sizes alone, as of now. */
MUST_USE enum error commit_pages(const struct state_file *file, struct window_pages *pages);

#endif
