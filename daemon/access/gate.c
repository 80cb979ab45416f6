#include "gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "daemon/base/waker.h"
#include "trial.h"

#define ENDPOINT "inproc://zeromq.zap.01"

enum {
    FRAMES = 7,        /* of a question: version, request, domain, address, identity, mechanism, key */
    FRAME_BYTES = 256, /* of each; longer ones are not of libzmq's making */
    LINGER_MS = 0,
    LOOK_MS = 1000, /* the longest sleep */
    LOG_INTERVAL_S = 10,
    FINGERPRINT_DIGITS = 8, /* enough to find a key in the configuration */
};

struct gate {
    pthread_t thread;
    void *socket;
    struct waker waker;
    struct registry *registry; /* the thread's */
    struct registry_slot registry_slot;
    struct log_limit refusal_log;
    atomic_bool stopping; /* written by gate_stop, read by the thread */
};

struct frame {
    char bytes[FRAME_BYTES + 1];
    size_t size; /* as sent: may be more than FRAME_BYTES */
};

struct question {
    struct frame frames[FRAMES];
    size_t count; /* as sent */
};

enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY };

static bool frame_is(const struct frame *frame, const char *text) {
    return frame->size == strlen(text) && memcmp(frame->bytes, text, frame->size) == 0;
}

/* Takes all frames of the next question. Returns false if there is none. */
static bool receive(struct gate *gate, struct question *question) {
    int more = 1;
    size_t size = sizeof more;
    question->count = 0;
    while (more != 0) {
        struct frame beyond;
        struct frame *frame = question->count < FRAMES ? &question->frames[question->count] : &beyond;
        int received = zmq_recv(gate->socket, frame->bytes, FRAME_BYTES, ZMQ_DONTWAIT);
        if (received < 0 && errno == EINTR) {
            continue;
        }
        if (received < 0) {
            return false;
        }
        frame->size = (size_t)received;
        frame->bytes[received < FRAME_BYTES ? received : FRAME_BYTES] = '\0';
        question->count++;
        zmq_getsockopt(gate->socket, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

static bool may_use(enum role role, const struct frame *domain) {
    return role == ROLE_NODE || !frame_is(domain, "ingest");
}

/* Returns why the key is not let in, or NULL. */
static const char *judge(const struct gate *gate, const struct question *question, struct curve_key *key) {
    const struct frame *frames = question->frames;
    if (question->count != FRAMES || !frame_is(&frames[VERSION], "1.0") || !frame_is(&frames[MECHANISM], "CURVE") ||
        frames[KEY].size != CURVE_KEY_BYTES) {
        return "it does not come with a CURVE key";
    }
    memcpy(key->bytes, frames[KEY].bytes, CURVE_KEY_BYTES);
    const struct key_right *right = registry_key(gate->registry, key);
    if (right == NULL) {
        return "the configuration has no such key";
    }
    return may_use(right->role, &frames[DOMAIN]) ? NULL : "only nodes report";
}

static void send_text(struct gate *gate, const char *text, int flags) {
    while (zmq_send(gate->socket, text, strlen(text), flags) < 0 && errno == EINTR) {
    }
}

static void answer(struct gate *gate, const struct question *question) {
    struct curve_key key = {0};
    char digits[CURVE_KEY_DIGITS + 1];
    const char *objection = judge(gate, question, &key);
    curve_key_write(&key, digits);
    if (objection != NULL && !trial_is_stranger(&key)) {
        counter_add(COUNTER_ACCESS_REFUSED, 1);
        log_event_limited(&gate->refusal_log, clock_monotonic_ns(), LOG_INTERVAL_S * INT64_C(1000000000), LOG_WARNING,
                          "key-refused", "endpoint=%s address=%s key=%.*s what=\"%s\"", question->frames[DOMAIN].bytes,
                          question->frames[ADDRESS].bytes, FINGERPRINT_DIGITS, digits, objection);
    } else if (objection == NULL) {
        counter_add(COUNTER_ACCESS_ADMITTED, 1);
    }
    send_text(gate, "1.0", ZMQ_SNDMORE);
    send_text(gate, question->frames[REQUEST].bytes, ZMQ_SNDMORE);
    send_text(gate, objection == NULL ? "200" : "400", ZMQ_SNDMORE);
    send_text(gate, objection == NULL ? "OK" : "not known here", ZMQ_SNDMORE);
    send_text(gate, objection == NULL ? digits : "", ZMQ_SNDMORE);
    send_text(gate, "", 0);
}

static void *run(void *context) {
    struct gate *gate = context;
    while (!atomic_load_explicit(&gate->stopping, memory_order_acquire)) {
        struct question question = {0};
        if (registry_take(&gate->registry_slot, &gate->registry)) {
            continue;
        }
        if (receive(gate, &question)) {
            answer(gate, &question);
            continue;
        }
        zmq_pollitem_t items[] = {{.fd = gate->waker.fd, .events = ZMQ_POLLIN},
                                  {.socket = gate->socket, .events = ZMQ_POLLIN}};
        waker_prepare(&gate->waker);
        if (!atomic_load_explicit(&gate->stopping, memory_order_acquire) &&
            atomic_load_explicit(&gate->registry_slot.next, memory_order_acquire) == NULL) {
            (void)zmq_poll(items, 2, LOOK_MS); /* EINTR: a turn for nothing */
        }
        waker_finish(&gate->waker);
    }
    return NULL;
}

static void destroy(struct gate *gate) {
    if (gate->socket != NULL) {
        zmq_close(gate->socket);
    }
    waker_fini(&gate->waker);
    registry_release(gate->registry);
    registry_release(atomic_load_explicit(&gate->registry_slot.next, memory_order_acquire));
    free(gate);
}

struct gate *gate_start(void *zmq_context, struct registry *registry, struct fault *fault) {
    int linger_ms = LINGER_MS;
    struct gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        fault_set(fault, ERROR_MEMORY, "gate: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    gate->registry = registry_hold(registry);
    gate->waker.fd = -1;
    if (waker_init(&gate->waker) != ERROR_NONE || (gate->socket = zmq_socket(zmq_context, ZMQ_REP)) == NULL ||
        zmq_setsockopt(gate->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms) != 0 ||
        zmq_bind(gate->socket, ENDPOINT) != 0) {
        fault_set(fault, ERROR_NETWORK, "gate: %s", zmq_strerror(errno));
        destroy(gate);
        return NULL;
    }
    if (pthread_create(&gate->thread, NULL, run, gate) != 0) {
        fault_set(fault, ERROR_MEMORY, "gate: its thread cannot be started");
        destroy(gate);
        return NULL;
    }
    pthread_setname_np(gate->thread, "gate");
    return gate;
}

void gate_offer(struct gate *gate, struct registry *registry) {
    registry_offer(&gate->registry_slot, registry);
    waker_wake(&gate->waker);
}

void gate_stop(struct gate *gate) {
    if (gate != NULL) {
        atomic_store_explicit(&gate->stopping, true, memory_order_release);
        waker_wake(&gate->waker);
        pthread_join(gate->thread, NULL);
        destroy(gate);
    }
}
