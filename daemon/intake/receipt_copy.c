#include "receipt_copy.h"

struct copying {
    struct receipt_list *list;
    uint64_t after_version; /* receipts of later versions ... */
    uint64_t version;       /* ... up to this one are copied */
    enum error error;
};

static void copy_node(void *context, struct roster_node *node) {
    struct copying *copying = context;
    uint64_t last = node->durable_sequence;
    uint64_t sequence = last > WINDOW_BATCHES_MAX ? last - WINDOW_BATCHES_MAX + 1 : 1;
    for (; sequence <= last && copying->error == ERROR_NONE; sequence++) {
        const struct receipt *receipt = roster_receipt(node, sequence);
        if (receipt != NULL && receipt->version > copying->after_version && receipt->version <= copying->version) {
            copying->error = receipt_list_add(copying->list, node->number, receipt);
        }
    }
}

enum error receipt_copy_take(struct intake *intake, uint64_t version, struct receipt_list *list) {
    size_t count = list->count;
    struct copying copying = {.list = list, .after_version = intake->copied_version, .version = version};
    roster_visit(intake->roster, copy_node, &copying);
    if (copying.error != ERROR_NONE) {
        receipt_list_cut(list, count);
    } else if (version > intake->copied_version) {
        intake->copied_version = version;
    }
    return copying.error;
}

bool receipt_copy_due(const struct intake *intake) {
    const struct receipt_exchange *exchange = intake->options.receipt_exchange;
    /* Acquire: the archive has finished with the list before it wants more. */
    return atomic_load_explicit(&exchange->holder, memory_order_acquire) == RECEIPTS_WANTED &&
           exchange->wanted_version <= intake->settled_version;
}

void receipt_copy_offer(struct intake *intake) {
    struct receipt_exchange *exchange = intake->options.receipt_exchange;
    if (!receipt_copy_due(intake) ||
        receipt_copy_take(intake, exchange->wanted_version, &exchange->list) != ERROR_NONE) {
        return;
    }
    atomic_store_explicit(&exchange->holder, RECEIPTS_OFFERED, memory_order_release); /* with the archive's acquire */
    waker_wake(intake->options.archive_waker);
}
