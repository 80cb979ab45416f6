/* What the daemon's three ZeroMQ endpoints have in common: how they are bound, and frames in and out without waiting.
 * A socket is used by one thread at a time. */
#ifndef TALLY_DAEMON_ACCESS_SOCKET_H
#define TALLY_DAEMON_ACCESS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "daemon/base/error.h"
#include "daemon/base/registry.h"
#include "proto/curve_key.h"
#include "proto/refusal.h"

struct socket_options {
    int type;         /* ZMQ_ROUTER (made mandatory) or ZMQ_XPUB (made verbose) */
    const char *name; /* "ingest", "totals" or "query": for faults, and the domain that the gate is asked for */
    const char *endpoint;
    int receive_queue; /* messages, for each peer */
    int send_queue;
    int64_t frame_bytes_max; /* a larger frame closes the connection; at least 1,024, which handshakes need */
    const struct curve_pair
        *keys; /* the daemon's; NULL = whoever connects is let in. Borrowed for the time of the call */
};

/* Makes and binds a socket that bounds handshakes, notices dead peers, and lingers a second when closed. With keys it is then
 * tried whether strangers are turned away (trial.h).
 * NULL on failure, with the fault filled: NETWORK. Close it with zmq_close. */
void *socket_bind(void *zmq_context, const struct socket_options *options, struct fault *fault);

/* Closes the socket and cuts its connections now, whatever is still to be sent; waits until its address is free again, at most
 * a second. */
void socket_cut(void *zmq_context, void *socket);

/* What the key that a message came with may do now, or NULL if it may do nothing any more. frame: any of the message but the
 * first. Only where the registry is keyed. */
const struct key_right *socket_sender(zmq_msg_t *frame, const struct registry *registry);

/* Receives the next frame if there is one. */
bool socket_receive(void *socket, zmq_msg_t *frame);

/* Receives the next message of a ROUTER if there is one: who it is from, its type, its body. Whatever frames it has are taken
 * off the socket; *refusal says what is wrong with them, and type and body are set only if that is REFUSAL_NONE. */
bool socket_receive_message(void *socket, zmq_msg_t *from, enum refusal *refusal, unsigned *type, zmq_msg_t *body);

/* Sends a frame, flags as for zmq_send. Returns whether it was taken; errno says why not. As long as a peer has not more than
 * half its queue on their way, there is room. */
bool socket_send(void *socket, const void *bytes, size_t size, int flags);

#endif
