#include "bench/crowd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "bench/pause.h"
#include "client/lib/clock.h"
#include "proto/arena.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "tally.pb-c.h"

enum {
    THREADS_MAX = 2, /* of ours; each has a context, so a thread of libzmq's beside it */
    SUBSCRIBERS_A_THREAD_MIN = 64,
    ARENA_BYTES = 256 << 10,
    EVENTS_MAX = 64,
    FRAMES = 3, /* topic, header, body */
    HEARTBEAT_IVL_MS = 5000,
    HEARTBEAT_TIMEOUT_MS = 30000,
    SOCKETS_SPARE = 8,
    LOOK_MS = 2,
};

#define STOP UINT64_MAX

struct subscriber {
    /* Immutable once its thread runs. */
    void *socket;
    uint32_t region;

    /* Atomic: written by its thread, read by who opens. */
    _Atomic uint64_t heard;
};

/* The subscribers from first on, count of them, every one of the crowd's threads in turn. */
struct listener {
    struct crowd *crowd;
    size_t first;
    size_t count;
    pthread_t thread;
    bool started;
    void *zmq;
    int epoll;
    int stop; /* eventfd */
    struct arena arena;
    void *arena_memory;
};

struct crowd {
    struct crowd_options options;
    struct listener listeners[THREADS_MAX];
    size_t listener_count;
    struct subscriber subscribers[];
};

/* ---- listening ---- */

static void take_totals(struct listener *listener, size_t number, zmq_msg_t *body) {
    struct crowd *crowd = listener->crowd;
    struct subscriber *subscriber = &crowd->subscribers[number];
    arena_reset(&listener->arena);
    const Tally__Totals *totals =
        tally__totals__unpack(&listener->arena.allocator, zmq_msg_size(body), zmq_msg_data(body));
    if (totals == NULL) {
        return;
    }
    if (crowd->options.on_totals != NULL) {
        crowd->options.on_totals(crowd->options.context, number, totals->region, totals->version, clock_now_ns());
    }
    atomic_fetch_add_explicit(&subscriber->heard, 1, memory_order_relaxed);
}

/* Takes one message. Returns false if there is none. */
static bool take_message(struct listener *listener, size_t number) {
    void *socket = listener->crowd->subscribers[number].socket;
    zmq_msg_t frames[FRAMES];
    size_t count = 0;
    bool more = true;
    while (more && count < FRAMES) {
        zmq_msg_init(&frames[count]);
        if (zmq_msg_recv(&frames[count], socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frames[count]);
            break;
        }
        more = zmq_msg_more(&frames[count++]) != 0;
    }
    unsigned type;
    bool whole =
        count == FRAMES && frame_read(zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1]), &type) == REFUSAL_NONE;
    if (whole && type == MESSAGE_TOTALS) {
        take_totals(listener, number, &frames[2]);
    }
    for (size_t i = 0; i < count; i++) {
        zmq_msg_close(&frames[i]);
    }
    return count > 0;
}

/* libzmq's descriptor says only that something may have happened: what has come is read to the end, every time. */
static void *listen(void *argument) {
    struct listener *listener = argument;
    for (size_t i = 0; i < listener->count; i++) {
        while (take_message(listener, listener->first + i)) {
        }
    }
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(listener->epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == STOP) {
                return NULL;
            }
            while (take_message(listener, events[i].data.u64)) {
            }
        }
    }
}

uint32_t crowd_choose(const struct workload *workload, uint64_t turn) {
    static const uint32_t units[] = {1000000, 10000, 100, 1}; /* the whole, a province, a city, a county */
    uint32_t unit = units[turn % (sizeof units / sizeof units[0])];
    return workload->list[turn * UINT64_C(0x9E3779B97F4A7C15) % workload->projects].region / unit * unit;
}

/* ---- opening ---- */

void crowd_allow_descriptors(void) {
    struct rlimit descriptors;
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &descriptors); /* if not, making sockets will say so */
    }
}

static bool set(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

void crowd_topic(const struct crowd_options *options, size_t subscriber, char topic[static CROWD_TOPIC_BYTES]) {
    if (subscriber == 0) {
        snprintf(topic, CROWD_TOPIC_BYTES, "%s/", options->competition);
    } else {
        uint32_t region = crowd_choose(options->workload, subscriber);
        snprintf(topic, CROWD_TOPIC_BYTES, "%s/%06u", options->competition, region % 1000000u);
    }
}

static bool subscribe(const struct crowd_options *options, size_t number, void *socket) {
    char topic[CROWD_TOPIC_BYTES];
    crowd_topic(options, number, topic);
    return zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) == 0 &&
           zmq_setsockopt(socket, ZMQ_SUBSCRIBE, TOPIC_HEARTBEAT, strlen(TOPIC_HEARTBEAT)) == 0;
}

