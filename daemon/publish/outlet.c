#include "outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/totals.h"
#include "proto/frame.h"

enum {
    FRAME_BYTES_MAX = 1024, /* subscriptions are short; the limit holds for handshakes too, which need this much */
    QUEUE_MESSAGES = 16384, /* for each subscriber: all regions of some competitions at once */
    HANDSHAKE_MS = 2000,    /* idle connections must not fill the descriptor table */
    HEARTBEAT_INTERVAL_TCP_MS = 5000,
    HEARTBEAT_TIMEOUT_TCP_MS = 30000,
    LINGER_MS = 1000,
};

static int set(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* VERBOSE: a subscription to a topic that somebody else has already is told too, because it must be answered. */
static bool configure(void *socket) {
    int failed = set(socket, ZMQ_XPUB_VERBOSE, 1);
    failed |= set(socket, ZMQ_SNDHWM, QUEUE_MESSAGES);
    failed |= set(socket, ZMQ_LINGER, LINGER_MS);
    failed |= set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    failed |= set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_INTERVAL_TCP_MS);
    failed |= set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_TCP_MS);
    failed |= set(socket, ZMQ_TCP_KEEPALIVE, 1);
    failed |= set(socket, ZMQ_IPV6, 1);
    int64_t frame_bytes_max = FRAME_BYTES_MAX;
    failed |= zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes_max, sizeof frame_bytes_max);
    return failed == 0;
}

enum error outlet_open(struct outlet *outlet, void *zmq_context, const char *endpoint, struct fault *fault) {
    *outlet = (struct outlet){.buffer = malloc(TOTALS_BYTES_MAX)};
    if (outlet->buffer == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s: %s", endpoint, error_text(ERROR_MEMORY));
    }
    outlet->socket = zmq_socket(zmq_context, ZMQ_XPUB);
    if (outlet->socket == NULL || !configure(outlet->socket) || zmq_bind(outlet->socket, endpoint) != 0) {
        fault_set(fault, ERROR_NETWORK, "totals endpoint %s: %s", endpoint, zmq_strerror(errno));
        outlet_close(outlet);
        return fault->error;
    }
    return ERROR_NONE;
}

void outlet_close(struct outlet *outlet) {
    if (outlet->socket != NULL) {
        zmq_close(outlet->socket);
    }
    free(outlet->buffer);
    *outlet = (struct outlet){0};
}

static bool receive_frame(void *socket, zmq_msg_t *frame) {
    int received;
    do {
        received = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    return received >= 0;
}

/* Only a message of one frame is a subscription: the later frames of another must not be taken for one. */
bool outlet_receive(struct outlet *outlet, zmq_msg_t *message, struct outlet_notice *notice) {
    while (receive_frame(outlet->socket, message)) {
        const uint8_t *bytes = zmq_msg_data(message);
        size_t size = zmq_msg_size(message);
        bool single = !zmq_msg_more(message);
        while (zmq_msg_more(message) && receive_frame(outlet->socket, message)) {
        }
        if (single && size > 0 && bytes[0] <= 1) {
            *notice =
                (struct outlet_notice){.begins = bytes[0] == 1, .prefix = (const char *)bytes + 1, .size = size - 1};
            return true;
        }
    }
    return false;
}

static bool send_frame(void *socket, const void *bytes, size_t size, int flags) {
    int sent;
    do {
        sent = zmq_send(socket, bytes, size, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static enum error send_message(struct outlet *outlet, const char *topic, size_t topic_bytes, enum message_type type,
                               const ProtobufCMessage *message) {
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write(header, type);
    size_t size = protobuf_c_message_get_packed_size(message);
    CHECK(size <= TOTALS_BYTES_MAX);
    protobuf_c_message_pack(message, outlet->buffer);
    bool sent = send_frame(outlet->socket, topic, topic_bytes, ZMQ_SNDMORE) &&
                send_frame(outlet->socket, header, sizeof header, ZMQ_SNDMORE) &&
                send_frame(outlet->socket, outlet->buffer, size, 0);
    return sent ? ERROR_NONE : ERROR_NETWORK;
}

enum error outlet_totals(struct outlet *outlet, const char *topic, size_t topic_bytes, const Tally__Totals *totals) {
    return send_message(outlet, topic, topic_bytes, MESSAGE_TOTALS, &totals->base);
}

enum error outlet_heartbeat(struct outlet *outlet, const Tally__Heartbeat *heartbeat) {
    return send_message(outlet, TOPIC_HEARTBEAT, strlen(TOPIC_HEARTBEAT), MESSAGE_HEARTBEAT, &heartbeat->base);
}
