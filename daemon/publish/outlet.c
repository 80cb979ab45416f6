#include "outlet.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/access/socket.h"
#include "daemon/base/check.h"
#include "daemon/base/totals.h"
#include "proto/frame.h"

enum {
    FRAME_BYTES_MAX = 1024, /* subscriptions are short; the limit holds for handshakes too, which need this much */
    QUEUE_MESSAGES = 16384, /* for each subscriber: all regions of some competitions at once */
    NOTICES_QUEUED = 1000,
};

enum error outlet_open(struct outlet *outlet, const struct outlet_options *options, struct fault *fault) {
    *outlet = (struct outlet){.buffer = malloc(TOTALS_BYTES_MAX)};
    if (outlet->buffer == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s: %s", options->endpoint, error_text(ERROR_MEMORY));
    }
    struct socket_options socket = {.type = ZMQ_XPUB,
                                    .name = "totals",
                                    .endpoint = options->endpoint,
                                    .keys = options->keys,
                                    .receive_queue = NOTICES_QUEUED,
                                    .send_queue = QUEUE_MESSAGES,
                                    .frame_bytes_max = FRAME_BYTES_MAX};
    outlet->socket = socket_bind(options->zmq_context, &socket, fault);
    if (outlet->socket == NULL) {
        outlet_close(outlet);
        return fault->error;
    }
    return ERROR_NONE;
}

enum error outlet_renew(struct outlet *outlet, const struct outlet_options *options, struct fault *fault) {
    socket_cut(options->zmq_context, outlet->socket);
    outlet->socket = NULL;
    outlet_close(outlet);
    return outlet_open(outlet, options, fault);
}

void outlet_close(struct outlet *outlet) {
    if (outlet->socket != NULL) {
        zmq_close(outlet->socket);
    }
    free(outlet->buffer);
    *outlet = (struct outlet){0};
}

/* Only a message of one frame is a subscription: the later frames of another must not be taken for one. */
bool outlet_receive(struct outlet *outlet, zmq_msg_t *message, struct outlet_notice *notice) {
    while (socket_receive(outlet->socket, message)) {
        const uint8_t *bytes = zmq_msg_data(message);
        size_t size = zmq_msg_size(message);
        bool single = !zmq_msg_more(message);
        while (zmq_msg_more(message) && socket_receive(outlet->socket, message)) {
        }
        if (single && size > 0 && bytes[0] <= 1) {
            *notice =
                (struct outlet_notice){.begins = bytes[0] == 1, .prefix = (const char *)bytes + 1, .size = size - 1};
            return true;
        }
    }
    return false;
}

static enum error send_message(struct outlet *outlet, const char *topic, size_t topic_bytes, enum message_type type,
                               const ProtobufCMessage *message) {
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write(header, type);
    size_t size = protobuf_c_message_get_packed_size(message);
    CHECK(size <= TOTALS_BYTES_MAX);
    protobuf_c_message_pack(message, outlet->buffer);
    bool sent = socket_send(outlet->socket, topic, topic_bytes, ZMQ_SNDMORE) &&
                socket_send(outlet->socket, header, sizeof header, ZMQ_SNDMORE) &&
                socket_send(outlet->socket, outlet->buffer, size, 0);
    return sent ? ERROR_NONE : ERROR_NETWORK;
}

enum error outlet_totals(struct outlet *outlet, const char *topic, size_t topic_bytes, const Tally__Totals *totals) {
    return send_message(outlet, topic, topic_bytes, MESSAGE_TOTALS, &totals->base);
}

enum error outlet_heartbeat(struct outlet *outlet, const Tally__Heartbeat *heartbeat) {
    return send_message(outlet, TOPIC_HEARTBEAT, strlen(TOPIC_HEARTBEAT), MESSAGE_HEARTBEAT, &heartbeat->base);
}
