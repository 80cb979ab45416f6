/* What a floor left on the disk: its journal read from the first entry to the last, with every hash and its place in the
 * chain, every node's sequence without a gap, and the rows counted by decoding them at last. */
#ifndef TALLY_BENCH_FLOOR_AUDIT_H
#define TALLY_BENCH_FLOOR_AUDIT_H

#include <stdint.h>

#include "daemon/base/error.h"

struct floor_audit {
    uint64_t entries;
    uint64_t rows;
};

/* Reads the journal in a directory; nobody writes it meanwhile.
 * Errors: BUSY, DAMAGED (chain, sequence or body), IO, MEMORY, with the fault filled. */
MUST_USE enum error floor_audit_read(const char *journal_directory, struct floor_audit *audit, struct fault *fault);

#endif
