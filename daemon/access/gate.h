/* The gate: decides, when somebody connects with a key, whether the key is one of the configuration and may use the endpoint.
 * ZeroMQ asks it over an inproc socket (ZAP, RFC 27) that no other process reaches. It has a thread of its own, because the
 * endpoints' sockets wait for its answers in ZeroMQ's threads.
 * Place in the flow: before it. What a key may ask is decided where it asks, by the registry of that moment; what the gate lets
 * in is told there by the key alone (the message's User-Id), so that a key that is taken away is worth nothing at once.
 * Started before any endpoint is bound, stopped after all are closed. */
#ifndef TALLY_DAEMON_ACCESS_GATE_H
#define TALLY_DAEMON_ACCESS_GATE_H

#include "daemon/base/error.h"
#include "daemon/base/registry.h"

struct gate;

/* Starts the thread with a reference of the registry of its own. NULL on failure, with the fault filled: NETWORK, MEMORY. */
struct gate *gate_start(void *zmq_context, struct registry *registry, struct fault *fault);

/* From the next question on, this registry decides. Any thread. */
void gate_offer(struct gate *gate, struct registry *registry);

/* Ends the thread and frees. NULL is fine. */
void gate_stop(struct gate *gate);

#endif
