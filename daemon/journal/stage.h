/* The journal stage: the thread that commits entries in groups. It takes what has queued up, appends it, syncs once,
 * and hands the group on to the ledger, while intake decodes the next.
 * Place in the flow: intake -> journal -> ledger; wakes the archive.
 * When the disk is full it keeps its group and tries again; intake sees journal_stage_full and answers Busy. When the disk
 * fails in any other way nobody knows what is on it: the stage stops for good and says so; recovery finds out. */
#ifndef TALLY_DAEMON_JOURNAL_STAGE_H
#define TALLY_DAEMON_JOURNAL_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/ring.h"
#include "daemon/base/waker.h"
#include "journal.h"

struct journal_stage;

struct journal_stage_options {
    struct journal *journal; /* borrowed; only the stage appends while it runs */
    const char *directory;   /* of the journal, for asking how full its disk is; borrowed */
    struct ring *in;         /* of struct entry *, from intake */
    struct ring *out;        /* of struct entry *, to the ledger; never full */
    struct waker *waker;     /* on which the stage sleeps */
    struct waker *ledger_waker;
    struct waker *archive_waker;
    uint32_t group_bytes;                                         /* a group takes up to this much of bodies */
    uint64_t disk_reserve_bytes;                                  /* with less free space, the disk counts as full */
    void (*on_failure)(void *context, const struct fault *fault); /* on the stage's thread; it commits nothing more */
    void *context;
};

/* Starts the thread. NULL on failure: MEMORY. */
struct journal_stage *journal_stage_start(const struct journal_stage_options *options, struct fault *fault);

/* Whether new batches should be answered Busy. Any thread. */
bool journal_stage_full(const struct journal_stage *stage);

/* Free bytes of the disk, as of the last look, at most a second ago while busy. Any thread. */
uint64_t journal_stage_free_bytes(const struct journal_stage *stage);

/* Commits what is in the ring (unless the disk is full or has failed) and ends the thread; what is pushed afterwards stays in
 * the ring. The questions above are still answered. NULL is fine. */
void journal_stage_stop(struct journal_stage *stage);

/* Stops if need be, and frees. Nobody asks any more. NULL is fine. */
void journal_stage_destroy(struct journal_stage *stage);

#endif
