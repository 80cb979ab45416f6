/* Copies the receipts that intake keeps for the archive, who stores them (base/receipt_exchange.h). Intake thread, or whoever
 * has the stage while no thread runs. */
#ifndef TALLY_DAEMON_INTAKE_RECEIPT_COPY_H
#define TALLY_DAEMON_INTAKE_RECEIPT_COPY_H

#include "intake.h"

/* Adds the receipts up to version that were not copied before and are still kept. Errors: MEMORY, nothing changed. */
MUST_USE enum error receipt_copy_take(struct intake *intake, uint64_t version, struct receipt_list *list);

/* Whether the archive wants receipts, and all that it wants are here. */
bool receipt_copy_due(const struct intake *intake);

/* Offers them if it is due; if there is no memory, at the next turn. */
void receipt_copy_offer(struct intake *intake);

#endif
