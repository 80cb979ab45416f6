/* The trial: connects to an endpoint as a stranger would, with a key that nobody knows and with none, and sees to it that both
 * are turned away. CURVE in libzmq lets everybody in when one of several settings is missing; so the daemon does not believe
 * that it is shut, but tries the door, each time it starts. */
#ifndef TALLY_DAEMON_ACCESS_TRIAL_H
#define TALLY_DAEMON_ACCESS_TRIAL_H

#include <stdbool.h>

#include "daemon/base/error.h"
#include "proto/curve_key.h"

/* endpoint, type: as they were bound. server: the daemon's public key. Takes some milliseconds; at most some seconds. Any
 * thread. Errors: NETWORK (a stranger was let in, or it could not be found out), MEMORY, with the fault filled. */
MUST_USE enum error trial_run(const char *endpoint, int type, const struct curve_key *server, struct fault *fault);

/* Whether the key is that of a trial under way, which nobody needs to be told of. Any thread. */
bool trial_is_stranger(const struct curve_key *key);

#endif
