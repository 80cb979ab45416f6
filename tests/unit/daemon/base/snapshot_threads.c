/* The exchange of snapshots: a ledger that never waits and a publisher that takes its time. Every snapshot that the
 * publisher gets is whole, versions only grow, and with the last one it knows everything. */
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "daemon/base/snapshot.h"
#include "daemon/base/waker.h"
#include "stress.h"

enum { CELLS = 64, LOOK_AT_CLOCK_EVERY = 256 };

struct stage {
    struct snapshot_exchange exchange;
    struct waker publisher_waker;
    int64_t end_ns;
    uint64_t versions; /* in the end */
    atomic_bool ended;
};

static bool held_as(struct stage *stage, enum snapshot_holder holder) {
    return atomic_load_explicit(&stage->exchange.holder, memory_order_acquire) == (int)holder;
}

/* Cell i changes with every version that i + 1 divides; its figure says when it last did. */
static void fill(struct snapshot *snapshot, const uint64_t *figures, const bool *changed, uint64_t version) {
    REQUIRE(snapshot_reserve(snapshot, CELLS, CELLS) == ERROR_NONE);
    snapshot->version = version;
    snapshot->cell_count = 0;
    for (uint32_t i = 0; i < CELLS; i++) {
        if (changed[i]) {
            snapshot->cells[snapshot->cell_count++] =
                (struct snapshot_cell){.key = i, .sums = {.projects = (int64_t)figures[i]}};
        }
    }
    snapshot->day_count = 1;
    snapshot->days[0].sums.projects = (int64_t)version;
}

static void *be_ledger(void *context) {
    struct stage *stage = context;
    uint64_t figures[CELLS] = {0};
    bool changed[CELLS] = {false};
    uint64_t version = 0;
    bool last = false;
    while (!last || !held_as(stage, SNAPSHOT_WANTED)) {
        if (!last) {
            version++;
            for (uint64_t i = 0; i < CELLS; i++) {
                figures[i] = version % (i + 1) == 0 ? version : figures[i];
                changed[i] = changed[i] || version % (i + 1) == 0;
            }
            last = version % LOOK_AT_CLOCK_EVERY == 0 && clock_monotonic_ns() > stage->end_ns;
        }
        if (!last && held_as(stage, SNAPSHOT_WANTED)) {
            fill(&stage->exchange.snapshot, figures, changed, version);
            for (size_t i = 0; i < CELLS; i++) {
                changed[i] = false;
            }
            atomic_store_explicit(&stage->exchange.holder, SNAPSHOT_OFFERED, memory_order_release);
            waker_wake(&stage->publisher_waker);
        }
    }
    fill(&stage->exchange.snapshot, figures, changed, version);
    stage->versions = version;
    atomic_store_explicit(&stage->ended, true, memory_order_relaxed); /* the release below carries it over */
    atomic_store_explicit(&stage->exchange.holder, SNAPSHOT_OFFERED, memory_order_release);
    waker_wake(&stage->publisher_waker);
    return NULL;
}

/* Every other time without the waker, which would order things too. */
static void wait_for_offer(struct stage *stage, bool awake) {
    while (awake && !held_as(stage, SNAPSHOT_OFFERED)) {
        sched_yield();
    }
    while (!held_as(stage, SNAPSHOT_OFFERED)) {
        waker_prepare(&stage->publisher_waker);
        if (!held_as(stage, SNAPSHOT_OFFERED)) {
            waker_sleep(&stage->publisher_waker, -1);
        }
        waker_finish(&stage->publisher_waker);
    }
}

static void *be_publisher(void *context) {
    struct stage *stage = context;
    uint64_t known[CELLS] = {0};
    uint64_t version = 0;
    bool awake = false;
    for (bool ended = false; !ended; awake = !awake) {
        atomic_store_explicit(&stage->exchange.holder, SNAPSHOT_WANTED, memory_order_release);
        wait_for_offer(stage, awake);
        const struct snapshot *snapshot = &stage->exchange.snapshot;
        REQUIRE(snapshot->version >= version);
        version = snapshot->version;
        REQUIRE(snapshot->day_count == 1 && snapshot->days[0].sums.projects == (int64_t)version);
        for (size_t i = 0; i < snapshot->cell_count; i++) {
            known[snapshot->cells[i].key] = (uint64_t)snapshot->cells[i].sums.projects;
        }
        for (uint64_t i = 0; i < CELLS; i++) {
            REQUIRE(known[i] == version - version % (i + 1));
        }
        ended = atomic_load_explicit(&stage->ended, memory_order_relaxed);
    }
    REQUIRE(version == stage->versions);
    return NULL;
}

int main(void) {
    static struct stage stage;
    snapshot_init(&stage.exchange);
    REQUIRE(waker_init(&stage.publisher_waker) == ERROR_NONE);
    stage.end_ns = stress_end_ns();
    pthread_t ledger = stress_start(be_ledger, &stage);
    pthread_t publisher = stress_start(be_publisher, &stage);
    stress_join(ledger);
    stress_join(publisher);
    snapshot_fini(&stage.exchange);
    waker_fini(&stage.publisher_waker);
    return EXIT_SUCCESS;
}
