/* What a node has taken over and still has to send: an outbox, and in front of it the rows that wait to become a batch.
 *
 *   put ──▶ builder ──full, other shape, or linger is over──▶ outbox ──▶ courier
 *
 * Rows become a batch as late as is useful, so that small puts share one. With an outbox on disk every waiting row is
 * there too. Threads: stock_put by the node's user; the functions for the courier may run at the same time and never wait
 * for a put. */
#ifndef TALLY_LIB_STOCK_H
#define TALLY_LIB_STOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outbox.h"

struct stock;

/* outbox stays the caller's and outlives the stock. rows_max: of a batch. bytes_max: what outbox and waiting rows may
 * weigh. durable: whether waiting rows go to the outbox as well. Rows that wait there are taken up again. */
TALLY_MUST_USE enum tally_error stock_create(struct outbox *outbox, size_t rows_max, uint64_t bytes_max, bool durable,
                                             struct stock **stock, char *message);
void stock_destroy(struct stock *stock);

/* Checks what could not be packed, and adds up what the rows weigh at most. Errors  INVALID. */
TALLY_MUST_USE enum tally_error stock_weigh(const struct stock *stock, const char *competition,
                                            const struct tally_project *projects, size_t count, uint64_t *bytes,
                                            char *message);

/* Takes over rows that were weighed: all or none; durable when it returns, if the stock is.
 * now_ns  monotonic; when lingering begins.
 * wake    out: whether the courier has something new to do.
 * Errors  OUTBOX_FULL (the limit is reached for now), DISK, MEMORY. */
TALLY_MUST_USE enum tally_error stock_put(struct stock *stock, const char *competition,
                                          const struct tally_project *projects, size_t count, uint64_t bytes,
                                          int64_t now_ns, bool *wake, char *message);

/* Whether rows of this weight can never be taken until refused rows are. Any thread. */
bool stock_blocked(const struct stock *stock, uint64_t bytes);

/* Since when the oldest waiting row waits; 0 = none does. Any thread. */
int64_t stock_waiting_since(const struct stock *stock);

/* Courier: makes a batch of the waiting rows. Does nothing if a put is at work, which will wake the courier. */
TALLY_MUST_USE enum tally_error stock_seal(struct stock *stock, char *message);

/* Courier: the daemon takes fewer rows a batch than thought. Holds for the batches to come. */
void stock_limit_rows(struct stock *stock, size_t rows_max);

#endif
