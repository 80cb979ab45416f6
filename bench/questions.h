/* What a question for present totals costs over the query endpoint of a daemon that does nothing else: one at a time through
 * libtally, and many on their way at once on one connection. */
#ifndef TALLY_BENCH_QUESTIONS_H
#define TALLY_BENCH_QUESTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/daemon.h"
#include "bench/histogram.h"
#include "bench/workload.h"

enum { QUESTIONS_ON_THEIR_WAY = 32 }; /* as many as the protocol allows */

/* Asks for so many seconds, the next question when the answer is there; adds the nanoseconds of each.
 * Prints why and returns false on failure. */
bool questions_one_by_one(const struct daemon *daemon, const struct workload *workload, double seconds,
                          struct histogram *latencies);

/* Keeps QUESTIONS_ON_THEIR_WAY on their way for so many seconds. us: out, of one answer, the time divided by their number.
 * Prints why and returns false on failure. */
bool questions_pipelined(const struct daemon *daemon, const struct workload *workload, double seconds, double *us);

#endif
