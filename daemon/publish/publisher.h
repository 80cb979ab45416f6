/* The publisher: the thread that folds the ledger's snapshots into the roll-up, sends what changed to those who subscribe,
 * and lets its companion, the query endpoint, answer from the same roll-up.
 * Place in the flow: ledger -> publish -> dashboards, through the snapshot exchange. The ledger never waits for it.
 *
 *   no snapshot is wanted  --an interval has passed since the last publication-->  wanted; wakes the ledger
 *   wanted                 --the ledger fills it as soon as anything changed---->  offered; wakes the publisher
 *   offered                --folded at once, published when the interval is over-->  no snapshot is wanted
 *
 * So an idle daemon publishes a change at once, and a busy one what an interval's changes come to.
 * Invariant: what is sent was folded from one whole snapshot; versions never go back. */
#ifndef TALLY_DAEMON_PUBLISH_PUBLISHER_H
#define TALLY_DAEMON_PUBLISH_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/registry.h"
#include "daemon/base/rollup.h"
#include "daemon/base/snapshot.h"
#include "daemon/base/waker.h"

enum { PUBLISH_INTERVAL_US_DEFAULT = 70000 };

struct publisher;

/* Another socket that the publisher's thread serves between its own turns. serve takes what has come in, a bounded number
 * of messages, and never waits. socket is NULL for none. */
struct publisher_companion {
    void *socket;
    void (*serve)(void *context, const struct rollup *rollup, const struct registry *registry);
    void *context;
};

struct publisher_options {
    void *zmq_context;
    const char *endpoint;
    const struct curve_pair *keys; /* the daemon's, or NULL; borrowed until publisher_stop */
    uint64_t epoch;
    uint32_t interval_us; /* between two publications; 0 = PUBLISH_INTERVAL_US_DEFAULT */
    struct snapshot_exchange *exchange;
    struct waker *waker; /* on which the publisher sleeps; the ledger wakes it when it offers */
    struct waker *ledger_waker;
    struct registry_slot *registry_slot; /* where a reload comes in */
    struct publisher_companion companion;
    void (*on_failure)(void *context, const struct fault *fault); /* on the publisher's thread; it publishes no more */
    void *context;
};

/* Folds the snapshot that the exchange may hold already, so that nobody is ever told less than what was recovered; binds
 * the endpoint, starts the thread. The publisher takes a reference of the registry of its own.
 * NULL on failure, with the fault filled: NETWORK, MEMORY, LIMIT. */
struct publisher *publisher_start(const struct publisher_options *options, struct registry *registry,
                                  struct fault *fault);

/* Every change up to this version has been published, or nobody subscribed to it. Any thread. */
uint64_t publisher_version(const struct publisher *publisher);

/* For the end: from now on snapshots are wanted and published at once. Waits until version is published, at most
 * timeout_ms; the ledger's side of the exchange still runs. Returns whether it was. One thread at a time. */
MUST_USE bool publisher_drain(struct publisher *publisher, uint64_t version, int timeout_ms);

/* Copies the live roll-up into another, fresh from rollup_create, at the publisher's next turn at which its version is at
 * least version_least; waits for that, at most timeout_ms. One thread at a time.
 * Errors: BUSY if the time is over or the publisher has failed; into is then as fresh as before. */
MUST_USE enum error publisher_capture(struct publisher *publisher, struct rollup *into, uint64_t version_least,
                                      int timeout_ms);

/* Publishes what has been offered, ends the thread, closes the endpoint and frees. The companion's socket stays the
 * caller's. Nobody waits in drain or capture. *publisher may be NULL and is NULL afterwards. */
void publisher_stop(struct publisher **publisher);

#endif
