#include "socket.h"

#include <errno.h>

#include "proto/frame.h"

enum {
    HANDSHAKE_MS = 2000, /* idle connections must not fill the descriptor table */
    HEARTBEAT_INTERVAL_TCP_MS = 5000,
    HEARTBEAT_TIMEOUT_TCP_MS = 30000, /* with the interval more than the longest that a thread of ours stalls */
    LINGER_MS = 1000,
};

static int set(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* VERBOSE: a subscription to a topic that somebody else has already is told too, because it must be answered.
 * MANDATORY: a message that cannot be sent is an error instead of gone. */
static bool configure(void *socket, const struct socket_options *options) {
    int failed = set(socket, options->type == ZMQ_XPUB ? ZMQ_XPUB_VERBOSE : ZMQ_ROUTER_MANDATORY, 1);
    failed |= set(socket, ZMQ_RCVHWM, options->receive_queue);
    failed |= set(socket, ZMQ_SNDHWM, options->send_queue);
    failed |= set(socket, ZMQ_LINGER, LINGER_MS);
    failed |= set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    failed |= set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_INTERVAL_TCP_MS);
    failed |= set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_TCP_MS);
    failed |= set(socket, ZMQ_TCP_KEEPALIVE, 1);
    failed |= set(socket, ZMQ_IPV6, 1);
    failed |= zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &options->frame_bytes_max, sizeof options->frame_bytes_max);
    return failed == 0;
}

void *socket_bind(void *zmq_context, const struct socket_options *options, struct fault *fault) {
    void *socket = zmq_socket(zmq_context, options->type);
    if (socket != NULL && configure(socket, options) && zmq_bind(socket, options->endpoint) == 0) {
        return socket;
    }
    fault_set(fault, ERROR_NETWORK, "%s endpoint %s: %s", options->name, options->endpoint, zmq_strerror(errno));
    if (socket != NULL) {
        zmq_close(socket);
    }
    return NULL;
}

bool socket_receive(void *socket, zmq_msg_t *frame) {
    int received;
    do {
        received = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    return received >= 0;
}

/* The frames after the routing id: a header, then the body as the last. */
static enum refusal receive_frames(void *socket, zmq_msg_t *from, unsigned *type, zmq_msg_t *body) {
    zmq_msg_t header;
    zmq_msg_init(&header);
    enum refusal refusal = REFUSAL_FRAMES_MALFORMED;
    if (zmq_msg_more(from) && socket_receive(socket, &header)) {
        refusal = frame_read(zmq_msg_data(&header), zmq_msg_size(&header), type);
        bool has_body = zmq_msg_more(&header) && socket_receive(socket, body);
        refusal = has_body && !zmq_msg_more(body) ? refusal : REFUSAL_FRAMES_MALFORMED;
        while (has_body && zmq_msg_more(body) && socket_receive(socket, body)) {
        }
    }
    zmq_msg_close(&header);
    return refusal;
}

bool socket_receive_message(void *socket, zmq_msg_t *from, enum refusal *refusal, unsigned *type, zmq_msg_t *body) {
    if (!socket_receive(socket, from)) {
        return false;
    }
    *refusal = receive_frames(socket, from, type, body);
    return true;
}

static bool send_now(void *socket, const void *bytes, size_t size, int flags) {
    int sent;
    do {
        sent = zmq_send(socket, bytes, size, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* Peers say in steps of half a queue what they have taken, and zmq_send looks for that once in a while only: a queue that
 * seems full may have room. To ask for the events makes the socket look. */
static bool look_again(void *socket) {
    int events;
    size_t size = sizeof events;
    return errno == EAGAIN && zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0;
}

bool socket_send(void *socket, const void *bytes, size_t size, int flags) {
    return send_now(socket, bytes, size, flags) || (look_again(socket) && send_now(socket, bytes, size, flags));
}
