/* Counts of durations in buckets at most 1/32 of their value wide: percentiles within 3 %, any range, fixed memory.
 * After Gil Tene's HdrHistogram. One thread at a time. */
#ifndef TALLY_BENCH_HISTOGRAM_H
#define TALLY_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_OCTAVES = 58, HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * HISTOGRAM_OCTAVES };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count;
    int64_t maximum;
};

/* Negative values count as 0. */
void histogram_add(struct histogram *histogram, int64_t value);

void histogram_merge(struct histogram *to, const struct histogram *from);

/* The value that a share (0 to 1) of all lie at or below; 0 if there are none. */
int64_t histogram_percentile(const struct histogram *histogram, double share);

/* Prints nanoseconds as lines of milliseconds: NAME_p50_ms, NAME_p99_ms, NAME_p999_ms, NAME_max_ms. */
void histogram_print_ms(const struct histogram *histogram, const char *name);

#endif