static bool watch(struct listener *listener, int descriptor, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    return epoll_ctl(listener->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static bool connect_one(struct listener *listener, size_t number) {
    const struct crowd_options *options = &listener->crowd->options;
    struct subscriber *subscriber = &listener->crowd->subscribers[number];
    int descriptor = -1;
    size_t size = sizeof descriptor;
    subscriber->region = number == 0 ? 0 : crowd_choose(options->workload, number);
    subscriber->socket = zmq_socket(listener->zmq, ZMQ_SUB);
    void *socket = subscriber->socket;
    return socket != NULL && set(socket, ZMQ_LINGER, 0) && set(socket, ZMQ_RCVHWM, 0) && set(socket, ZMQ_SNDHWM, 0) &&
           set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_IVL_MS) &&
           set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) && zmq_connect(socket, options->endpoint) == 0 &&
           subscribe(options, number, socket) && zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size) == 0 &&
           watch(listener, descriptor, number);
}

static bool start_listener(struct crowd *crowd, struct listener *listener, size_t first, size_t count) {
    *listener = (struct listener){.crowd = crowd, .first = first, .count = count, .epoll = -1, .stop = -1};
    crowd->listener_count++;
    listener->epoll = epoll_create1(EPOLL_CLOEXEC);
    listener->stop = eventfd(0, EFD_CLOEXEC);
    listener->zmq = zmq_ctx_new();
    listener->arena_memory = malloc(ARENA_BYTES);
    if (listener->epoll < 0 || listener->stop < 0 || listener->zmq == NULL || listener->arena_memory == NULL ||
        !watch(listener, listener->stop, STOP)) {
        return false;
    }
    arena_init(&listener->arena, listener->arena_memory, ARENA_BYTES);
    zmq_ctx_set(listener->zmq, ZMQ_MAX_SOCKETS, (int)count + SOCKETS_SPARE);
    for (size_t i = 0; i < count; i++) {
        if (!connect_one(listener, first + i)) {
            fprintf(stderr, "bench: subscriber %zu: %s\n", first + i, zmq_strerror(zmq_errno()));
            return false;
        }
    }
    listener->started = pthread_create(&listener->thread, NULL, listen, listener) == 0;
    return listener->started;
}

static bool start(struct crowd *crowd) {
    size_t count = crowd->options.subscribers;
    size_t threads = count < SUBSCRIBERS_A_THREAD_MIN * THREADS_MAX ? 1 : THREADS_MAX;
    for (size_t i = 0; i < threads && count > 0; i++) {
        size_t first = count * i / threads;
        if (!start_listener(crowd, &crowd->listeners[i], first, count * (i + 1) / threads - first)) {
            return false;
        }
    }
    return true;
}

static bool wait_until_heard(const struct crowd *crowd, int timeout_ms) {
    int64_t end_ns = clock_now_ns() + timeout_ms * INT64_C(1000000);
    size_t heard = 0;
    while (heard < crowd->options.subscribers && clock_now_ns() < end_ns) {
        if (atomic_load_explicit(&crowd->subscribers[heard].heard, memory_order_relaxed) > 0) {
            heard++;
            continue;
        }
        pause_ms(LOOK_MS);
    }
    if (heard < crowd->options.subscribers) {
        fprintf(stderr, "bench: subscriber %zu of %zu hears nothing\n", heard, crowd->options.subscribers);
    }
    return heard == crowd->options.subscribers;
}

struct crowd *crowd_open(const struct crowd_options *options, int timeout_ms) {
    struct crowd *crowd = calloc(1, sizeof *crowd + options->subscribers * sizeof crowd->subscribers[0]);
    if (crowd == NULL) {
        fputs("bench: out of memory\n", stderr);
        return NULL;
    }
    crowd->options = *options;
    crowd_allow_descriptors();
    if (!start(crowd) || !wait_until_heard(crowd, timeout_ms)) {
        crowd_close(&crowd);
    }
    return crowd;
}

/* ---- closing ---- */

static void stop_listener(struct listener *listener) {
    if (listener->started) {
        uint64_t one = 1;
        ssize_t ignored = write(listener->stop, &one, sizeof one);
        (void)ignored;
        pthread_join(listener->thread, NULL);
    }
    for (size_t i = 0; i < listener->count; i++) {
        void *socket = listener->crowd->subscribers[listener->first + i].socket;
        if (socket != NULL) {
            zmq_close(socket);
        }
    }
    if (listener->zmq != NULL) {
        zmq_ctx_term(listener->zmq);
    }
    if (listener->epoll >= 0) {
        close(listener->epoll);
    }
    if (listener->stop >= 0) {
        close(listener->stop);
    }
    free(listener->arena_memory);
}

void crowd_close(struct crowd **crowd) {
    if (crowd == NULL || *crowd == NULL) {
        return;
    }
    for (size_t i = 0; i < (*crowd)->listener_count; i++) {
        stop_listener(&(*crowd)->listeners[i]);
    }
    free(*crowd);
    *crowd = NULL;
}

uint32_t crowd_region(const struct crowd *crowd, size_t subscriber) {
    return crowd->subscribers[subscriber].region;
}

uint64_t crowd_messages(const struct crowd *crowd) {
    uint64_t sum = 0;
    for (size_t i = 0; i < crowd->options.subscribers; i++) {
        sum += atomic_load_explicit(&crowd->subscribers[i].heard, memory_order_relaxed);
    }
    return sum;
}
