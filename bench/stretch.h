/* A stretch of random updates, measured: what came through, what it cost, how long receipts took. */
#ifndef TALLY_BENCH_STRETCH_H
#define TALLY_BENCH_STRETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/daemon.h"
#include "bench/histogram.h"
#include "bench/load.h"

struct stretch_options {
    double warm_up_s;     /* before anything is counted */
    double seconds;       /* that count */
    double updates_per_s; /* on a schedule (load_pace); 0 = as fast as receipts come (load_send) */
};

struct stretch {
    uint64_t updates; /* acknowledged */
    double seconds;
    double updates_per_s;
    double slice_min; /* updates/s in the slowest and the fastest full second; of a schedule, as updates_per_s */
    double slice_max;
    double daemon_cpu_s;
    double generator_cpu_s; /* of this process, libtally and workload */
    struct histogram latencies;
};

/* Runs one. Nothing is on its way before and after. Prints why and returns false on failure. */
bool stretch_run(struct load *load, const struct daemon *daemon, const struct stretch_options *options,
                 struct stretch *stretch);

#endif
