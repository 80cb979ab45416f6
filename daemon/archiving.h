/* Ties the archive to journal, ledger and intake, of which it knows nothing itself: the exchanges between them, what the
 * archive sleeps on, and how it asks ledger and intake directly while neither's thread runs. Main thread, but for what the
 * exchanges say. */
#ifndef TALLY_DAEMON_ARCHIVING_H
#define TALLY_DAEMON_ARCHIVING_H

#include "daemon/archive/archive.h"
#include "daemon/base/capture.h"
#include "daemon/base/error.h"
#include "daemon/base/receipt_exchange.h"
#include "daemon/base/waker.h"
#include "daemon/intake/stage.h"
#include "daemon/journal/journal.h"
#include "daemon/ledger/ledger.h"

struct archiving {
    struct capture_exchange captures;
    struct receipt_exchange receipts;
    struct waker entry_waker; /* woken by the journal */
    struct waker waker;       /* woken by ledger and intake */
    struct journal *journal;
    struct ledger *ledger;
    struct intake_stage *intake;
    struct archive_options options;
    struct archive *archive; /* NULL unless its thread runs */
};

/* The exchanges and wakers; archiving is zeroed. Errors: MEMORY, IO, with the fault filled; then archiving_fini is fine. */
MUST_USE enum error archiving_init(struct archiving *archiving, struct fault *fault);

/* The archive has stopped, and nobody uses the exchanges any more. What was only zeroed is fine, so is a second time. */
void archiving_fini(struct archiving *archiving);

struct archiving_parts {
    struct state *state;
    struct journal *journal;
    struct ledger *ledger;
    struct intake_stage *intake;
    struct waker *ledger_waker;
    struct waker *intake_waker;
    void (*on_failure)(void *context, const struct fault *fault); /* any thread */
    void *context;
};

/* What is archived, and from where to where; all borrowed. Before all below. */
void archiving_join(struct archiving *archiving, const struct archiving_parts *parts);

/* Before the start: see archive_make_room. context is the struct archiving *: fits struct recovery. */
MUST_USE enum error archiving_make_room(void *context, struct fault *fault);

/* Starts the archive's thread. Errors: as archive_start. */
MUST_USE enum error archiving_start(struct archiving *archiving, struct fault *fault);

/* Ledger and intake have no threads any more: see archive_stop. */
void archiving_stop(struct archiving *archiving);

#endif
