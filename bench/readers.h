/* Readers: clients of the query endpoint that ask for present totals, each a thread with a connection of its own, one question
 * at a time; of regions of all levels by turns. */
#ifndef TALLY_BENCH_READERS_H
#define TALLY_BENCH_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/histogram.h"
#include "bench/workload.h"

enum { READERS_MAX = 1024 };

struct readers_options {
    const char *endpoint; /* query */
    const char *competition;
    const struct workload *workload; /* where regions come from; outlives the readers */
    size_t count;                    /* up to READERS_MAX; 0 is fine */
    double per_s;                    /* questions of each in a second; 0 = the next as soon as the answer is there */
};

struct readers_result {
    uint64_t answers;
    uint64_t failures;          /* questions without a right answer */
    struct histogram latencies; /* nanoseconds, from the question to the answer */
};

struct readers;

/* Prints why and returns NULL on failure. The caller's, to readers_close. */
struct readers *readers_open(const struct readers_options *options);

/* Ends them and adds what they got. NULL and a pointer to NULL are fine. Prints the first failure. */
void readers_close(struct readers **readers, struct readers_result *result);

#endif
