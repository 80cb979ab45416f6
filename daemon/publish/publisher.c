#include "publisher.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "audience.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "daemon/base/totals.h"
#include "duplicate.h"
#include "outlet.h"
#include "proto/limits.h"

enum {
    NOTICES_A_TURN_MAX = 4096, /* a flood of subscriptions must not hold up totals */
    REFRESH_PARTS = 60,        /* each second a part: every wanted region is sent at least once a minute */
    LOG_INTERVAL_S = 10,
};

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

struct publisher {
    /* Immutable after start. */
    struct publisher_options options;
    int64_t interval_ns;
    pthread_t thread;

    /* Owned by the publisher's thread. */
    struct outlet outlet;
    struct registry *registry;
    struct rollup *rollup;
    struct audience audience;
    struct totals totals; /* filled and packed in one place */
    bool failed;
    bool unpublished;      /* a snapshot was folded and not published yet */
    int64_t next_ns;       /* not before: the next publication of something new */
    int64_t next_again_ns; /* not before: what is sent though nothing is new, to new subscribers and once a minute */
    int64_t next_heartbeat_ns;
    struct log_limit refused_limit;

    /* Atomic: written by the publisher's thread, read by any. */
    _Atomic uint64_t version;

    /* Atomic: written by drain and stop, read by the publisher's thread. */
    atomic_bool hurrying;
    atomic_bool stopping;

    struct waker drain_waker;   /* on which whoever drains sleeps */
    struct duplicate duplicate; /* shared with whoever asks for a copy */
};

static void fail(struct publisher *publisher, enum error error, const char *what) {
    struct fault fault = {0};
    fault_set(&fault, error, "publisher: %s", what);
    publisher->failed = true;
    publisher->options.on_failure(publisher->options.context, &fault);
}

static bool hurrying(const struct publisher *publisher) {
    return atomic_load_explicit(&publisher->hurrying, memory_order_acquire);
}

/* ---- folding ---- */

static bool snapshot_offered(const struct publisher *publisher) {
    /* Acquire: with the ledger's release, who has filled it before. */
    return atomic_load_explicit(&publisher->options.exchange->holder, memory_order_acquire) == SNAPSHOT_OFFERED;
}

static enum error fold_offered(struct publisher *publisher) {
    if (publisher->failed || !snapshot_offered(publisher)) {
        return ERROR_NONE;
    }
    enum error error = rollup_apply(publisher->rollup, &publisher->options.exchange->snapshot);
    if (error == ERROR_NONE) {
        publisher->unpublished = true;
        atomic_store_explicit(&publisher->options.exchange->holder, SNAPSHOT_IDLE, memory_order_relaxed); /* ours */
    }
    return error;
}

static bool snapshot_wantable(const struct publisher *publisher) {
    return !publisher->failed && !publisher->unpublished &&
           atomic_load_explicit(&publisher->options.exchange->holder, memory_order_relaxed) == SNAPSHOT_IDLE;
}

static void want_snapshot(struct publisher *publisher, int64_t now_ns) {
    if (snapshot_wantable(publisher) && (now_ns >= publisher->next_ns || hurrying(publisher))) {
        /* Release: the ledger fills it after our last look into it. */
        atomic_store_explicit(&publisher->options.exchange->holder, SNAPSHOT_WANTED, memory_order_release);
        waker_wake(publisher->options.ledger_waker);
    }
}

/* ---- publishing ---- */

static enum error send_region(struct publisher *publisher, uint32_t number, int64_t time_ms) {
    struct rollup_region region = rollup_region(publisher->rollup, number);
    const struct competition *competition = registry_competition_numbered(publisher->registry, region.competition);
    if (competition == NULL) {
        return ERROR_NONE;
    }
    char topic[AUDIENCE_TOPIC_BYTES];
    size_t topic_bytes = audience_topic(topic, competition->key, region.region);
    totals_fill(&publisher->totals, publisher->rollup, competition, region.region);
    publisher->totals.message.epoch = publisher->options.epoch;
    publisher->totals.message.time_ms = (uint64_t)time_ms;
    return outlet_totals(&publisher->outlet, topic, topic_bytes, &publisher->totals.message);
}

