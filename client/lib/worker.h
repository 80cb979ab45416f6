/* A thread of the library's own: started with all signals blocked, woken through a descriptor that poll can watch. */
#ifndef TALLY_LIB_WORKER_H
#define TALLY_LIB_WORKER_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fault.h"

struct worker {
    pthread_t thread;      /* immutable after start, as is wake */
    int wake;              /* eventfd */
    bool started;          /* its owner's */
    _Atomic bool stopping; /* written by worker_stop, read by the thread */
    _Atomic bool noted;    /* a note lies in wake, or is being written; exchanged by whoever wakes and by the thread */
};

/* Errors  MEMORY (no thread or no descriptor to be had). */
TALLY_MUST_USE enum tally_error worker_start(struct worker *worker, void *(*run)(void *), void *context, char *message);

/* Any thread. Costs a system call only if no note lies there already. */
void worker_wake(struct worker *worker);

/* The thread itself: takes the wake-up note away; then looks at what there is to do. */
void worker_rest(struct worker *worker);
bool worker_stopping(struct worker *worker);

/* Tells the thread to end and joins it. Does nothing if it was not started. */
void worker_stop(struct worker *worker);

/* Blocks all signals for the calling thread, so that threads made by others (ZeroMQ) have them blocked too. */
void worker_block_signals(sigset_t *old);
void worker_restore_signals(const sigset_t *old);

#endif
