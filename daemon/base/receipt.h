/* What a node is told about one of its batches. The last WINDOW_BATCHES_MAX of each node are kept (by intake in memory, by
 * the archive in state.mdb), because a connection may break between the commit and the receipt, and refused rows must not
 * get lost with it. */
#ifndef TALLY_DAEMON_BASE_RECEIPT_H
#define TALLY_DAEMON_BASE_RECEIPT_H

#include <stdint.h>

#include "daemon/base/entry.h"

struct receipt {
    uint64_t sequence;
    uint64_t version;
    uint32_t rows;
    uint32_t accepted;
    uint32_t unchanged;
    uint16_t batch_code; /* not 0: the whole batch was refused */
    uint32_t refusal_count;
    struct entry_refusal *refusals; /* rows in ascending order; NULL if there are none */
};

/* Makes the receipt of a batch that was applied; refusals is malloc'd, the caller's to free.
 * Errors: MEMORY: refusals is left out, all else is set. */
MUST_USE enum error receipt_from_entry(struct receipt *receipt, const struct entry *entry);

#endif
