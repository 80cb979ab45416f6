#include "waker.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum error waker_init(struct waker *waker) {
    waker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    atomic_init(&waker->asleep, false);
    return waker->fd < 0 ? ERROR_IO : ERROR_NONE;
}

void waker_fini(struct waker *waker) {
    if (waker->fd >= 0) {
        close(waker->fd);
    }
    waker->fd = -1;
}

void waker_wake(struct waker *waker) {
    if (atomic_exchange_explicit(&waker->asleep, false, memory_order_acq_rel)) { /* with waker_prepare */
        uint64_t one = 1;
        ssize_t ignored = write(waker->fd, &one, sizeof one); /* fails only when the count is at its limit: awake */
        (void)ignored;
    }
}

void waker_prepare(struct waker *waker) {
    atomic_exchange_explicit(&waker->asleep, true, memory_order_acq_rel); /* with waker_wake */
}

/* Reads the descriptor even if nobody seems to have written: a producer may be between its exchange and its write, and what
 * it writes later only makes one sleep short. */
void waker_finish(struct waker *waker) {
    /* An exchange too, though nobody asks what it was: a plain store would break the order of exchanges, and a wake-up that
     * came before it could be missed by the next look at the queues. */
    atomic_exchange_explicit(&waker->asleep, false, memory_order_acq_rel);
    uint64_t count;
    ssize_t ignored = read(waker->fd, &count, sizeof count);
    (void)ignored;
}

void waker_sleep(struct waker *waker, int timeout_ms) {
    struct pollfd descriptor = {.fd = waker->fd, .events = POLLIN};
    poll(&descriptor, 1, timeout_ms);
}
