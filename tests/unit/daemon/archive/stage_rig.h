/* The archive's thread among its neighbours, as plain code so that it also runs under TSan: a real ledger stage, a journal in
 * memory, which the test's thread fills, and a thread that plays intake: it frees the entries that come home and hands out
 * their receipts. What cannot be done ends the program. */
#ifndef TALLY_TESTS_UNIT_DAEMON_ARCHIVE_STAGE_RIG_H
#define TALLY_TESTS_UNIT_DAEMON_ARCHIVE_STAGE_RIG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "daemon/archive/archive.h"
#include "daemon/base/ring.h"
#include "daemon/ledger/stage.h"
#include "tests/support/history.h"

enum { RIG_SLOTS = 16, RIG_EPOCH = 3, RIG_DEADLINE_MS = 60000, RIG_PATH_BYTES = 512 };

struct rig_slot {
    struct entry entry; /* first */
    struct arena arena;
    uint8_t memory[BATCH_ARENA_BYTES];
};

struct rig {
    char folder[RIG_PATH_BYTES / 2];
    char path[RIG_PATH_BYTES]; /* of the state */
    uint64_t projects_max;
    struct entries *entries; /* these three survive a stop */
    struct state *state;
    struct ledger *ledger;

    struct rig_slot *slots;
    struct ring to_ledger;
    struct ring to_intake;
    struct ring free_slots; /* from intake back to the test's thread */
    struct waker ledger_waker;
    struct waker intake_waker;
    struct waker publish_waker;
    struct waker entry_waker;
    struct waker waker;
    struct snapshot_exchange snapshots;
    struct capture_exchange captures;
    struct receipt_exchange receipts;
    struct ledger_stage *ledger_stage;
    struct archive *archive;
    pthread_t intake;
    atomic_bool intake_ends;

    /* Intake's thread, or the test's while it does not run. */
    struct receipt_list kept; /* not copied yet */
    uint64_t settled_version;

    /* Written by any. */
    atomic_bool receipts_held; /* intake does not hand them out */
    _Atomic int journal_error; /* enum error: what the archive is told when it reads the journal */
    _Atomic int failures;
    _Atomic int failure; /* enum error */
};

/* A state and an empty journal, nothing running. */
void rig_open(struct rig *rig, uint64_t projects_max);
void rig_close(struct rig *rig);

/* Starts ledger, intake and archive over the state as it is. */
void rig_start(struct rig *rig);

/* Stops them in the order of the daemon. Returns what the state is complete up to. */
uint64_t rig_stop(struct rig *rig);

/* Forgets the ledger, opens the state again and fills a new ledger from it; journal entries after it are to be fed again. */
void rig_recover(struct rig *rig);

/* Hands the journal's entries that the ledger has not seen to it, and waits until all are home. */
void rig_feed(struct rig *rig);

/* Until the state is complete up to the end of the journal. */
void rig_wait_until_stored(struct rig *rig);

/* Until condition holds of the context, at most the deadline. */
void rig_wait(bool (*condition)(void *context), void *context);

/* Whether a ledger that is loaded from the state and follows the journal to its end is like the one that lived. */
bool rig_state_agrees(struct rig *rig);

#endif
