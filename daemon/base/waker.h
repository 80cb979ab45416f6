/* Lets a thread sleep until another has something for it, cheaply: a producer pays one exchange, and a
 * system call only when the consumer sleeps. One thread sleeps on a waker; any may wake it.
 *
 * The consumer:  waker_prepare; look once more at every queue; if all are empty, poll waker_fd (with whatever else, with
 *                a time-out), else do not sleep; waker_finish either way.
 * A producer:    put the thing where the consumer looks; waker_wake.
 * Both sides exchange `asleep` (acquire and release): exchanges of one variable have an order, so either the producer's
 * comes first and the consumer's second look sees the thing, or it comes second and finds the consumer asleep. */
#ifndef TALLY_DAEMON_BASE_WAKER_H
#define TALLY_DAEMON_BASE_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "error.h"

struct waker {
    int fd;             /* eventfd; immutable after init */
    atomic_bool asleep; /* written by both sides */
};

/* Errors: IO (no descriptor). */
MUST_USE enum error waker_init(struct waker *waker);
void waker_fini(struct waker *waker);

void waker_wake(struct waker *waker);

void waker_prepare(struct waker *waker);
void waker_finish(struct waker *waker);

/* prepare was called: sleeps until woken or timeout_ms (-1 = without end) is over. For threads with nothing else to poll. */
void waker_sleep(struct waker *waker, int timeout_ms);

#endif
