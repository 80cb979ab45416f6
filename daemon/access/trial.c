#include "trial.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/clock.h"

enum {
    WAIT_MS = 5000, /* for one attempt */
    LINGER_MS = 0,
    ENDPOINT_BYTES = 512,
};

/* The first bytes of the last trial's key, which nobody else has: written by the thread that tries, read by the gate's. */
static _Atomic uint64_t stranger;

static uint64_t beginning_of(const struct curve_key *key) {
    uint64_t beginning;
    memcpy(&beginning, key->bytes, sizeof beginning);
    return beginning;
}

bool trial_is_stranger(const struct curve_key *key) {
    return beginning_of(key) == atomic_load_explicit(&stranger, memory_order_relaxed); /* sent after it was stored */
}

enum verdict { TURNED_AWAY, LET_IN, UNKNOWN };

/* Every address of the machine is reached through loopback. */
static void reachable(char *address, const char *endpoint) {
    static const char *const all[][2] = {
        {"tcp://*:", "tcp://127.0.0.1:"}, {"tcp://0.0.0.0:", "tcp://127.0.0.1:"}, {"tcp://[::]:", "tcp://[::1]:"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strncmp(endpoint, all[i][0], strlen(all[i][0])) == 0) {
            snprintf(address, ENDPOINT_BYTES, "%s%s", all[i][1], endpoint + strlen(all[i][0]));
            return;
        }
    }
    snprintf(address, ENDPOINT_BYTES, "%s", endpoint);
}

static bool set_int(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_keys(void *socket, const struct curve_pair *pair, const struct curve_key *server) {
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server->bytes, CURVE_KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair->public_key.bytes, CURVE_KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->secret_key.bytes, CURVE_KEY_BYTES) == 0;
}

/* The next event of the connection, or 0 when the time is over. */
static unsigned next_event(void *monitor, int64_t deadline_ns) {
    for (;;) {
        int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / 1000000;
        zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
        if (left_ms <= 0) {
            return 0;
        }
        if (zmq_poll(&item, 1, (long)left_ms) > 0) {
            uint8_t frame[6];
            char address[ENDPOINT_BYTES];
            uint16_t event = 0;
            int size = zmq_recv(monitor, frame, sizeof frame, 0);
            (void)zmq_recv(monitor, address, sizeof address, 0); /* the second frame of the same message */
            memcpy(&event, frame, size >= (int)sizeof event ? sizeof event : 0);
            return event;
        }
    }
}

/* An endpoint that asks for keys ends the connection of somebody without any before there is a handshake to speak of. */
static enum verdict wait_for_verdict(void *monitor) {
    int64_t deadline_ns = clock_monotonic_ns() + (int64_t)WAIT_MS * 1000000;
    unsigned event;
    while ((event = next_event(monitor, deadline_ns)) != 0) {
        switch (event) {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            return LET_IN;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        case ZMQ_EVENT_DISCONNECTED:
            return TURNED_AWAY;
        default:
            break;
        }
    }
    return UNKNOWN;
}

/* pair: NULL for a stranger without a key. */
static enum verdict attempt(void *context, const char *address, int type, const struct curve_pair *pair,
                            const struct curve_key *server) {
    /* Each attempt has its own: the one before it may not be closed yet. */
    const char *name = pair != NULL ? "inproc://trial-with-key" : "inproc://trial-without";
    enum verdict verdict = UNKNOWN;
    void *socket = zmq_socket(context, type == ZMQ_XPUB ? ZMQ_SUB : ZMQ_DEALER);
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    if (socket != NULL && monitor != NULL && set_int(socket, ZMQ_LINGER, LINGER_MS) &&
        set_int(monitor, ZMQ_LINGER, LINGER_MS) && set_int(socket, ZMQ_IPV6, 1) &&
        (pair == NULL || set_keys(socket, pair, server)) && zmq_socket_monitor(socket, name, ZMQ_EVENT_ALL) == 0 &&
        zmq_connect(monitor, name) == 0 && zmq_connect(socket, address) == 0) {
        verdict = wait_for_verdict(monitor);
    }
    if (socket != NULL) {
        zmq_socket_monitor(socket, NULL, 0);
        zmq_close(socket);
    }
    if (monitor != NULL) {
        zmq_close(monitor);
    }
    return verdict;
}

static enum error judge(enum verdict verdict, const char *endpoint, const char *who, struct fault *fault) {
    if (verdict == TURNED_AWAY) {
        return ERROR_NONE;
    }
    return fault_set(fault, ERROR_NETWORK,
                     "endpoint %s: a stranger %s %s; not started, because anybody could speak for any node", endpoint,
                     who, verdict == LET_IN ? "was let in" : "was neither turned away nor let in");
}

enum error trial_run(const char *endpoint, int type, const struct curve_key *server, struct fault *fault) {
    char address[ENDPOINT_BYTES];
    struct curve_pair pair;
    void *context = zmq_ctx_new();
    if (context == NULL || !curve_pair_make(&pair)) {
        if (context != NULL) {
            zmq_ctx_term(context);
        }
        return fault_set(fault, ERROR_MEMORY, "endpoint %s: it cannot be tried: %s", endpoint, zmq_strerror(errno));
    }
    reachable(address, endpoint);
    atomic_store_explicit(&stranger, beginning_of(&pair.public_key), memory_order_relaxed);
    enum error error = judge(attempt(context, address, type, &pair, server), endpoint, "with an unknown key", fault);
    if (error == ERROR_NONE) {
        error = judge(attempt(context, address, type, NULL, server), endpoint, "without a key", fault);
    }
    curve_pair_forget(&pair);
    while (zmq_ctx_term(context) != 0 && errno == EINTR) {
    }
    return error;
}
