/* Sightings: when each receipt came to its node, and when each subscriber first saw totals of its version or a later one. The
 * difference is the freshness. Versions are numbered from 1, so that both are kept by their numbers. */
#ifndef TALLY_BENCH_SIGHTINGS_H
#define TALLY_BENCH_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/histogram.h"

enum { SIGHTINGS_VERSIONS_MAX = 1 << 23, SIGHTINGS_REGIONS_MAX = 64 };

struct sightings;

/* NULL without memory. */
struct sightings *sightings_create(size_t subscribers);

/* NULL is fine. Nobody notes anything any more. */
void sightings_destroy(struct sightings *sightings);

/* A node has the receipt that names this version. Of several receipts that name it the first counts. Any thread. */
void sightings_receipt(struct sightings *sightings, uint64_t version, int64_t now_ns);

/* A subscriber has totals of this version. One thread for each subscriber at a time. */
void sightings_totals(struct sightings *sightings, size_t subscriber, uint64_t version, int64_t now_ns);

/* Highest version that a subscriber saw; 0 for none. Any thread. */
uint64_t sightings_seen(const struct sightings *sightings, size_t subscriber);

/* Highest version that a receipt named; 0 for none. Any thread. */
uint64_t sightings_received(const struct sightings *sightings);

struct sightings_result {
    struct histogram
        freshness;    /* nanoseconds, one for each receipt and subscriber; totals before the receipt count as 0 */
    uint64_t early;   /* among them: the totals came first */
    uint64_t missing; /* receipts whose totals a subscriber never saw */
};

/* Whether the totals that a subscriber follows changed with a version. */
typedef bool sightings_concerns(void *context, uint64_t version, size_t subscriber);

/* Adds up the receipts that came from first_ns to last_ns, each with every subscriber that it concerns (NULL: all). Only
 * while nobody notes anything. */
void sightings_sum_up(const struct sightings *sightings, int64_t first_ns, int64_t last_ns,
                      sightings_concerns *concerns, void *context, struct sightings_result *result);

#endif
