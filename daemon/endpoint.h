/* Which addresses the daemon may bind. Without keys whoever reaches an endpoint may speak for any node, so only
 * addresses that nobody outside this machine reaches are allowed, unless the configuration says otherwise in so many words. */
#ifndef TALLY_DAEMON_ENDPOINT_H
#define TALLY_DAEMON_ENDPOINT_H

#include <stdbool.h>

/* NULL if the endpoint is tcp:// on an address of numbers or * with a port, or ipc:// with a path that fits a socket's name;
 * else what is wrong and what to do, in English, static storage. others: whether other machines may reach it. */
const char *endpoint_objection(const char *endpoint, bool others);

#endif
