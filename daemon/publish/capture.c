#include "capture.h"

#include "daemon/base/clock.h"

enum { CAPTURE_IDLE = 0, CAPTURE_ASKED, CAPTURE_TAKEN, CAPTURE_DONE };

enum error capture_init(struct capture *capture) {
    capture->into = NULL;
    atomic_init(&capture->version_least, 0);
    atomic_init(&capture->state, CAPTURE_IDLE);
    return waker_init(&capture->waker);
}

void capture_fini(struct capture *capture) {
    waker_fini(&capture->waker);
}

static bool done(const struct capture *capture) {
    return atomic_load_explicit(&capture->state, memory_order_acquire) == CAPTURE_DONE; /* with capture_serve */
}

static bool withdraw(struct capture *capture) {
    int asked = CAPTURE_ASKED;
    return atomic_compare_exchange_strong_explicit(&capture->state, &asked, CAPTURE_IDLE, memory_order_relaxed,
                                                   memory_order_relaxed);
}

enum error capture_ask(struct capture *capture, struct rollup *into, uint64_t version_least, int timeout_ms,
                       struct waker *publisher_waker) {
    int64_t end_ns = clock_monotonic_ns() + timeout_ms * INT64_C(1000000);
    capture->into = into;
    atomic_store_explicit(&capture->version_least, version_least, memory_order_relaxed); /* with the next line */
    atomic_store_explicit(&capture->state, CAPTURE_ASKED, memory_order_release);         /* with capture_serve */
    waker_wake(publisher_waker);
    while (!done(capture)) {
        int left_ms = clock_left_ms(end_ns);
        if (left_ms == 0 && withdraw(capture)) {
            return ERROR_BUSY;
        }
        waker_prepare(&capture->waker);
        if (!done(capture)) {
            waker_sleep(&capture->waker, left_ms > 0 ? left_ms : 1);
        }
        waker_finish(&capture->waker);
    }
    atomic_store_explicit(&capture->state, CAPTURE_IDLE, memory_order_relaxed); /* the caller's again */
    return ERROR_NONE;
}

bool capture_waits(const struct capture *capture, uint64_t version) {
    return atomic_load_explicit(&capture->state, memory_order_relaxed) == CAPTURE_ASKED &&
           version >= atomic_load_explicit(&capture->version_least, memory_order_relaxed);
}

void capture_serve(struct capture *capture, const struct rollup *rollup) {
    int asked = CAPTURE_ASKED;
    if (!atomic_compare_exchange_strong_explicit(&capture->state, &asked, CAPTURE_TAKEN, memory_order_acquire,
                                                 memory_order_relaxed)) { /* with capture_ask */
        return;
    }
    if (rollup_version(rollup) < atomic_load_explicit(&capture->version_least, memory_order_relaxed)) {
        atomic_store_explicit(&capture->state, CAPTURE_ASKED, memory_order_release); /* as it was */
        return;
    }
    rollup_copy(capture->into, rollup);
    atomic_store_explicit(&capture->state, CAPTURE_DONE, memory_order_release); /* with done */
    waker_wake(&capture->waker);
}
