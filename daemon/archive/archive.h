/* The archive stage: one thread that follows the journal and folds it into state.mdb, so that a restart need not replay
 * everything and questions about single projects have somewhere to be answered from.
 * Place in the flow: behind the journal, beside the ledger, sharing nothing with it. Nobody waits for the archive.
 *
 * It gathers entries in memory, repeated updates of a project as one, and writes them in one synced transaction: when the
 * gathered bound is reached, or when it has read everything there is and the oldest of it has waited for 200 ms. When folds
 * take long it leaves twice their time between them, so that a busy daemon's disk is the journal's.
 * When the disk is full it keeps what it has gathered and tries again; the journal holds all of it. When the disk fails in
 * any other way the thread ends and says so. */
#ifndef TALLY_DAEMON_ARCHIVE_ARCHIVE_H
#define TALLY_DAEMON_ARCHIVE_ARCHIVE_H

#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/waker.h"
#include "state.h"

struct archive;

struct archive_options {
    struct state *state;        /* borrowed; open for longer than the archive; only the archive writes it */
    struct entry_source source; /* the journal's; used by the archive's thread alone */
    uint64_t projects_max;      /* the ledger's */
    void (*on_failure)(void *context,
                       const struct fault *fault); /* on the archive's thread; nothing is written after it */
    void *context;
};

/* Starts the thread where the state ends. NULL on failure with the fault filled: MEMORY, DAMAGED, IO. */
struct archive *archive_start(const struct archive_options *options, struct fault *fault);

/* To be woken when the source has more. Valid until archive_stop. */
struct waker *archive_waker(struct archive *archive);

/* What state.mdb is true up to. Any thread. */
uint64_t archive_version(const struct archive *archive);

/* Folds what the source has, as far as one fold goes, unless the disk is full or has failed; ends the thread and frees.
 * *archive may be NULL and is NULL afterwards. */
void archive_stop(struct archive **archive);

#endif
