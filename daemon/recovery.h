/* Recovery: the state as it was, from state.mdb and the journal's tail. The stored state is complete up to one version and
 * partly as new as another; the entries after the first are applied, and of those up to the second only what is missing
 * takes effect: their receipts, sequences and definitions are stored. Everything that a receipt was ever given for is in
 * the journal; what the ledger, the nodes' sequences and receipts were is a function of it. Main thread, before the stages
 * start. */
#ifndef TALLY_DAEMON_RECOVERY_H
#define TALLY_DAEMON_RECOVERY_H

#include "daemon/archive/state.h"
#include "daemon/base/entry.h"
#include "daemon/intake/stage.h"
#include "daemon/ledger/ledger.h"
#include "numbering.h"

struct recovery {
    const struct state *state;
    struct entry_source source;
    uint64_t journal_version;    /* to replay up to */
    struct ledger *ledger;       /* new; filled */
    struct intake_stage *intake; /* not started; told sequences, receipts and definitions */
    struct numbering *numbering; /* zeroed; learns what numbers there are */

    /* Writes what the ledger has to the state, because its list of changed texts is full (ledger_has_room). Not called
     * while the source is read. Errors: its own, with the fault filled; they end the recovery. */
    enum error (*make_room)(void *context, struct fault *fault);
    void *context;
};

/* Logs how far it is every few seconds, and at the end what was recovered. Errors: DAMAGED, IO, MEMORY, LIMIT, with the
 * fault filled. */
MUST_USE enum error recovery_run(const struct recovery *recovery, struct fault *fault);

#endif
