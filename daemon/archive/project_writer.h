/* Writes the projects of a window into a transaction: figures, texts, and the list by region, each in the order of its keys,
 * so that LMDB goes through every page once. Archive's thread only. */
#ifndef TALLY_DAEMON_ARCHIVE_PROJECT_WRITER_H
#define TALLY_DAEMON_ARCHIVE_PROJECT_WRITER_H

#include <stdint.h>

#include "daemon/base/error.h"
#include "state_file.h"
#include "window.h"

/* written out: project states. The result is LMDB's; if it is not MDB_SUCCESS, abort the transaction. The window's room for
 * sorting is used, all else in it stays. */
MUST_USE int project_writer_write(const struct state_file *file, MDB_txn *transaction, struct window *window,
                                  uint64_t *written);

#endif
