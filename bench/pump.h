/* The pump: a thread that sends random updates at full rate, so that main can look on meanwhile. The load is its alone between
 * start and stop, but for what is marked "any thread" in load.h. */
#ifndef TALLY_BENCH_PUMP_H
#define TALLY_BENCH_PUMP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bench/load.h"

struct pump {
    /* Immutable while it runs. */
    struct load *load;
    pthread_t thread;

    atomic_bool stop;   /* written by main, read by the thread */
    atomic_bool failed; /* written by the thread, read by main */
};

/* Returns false if the thread cannot be started. */
bool pump_start(struct pump *pump, struct load *load);

/* Whether it still sends. */
bool pump_runs(const struct pump *pump);

/* Ends the thread and waits until everything sent has its receipt. Returns whether all went well. */
bool pump_stop(struct pump *pump);

#endif
