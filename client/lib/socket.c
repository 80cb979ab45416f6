#include "socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "worker.h"

enum {
    HEARTBEAT_IVL_MS = 5000,
    HEARTBEAT_TIMEOUT_MS = 30000, /* above the longest stall of the daemon */
    RECONNECT_IVL_MS = 100,
    RECONNECT_IVL_MAX_MS = 5000,
    HANDSHAKE_IVL_MS = 2000,
    SEND_MESSAGES_MAX = 4 * WINDOW_BATCHES_MAX, /* a full window, sent again a few times */
    FRAMES_MAX = 8,
    PORT_MAX = 65535,
};

void *socket_context_create(void) {
    return zmq_ctx_new();
}

void socket_context_destroy(void **context) {
    if (*context != NULL) {
        while (zmq_ctx_term(*context) != 0 && errno == EINTR) {
        }
        *context = NULL;
    }
}

static bool tcp_valid(const char *address) {
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon == address || strpbrk(address, " /;") != NULL) {
        return false;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0') {
        return false;
    }
    long port = strtol(colon + 1, NULL, 10);
    return port > 0 && port <= PORT_MAX;
}

bool socket_endpoint_valid(const char *endpoint) {
    if (endpoint == NULL) {
        return false;
    }
    if (strncmp(endpoint, "tcp://", 6) == 0) {
        return tcp_valid(endpoint + 6);
    }
    return strncmp(endpoint, "ipc://", 6) == 0 && endpoint[6] != '\0';
}

static bool set(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* RCVHWM has to be unbounded where heartbeats run on a connecting socket: libzmq aborts when its reader stalls with a
 * full queue. What can queue up is bounded by the window, and on the totals endpoint by the daemon's publishing rate.
 * A subscriber sends its subscriptions through the same kind of queue, and libzmq drops those beyond it without a word. */
static bool set_options(void *socket, int type, const char *endpoint) {
    int64_t message_bytes_max = 2 * ANSWER_BYTES_MAX;
    return set(socket, ZMQ_LINGER, 0) && set(socket, ZMQ_RCVHWM, 0) &&
           set(socket, ZMQ_SNDHWM, type == ZMQ_SUB ? 0 : SEND_MESSAGES_MAX) &&
           set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_IVL_MS) &&
           set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
           set(socket, ZMQ_RECONNECT_IVL, RECONNECT_IVL_MS) &&
           set(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_IVL_MAX_MS) &&
           set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_IVL_MS) &&
           set(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL ? 1 : 0) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max) == 0;
}

static bool set_keys(void *socket, const struct credentials *credentials) {
    return !credentials->given ||
           (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, credentials->daemon.bytes, CURVE_KEY_BYTES) == 0 &&
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, credentials->own.public_key.bytes, CURVE_KEY_BYTES) == 0 &&
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, credentials->own.secret_key.bytes, CURVE_KEY_BYTES) == 0);
}

enum tally_error socket_connect(void *context, int type, const char *endpoint, const struct credentials *credentials,
                                void **socket, char *message) {
    sigset_t old;
    enum tally_error error = TALLY_OK;
    worker_block_signals(&old); /* the first socket of a context starts ZeroMQ's threads */
    void *created = zmq_socket(context, type);
    worker_restore_signals(&old);
    if (created == NULL || !set_options(created, type, endpoint) || !set_keys(created, credentials)) {
        error = fault_set(message, TALLY_MEMORY, "cannot make a socket: %s", zmq_strerror(errno));
    } else if (zmq_connect(created, endpoint) != 0) {
        error = fault_set(message, TALLY_INVALID, "cannot use the endpoint %s: %s", endpoint, zmq_strerror(errno));
    }
    if (error != TALLY_OK) {
        socket_close(&created);
        return error;
    }
    *socket = created;
    return TALLY_OK;
}

void socket_close(void **socket) {
    if (*socket != NULL) {
        zmq_close(*socket);
        *socket = NULL;
    }
}

bool socket_send(void *socket, enum message_type type, zmq_msg_t *body) {
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write(header, type);
    int sent = 0;
    do {
        sent = zmq_send(socket, header, sizeof header, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return false;
    }
    /* The queue took the first frame, so that it takes the rest of the message. */
    do {
        sent = zmq_msg_send(body, socket, ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool socket_send_message(void *socket, enum message_type type, const ProtobufCMessage *message) {
    zmq_msg_t body;
    if (zmq_msg_init_size(&body, protobuf_c_message_get_packed_size(message)) != 0) {
        return false;
    }
    protobuf_c_message_pack(message, zmq_msg_data(&body));
    if (!socket_send(socket, type, &body)) {
        zmq_msg_close(&body);
        return false;
    }
    return true;
}

/* Takes all frames of a message; keeps the last two that belong to it. Returns how many there were, 0 for none. */
static size_t take_frames(void *socket, size_t frames, zmq_msg_t *header, zmq_msg_t *body) {
    size_t count = 0;
    bool more = true;
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        int got = 0;
        do {
            got = zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT);
        } while (got < 0 && errno == EINTR);
        if (got < 0) {
            zmq_msg_close(&frame);
            return count;
        }
        more = zmq_msg_more(&frame) != 0;
        count++;
        if (count + 1 == frames) {
            zmq_msg_move(header, &frame);
        } else if (count == frames) {
            zmq_msg_move(body, &frame);
        }
        zmq_msg_close(&frame);
    }
    return count;
}

enum socket_receipt socket_receive(void *socket, size_t frames, struct socket_message *message) {
    zmq_msg_t header;
    zmq_msg_init(&header);
    zmq_msg_init(&message->body);
    size_t count = take_frames(socket, frames, &header, &message->body);
    bool good = count == frames && zmq_msg_size(&message->body) <= ANSWER_BYTES_MAX &&
                frame_read(zmq_msg_data(&header), zmq_msg_size(&header), &message->type) == REFUSAL_NONE;
    zmq_msg_close(&header);
    if (!good) {
        zmq_msg_close(&message->body);
    }
    return count == 0 ? SOCKET_NOTHING : good ? SOCKET_MESSAGE : SOCKET_GARBAGE;
}

void *socket_unpack(struct socket_message *message, const ProtobufCMessageDescriptor *descriptor, struct arena *arena) {
    return protobuf_c_message_unpack(descriptor, &arena->allocator, zmq_msg_size(&message->body),
                                     zmq_msg_data(&message->body));
}
