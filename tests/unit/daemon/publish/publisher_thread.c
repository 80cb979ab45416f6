/* The publisher among its neighbours, all at once: a ledger thread that fills the exchange, a subscriber, a thread that
 * asks for copies, and reloads. A plain program, because Criterion cannot start under TSan. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/publish/publisher.h"

enum { COMPETITION = 5, VERSIONS = 400, REGIONS = 40, INTERVAL_US = 1000, DEADLINE_MS = 60000, COPIES = 30 };

struct scene {
    char folder[64];
    char endpoint[96];
    void *zmq;
    struct waker waker;
    struct waker ledger_waker;
    struct snapshot_exchange exchange;
    struct registry_slot registry_slot;
    struct publisher *publisher;
    atomic_bool done; /* set when the ledger has no more */
};

static struct registry *make_registry(void) {
    struct registry *registry = registry_create(1, 0);
    CHECK(registry != NULL);
    registry->competitions[0] = (struct competition){.number = COMPETITION, .key = "csj-2021", .counts = 2};
    return registry;
}

static void fail(void *context, const struct fault *fault) {
    (void)context;
    fprintf(stderr, "%s\n", fault->text);
    abort();
}

/* At version v every region holds v projects. */
static void fill(struct snapshot *snapshot, uint64_t version) {
    snapshot->version = snapshot->projects = version;
    snapshot->cell_count = REGIONS;
    for (uint32_t i = 0; i < REGIONS; i++) {
        snapshot->cells[i] = (struct snapshot_cell){.key = cell_key(COMPETITION, 330101 + i, 0, 1),
                                                    .sums = {.projects = (int64_t)version}};
    }
}

static bool wanted(struct scene *scene) {
    return atomic_load_explicit(&scene->exchange.holder, memory_order_acquire) == SNAPSHOT_WANTED;
}

static void *run_ledger(void *context) {
    struct scene *scene = context;
    for (uint64_t version = 1; version <= VERSIONS; version++) {
        while (!wanted(scene)) {
            waker_prepare(&scene->ledger_waker);
            if (!wanted(scene)) {
                waker_sleep(&scene->ledger_waker, DEADLINE_MS);
            }
            waker_finish(&scene->ledger_waker);
        }
        fill(&scene->exchange.snapshot, version);
        atomic_store_explicit(&scene->exchange.holder, SNAPSHOT_OFFERED, memory_order_release);
        waker_wake(&scene->waker);
    }
    atomic_store(&scene->done, true);
    return NULL;
}

/* Each copy is of one version, whole. */
static void *run_captures(void *context) {
    struct scene *scene = context;
    uint64_t last = 0;
    for (int i = 0; i < COPIES; i++) {
        struct rollup *copy = rollup_create();
        CHECK(copy != NULL);
        uint64_t least = last + (uint64_t)(i % 3) < VERSIONS ? last + (uint64_t)(i % 3) : VERSIONS;
        if (publisher_capture(scene->publisher, copy, least, i % 5 == 0 ? 0 : DEADLINE_MS) == ERROR_NONE) {
            uint64_t version = rollup_version(copy);
            CHECK(version >= least);
            uint32_t number = rollup_find(copy, COMPETITION, REGION_ALL);
            CHECK(version == 0 || rollup_totals(copy, number, 2).projects == (int64_t)version * REGIONS);
            last = version;
        }
        rollup_destroy(copy);
    }
    return NULL;
}

static void open_scene(struct scene *scene) {
    *scene = (struct scene){.folder = "/tmp/tally-publish-XXXXXX"};
    CHECK(mkdtemp(scene->folder) != NULL);
    snprintf(scene->endpoint, sizeof scene->endpoint, "ipc://%s/totals", scene->folder);
    scene->zmq = zmq_ctx_new();
    CHECK(waker_init(&scene->waker) == ERROR_NONE && waker_init(&scene->ledger_waker) == ERROR_NONE);
    snapshot_init(&scene->exchange);
    CHECK(snapshot_reserve(&scene->exchange.snapshot, REGIONS, 1) == ERROR_NONE);
    struct registry *registry = make_registry();
    struct publisher_options options = {.zmq_context = scene->zmq,
                                        .endpoint = scene->endpoint,
                                        .epoch = 1,
                                        .interval_us = INTERVAL_US,
                                        .exchange = &scene->exchange,
                                        .waker = &scene->waker,
                                        .ledger_waker = &scene->ledger_waker,
                                        .registry_slot = &scene->registry_slot,
                                        .on_failure = fail};
    struct fault fault = {0};
    scene->publisher = publisher_start(&options, registry, &fault);
    CHECK(scene->publisher != NULL);
    registry_release(registry);
}

static void close_scene(struct scene *scene) {
    publisher_stop(&scene->publisher);
    registry_release(atomic_load(&scene->registry_slot.next));
    snapshot_fini(&scene->exchange);
    waker_fini(&scene->waker);
    waker_fini(&scene->ledger_waker);
    zmq_ctx_term(scene->zmq);
    char path[96];
    snprintf(path, sizeof path, "%s/totals", scene->folder);
    unlink(path);
    rmdir(scene->folder);
}

static void *subscribe(struct scene *scene) {
    void *subscriber = zmq_socket(scene->zmq, ZMQ_SUB);
    int linger_ms = 0;
    zmq_setsockopt(subscriber, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    CHECK(zmq_connect(subscriber, scene->endpoint) == 0);
    CHECK(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "csj-2021/000000", strlen("csj-2021/000000")) == 0);
    return subscriber;
}

int main(void) {
    struct scene scene;
    open_scene(&scene);
    void *subscriber = subscribe(&scene);
    pthread_t ledger;
    pthread_t captures;
    CHECK(pthread_create(&ledger, NULL, run_ledger, &scene) == 0);
    CHECK(pthread_create(&captures, NULL, run_captures, &scene) == 0);
    while (!atomic_load(&scene.done)) { /* reloads, as many as there is time for */
        struct registry *registry = make_registry();
        registry_offer(&scene.registry_slot, registry);
        registry_release(registry);
        waker_wake(&scene.waker);
        uint8_t frame[512];
        int timeout_ms = 10;
        zmq_setsockopt(subscriber, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
        (void)zmq_recv(subscriber, frame, sizeof frame, 0);
    }
    pthread_join(ledger, NULL);
    pthread_join(captures, NULL);
    CHECK(publisher_drain(scene.publisher, VERSIONS, DEADLINE_MS));
    CHECK(publisher_version(scene.publisher) == VERSIONS);
    zmq_close(subscriber);
    close_scene(&scene);
    puts("fine");
    return 0;
}
