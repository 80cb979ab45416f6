/* A recount by the daemon, waited for: what `tally verify` does, and the end of the demonstration. */
#ifndef TALLY_CLIENT_CLI_RECOUNT_H
#define TALLY_CLIENT_CLI_RECOUNT_H

#include <stdint.h>

#include "client/cli/connection.h"

/* Starts a recount, shows its progress on stderr if that is a terminal, waits for its end and prints one line on stdout.
 * interrupt  of interrupt_open, or -1; Ctrl-C ends the waiting, not the recount.
 * timeout_ms -1 = wait without end.
 * Returns 0 if everything is equal, EXIT_NEGATIVE if it is not, or the exit code of what went wrong, told on stderr. */
int recount_run(const struct connection *connection, int interrupt, int64_t timeout_ms);

#endif
