/* The node's thread: carries batches from the stock to the daemon and receipts back, as the session decides. The only
 * one that touches the link, the session, and the courier's side of stock and outbox. */
#ifndef TALLY_LIB_COURIER_H
#define TALLY_LIB_COURIER_H

#include "credentials.h"
#include "outbox.h"
#include "progress.h"
#include "stock.h"

struct courier;

/* All borrowed; they outlive the courier. */
struct courier_options {
    const char *endpoint;
    const struct credentials *credentials;
    const char *node;
    struct outbox *outbox;
    struct stock *stock;
    struct progress *progress;
    uint32_t window;
    int64_t linger_ns;
    void (*on_receipt)(void *context, const struct tally_receipt *receipt);
    void *context;
};

/* Starts the thread. Errors  MEMORY. */
TALLY_MUST_USE enum tally_error courier_start(const struct courier_options *options, struct courier **courier,
                                              char *message);

/* There is something new in the stock. Any thread. */
void courier_wake(struct courier *courier);

/* Somebody waits for the rows that linger: do not. Any thread. */
void courier_hurry(struct courier *courier);

/* Joins the thread and frees. NULL is fine. Blocks for what the outbox is writing just now. */
void courier_stop(struct courier *courier);

#endif
