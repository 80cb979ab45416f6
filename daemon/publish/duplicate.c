#include "duplicate.h"

#include "daemon/base/clock.h"

enum { DUPLICATE_IDLE = 0, DUPLICATE_ASKED, DUPLICATE_TAKEN, DUPLICATE_DONE };

enum error duplicate_init(struct duplicate *duplicate) {
    duplicate->into = NULL;
    atomic_init(&duplicate->version_least, 0);
    atomic_init(&duplicate->state, DUPLICATE_IDLE);
    return waker_init(&duplicate->waker);
}

void duplicate_fini(struct duplicate *duplicate) {
    waker_fini(&duplicate->waker);
}

static bool done(const struct duplicate *duplicate) {
    return atomic_load_explicit(&duplicate->state, memory_order_acquire) == DUPLICATE_DONE; /* with duplicate_serve */
}

static bool withdraw(struct duplicate *duplicate) {
    int asked = DUPLICATE_ASKED;
    return atomic_compare_exchange_strong_explicit(&duplicate->state, &asked, DUPLICATE_IDLE, memory_order_relaxed,
                                                   memory_order_relaxed);
}

enum error duplicate_ask(struct duplicate *duplicate, struct rollup *into, uint64_t version_least, int timeout_ms,
                         struct waker *publisher_waker) {
    int64_t end_ns = clock_monotonic_ns() + timeout_ms * INT64_C(1000000);
    duplicate->into = into;
    atomic_store_explicit(&duplicate->version_least, version_least, memory_order_relaxed); /* with the next line */
    atomic_store_explicit(&duplicate->state, DUPLICATE_ASKED, memory_order_release);       /* with duplicate_serve */
    waker_wake(publisher_waker);
    while (!done(duplicate)) {
        int left_ms = clock_left_ms(end_ns);
        if (left_ms == 0 && withdraw(duplicate)) {
            return ERROR_BUSY;
        }
        waker_prepare(&duplicate->waker);
        if (!done(duplicate)) {
            waker_sleep(&duplicate->waker, left_ms > 0 ? left_ms : 1);
        }
        waker_finish(&duplicate->waker);
    }
    atomic_store_explicit(&duplicate->state, DUPLICATE_IDLE, memory_order_relaxed); /* the caller's again */
    return ERROR_NONE;
}

bool duplicate_waits(const struct duplicate *duplicate, uint64_t version) {
    return atomic_load_explicit(&duplicate->state, memory_order_relaxed) == DUPLICATE_ASKED &&
           version >= atomic_load_explicit(&duplicate->version_least, memory_order_relaxed);
}

void duplicate_serve(struct duplicate *duplicate, const struct rollup *rollup) {
    int asked = DUPLICATE_ASKED;
    if (!atomic_compare_exchange_strong_explicit(&duplicate->state, &asked, DUPLICATE_TAKEN, memory_order_acquire,
                                                 memory_order_relaxed)) { /* with duplicate_ask */
        return;
    }
    if (rollup_version(rollup) < atomic_load_explicit(&duplicate->version_least, memory_order_relaxed)) {
        atomic_store_explicit(&duplicate->state, DUPLICATE_ASKED, memory_order_release); /* as it was */
        return;
    }
    rollup_copy(duplicate->into, rollup);
    atomic_store_explicit(&duplicate->state, DUPLICATE_DONE, memory_order_release); /* with done */
    waker_wake(&duplicate->waker);
}
