/* Lets a thread sleep until another has something for it, cheaply: a producer pays one exchange, and a
 * system call only when the consumer sleeps. One thread sleeps on a waker; any may wake it.
 *
 * The consumer:  waker_prepare; look once more at every queue; if all are empty, poll waker_fd (with whatever else, with
 *                a time-out), else do not sleep; waker_finish either way.
 * A producer:    put the thing where the consumer looks; waker_wake.
 * Both sides exchange `state` (acquire and release): exchanges of one variable have an order, so either the producer's
 * comes first and the consumer's second look sees the thing, or it comes second and finds the consumer asleep.
 *
 * A processor that sleeps takes longer to wake than a small batch to be worked on. So who knows that the next thing will come
 * in a moment may say so (waker_alert), and the consumer then looks out for it awake, for WAKER_LOOK_OUT_US at most, giving
 * the processor away to whoever wants it. */
#ifndef TALLY_DAEMON_BASE_WAKER_H
#define TALLY_DAEMON_BASE_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum { WAKER_LOOK_OUT_US = 500 };

enum waker_state {
    WAKER_AWAKE,
    WAKER_LOOKING_OUT, /* sees a change of state without being woken */
    WAKER_ASLEEP,
};

struct waker {
    int fd;              /* eventfd; immutable after init */
    _Atomic int state;   /* written by both sides */
    atomic_bool alerted; /* written by both sides */
};

/* Errors: IO (no descriptor). */
MUST_USE enum error waker_init(struct waker *waker);
void waker_fini(struct waker *waker);

void waker_wake(struct waker *waker);

/* Wakes, and makes the next waker_sleep begin with looking out. */
void waker_alert(struct waker *waker);

void waker_prepare(struct waker *waker);
void waker_finish(struct waker *waker);

/* prepare was called: sleeps until woken or timeout_ms (-1 = without end) is over. For threads with nothing else to poll. */
void waker_sleep(struct waker *waker, int timeout_ms);

/* Gives the processor away for a moment, while looking out. Returns false when WAKER_LOOK_OUT_US have passed since began_ns,
 * monotonic. */
bool waker_look_out(int64_t began_ns);

#endif
