/* The doorway: intake's ROUTER socket, and the messages that go out through it. Nothing here waits: an answer that cannot
 * be sent at once is not sent, and the caller is told why. Intake thread only. */
#ifndef TALLY_DAEMON_INTAKE_DOORWAY_H
#define TALLY_DAEMON_INTAKE_DOORWAY_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "daemon/base/error.h"
#include "daemon/base/receipt.h"
#include "proto/frame.h"
#include "proto/refusal.h"
#include "roster.h"

struct doorway {
    void *socket;
    uint8_t *buffer; /* DOORWAY_BUFFER_BYTES: answers are packed here */
};

enum sending {
    SENDING_DONE = 0,
    SENDING_FULL, /* the peer does not take what it was sent before */
    SENDING_GONE, /* there is no such connection any more */
};

/* What came in: one message. */
struct arrival {
    bool addressed; /* the routing id is one that ZeroMQ makes; if not, nobody can be answered */
    routing_t routing;
    enum refusal refusal; /* of the frames: NONE, FRAMES_MALFORMED, PROTOCOL_UNSUPPORTED */
    unsigned type;        /* of the message, when refusal is NONE */
};

/* Makes the socket and binds it. keys: the daemon's, or NULL. window: batches that each peer may have on the way; bounds
 * what the socket queues.
 * Errors: NETWORK, MEMORY, with the fault filled. */
MUST_USE enum error doorway_open(struct doorway *doorway, void *zmq_context, const char *endpoint,
                                 const struct curve_pair *keys, uint32_t window, struct fault *fault);

/* Lets answers that are on their way go out for a moment, then closes. */
void doorway_close(struct doorway *doorway);

/* Receives the next message: its body replaces what body holds. Returns false if there is none. */
bool doorway_receive(struct doorway *doorway, struct arrival *arrival, zmq_msg_t *body);

struct welcome {
    uint64_t next_sequence;
    uint64_t durable_sequence;
    uint64_t epoch;
    uint64_t version;
    uint32_t window;
};

enum sending doorway_welcome(struct doorway *doorway, routing_t to, const struct welcome *welcome);

enum sending doorway_receipt(struct doorway *doorway, routing_t to, const struct receipt *receipt);

/* A receipt that covers no batch: says again up to where all is durable, and shows whether the peer is still there. */
enum sending doorway_reminder(struct doorway *doorway, routing_t to, uint64_t durable_sequence, uint64_t version);

enum sending doorway_rewind(struct doorway *doorway, routing_t to, uint64_t expected, uint64_t received,
                            enum refusal code);

enum sending doorway_busy(struct doorway *doorway, routing_t to, uint64_t sequence, uint32_t retry_ms,
                          enum refusal code);

enum sending doorway_refuse(struct doorway *doorway, routing_t to, unsigned message_type, enum refusal code);

#endif
