/* Where a node keeps what has no receipt yet. Two kinds behind one interface: on disk (diskbox.h) and in memory
 * (membox.h). It holds
 *   - batches, numbered 1, 2, 3 ... for ever, each with one content for ever, until they are settled;
 *   - rows that still wait to become a batch, as small parcels in order (disk only: in memory the builder has them);
 *   - refused rows, until somebody takes them;
 *   - what the numbers mean to the daemon: epoch and offset (session.h).
 * Threads  append, take and forget are called by the node's user, the rest by its courier; at the same time.
 * Errors   DISK may pass (disk full); the change was then not made, try again. DAMAGED does not. Each failing function
 *          writes a sentence to message (FAULT_MESSAGE_BYTES). */
#ifndef TALLY_LIB_OUTBOX_H
#define TALLY_LIB_OUTBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "parcel.h"

/* What the daemon said of one batch. */
struct settlement {
    uint64_t number;
    unsigned batch_code;         /* not 0: every row is refused for this reason */
    size_t refused_count;        /* else these, ... */
    const uint32_t *refused_row; /* ... of which any number from the batch's rows on is ignored */
    const uint32_t *refused_code;
    size_t reason_count; /* texts for the codes, as the daemon gave them */
    const uint32_t *reason_code;
    char *const *reason_text;
    uint32_t rows;    /* out: rows of the batch */
    uint32_t refused; /* out: rows kept as refused */
};

/* A refused row: a parcel of that one row, and why. */
struct refused {
    uint64_t id;
    unsigned code;
    char *text; /* the daemon's own words, or NULL */
    struct parcel *row;
};

/* What stands in an outbox when it is opened. */
struct outbox_content {
    uint64_t epoch;
    uint64_t offset;
    uint64_t first; /* lowest number without receipt */
    uint64_t last;  /* highest number; first - 1 if no batch waits */
    uint64_t rows;  /* in batches and waiting */
};

struct outbox;

struct outbox_operations {
    void (*close)(struct outbox *outbox);
    enum tally_error (*append)(struct outbox *outbox, struct parcel *const *sealed, size_t count,
                               const struct parcel *waiting, bool waiting_replaced, char *message);
    enum tally_error (*read)(struct outbox *outbox, uint64_t number, uint64_t sequence, struct parcel **parcel,
                             char *message);
    enum tally_error (*settle)(struct outbox *outbox, struct settlement *settlements, size_t count, char *message);
    enum tally_error (*renumber)(struct outbox *outbox, uint64_t epoch, uint64_t offset, char *message);
    enum tally_error (*waiting)(struct outbox *outbox, struct parcel ***parcels, size_t *count, char *message);
    enum tally_error (*refused)(struct outbox *outbox, uint64_t after, struct refused *refused, size_t max,
                                size_t *count, char *message);
    enum tally_error (*forget)(struct outbox *outbox, const uint64_t *ids, size_t count, char *message);
};

/* The part that both kinds have; each embeds it as its first member. */
struct outbox {
    const struct outbox_operations *operations;
    struct outbox_content content;  /* as opened; immutable */
    _Atomic uint64_t last;          /* highest number; written by append, read by any thread */
    _Atomic uint64_t bytes;         /* all that is kept; any thread */
    _Atomic uint64_t refused_bytes; /* the part that only taking refused rows frees; any thread */
};

/* Closes files, frees memory; sets it NULL. NULL is fine. */
void outbox_close(struct outbox **outbox);

/* Takes over, as one durable change or not at all: count parcels as the next batches; after removing all rows that wait,
 * if waiting_replaced (they are among the sealed ones); then one parcel of waiting rows, if not NULL. Parcels stay the
 * caller's (an outbox in memory takes references of its own). */
TALLY_MUST_USE enum tally_error outbox_append(struct outbox *outbox, struct parcel *const *sealed, size_t count,
                                              const struct parcel *waiting, bool waiting_replaced, char *message);

/* A batch with this sequence in its body, for the caller to release. Others may hold it too: it is not to be changed. */
TALLY_MUST_USE enum tally_error outbox_read(struct outbox *outbox, uint64_t number, uint64_t sequence,
                                            struct parcel **parcel, char *message);

/* Removes batches, in order from the lowest on without gaps, and keeps their refused rows: one durable change. */
TALLY_MUST_USE enum tally_error outbox_settle(struct outbox *outbox, struct settlement *settlements, size_t count,
                                              char *message);

TALLY_MUST_USE enum tally_error outbox_renumber(struct outbox *outbox, uint64_t epoch, uint64_t offset, char *message);

/* The waiting rows as found when opened, in order: an array and parcels for the caller to free and release. */
TALLY_MUST_USE enum tally_error outbox_waiting(struct outbox *outbox, struct parcel ***parcels, size_t *count,
                                               char *message);

/* Up to max refused rows with ids above after, oldest first, for the caller to refused_fini. */
TALLY_MUST_USE enum tally_error outbox_refused(struct outbox *outbox, uint64_t after, struct refused *refused,
                                               size_t max, size_t *count, char *message);
void refused_fini(struct refused *refused);

/* Removes refused rows: one durable change. */
TALLY_MUST_USE enum tally_error outbox_forget(struct outbox *outbox, const uint64_t *ids, size_t count, char *message);

/* For the two kinds: calls keep for every row of parcel that settlement refuses, with a parcel of that row alone, which
 * is keep's to release. Counts rows and refused. */
TALLY_MUST_USE enum tally_error outbox_each_refused(const struct parcel *parcel, struct settlement *settlement,
                                                    enum tally_error (*keep)(void *context, struct refused *refused,
                                                                             char *message),
                                                    void *context, char *message);

#endif
