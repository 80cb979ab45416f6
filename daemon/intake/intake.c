#include "intake.h"

#include "daemon/base/check.h"

void intake_push(struct intake *intake, struct entry *entry) {
    CHECK(ring_push(intake->options.out, entry)); /* it holds every entry that there is */
    waker_wake(intake->options.journal_waker);
}
