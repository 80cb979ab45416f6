#include "socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/frame.h"
#include "trial.h"

enum {
    HANDSHAKE_MS = 2000, /* idle connections must not fill the descriptor table */
    HEARTBEAT_INTERVAL_TCP_MS = 5000,
    HEARTBEAT_TIMEOUT_TCP_MS = 30000, /* with the interval more than the longest that a thread of ours stalls */
    LINGER_MS = 1000,
    CUT_MS = 1000,
    NAME_BYTES = 48,
    ADDRESS_BYTES = 512,
};

/* The library has had it since 4.3; the header shows it to those who ask for drafts. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

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

/* Without the enforced domain, libzmq lets everybody in whenever the gate does not answer. */
static bool secure(void *socket, const struct socket_options *options) {
    if (options->keys == NULL) {
        return true;
    }
    return set(socket, ZMQ_CURVE_SERVER, 1) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, options->keys->secret_key.bytes, CURVE_KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, options->name, strlen(options->name)) == 0 &&
           set(socket, ZMQ_ZAP_ENFORCE_DOMAIN, 1) == 0;
}

void *socket_bind(void *zmq_context, const struct socket_options *options, struct fault *fault) {
    void *socket = zmq_socket(zmq_context, options->type);
    if (socket != NULL && configure(socket, options) && secure(socket, options) &&
        zmq_bind(socket, options->endpoint) == 0) {
        if (options->keys == NULL ||
            trial_run(options->endpoint, options->type, &options->keys->public_key, fault) == ERROR_NONE) {
            return socket;
        }
        zmq_close(socket);
        return NULL;
    }
    fault_set(fault, ERROR_NETWORK, "%s endpoint %s: %s", options->name, options->endpoint, zmq_strerror(errno));
    if (socket != NULL) {
        zmq_close(socket);
    }
    return NULL;
}

/* The address is free when libzmq says that it has closed the listening socket, and for a unix socket removed its file. */
static void wait_until_closed(void *monitor) {
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
    (void)zmq_poll(&item, 1, CUT_MS); /* whatever comes: whoever binds next finds out */
}

void socket_cut(void *zmq_context, void *socket) {
    char address[ADDRESS_BYTES];
    char name[NAME_BYTES];
    size_t size = sizeof address;
    void *monitor = zmq_socket(zmq_context, ZMQ_PAIR);
    (void)set(socket, ZMQ_LINGER, 0);
    snprintf(name, sizeof name, "inproc://closing-%p", socket);
    if (monitor != NULL && zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &size) == 0 &&
        set(monitor, ZMQ_LINGER, 0) == 0 &&
        zmq_socket_monitor(socket, name, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED) == 0 &&
        zmq_connect(monitor, name) == 0 && zmq_unbind(socket, address) == 0) {
        wait_until_closed(monitor);
    }
    zmq_socket_monitor(socket, NULL, 0);
    zmq_close(socket);
    if (monitor != NULL) {
        zmq_close(monitor);
    }
}

const struct key_right *socket_sender(zmq_msg_t *frame, const struct registry *registry) {
    const char *user = zmq_msg_gets(frame, "User-Id");
    struct curve_key key;
    return user != NULL && curve_key_parse(user, strlen(user), &key) ? registry_key(registry, &key) : NULL;
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
