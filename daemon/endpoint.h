/* Which addresses the daemon may bind. Without keys whoever reaches an endpoint may speak for any node, so only
 * addresses that nobody outside this machine reaches are allowed. */
#ifndef TALLY_DAEMON_ENDPOINT_H
#define TALLY_DAEMON_ENDPOINT_H

/* NULL if the endpoint is tcp:// on a loopback address with a port, or ipc:// with a path that fits a socket's name;
 * else what is wrong and what to do, in English, static storage. */
const char *endpoint_objection(const char *endpoint);

#endif