static void send_due(struct publisher *publisher) {
    int64_t time_ms = clock_wall_ms();
    for (uint32_t i = 0; i < publisher->audience.due_count; i++) {
        enum error error = send_region(publisher, publisher->audience.due[i], time_ms);
        if (error != ERROR_NONE) {
            fail(publisher, error, "the totals endpoint cannot send");
            return;
        }
    }
    counter_add(COUNTER_PUBLISH_MESSAGES, publisher->audience.due_count);
    audience_settle(&publisher->audience);
}

static bool publication_pending(const struct publisher *publisher) {
    return !publisher->failed && (publisher->unpublished || publisher->audience.due_count > 0 ||
                                  audience_undecided(&publisher->audience, publisher->rollup));
}

/* What is new does not wait for what was only sent again. */
static int64_t publication_ns(const struct publisher *publisher) {
    return publisher->unpublished ? publisher->next_ns : publisher->next_again_ns;
}

static void publish(struct publisher *publisher, int64_t now_ns) {
    if (!publication_pending(publisher) || (now_ns < publication_ns(publisher) && !hurrying(publisher))) {
        return;
    }
    if (audience_undecided(&publisher->audience, publisher->rollup)) {
        audience_decide(&publisher->audience, publisher->rollup, publisher->registry);
    }
    size_t count;
    const uint32_t *changed = rollup_changed(publisher->rollup, &count);
    audience_note(&publisher->audience, changed, count);
    rollup_settle(publisher->rollup);
    if (publisher->audience.due_count > 0) {
        publisher->next_again_ns = now_ns + publisher->interval_ns;
    }
    send_due(publisher);
    if (publisher->failed) {
        return;
    }
    if (publisher->unpublished) {
        publisher->unpublished = false;
        publisher->next_ns = now_ns + publisher->interval_ns;
    }
    /* Release: who sees the version finds it published. */
    atomic_store_explicit(&publisher->version, rollup_version(publisher->rollup), memory_order_release);
    waker_wake(&publisher->drain_waker); /* always: whoever drains may just be falling asleep */
}

static void send_heartbeat(struct publisher *publisher) {
    Tally__Heartbeat heartbeat = TALLY__HEARTBEAT__INIT;
    heartbeat.epoch = publisher->options.epoch;
    heartbeat.version = atomic_load_explicit(&publisher->version, memory_order_relaxed); /* written here */
    heartbeat.time_ms = (uint64_t)clock_wall_ms();
    enum error error = outlet_heartbeat(&publisher->outlet, &heartbeat);
    if (error != ERROR_NONE) {
        fail(publisher, error, "the totals endpoint cannot send");
    }
}

static void beat(struct publisher *publisher, int64_t now_ns) {
    if (publisher->failed || now_ns < publisher->next_heartbeat_ns) {
        return;
    }
    send_heartbeat(publisher);
    audience_refresh(&publisher->audience, REFRESH_PARTS);
    publisher->next_heartbeat_ns = now_ns + HEARTBEAT_INTERVAL_MS * NS_PER_MS;
}

/* ---- subscribers ---- */

static void take_notice(struct publisher *publisher, const struct outlet_notice *notice, int64_t now_ns) {
    if (!notice->begins) {
        audience_unsubscribe(&publisher->audience, notice->prefix, notice->size);
        return;
    }
    counter_add(COUNTER_PUBLISH_SUBSCRIPTIONS, 1);
    if (!audience_subscribe(&publisher->audience, notice->prefix, notice->size)) {
        counter_add(COUNTER_PUBLISH_SUBSCRIPTIONS_REFUSED, 1);
        log_event_limited(&publisher->refused_limit, now_ns, LOG_INTERVAL_S * NS_PER_S, LOG_WARNING,
                          "subscription-refused", "subscriptions=%d", SUBSCRIPTIONS_MAX);
    }
}

static void take_notices(struct publisher *publisher, int64_t now_ns) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    struct outlet_notice notice;
    for (int i = 0; i < NOTICES_A_TURN_MAX && outlet_receive(&publisher->outlet, &message, &notice); i++) {
        take_notice(publisher, &notice, now_ns);
    }
    zmq_msg_close(&message);
}

/* ---- a new configuration ---- */

