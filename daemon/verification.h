/* Verification: recounts everything from zero beside the running work and compares, for `tally verify`. A thread of its own
 * with low priority; it holds up nobody.
 *
 *   1. reads the stored state and keeps an imprint of it (imprint.h): which block of projects is true at which version;
 *   2. takes a copy of the live roll-up, at a version v not below any of these;
 *   3. replays the journal from its first entry into a fresh ledger, which checks the chain of hashes on the way: each time
 *      it reaches a version of stored blocks, its own blocks must be these, bit for bit; at v its totals, of every region,
 *      category, status and day, must be those of the live roll-up.
 *
 * While it runs it needs as much memory as the ledger and the roll-up once more. */
#ifndef TALLY_DAEMON_VERIFICATION_H
#define TALLY_DAEMON_VERIFICATION_H

#include <stdint.h>

#include "daemon/archive/state.h"
#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/rollup.h"
#include "daemon/query/query.h"

struct verification;

struct verification_options {
    struct entry_source journal; /* a source of its own */
    uint64_t projects_max;       /* as the live ledger has: the same rows must find it full */
    void *context;

    /* Loads the stored state: see state_load. On verification's thread. */
    enum error (*load_stored)(void *context, const struct state_loader *loader, struct state_reach *reach);

    /* Copies the live roll-up: see publisher_capture. On verification's thread. */
    enum error (*capture)(void *context, struct rollup *into, uint64_t version_least, int timeout_ms);
};

/* Starts the thread, which waits to be asked. NULL on failure, with the fault filled: MEMORY, IO. */
struct verification *verification_start(const struct verification_options *options, struct fault *fault);

/* For the query endpoint: begins a recount unless one runs; tells how far it is. Both on one thread. Valid until the
 * verification is destroyed; after the stop nothing begins. */
struct verification_source verification_source(struct verification *verification);

/* Gives up what runs and ends the thread. What the options point to still works. NULL is fine. Main thread. */
void verification_stop(struct verification *verification);

/* Frees; nobody asks any more. NULL is fine. */
void verification_destroy(struct verification *verification);

#endif
