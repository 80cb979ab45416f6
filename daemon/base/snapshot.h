/* A snapshot: the totals at one version, as the cells and days that changed since the snapshot before, in absolute
 * figures. The ledger fills it, the publisher folds it into its roll-up.
 *
 * Why changes and not a copy of everything: a full copy of 50,000 cells costs 3 MB of traffic each time and makes the
 * reader find out by itself what changed; changes cost what changed, and the reader rolls up just that.
 *
 * There is one snapshot and one atomic flag that says who holds it. The publisher sets it wanted when it is ready for
 * the next one; the ledger, between two groups, fills it and offers it. Neither ever waits for the other: while the
 * publisher is busy the ledger goes on and its list of changes grows (bounded by the cells there are); while the ledger
 * is busy the publisher goes on with what it has. */
#ifndef TALLY_DAEMON_BASE_SNAPSHOT_H
#define TALLY_DAEMON_BASE_SNAPSHOT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/curve.h"

struct snapshot_cell {
    cell_key_t key;
    struct sums sums;
};

struct snapshot_day {
    uint16_t competition;
    uint16_t first_day; /* of the competition */
    uint32_t region;
    uint16_t day;     /* absolute */
    struct sums sums; /* what this day changed */
};

struct snapshot {
    uint64_t version;  /* the figures are those after this entry */
    uint64_t projects; /* known, counting or not */
    size_t cell_count;
    size_t cell_capacity;
    struct snapshot_cell *cells;
    size_t day_count;
    size_t day_capacity;
    struct snapshot_day *days;
};

enum snapshot_holder {
    SNAPSHOT_IDLE = 0, /* the publisher's, who does not want it filled yet */
    SNAPSHOT_WANTED,   /* the ledger's, to fill */
    SNAPSHOT_OFFERED,  /* the publisher's, filled */
};

struct snapshot_exchange {
    struct snapshot snapshot;        /* whose it is says holder */
    _Alignas(64) _Atomic int holder; /* stored with release, loaded with acquire, by both sides */
};

void snapshot_init(struct snapshot_exchange *exchange);
void snapshot_fini(struct snapshot_exchange *exchange);

/* Whoever holds it: makes room for so many. Errors: MEMORY, nothing changed. */
MUST_USE enum error snapshot_reserve(struct snapshot *snapshot, size_t cells, size_t days);

#endif
