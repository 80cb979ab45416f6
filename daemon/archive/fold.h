/* The fold: entries of the journal, one after the other, into what they make of the state. It decides each row as the
 * ledger does, from the same rules (base/figures.h) and the same bounds, but keeps only what changed since the last commit
 * in memory and finds the rest in state.mdb; so it shares nothing with the ledger but the journal.
 *
 * Thread: the archive's alone. Invariant: state.mdb is true at one version, that of the last fold_commit; the fold is ahead
 * of it by whole entries, and a failed commit changes neither. */
#ifndef TALLY_DAEMON_ARCHIVE_FOLD_H
#define TALLY_DAEMON_ARCHIVE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "state.h"

struct fold;

struct fold_options {
    struct state *state;      /* borrowed; nobody else writes it */
    uint64_t projects_max;    /* as in the ledger: one more is refused */
    uint32_t window_projects; /* how many projects are kept at hand; 0 = WINDOW_PROJECTS_MAX. For tests: small */
};

/* Starts where the state ends. NULL on failure with the fault filled: MEMORY, DAMAGED, IO. */
struct fold *fold_create(const struct fold_options *options, struct fault *fault);

/* What was not committed is forgotten: it is in the journal. NULL is fine. */
void fold_destroy(struct fold *fold);

/* The version of the last entry taken in. */
uint64_t fold_version(const struct fold *fold);

/* Whether anything was taken in since the last commit. */
bool fold_pending(const struct fold *fold);

enum fold_progress {
    FOLD_MORE,      /* bytes_max were read: there is probably more */
    FOLD_CAUGHT_UP, /* the source has no more */
    FOLD_FULL,      /* the window is full: commit before reading on */
};

/* Takes in the source's next entries, about bytes_max of bodies at most. Does not block.
 * progress out: set when the result is NONE.
 * Errors: DAMAGED, IO, MEMORY: the fold is good for nothing any more, whatever is committed stays right. */
MUST_USE enum error fold_read(struct fold *fold, const struct entry_source *source, size_t bytes_max,
                              enum fold_progress *progress);

/* Writes all that was taken in to the state, in one synced transaction. Blocks for the disk.
 * written out: project states among it.
 * Errors: DISK_FULL: nothing was written, nothing is lost, call it again later. MEMORY, DAMAGED: nothing was written.
 *         IO: outcome unknown, stop. */
MUST_USE enum error fold_commit(struct fold *fold, uint64_t *written);

#endif
