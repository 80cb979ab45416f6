/* The journal: every entry that was ever taken, in order, on disk before anybody is told. A directory of segments, each an
 * LMDB environment of its own, append-only: a segment is never written again once the next one has begun.
 * Place in the flow: intake -> journal -> ledger. Only the journal thread appends (journal/stage.h); any number of readers
 * follow through LMDB's lock-free read transactions.
 * Invariant: entry v is on disk, synced, before version v is returned by journal_commit, and its hash covers the hash of
 * entry v - 1, so that a changed, missing or exchanged entry shows. */
#ifndef TALLY_DAEMON_JOURNAL_JOURNAL_H
#define TALLY_DAEMON_JOURNAL_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"

struct journal;

struct journal_options {
    const char *directory;  /* exists */
    uint64_t segment_bytes; /* a segment is closed when its bodies reach this */
    uint64_t epoch;         /* written into a new journal; an existing one keeps its own */
    uint32_t projects_max;  /* as epoch */
};

/* Opens the journal, or makes one. Checks the chain of the last segment's end. NULL on failure, with the fault filled:
 * BUSY (another process), DAMAGED, IO, DISK_FULL, MEMORY. */
struct journal *journal_open(const struct journal_options *options, struct fault *fault);

/* No reader uses it any more. NULL is fine. */
void journal_close(struct journal *journal);

uint64_t journal_epoch(const struct journal *journal);

/* Room for projects that the journal was made with: rows were refused by it, so it is the journal's, not the configuration's. */
uint64_t journal_projects_max(const struct journal *journal);

/* Highest durable version. Any thread. */
uint64_t journal_version(const struct journal *journal);

/* Bytes of all segment files. Any thread. */
uint64_t journal_bytes(const struct journal *journal);

/* Takes up an entry for the next commit; its version is set. Nothing is written to disk yet: the body must stay until
 * journal_commit returns. Journal thread only.
 * Errors: MEMORY, DISK_FULL, IO: the whole group is dropped, as if never appended; append it again or stop. */
MUST_USE enum error journal_append(struct journal *journal, struct entry *entry);

/* Makes durable every entry appended since the last commit: one transaction, one sync.
 * Thread  journal thread only. Blocks for the sync.
 * Errors  DISK_FULL: nothing was committed, append and commit the group again later. IO: outcome unknown, stop the daemon. */
MUST_USE enum error journal_commit(struct journal *journal);

/* Readers: see struct entry_source. The source is valid as long as the journal; each is used by one thread at a time. */
struct entry_source journal_source(struct journal *journal);

#endif
