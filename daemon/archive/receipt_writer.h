/* Writes receipts, the last WINDOW_BATCHES_MAX of each node, and removes those before. Archive only: one thread at a time. */
#ifndef TALLY_DAEMON_ARCHIVE_RECEIPT_WRITER_H
#define TALLY_DAEMON_ARCHIVE_RECEIPT_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "commit.h"
#include "daemon/base/error.h"
#include "daemon/base/receipt_exchange.h"

/* Writes the list's receipts from *done on until all are or the transaction is full, and moves *done on. Those that a node
 * whose last sequence is sequences[node] will not ask for are left out. bytes: room for LAYOUT_RECEIPT_BYTES_MAX.
 * Errors: as state_file_error. */
MUST_USE enum error receipt_writer_write(struct commit *commit, const struct receipt_list *list,
                                         const uint64_t *sequences, uint8_t *bytes, size_t *done);

/* Removes what is stored of the node's receipts and not among its last ones. */
MUST_USE enum error receipt_writer_drop_old(struct commit *commit, uint16_t node, uint64_t last_sequence);

#endif
