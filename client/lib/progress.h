/* How far a node is, and what it has to say: written by its user's calls and by its courier, waited for by its user.
 * Any thread; every function takes one mutex for a moment. */
#ifndef TALLY_LIB_PROGRESS_H
#define TALLY_LIB_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct progress;

/* rows_held: what an outbox still held. NULL without memory. */
struct progress *progress_create(uint64_t rows_held);
void progress_destroy(struct progress *progress);

void progress_copy(struct progress *progress, struct tally_node_progress *out);
void progress_message(struct progress *progress, char *buffer, size_t size);

/* The sentence for tally_node_message: what failed, or what the node waits for. An empty one takes away only what it
 * waited for. */
void progress_fail(struct progress *progress, const char *message);
void progress_await(struct progress *progress, const char *message);

/* Rows taken over; counted before the courier sees them, taken back (negative) if the put then fails. */
void progress_put(struct progress *progress, int64_t rows);
void progress_settle(struct progress *progress, const struct tally_receipt *receipt);
void progress_sent(struct progress *progress);
void progress_link(struct progress *progress, bool connected, bool busy, uint64_t reconnects);

/* The outbox cannot be written just now (error), or can again (TALLY_OK). */
void progress_trouble(struct progress *progress, enum tally_error error, const char *message);

/* It is over for good: STOPPED or OUTBOX_DAMAGED. The first one holds. */
void progress_stop(struct progress *progress, enum tally_error error, const char *message);
enum tally_error progress_stopped(struct progress *progress);

/* What progress_trouble said last. */
enum tally_error progress_troubled(struct progress *progress);

/* Waits until every row put so far is settled. timeout_ms -1 = without end. TIMEOUT, what progress_stop said, or what
 * progress_trouble says. */
TALLY_MUST_USE enum tally_error progress_wait_settled(struct progress *progress, int timeout_ms);

/* Something changes each time that rows are settled, refused rows are forgotten, or it is over: progress_changes before
 * looking, then progress_wait_change. */
uint64_t progress_changes(struct progress *progress);
void progress_changed(struct progress *progress);
void progress_wait_change(struct progress *progress, uint64_t changes);

#endif
