#include "docket.h"

void docket_add(struct docket *docket, const struct settlement *settlement, const struct docket_entry *entry) {
    docket->settlements[docket->count] = *settlement;
    docket->entries[docket->count] = *entry;
    docket->count++;
}

/* A receipt for several batches says only how many rows of all of them were unchanged: each batch takes what it can. */
static struct tally_receipt receipt_of(const struct settlement *settlement, const struct docket_entry *entry,
                                       uint32_t *unchanged_left) {
    uint32_t accepted = settlement->rows - settlement->refused;
    uint32_t unchanged = *unchanged_left < accepted ? *unchanged_left : accepted;
    *unchanged_left -= unchanged;
    return (struct tally_receipt){
        .sequence = entry->sequence,
        .version = entry->version,
        .rows = settlement->rows,
        .accepted = accepted,
        .unchanged = unchanged,
        .refused = settlement->refused,
        .round_trip_ns = entry->round_trip_ns,
    };
}

enum tally_error docket_settle(struct docket *docket, struct outbox *outbox, struct progress *progress,
                               void (*on_receipt)(void *context, const struct tally_receipt *receipt), void *context,
                               char *message) {
    enum tally_error error = outbox_settle(outbox, docket->settlements, docket->count, message);
    if (error != TALLY_OK) {
        return error;
    }
    uint32_t unchanged_left = 0;
    for (size_t i = 0; i < docket->count; i++) {
        unchanged_left = docket->entries[i].unchanged > 0 ? docket->entries[i].unchanged : unchanged_left;
        struct tally_receipt receipt = receipt_of(&docket->settlements[i], &docket->entries[i], &unchanged_left);
        if (on_receipt != NULL) {
            on_receipt(context, &receipt);
        }
        progress_settle(progress, &receipt);
    }
    docket->count = 0;
    return TALLY_OK;
}
