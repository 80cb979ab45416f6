/* The load: N nodes of libtally, each a sender of its share of a workload, all filled by the one thread that calls here.
 * Nothing is counted before its receipt came: durable, synced and applied. A node gets its next batch when one of those that
 * it has is acknowledged, so that its window is full and one batch waits behind it.
 * Thread: one at a time, unless marked "any". */
#ifndef TALLY_BENCH_LOAD_H
#define TALLY_BENCH_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

#include "bench/histogram.h"
#include "bench/workload.h"

enum { LOAD_NODES_MAX = 1024, LOAD_ROWS_MAX = 8192, LOAD_WINDOW_MAX = 32 };

/* A receipt of one node; comes on that node's thread, so of several nodes at once. Be quick. */
typedef void load_receipt(void *context, size_t node, const struct tally_receipt *receipt);

struct load_options {
    const char *endpoint; /* ingest */
    const char *competition;
    const struct workload *workload; /* stays the caller's, outlives the load */
    size_t nodes;                    /* node-0000, node-0001 ... as the daemon of daemon.h knows them */
    uint32_t rows;                   /* of a batch */
    uint32_t window;                 /* batches on their way for each node; 0 = load_window(nodes) */
    uint64_t seed;
    load_receipt *on_receipt; /* or NULL */
    void *context;
};

struct load;

/* A window with which so many nodes have 32 batches or more on their way together. */
uint32_t load_window(size_t nodes);

/* Connects the nodes. Prints why and returns NULL on failure. The caller's, to load_close. */
struct load *load_open(const struct load_options *options);

/* NULL and a pointer to NULL are fine. What has no receipt is given up. */
void load_close(struct load **load);

/* Sends every project once, in order, and waits for all receipts. Prints why and returns false on failure. */
bool load_fill(struct load *load);

/* Sends random projects as fast as receipts come, until the deadline on clock_now_ns's clock or until *stop, which may be
 * NULL. Returns with batches still on their way. Prints why and returns false on failure. */
bool load_send(struct load *load, int64_t deadline_ns, const atomic_bool *stop);

/* Sends random projects on a schedule, whatever comes back: a batch is due each rows / updates_per_s seconds from now on, by
 * turns of the nodes, until deadline_ns. One that cannot go out when it is due, because the window is full or this machine is
 * slow, goes out later and counts as having waited. Prints why and returns false on failure, and when the load falls 10 s
 * behind: then there is no such thing as this rate. Nothing is on its way when it begins (load_flush). */
bool load_pace(struct load *load, double updates_per_s, int64_t deadline_ns);

/* Sends one batch of random projects from the first node, and waits for its receipt. Counts, if it is measured, from before the
 * node is given the rows until its callback. Prints why and returns false on failure. */
bool load_send_one(struct load *load);

/* Waits until everything sent has its receipt. Prints why and returns false on failure. */
bool load_flush(struct load *load);

/* Rows with a receipt that accepts them, since load_open. Any thread. */
uint64_t load_acknowledged(const struct load *load);

/* Whether the latencies of receipts are counted from now on; false at first. Any thread.
 * Of batches from load_send: from their sending to the receipt. Of batches from load_pace and load_send_one: from the time
 * they were due. */
void load_measure(struct load *load, bool on);

/* Adds the latencies counted, nanoseconds, and forgets them. Only while nothing is on its way (after load_flush). */
void load_latencies(struct load *load, struct histogram *into);

#endif
