#include "histogram.h"

#include <stdio.h>

/* Values below HISTOGRAM_STEPS have a bucket each; above, an octave is split into HISTOGRAM_STEPS. */
static unsigned bucket_of(int64_t value) {
    uint64_t magnitude = value < 0 ? 0 : (uint64_t)value;
    if (magnitude < HISTOGRAM_STEPS) {
        return (unsigned)magnitude;
    }
    unsigned octave = 63u - (unsigned)__builtin_clzll(magnitude) - 5u; /* 1 for 64 to 127 */
    unsigned step = (unsigned)(magnitude >> octave) & (HISTOGRAM_STEPS - 1);
    unsigned bucket = octave * HISTOGRAM_STEPS + step;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest value of a bucket. */
static int64_t bucket_end(unsigned bucket) {
    unsigned octave = bucket / HISTOGRAM_STEPS;
    uint64_t step = bucket % HISTOGRAM_STEPS;
    if (octave == 0) {
        return (int64_t)step;
    }
    return (int64_t)((step + 1) << octave) - 1;
}

void histogram_add(struct histogram *histogram, int64_t value) {
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    histogram->maximum = value > histogram->maximum ? value : histogram->maximum;
}

void histogram_merge(struct histogram *to, const struct histogram *from) {
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        to->counts[i] += from->counts[i];
    }
    to->count += from->count;
    to->maximum = from->maximum > to->maximum ? from->maximum : to->maximum;
}

int64_t histogram_percentile(const struct histogram *histogram, double share) {
    if (histogram->count == 0) {
        return 0;
    }
    uint64_t rank = (uint64_t)((double)histogram->count * share);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > rank) {
            int64_t end = bucket_end(i);
            return end < histogram->maximum ? end : histogram->maximum;
        }
    }
    return histogram->maximum;
}

void histogram_print_ms(const struct histogram *histogram, const char *name) {
    printf("%s_p50_ms\t%.3f\n", name, (double)histogram_percentile(histogram, 0.5) / 1e6);
    printf("%s_p99_ms\t%.3f\n", name, (double)histogram_percentile(histogram, 0.99) / 1e6);
    printf("%s_p999_ms\t%.3f\n", name, (double)histogram_percentile(histogram, 0.999) / 1e6);
    printf("%s_max_ms\t%.3f\n", name, (double)histogram->maximum / 1e6);
}
