/* The intake stage: the thread that owns the ingest endpoint. It reads batches, decodes and judges them, keeps each node's
 * sequence, passes entries to the journal, and sends receipts when they come home from the ledger.
 * Place in the flow: nodes -> intake -> journal; ledger -> intake -> nodes. Never waits for the disk: when all slots are
 * under way it stops reading, the peers' windows close, and the senders wait. */
#ifndef TALLY_DAEMON_INTAKE_STAGE_H
#define TALLY_DAEMON_INTAKE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/presence.h"
#include "daemon/base/receipt.h"
#include "daemon/base/receipt_exchange.h"
#include "daemon/base/registry.h"
#include "daemon/base/ring.h"
#include "daemon/base/waker.h"

struct intake_stage;

struct intake_stage_options {
    void *zmq_context;
    const char *endpoint;
    const struct curve_pair *keys; /* the daemon's, or NULL */
    uint32_t window;               /* batches of one node without receipt */
    uint32_t batch_slots;          /* entries that there are; the rings hold at least as many */
    uint64_t epoch;
    struct ring *out;    /* of struct entry *, to the journal; never full */
    struct ring *in;     /* of struct entry *, home from the ledger */
    struct waker *waker; /* on which the stage sleeps */
    struct waker *journal_waker;
    struct waker *archive_waker;         /* woken for receipts that were offered */
    struct registry_slot *registry_slot; /* where a reload comes in */
    struct receipt_exchange *receipt_exchange;
    struct presence *presences;          /* NODES_MAX, by number; written by the stage */
    bool (*journal_full)(void *context); /* whether to answer Busy; any thread */
    void *context;
};

/* Makes the stage, without endpoint or thread. NULL on failure, with the fault filled: MEMORY. */
struct intake_stage *intake_stage_create(const struct intake_stage_options *options, struct fault *fault);

/* Before the start: what recovery found. The definition of a number as the journal has it; a node's highest durable
 * sequence; a receipt that it may ask for (takes over its refusals). Errors: MEMORY. */
void intake_stage_load_definition(struct intake_stage *stage, enum entry_kind kind,
                                  const struct definition *definition);
MUST_USE enum error intake_stage_load_sequence(struct intake_stage *stage, uint16_t node, uint64_t sequence,
                                               uint64_t version);
void intake_stage_load_value_sum(struct intake_stage *stage, uint16_t competition, int64_t value_sum);
MUST_USE enum error intake_stage_load_receipt(struct intake_stage *stage, uint16_t node, const struct receipt *receipt);

/* Before the start, after all else was loaded: everything up to version is home; the receipts up to stored_version are those
 * of the stored state, which need not be copied again. */
void intake_stage_load_version(struct intake_stage *stage, uint64_t version, uint64_t stored_version);

/* Before the start, or after the end of the thread: adds the receipts up to version that the archive was not given before.
 * Errors: MEMORY, nothing changed. */
MUST_USE enum error intake_stage_copy_receipts(struct intake_stage *stage, uint64_t version, struct receipt_list *list);

/* Binds the endpoint and starts the thread. Every number in the registry is assigned; the stage takes a reference of its
 * own. Errors: NETWORK, MEMORY, with the fault filled. */
MUST_USE enum error intake_stage_start(struct intake_stage *stage, struct registry *registry, struct fault *fault);

/* From now on batches are answered Busy; waits until every entry is home and its receipt sent, at most timeout_ms. Returns
 * whether that was so. Any thread. */
bool intake_stage_drain(struct intake_stage *stage, int timeout_ms);

/* Ends the thread, if it was started, and closes the endpoint. The journal and ledger stages have stopped before, so that no
 * entry is anywhere else. What is known of the nodes stays until the end. NULL is fine; so is a second time. */
void intake_stage_stop(struct intake_stage *stage);

/* Stops and frees. *stage may be NULL and is NULL afterwards. */
void intake_stage_destroy(struct intake_stage **stage);

#endif
