#include "intake.h"

#include "daemon/base/check.h"

void intake_push(struct intake *intake, struct entry *entry) {
    bool batch = entry->kind == ENTRY_BATCH || entry->kind == ENTRY_BATCH_REFUSED;
    intake->small_one_sent = batch && entry->body_bytes <= ENTRY_SMALL_BYTES;
    CHECK(ring_push(intake->options.out, entry)); /* it holds every entry that there is */
    waker_wake(intake->options.journal_waker);
}
