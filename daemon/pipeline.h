/* The pipeline: every stage, every ring between them, and their life. The only module that sees all stages.
 *
 *                      tcp (ROUTER)                                                      tcp (XPUB)
 *      nodes ─────────────▶ INTAKE ══(1)══▶ JOURNAL ══(2)══▶ LEDGER ──(4)──▶ PUBLISH ─────────────▶ dashboards
 *        ◀───── receipts ─────┤ ◀════════════(3)═══════════════┤              │  ▲
 *                             │                │               │              │  └── questions, answers (ROUTER)
 *                            (6)              (7)             (5)             ▼
 *                             └────────────────┴──▶ ARCHIVE ◀──┘           state.mdb, read-only
 *                                                      └──▶ state.mdb ────────┘
 *
 *   thread    owns                                   sleeps on
 *   intake    the ingest socket, slots, the roster   its socket and its waker, at most 250 ms
 *   journal   the journal's write transaction        its waker
 *   ledger    projects, cube, curves                 its waker
 *   publish   totals and query sockets, roll-up      its sockets and its waker
 *   archive   state.mdb's write transaction          its wakers
 *   gate      who may connect (access/gate.h)        its socket and its waker; only with keys
 *   main      configuration, numbering, signals      signals
 *
 *   arrow  from -> to          carries            bound                    when it is full
 *   (1)    intake -> journal   entry, by pointer  batch_slots              cannot be: intake has no free slot, stops
 *                                                                          reading, and the peers' windows close
 *   (2)    journal -> ledger   entry, by pointer  batch_slots              cannot be: there are no more entries
 *   (3)    ledger -> intake    entry, by pointer  batch_slots              cannot be: there are no more entries
 *   (4)    ledger -> publish   changed cells      one snapshot             the ledger goes on, its list of changes grows,
 *                                                                          at most to every cell there is
 *   (5)    ledger -> archive   changed blocks     one capture              the ledger goes on, and the archive is behind:
 *                                                                          recovery takes longer, which shows as
 *                                                                          version_durable - version_folded
 *                              changed texts      TEXT_CHANGES_MAX         the ledger waits for the archive
 *   (6)    intake -> archive   receipts           WINDOW_BATCHES_MAX       cannot be: intake keeps no more of them either
 *                                                 for each node
 *   (7)    journal -> archive  through LMDB       what (5) names           cannot be: entries with changed texts alone are read
 *
 * What has been promised to the sender: nothing, until the entry is back at intake: then it is durable (2), counted (3), and
 * told. Order of an entry: commit before apply, apply before publish, receipt after apply. */
#ifndef TALLY_DAEMON_PIPELINE_H
#define TALLY_DAEMON_PIPELINE_H

#include <stdbool.h>

#include "config.h"
#include "daemon/base/error.h"

struct pipeline;

/* Called on any stage's thread when the daemon must stop: a disk that fails, damage. May be called more than once. */
typedef void pipeline_failure(void *context, const struct fault *fault);

/* Opens journal and state, makes them where missing. Does not start anything. config stays the caller's and must outlive the
 * pipeline. NULL on failure with the fault filled. Main thread, as all below. */
struct pipeline *pipeline_open(const struct config *config, pipeline_failure *on_failure, void *context,
                               struct fault *fault);

/* Loads the stored state and replays the journal's tail; gives every competition and node its number. */
MUST_USE enum error pipeline_recover(struct pipeline *pipeline, struct fault *fault);

/* Binds the endpoints and starts the threads, consumers first. */
MUST_USE enum error pipeline_start(struct pipeline *pipeline, struct fault *fault);

/* Takes up the competitions and nodes of a new configuration, which config_check_change has passed. Nothing changes on
 * failure (CONFIGURATION). */
MUST_USE enum error pipeline_reload(struct pipeline *pipeline, const struct config *next, struct fault *fault);

/* Takes no more batches; waits, a bounded time, until everything taken is durable, acknowledged and published.
 * Returns whether all of it was. */
bool pipeline_drain(struct pipeline *pipeline);

/* Ends the threads. What is durable but not yet acknowledged still gets its receipt. */
void pipeline_stop(struct pipeline *pipeline);

/* Closes everything and frees. NULL is fine. */
void pipeline_destroy(struct pipeline *pipeline);

#endif
