/* The crowd: subscribers of the totals endpoint, each a SUB socket with a connection of its own, as far as the daemon can
 * tell so many programs; here a few threads read for all, and unpack every message as libtally's watcher does.
 *
 * The first follows every region, as a server of web pages does. Of the others a quarter each follow one region: the whole,
 * a province, a city, a county; which one comes from the workload, so that projects lie in it. */
#ifndef TALLY_BENCH_CROWD_H
#define TALLY_BENCH_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/workload.h"

enum { CROWD_SUBSCRIBERS_MAX = 8192, CROWD_TOPIC_BYTES = 48 };

/* Totals came for a region that this subscriber follows. now_ns is of clock_now_ns's clock. Of one subscriber one call at a
 * time, of several at once. */
typedef void crowd_totals(void *context, size_t subscriber, uint32_t region, uint64_t version, int64_t now_ns);

struct crowd_options {
    const char *endpoint; /* totals */
    const char *competition;
    const struct workload *workload; /* read while opening */
    size_t subscribers;              /* up to CROWD_SUBSCRIBERS_MAX; 0 is fine */
    crowd_totals *on_totals;         /* or NULL */
    void *context;
};

struct crowd;

/* Connects, and waits until every subscriber has heard totals, at most timeout_ms. Prints why and returns NULL on failure.
 * The caller's, to crowd_close. */
struct crowd *crowd_open(const struct crowd_options *options, int timeout_ms);

/* NULL and a pointer to NULL are fine. No call of on_totals comes any more. */
void crowd_close(struct crowd **crowd);

/* The region that a subscriber follows; 0 for the first, which follows every one. */
uint32_t crowd_region(const struct crowd *crowd, size_t subscriber);

/* Totals that came to all of them together. Any thread. */
uint64_t crowd_messages(const struct crowd *crowd);

/* The region of some project of the workload, or one above it, by turns: the whole, a province, a city, a county. */
uint32_t crowd_choose(const struct workload *workload, uint64_t turn);

/* Writes the topic of a subscriber: a prefix of all regions for the first, else one region's. */
void crowd_topic(const struct crowd_options *options, size_t subscriber, char topic[static CROWD_TOPIC_BYTES]);

/* Lets this process have as many descriptors as the system allows. */
void crowd_allow_descriptors(void);

#endif
