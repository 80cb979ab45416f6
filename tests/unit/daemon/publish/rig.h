/* A publisher on an ipc endpoint in a folder of its own, and the ledger's side of the exchange played by the test. */
#ifndef TALLY_TESTS_UNIT_DAEMON_PUBLISH_RIG_H
#define TALLY_TESTS_UNIT_DAEMON_PUBLISH_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/publish/publisher.h"
#include "tally.pb-c.h"

enum { RIG_COMPETITION = 5, RIG_DEADLINE_MS = 10000 };

#define RIG_EPOCH UINT64_C(0x1122334455667788)

struct rig {
    char folder[64];
    char endpoint[96];
    void *zmq;
    struct waker waker;
    struct waker ledger_waker;
    struct snapshot_exchange exchange;
    struct registry_slot registry_slot;
    struct registry *registry;
    struct publisher *publisher;
    int failures;
    struct fault fault;
};

/* Everything but the publisher. */
void rig_open(struct rig *rig);
struct publisher_options rig_options(struct rig *rig, uint32_t interval_us);
void rig_start(struct rig *rig, uint32_t interval_us);

/* Stops the publisher if it runs, and removes everything. */
void rig_close(struct rig *rig);

/* Waits until a snapshot is wanted, at most timeout_ms. */
bool rig_wanted(struct rig *rig, int timeout_ms);

/* The test holds the exchange: puts a cell (category 0, status 1, which counts) into the snapshot. */
void rig_cell(struct rig *rig, uint32_t region, int64_t projects);

/* Gives the snapshot to the publisher. */
void rig_offer(struct rig *rig, uint64_t version);

/* Waits until a snapshot is wanted and offers one with one cell. */
void rig_publish(struct rig *rig, uint64_t version, uint32_t region, int64_t projects);

/* Copies of the registry with other competitions: the one of number RIG_COMPETITION is "csj-2021". */
struct registry *rig_registry(uint16_t number, const char *key);

void *rig_subscribe(struct rig *rig, const char *prefix);

struct heard {
    char topic[64];
    unsigned type;
    Tally__Totals *totals;       /* or NULL */
    Tally__Heartbeat *heartbeat; /* or NULL */
};

/* Waits for a message, at most timeout_ms; heard_free what it gave. */
bool rig_hear(void *subscriber, struct heard *heard, int timeout_ms);
void heard_free(struct heard *heard);

/* Hears until the topic has this many projects; other messages are thrown away. Returns the version. */
uint64_t rig_hear_until(void *subscriber, const char *topic, uint64_t projects);

#endif
