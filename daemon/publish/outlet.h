/* The outlet: the publisher's XPUB socket. Nothing here waits: what a slow subscriber does not take is dropped for it alone
 * by the socket, and heals because totals are absolute. Publish thread only, once bound. */
#ifndef TALLY_DAEMON_PUBLISH_OUTLET_H
#define TALLY_DAEMON_PUBLISH_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "daemon/base/error.h"
#include "proto/curve_key.h"
#include "tally.pb-c.h"

struct outlet {
    void *socket;
    uint8_t *buffer; /* messages are packed here */
};

/* A subscription or its end. prefix points into the message that it was received into. */
struct outlet_notice {
    bool begins;
    const char *prefix;
    size_t size;
};

struct outlet_options {
    void *zmq_context;
    const char *endpoint;
    const struct curve_pair *keys; /* the daemon's, or NULL */
};

/* Makes the socket and binds it. Errors: NETWORK, MEMORY, with the fault filled. */
MUST_USE enum error outlet_open(struct outlet *outlet, const struct outlet_options *options, struct fault *fault);

/* Cuts every subscriber and binds anew: those whose key still holds come back by themselves. A socket cannot be told to part
 * with one of them. Subscriptions are forgotten without a notice. Errors: as outlet_open; the outlet is closed then. */
MUST_USE enum error outlet_renew(struct outlet *outlet, const struct outlet_options *options, struct fault *fault);

/* Lets messages that are on their way go out for a moment, then closes. */
void outlet_close(struct outlet *outlet);

/* Receives the next notice into message, which is initialized; anything else that subscribers send is thrown away.
 * Returns false if there is none. */
bool outlet_receive(struct outlet *outlet, zmq_msg_t *message, struct outlet_notice *notice);

/* Errors: NETWORK. An XPUB drops for who is slow and never refuses, so that this means that the socket is unusable. */
MUST_USE enum error outlet_totals(struct outlet *outlet, const char *topic, size_t topic_bytes,
                                  const Tally__Totals *totals);
MUST_USE enum error outlet_heartbeat(struct outlet *outlet, const Tally__Heartbeat *heartbeat);

#endif
