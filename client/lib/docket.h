/* Receipts that came in and are not yet dealt with in the outbox: gathered, so that several are one transaction. Only when
 * that is durable are they counted and told to the user. Courier's thread only.
 * The receipts' columns stay where they were unpacked: that memory lives until docket_settle has succeeded. */
#ifndef TALLY_LIB_DOCKET_H
#define TALLY_LIB_DOCKET_H

#include "outbox.h"
#include "progress.h"
#include "proto/limits.h"

enum {
    DOCKET_FULL = WINDOW_BATCHES_MAX,     /* batches after which it is time to settle ... */
    DOCKET_BATCHES_MAX = 2 * DOCKET_FULL, /* ... and how many there is room for: one receipt covers at most a window */
};

/* A batch that has a receipt: what the settlement does not say. */
struct docket_entry {
    uint64_t sequence;
    uint64_t version;
    uint32_t unchanged; /* of the whole receipt, with its first batch; 0 with the others */
    int64_t round_trip_ns;
};

struct docket {
    size_t count;
    struct settlement settlements[DOCKET_BATCHES_MAX];
    struct docket_entry entries[DOCKET_BATCHES_MAX]; /* same index */
};

/* There must be room. */
void docket_add(struct docket *docket, const struct settlement *settlement, const struct docket_entry *entry);

/* Settles all that was added, counts it and tells on_receipt (may be NULL); then the docket is empty. On failure it stays as
 * it is, for the next time. Errors as outbox_settle. */
TALLY_MUST_USE enum tally_error docket_settle(struct docket *docket, struct outbox *outbox, struct progress *progress,
                                              void (*on_receipt)(void *context, const struct tally_receipt *receipt),
                                              void *context, char *message);

#endif
