#include "bench/plain_crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bench/pause.h"
#include "bench/zmtp.h"
#include "client/lib/clock.h"
#include "proto/frame.h"
#include "proto/limits.h"

enum { EVENTS_MAX = 64, READ_BYTES = 256 << 10, LOOK_MS = 2, GREETING_TIMEOUT_S = 10 };

#define STOP UINT64_MAX
#define IPC "ipc://"

struct plain_subscriber {
    int socket;
    struct zmtp_reader reader;
    _Atomic uint64_t heard; /* written by the thread, read by any */
};

struct plain_crowd {
    struct crowd_options options;
    pthread_t thread;
    bool started;
    int epoll;
    int stop; /* eventfd */
    atomic_bool failed;
    uint8_t *buffer; /* the thread's */
    struct plain_subscriber subscribers[];
};

/* ---- listening ---- */

static bool send_all(int peer, const uint8_t *bytes, size_t size) {
    return send(peer, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Returns false when the connection is of no use any more. One read is enough: what is left is told again. */
static bool take(struct plain_crowd *crowd, struct plain_subscriber *subscriber) {
    struct zmtp_news news = {0};
    ssize_t got = recv(subscriber->socket, crowd->buffer, READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (got <= 0 || !zmtp_read(&subscriber->reader, crowd->buffer, (size_t)got, strlen(TOPIC_HEARTBEAT), &news)) {
        return false;
    }
    atomic_store_explicit(&subscriber->heard,
                          atomic_load_explicit(&subscriber->heard, memory_order_relaxed) + news.messages,
                          memory_order_relaxed);
    return !news.ping || send_all(subscriber->socket, news.pong, news.pong_bytes);
}

static void *listen_to_all(void *argument) {
    struct plain_crowd *crowd = argument;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(crowd->epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == STOP) {
                return NULL;
            }
            struct plain_subscriber *subscriber = &crowd->subscribers[events[i].data.u64];
            if (!take(crowd, subscriber)) {
                atomic_store_explicit(&crowd->failed, true, memory_order_relaxed);
                epoll_ctl(crowd->epoll, EPOLL_CTL_DEL, subscriber->socket, NULL);
            }
        }
    }
}

/* ---- opening ---- */

static bool watch(struct plain_crowd *crowd, int descriptor, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    return epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static bool greet(struct plain_subscriber *subscriber) {
    static const struct timeval patience = {.tv_sec = GREETING_TIMEOUT_S};
    uint8_t greeting[ZMTP_GREETING_BYTES];
    struct zmtp_news news = {0};
    zmtp_greeting(greeting);
    return setsockopt(subscriber->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
           send_all(subscriber->socket, greeting, sizeof greeting) &&
           recv(subscriber->socket, greeting, sizeof greeting, MSG_WAITALL) == sizeof greeting &&
           zmtp_read(&subscriber->reader, greeting, sizeof greeting, 0, &news);
}

/* Where the totals endpoint listens. */
struct place {
    int family;
    socklen_t bytes;
    union {
        struct sockaddr base;
        struct sockaddr_in tcp;
        struct sockaddr_un ipc;
    } address;
};

/* endpoint: tcp://127.0.0.1:PORT or ipc://PATH. */
static struct place place_of(const char *endpoint) {
    if (strncmp(endpoint, IPC, strlen(IPC)) == 0) {
        struct place place = {.family = AF_UNIX, .bytes = sizeof place.address.ipc};
        place.address.ipc.sun_family = AF_UNIX;
        snprintf(place.address.ipc.sun_path, sizeof place.address.ipc.sun_path, "%s", endpoint + strlen(IPC));
        return place;
    }
    const char *colon = strrchr(endpoint, ':');
    uint16_t port = colon != NULL ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
    struct place place = {.family = AF_INET, .bytes = sizeof place.address.tcp};
    place.address.tcp =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return place;
}

static bool open_one(struct plain_crowd *crowd, const struct place *place, size_t number) {
    struct plain_subscriber *subscriber = &crowd->subscribers[number];
    char topic[CROWD_TOPIC_BYTES];
    uint8_t opening[ZMTP_OPENING_BYTES_MAX];
    crowd_topic(&crowd->options, number, topic);
    size_t size = zmtp_opening(opening, topic, TOPIC_HEARTBEAT);
    subscriber->socket = socket(place->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return subscriber->socket >= 0 && connect(subscriber->socket, &place->address.base, place->bytes) == 0 &&
           greet(subscriber) && send_all(subscriber->socket, opening, size) && watch(crowd, subscriber->socket, number);
}

static bool start(struct plain_crowd *crowd) {
    struct place place = place_of(crowd->options.endpoint);
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->stop = eventfd(0, EFD_CLOEXEC);
    crowd->buffer = malloc(READ_BYTES);
    bool fine = crowd->epoll >= 0 && crowd->stop >= 0 && crowd->buffer != NULL && watch(crowd, crowd->stop, STOP);
    for (size_t i = 0; i < crowd->options.subscribers && fine; i++) {
        fine = open_one(crowd, &place, i);
    }
    crowd->started = fine && pthread_create(&crowd->thread, NULL, listen_to_all, crowd) == 0;
    if (!crowd->started) {
        fprintf(stderr, "bench: subscribers: %s\n", strerror(errno));
    }
    return crowd->started;
}

static bool wait_until_heard(const struct plain_crowd *crowd, int timeout_ms) {
    int64_t end_ns = clock_now_ns() + timeout_ms * INT64_C(1000000);
    size_t heard = 0;
    while (heard < crowd->options.subscribers && clock_now_ns() < end_ns &&
           !atomic_load_explicit(&crowd->failed, memory_order_relaxed)) {
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

struct plain_crowd *plain_crowd_open(const struct crowd_options *options, int timeout_ms) {
    struct plain_crowd *crowd = calloc(1, sizeof *crowd + options->subscribers * sizeof crowd->subscribers[0]);
    if (crowd == NULL) {
        fputs("bench: out of memory\n", stderr);
        return NULL;
    }
    crowd->options = *options;
    crowd->epoll = crowd->stop = -1;
    for (size_t i = 0; i < options->subscribers; i++) {
        crowd->subscribers[i].socket = -1;
    }
    crowd_allow_descriptors();
    if (!start(crowd) || !wait_until_heard(crowd, timeout_ms)) {
        plain_crowd_close(&crowd);
    }
    return crowd;
}

/* ---- closing ---- */

static void close_descriptor(int descriptor) {
    if (descriptor >= 0) {
        close(descriptor);
    }
}

void plain_crowd_close(struct plain_crowd **crowd) {
    if (crowd == NULL || *crowd == NULL) {
        return;
    }
    struct plain_crowd *closing = *crowd;
    if (closing->started) {
        uint64_t one = 1;
        ssize_t ignored = write(closing->stop, &one, sizeof one);
        (void)ignored;
        pthread_join(closing->thread, NULL);
    }
    for (size_t i = 0; i < closing->options.subscribers; i++) {
        close_descriptor(closing->subscribers[i].socket);
    }
    close_descriptor(closing->epoll);
    close_descriptor(closing->stop);
    free(closing->buffer);
    free(closing);
    *crowd = NULL;
}

uint64_t plain_crowd_messages(const struct plain_crowd *crowd) {
    uint64_t sum = 0;
    for (size_t i = 0; i < crowd->options.subscribers; i++) {
        sum += atomic_load_explicit(&crowd->subscribers[i].heard, memory_order_relaxed);
    }
    return sum;
}
