#include "waker.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"

enum error waker_init(struct waker *waker) {
    waker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    atomic_init(&waker->state, WAKER_AWAKE);
    atomic_init(&waker->alerted, false);
    return waker->fd < 0 ? ERROR_IO : ERROR_NONE;
}

void waker_fini(struct waker *waker) {
    if (waker->fd >= 0) {
        close(waker->fd);
    }
    waker->fd = -1;
}

void waker_wake(struct waker *waker) {
    /* With waker_prepare. */
    if (atomic_exchange_explicit(&waker->state, WAKER_AWAKE, memory_order_acq_rel) == WAKER_ASLEEP) {
        uint64_t one = 1;
        ssize_t ignored = write(waker->fd, &one, sizeof one); /* fails only when the count is at its limit: awake */
        (void)ignored;
    }
}

void waker_alert(struct waker *waker) {
    /* Relaxed: the exchange in waker_wake comes after it, and before the next waker_prepare. */
    atomic_store_explicit(&waker->alerted, true, memory_order_relaxed);
    waker_wake(waker);
}

void waker_prepare(struct waker *waker) {
    atomic_exchange_explicit(&waker->state, WAKER_ASLEEP, memory_order_acq_rel); /* with waker_wake */
}

/* Reads the descriptor even if nobody seems to have written: a producer may be between its exchange and its write, and what
 * it writes later only makes one sleep short. */
void waker_finish(struct waker *waker) {
    /* An exchange too, though nobody asks what it was: a plain store would break the order of exchanges, and a wake-up that
     * came before it could be missed by the next look at the queues. */
    atomic_exchange_explicit(&waker->state, WAKER_AWAKE, memory_order_acq_rel);
    uint64_t count;
    ssize_t ignored = read(waker->fd, &count, sizeof count);
    (void)ignored;
}

bool waker_look_out(int64_t began_ns) {
    sched_yield();
    return clock_monotonic_ns() - began_ns < WAKER_LOOK_OUT_US * INT64_C(1000);
}

/* Returns whether it was woken meanwhile. */
static bool look_out(struct waker *waker) {
    int expected = WAKER_ASLEEP;
    if (!atomic_compare_exchange_strong_explicit(&waker->state, &expected, WAKER_LOOKING_OUT, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        return true;
    }
    int64_t began_ns = clock_monotonic_ns();
    do {
        if (atomic_load_explicit(&waker->state, memory_order_acquire) == WAKER_AWAKE) {
            return true;
        }
    } while (waker_look_out(began_ns));
    expected = WAKER_LOOKING_OUT;
    return !atomic_compare_exchange_strong_explicit(&waker->state, &expected, WAKER_ASLEEP, memory_order_acq_rel,
                                                    memory_order_acquire);
}

void waker_sleep(struct waker *waker, int timeout_ms) {
    bool alerted = atomic_exchange_explicit(&waker->alerted, false, memory_order_relaxed);
    if (!alerted || !look_out(waker)) {
        struct pollfd descriptor = {.fd = waker->fd, .events = POLLIN};
        poll(&descriptor, 1, timeout_ms);
    }
}
