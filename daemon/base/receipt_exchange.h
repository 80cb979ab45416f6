/* How the archive comes by the receipts that intake keeps: a list of copies, and one atomic flag that says who holds it, as
 * with the capture (base/capture.h). The archive wants those up to a version; intake, at its turn, once every entry up to
 * that version is home, adds what it has not copied before and offers the list. Intake never waits for it.
 *
 * A receipt that intake does not keep any more is not copied: its node has had it. */
#ifndef TALLY_DAEMON_BASE_RECEIPT_EXCHANGE_H
#define TALLY_DAEMON_BASE_RECEIPT_EXCHANGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/receipt.h"

struct listed_receipt {
    uint16_t node;
    size_t first_refusal;   /* in the list's refusals */
    struct receipt receipt; /* refusals is not valid: see receipt_list_at */
};

/* At most as large as what intake keeps: WINDOW_BATCHES_MAX receipts a node. Zeroed means empty. */
struct receipt_list {
    struct listed_receipt *receipts; /* count of them, each copy's in order of node and sequence */
    size_t count;
    size_t capacity;
    struct entry_refusal *refusals;
    size_t refusal_count;
    size_t refusal_capacity;
};

void receipt_list_fini(struct receipt_list *list);

/* Copies a receipt with its refusals. Errors: MEMORY, nothing changed. */
MUST_USE enum error receipt_list_add(struct receipt_list *list, uint16_t node, const struct receipt *receipt);

/* Forgets all but the first so many; the memory stays. */
void receipt_list_cut(struct receipt_list *list, size_t count);

/* The receipt, which points to the list's refusals: valid until something is added. */
struct receipt receipt_list_at(const struct receipt_list *list, size_t index);

enum receipt_holder {
    RECEIPTS_IDLE = 0, /* the archive's, who does not want any yet */
    RECEIPTS_WANTED,   /* intake's, to fill */
    RECEIPTS_OFFERED,  /* the archive's, filled */
};

struct receipt_exchange {
    struct receipt_list list;        /* whose it is says holder */
    uint64_t wanted_version;         /* as list: receipts up to this one */
    _Alignas(64) _Atomic int holder; /* stored with release, loaded with acquire, by both sides */
};

void receipt_exchange_init(struct receipt_exchange *exchange);
void receipt_exchange_fini(struct receipt_exchange *exchange);

#endif