static struct outlet_options outlet_options(const struct publisher *publisher) {
    return (struct outlet_options){.zmq_context = publisher->options.zmq_context,
                                   .endpoint = publisher->options.endpoint,
                                   .keys = publisher->options.keys};
}

static uint64_t audience_seed(const struct publisher *publisher) {
    return (uint64_t)clock_monotonic_ns() * UINT64_C(0x9E3779B97F4A7C15) ^ publisher->options.epoch;
}

/* Somebody's key was taken away, and may be listening. */
static void cut_subscribers(struct publisher *publisher) {
    struct fault fault = {0};
    struct outlet_options options = outlet_options(publisher);
    audience_fini(&publisher->audience);
    if (audience_init(&publisher->audience, audience_seed(publisher)) != ERROR_NONE ||
        outlet_renew(&publisher->outlet, &options, &fault) != ERROR_NONE) {
        fail(publisher, ERROR_NETWORK, "the totals endpoint cannot be bound again");
        return;
    }
    log_event(LOG_INFO, "subscribers-cut",
              "what=\"a key was taken away; those whose key holds come back by themselves\"");
}

static void take_registry(struct publisher *publisher) {
    struct registry *before = registry_hold(publisher->registry);
    if (registry_take(publisher->options.registry_slot, &publisher->registry)) {
        audience_distrust(&publisher->audience);
        if (!registry_keeps_keys(before, publisher->registry)) {
            cut_subscribers(publisher);
        }
    }
    registry_release(before);
}

/* ---- the thread ---- */

static void turn(struct publisher *publisher) {
    int64_t now_ns = clock_monotonic_ns();
    take_registry(publisher);
    if (publisher->outlet.socket == NULL) {
        return;
    }
    take_notices(publisher, now_ns);
    enum error error = fold_offered(publisher);
    if (error != ERROR_NONE) {
        fail(publisher, error, "the tables of totals by region are full");
    }
    publish(publisher, now_ns);
    beat(publisher, now_ns);
    if (!publisher->failed) {
        duplicate_serve(&publisher->duplicate, publisher->rollup);
    }
    want_snapshot(publisher, now_ns);
    if (publisher->options.companion.socket != NULL) {
        publisher->options.companion.serve(publisher->options.companion.context, publisher->rollup,
                                           publisher->registry);
    }
}

/* Until when there is nothing to do unless something comes. */
static int64_t deadline_ns(const struct publisher *publisher) {
    int64_t deadline = publisher->next_heartbeat_ns;
    if (snapshot_wantable(publisher) && publisher->next_ns < deadline) {
        deadline = publisher->next_ns;
    }
    if (publication_pending(publisher) && publication_ns(publisher) < deadline) {
        deadline = publication_ns(publisher);
    }
    return deadline;
}

static int idle_ms(const struct publisher *publisher) {
    return publisher->failed ? HEARTBEAT_INTERVAL_MS : clock_left_ms(deadline_ns(publisher));
}

/* What another thread may have left just before the publisher prepared to sleep. */
static bool work_waits(const struct publisher *publisher) {
    if (atomic_load_explicit(&publisher->stopping, memory_order_acquire)) {
        return true;
    }
    bool soon = hurrying(publisher) && (publication_pending(publisher) || snapshot_wantable(publisher));
    return !publisher->failed && (soon || snapshot_offered(publisher) ||
                                  duplicate_waits(&publisher->duplicate, rollup_version(publisher->rollup)));
}

static void sleep_until_woken(struct publisher *publisher) {
    struct waker *waker = publisher->options.waker;
    zmq_pollitem_t items[] = {
        {.fd = waker->fd, .events = ZMQ_POLLIN},
        {.socket = publisher->outlet.socket, .events = ZMQ_POLLIN},
        {.socket = publisher->options.companion.socket, .events = ZMQ_POLLIN},
    };
    waker_prepare(waker);
    if (!work_waits(publisher)) {
        /* Interrupted or not, everything is looked at again. */
        zmq_poll(items, publisher->options.companion.socket != NULL ? 3 : 2, idle_ms(publisher));
    }
    waker_finish(waker);
}

