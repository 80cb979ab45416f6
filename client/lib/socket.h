/* ZeroMQ, as the node, the watcher and the query all use it: options, and messages of the protocol. A socket belongs to
 * one thread at a time. */
#ifndef TALLY_LIB_SOCKET_H
#define TALLY_LIB_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <zmq.h>

#include "credentials.h"
#include "fault.h"
#include "proto/arena.h"
#include "proto/frame.h"

/* A context and no thread yet. NULL without memory or descriptors. */
void *socket_context_create(void);
/* Sockets must be closed before. */
void socket_context_destroy(void **context);

/* Whether it is tcp://HOST:PORT or ipc://PATH. */
bool socket_endpoint_valid(const char *endpoint);

/* A connecting socket of this zmq type: it connects in the background, and again when the connection is lost.
 * Errors  INVALID (the endpoint), MEMORY. */
TALLY_MUST_USE enum tally_error socket_connect(void *context, int type, const char *endpoint,
                                               const struct credentials *credentials, void **socket, char *message);
/* Forgets what is not sent; sets it NULL. NULL is fine. */
void socket_close(void **socket);

/* Sends header and body, never blocks. Takes the body over if the result is true, leaves it if not (queue full). */
bool socket_send(void *socket, enum message_type type, zmq_msg_t *body);
bool socket_send_message(void *socket, enum message_type type, const ProtobufCMessage *message);

enum socket_receipt { SOCKET_NOTHING = 0, SOCKET_MESSAGE, SOCKET_GARBAGE };

/* A message of the protocol; the topic is not kept. */
struct socket_message {
    unsigned type;
    zmq_msg_t body; /* to be closed by the receiver after SOCKET_MESSAGE */
};

/* Takes the next message, never blocks. frames: 2, or 3 where a topic comes first. GARBAGE: something came that is not
 * of the protocol, and was thrown away. */
enum socket_receipt socket_receive(void *socket, size_t frames, struct socket_message *message);

/* Unpacks the body into the arena. NULL when it is not such a message or the arena is used up. */
void *socket_unpack(struct socket_message *message, const ProtobufCMessageDescriptor *descriptor, struct arena *arena);

#endif
