/* Loading a stored state into a new ledger, as recovery does. */
#ifndef TALLY_TESTS_UNIT_DAEMON_ARCHIVE_LOAD_H
#define TALLY_TESTS_UNIT_DAEMON_ARCHIVE_LOAD_H

#include "daemon/archive/state.h"
#include "daemon/ledger/ledger.h"

/* Errors: as state_load; the ledger is good for nothing then. */
MUST_USE enum error load_ledger(const struct state *state, struct ledger *ledger, struct state_reach *reach,
                                struct fault *fault);

#endif
