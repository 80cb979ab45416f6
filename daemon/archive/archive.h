/* The archive stage: one thread that writes what the ledger captures to state.mdb, so that a restart need not replay
 * everything and questions about single projects have somewhere to be answered from.
 * Place in the flow: beside the ledger and intake, whose captures (base/capture.h) and receipts (base/receipt_exchange.h) it
 * asks for; of the journal it reads the rows that changed texts. It decides nothing: what counts was decided by the ledger.
 * Nobody waits for the archive, with one exception, base/capture.h.
 *
 * A capture is wanted when 200 ms have passed since there is something new. Where more changed than one capture holds, the
 * next ones follow at such a pace (pace.h) that a busy daemon's disk and processor are not the archive's.
 * When the disk is full it keeps what it holds and tries again; the journal has all of it. When the disk fails in any other
 * way the thread ends and says so. */
#ifndef TALLY_DAEMON_ARCHIVE_ARCHIVE_H
#define TALLY_DAEMON_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/capture.h"
#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/receipt_exchange.h"
#include "daemon/base/waker.h"
#include "state.h"

struct archive;

/* The journal, and ledger and intake, which are asked directly while neither's thread runs: before they start and after they
 * have ended. */
struct archive_supply {
    void *context;
    uint64_t (*durable_version)(void *context); /* of the journal; any thread */
    bool (*due)(void *context);                 /* as ledger_capture_due */
    enum error (*capture)(void *context, const struct capture_request *request, struct capture *capture);
    /* Adds the receipts up to version that were not copied before. Errors: MEMORY, nothing changed. */
    enum error (*copy_receipts)(void *context, uint64_t version, struct receipt_list *list);
};

/* All that is pointed to is borrowed and outlives the archive. */
struct archive_options {
    struct state *state;        /* only the archive writes it */
    struct entry_source source; /* the journal's; used by the archive alone */
    struct capture_exchange *captures;
    struct receipt_exchange *receipts;
    struct archive_supply supply;
    struct waker *entry_waker; /* on which the thread sleeps while nothing is to be written: the journal wakes it */
    struct waker
        *waker; /* on which it sleeps else: ledger and intake wake it for what they offer, or if it is urgent */
    struct waker *ledger_waker;
    struct waker *intake_waker;
    void (*on_failure)(
        void *context,
        const struct fault *fault); /* on the archive's thread, or in archive_stop; nothing is written after it */
    void *context;                  /* of durable_version and on_failure */
};

/* Takes one capture, with few blocks, and writes it: then the ledger has room for the texts of further entries. Before
 * archive_start, while no thread has the ledger. Blocks for the disk. Errors: MEMORY, DISK_FULL, DAMAGED, IO, with the fault
 * filled. */
MUST_USE enum error archive_make_room(const struct archive_options *options, struct fault *fault);

/* Starts the thread. NULL on failure with the fault filled: MEMORY, DAMAGED, IO. */
struct archive *archive_start(const struct archive_options *options, struct fault *fault);

/* Ends the thread; then, with ledger and intake's threads ended before, writes what is left, unless the disk is full or has
 * failed; frees. *archive may be NULL and is NULL afterwards. */
void archive_stop(struct archive **archive);

#endif
