#include "receipt.h"

#include <stdlib.h>

enum error receipt_from_entry(struct receipt *receipt, const struct entry *entry) {
    *receipt = (struct receipt){.sequence = entry->sequence,
                                .version = entry->version,
                                .rows = (uint32_t)entry->batch.rows,
                                .accepted = entry->accepted,
                                .unchanged = entry->unchanged,
                                .batch_code = entry->batch_code};
    if (entry->kind != ENTRY_BATCH || entry->refused == 0) {
        return ERROR_NONE;
    }
    receipt->refusals = malloc(entry->refused * sizeof *receipt->refusals);
    if (receipt->refusals == NULL) {
        return ERROR_MEMORY;
    }
    for (size_t row = 0; row < entry->batch.rows; row++) {
        if (entry->verdicts[row] != REFUSAL_NONE) {
            receipt->refusals[receipt->refusal_count++] =
                (struct entry_refusal){.row = (uint16_t)row, .code = entry->verdicts[row]};
        }
    }
    return ERROR_NONE;
}
