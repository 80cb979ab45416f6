#include "worker.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void worker_block_signals(sigset_t *old) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

void worker_restore_signals(const sigset_t *old) {
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

enum tally_error worker_start(struct worker *worker, void *(*run)(void *), void *context, char *message) {
    sigset_t old;
    worker->started = false;
    atomic_init(&worker->stopping, false);
    atomic_init(&worker->noted, false);
    worker->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->wake < 0) {
        return fault_set(message, TALLY_MEMORY, "cannot make a descriptor: %s", strerror(errno));
    }
    worker_block_signals(&old);
    int code = pthread_create(&worker->thread, NULL, run, context);
    worker_restore_signals(&old);
    if (code != 0) {
        close(worker->wake);
        return fault_set(message, TALLY_MEMORY, "cannot start a thread: %s", strerror(code));
    }
    worker->started = true;
    return TALLY_OK;
}

void worker_wake(struct worker *worker) {
    uint64_t one = 1;
    /* Exchanges of one variable have an order: if ours finds the note there, the thread's in worker_rest comes after it, and
     * so does its look at what we have put there for it. */
    if (atomic_exchange_explicit(&worker->noted, true, memory_order_acq_rel)) {
        return;
    }
    while (write(worker->wake, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void worker_rest(struct worker *worker) {
    uint64_t notes = 0;
    while (read(worker->wake, &notes, sizeof notes) < 0 && errno == EINTR) {
    }
    atomic_exchange_explicit(&worker->noted, false, memory_order_acq_rel); /* with worker_wake; after the read */
}

bool worker_stopping(struct worker *worker) {
    return atomic_load_explicit(&worker->stopping, memory_order_acquire); /* pairs with worker_stop */
}

void worker_stop(struct worker *worker) {
    if (!worker->started) {
        return;
    }
    atomic_store_explicit(&worker->stopping, true, memory_order_release);
    worker_wake(worker);
    pthread_join(worker->thread, NULL);
    close(worker->wake);
    worker->started = false;
}
