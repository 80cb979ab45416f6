/* The ledger stage: the thread that applies durable entries in order, sends them home to intake for their receipts, and
 * hands snapshots to the publisher and captures to the archive.
 * Place in the flow: journal -> ledger -> intake, -> publish through the snapshot exchange, -> archive through the capture
 * exchange. Never waits for intake or publish: the ring home holds every entry that there is. Waits for the archive only
 * with a batch that changes texts, while the list of uncaptured ones is full. */
#ifndef TALLY_DAEMON_LEDGER_STAGE_H
#define TALLY_DAEMON_LEDGER_STAGE_H

#include <stdint.h>

#include "daemon/base/capture.h"
#include "daemon/base/ring.h"
#include "daemon/base/snapshot.h"
#include "daemon/base/waker.h"
#include "ledger.h"

struct ledger_stage;

struct ledger_stage_options {
    struct ledger *ledger; /* borrowed; the stage's alone while it runs */
    struct ring *in;       /* of struct entry *, from the journal */
    struct ring *out;      /* of struct entry *, to intake; never full */
    struct waker *waker;   /* on which the stage sleeps */
    struct waker *intake_waker;
    struct waker *publish_waker;
    struct waker *archive_waker;
    struct snapshot_exchange *exchange;
    struct capture_exchange *capture_exchange;
};

/* Starts the thread. NULL on failure: MEMORY. */
struct ledger_stage *ledger_stage_start(const struct ledger_stage_options *options, struct fault *fault);

/* Highest version applied. Any thread. */
uint64_t ledger_stage_version(const struct ledger_stage *stage);

/* Known projects, as of the last look. Any thread. */
uint64_t ledger_stage_projects(const struct ledger_stage *stage);

/* Applies what is in the ring and has room, ends the thread and frees. The journal stage has stopped before. *stage may be NULL and is NULL afterwards. */
void ledger_stage_stop(struct ledger_stage **stage);

#endif
