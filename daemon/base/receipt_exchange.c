#include "receipt_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { GROW_LEAST = 64 };

void receipt_list_fini(struct receipt_list *list) {
    free(list->receipts);
    free(list->refusals);
    *list = (struct receipt_list){0};
}

/* Half as much again as is needed, so that growing costs little in sum. */
static size_t grown(size_t needed) {
    return needed + needed / 2 + GROW_LEAST;
}

static enum error reserve(struct receipt_list *list, size_t count, size_t refusal_count) {
    if (count > list->capacity) {
        struct listed_receipt *longer = realloc(list->receipts, grown(count) * sizeof *longer);
        if (longer == NULL) {
            return ERROR_MEMORY;
        }
        list->receipts = longer;
        list->capacity = grown(count);
    }
    if (refusal_count > list->refusal_capacity) {
        struct entry_refusal *longer = realloc(list->refusals, grown(refusal_count) * sizeof *longer);
        if (longer == NULL) {
            return ERROR_MEMORY;
        }
        list->refusals = longer;
        list->refusal_capacity = grown(refusal_count);
    }
    return ERROR_NONE;
}

enum error receipt_list_add(struct receipt_list *list, uint16_t node, const struct receipt *receipt) {
    enum error error = reserve(list, list->count + 1, list->refusal_count + receipt->refusal_count);
    if (error != ERROR_NONE) {
        return error;
    }
    struct listed_receipt *listed = &list->receipts[list->count++];
    *listed = (struct listed_receipt){.node = node, .first_refusal = list->refusal_count, .receipt = *receipt};
    listed->receipt.refusals = NULL;
    if (receipt->refusal_count > 0) {
        memcpy(list->refusals + list->refusal_count, receipt->refusals,
               receipt->refusal_count * sizeof *receipt->refusals);
        list->refusal_count += receipt->refusal_count;
    }
    return ERROR_NONE;
}

void receipt_list_cut(struct receipt_list *list, size_t count) {
    CHECK(count <= list->count);
    if (count < list->count) {
        list->refusal_count = list->receipts[count].first_refusal;
        list->count = count;
    }
}

struct receipt receipt_list_at(const struct receipt_list *list, size_t index) {
    CHECK(index < list->count);
    struct receipt receipt = list->receipts[index].receipt;
    receipt.refusals = receipt.refusal_count > 0 ? list->refusals + list->receipts[index].first_refusal : NULL;
    return receipt;
}

void receipt_exchange_init(struct receipt_exchange *exchange) {
    exchange->list = (struct receipt_list){0};
    exchange->wanted_version = 0;
    atomic_init(&exchange->holder, RECEIPTS_IDLE);
}

void receipt_exchange_fini(struct receipt_exchange *exchange) {
    receipt_list_fini(&exchange->list);
}
