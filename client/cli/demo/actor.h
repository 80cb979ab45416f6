/* One of the four node processes of the demonstration: pushes its part of the plan through the library. */
#ifndef TALLY_CLIENT_CLI_DEMO_ACTOR_H
#define TALLY_CLIENT_CLI_DEMO_ACTOR_H

#include <stdint.h>
#include <sys/types.h>

#include "client/cli/demo/plan.h"
#include "client/cli/options.h"

/* Pushes the updates of a node, over pace_ms in the order of their days, and waits for every receipt. A row that is
 * refused because the daemon knows a later day of its project is what a second demonstration meets; any other refusal is
 * told. interrupt is of interrupt_open. Returns an exit code; it has told why if that is not 0. */
int actor_run(const struct arguments *arguments, const char *competition, const struct plan *plan, unsigned node,
              int64_t pace_ms, int interrupt);

/* Starts a process of this program that does the same for a node. It ends when this process does.
 * Returns its id, or -1 with errno set. */
pid_t actor_spawn(const struct arguments *arguments, const char *competition, unsigned node, int64_t pace_ms);

#endif