static void *run(void *context) {
    struct publisher *publisher = context;
    for (;;) {
        bool stopping = atomic_load_explicit(&publisher->stopping, memory_order_acquire); /* before the last turn */
        turn(publisher);
        if (stopping) {
            break;
        }
        sleep_until_woken(publisher);
    }
    if (!publisher->failed) {
        send_heartbeat(publisher); /* the last version, for those who wait for it */
    }
    return NULL;
}

/* ---- life ---- */

static void destroy(struct publisher *publisher) {
    outlet_close(&publisher->outlet);
    audience_fini(&publisher->audience);
    rollup_destroy(publisher->rollup);
    registry_release(publisher->registry);
    waker_fini(&publisher->drain_waker);
    duplicate_fini(&publisher->duplicate);
    free(publisher);
}

static enum error set_up(struct publisher *publisher, struct fault *fault) {
    publisher->rollup = rollup_create();
    if (publisher->rollup == NULL || waker_init(&publisher->drain_waker) != ERROR_NONE ||
        duplicate_init(&publisher->duplicate) != ERROR_NONE) {
        return fault_set(fault, ERROR_MEMORY, "publisher: %s", error_text(ERROR_MEMORY));
    }
    if (audience_init(&publisher->audience, audience_seed(publisher)) != ERROR_NONE) {
        return fault_set(fault, ERROR_MEMORY, "publisher: %s", error_text(ERROR_MEMORY));
    }
    enum error error = fold_offered(publisher);
    if (error != ERROR_NONE) {
        return fault_set(fault, error, "publisher: the tables of totals by region are full");
    }
    atomic_init(&publisher->version, rollup_version(publisher->rollup));
    struct outlet_options options = outlet_options(publisher);
    return outlet_open(&publisher->outlet, &options, fault);
}

struct publisher *publisher_start(const struct publisher_options *options, struct registry *registry,
                                  struct fault *fault) {
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL) {
        fault_set(fault, ERROR_MEMORY, "publisher: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    publisher->options = *options;
    uint32_t interval_us = options->interval_us != 0 ? options->interval_us : PUBLISH_INTERVAL_US_DEFAULT;
    publisher->interval_ns = (int64_t)interval_us * 1000;
    publisher->registry = registry_hold(registry);
    publisher->drain_waker.fd = publisher->duplicate.waker.fd = -1;
    if (set_up(publisher, fault) != ERROR_NONE) {
        goto fail;
    }
    publisher->next_ns = publisher->next_again_ns = publisher->next_heartbeat_ns = clock_monotonic_ns();
    if (pthread_create(&publisher->thread, NULL, run, publisher) != 0) {
        fault_set(fault, ERROR_MEMORY, "publisher: its thread cannot be started");
        goto fail;
    }
    pthread_setname_np(publisher->thread, "publish");
    return publisher;
fail:
    destroy(publisher);
    return NULL;
}

void publisher_stop(struct publisher **publisher) {
    if (*publisher == NULL) {
        return;
    }
    atomic_store_explicit(&(*publisher)->hurrying, true, memory_order_release);
    atomic_store_explicit(&(*publisher)->stopping, true, memory_order_release);
    waker_wake((*publisher)->options.waker);
    pthread_join((*publisher)->thread, NULL);
    destroy(*publisher);
    *publisher = NULL;
}

/* ---- for other threads ---- */

uint64_t publisher_version(const struct publisher *publisher) {
    return atomic_load_explicit(&publisher->version, memory_order_acquire);
}

bool publisher_drain(struct publisher *publisher, uint64_t version, int timeout_ms) {
    int64_t end_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    atomic_store_explicit(&publisher->hurrying, true, memory_order_release);
    waker_wake(publisher->options.waker);
    bool published;
    while (!(published = publisher_version(publisher) >= version) && clock_left_ms(end_ns) > 0) {
        waker_prepare(&publisher->drain_waker);
        if (publisher_version(publisher) < version) {
            waker_sleep(&publisher->drain_waker, clock_left_ms(end_ns));
        }
        waker_finish(&publisher->drain_waker);
    }
    return published;
}

enum error publisher_capture(struct publisher *publisher, struct rollup *into, uint64_t version_least, int timeout_ms) {
    return duplicate_ask(&publisher->duplicate, into, version_least, timeout_ms, publisher->options.waker);
}
