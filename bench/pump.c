#include "bench/pump.h"

#include <stdint.h>
#include <stdio.h>

static void *run(void *context) {
    struct pump *pump = context;
    if (!load_send(pump->load, INT64_MAX, &pump->stop)) {
        atomic_store_explicit(&pump->failed, true, memory_order_relaxed);
    }
    return NULL;
}

bool pump_start(struct pump *pump, struct load *load) {
    pump->load = load;
    atomic_init(&pump->stop, false);
    atomic_init(&pump->failed, false);
    if (pthread_create(&pump->thread, NULL, run, pump) != 0) {
        fputs("bench: no thread can be started\n", stderr);
        return false;
    }
    return true;
}

bool pump_runs(const struct pump *pump) {
    return !atomic_load_explicit(&pump->failed, memory_order_relaxed);
}

bool pump_stop(struct pump *pump) {
    atomic_store_explicit(&pump->stop, true, memory_order_relaxed);
    pthread_join(pump->thread, NULL);
    return pump_runs(pump) && load_flush(pump->load);
}
