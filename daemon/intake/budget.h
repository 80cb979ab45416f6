/* The bound on contract values, so that no total can overflow: the values of all projects of a competition together stay
 * within VALUE_SUM_MAX. Intake keeps it, and not the ledger, so that the refusal is in the journal with the entry and a
 * replay need not decide it again. Intake does not know what a row replaces, so a row's whole value counts while its batch is
 * under way; when the batch comes home, the exact sum comes with it. So only what is absurd is ever refused: VALUE_SUM_MAX is
 * some 46 quadrillion yuan.
 * Pure; the intake thread's. */
#ifndef TALLY_DAEMON_INTAKE_BUDGET_H
#define TALLY_DAEMON_INTAKE_BUDGET_H

#include <stdint.h>

#include "daemon/base/entry.h"

/* Of one competition. Zeroed: it has no projects. Invariant: known + under_way <= VALUE_SUM_MAX, both 0 or more. */
struct budget {
    int64_t known;     /* sum when the last batch came home, fen */
    int64_t under_way; /* what batches may add that have not come home */
};

/* Takes a judged batch into account: sets entry->value_offered. Rows that do not fit are refused with TOTALS_FULL: the
 * entry's verdicts and refused_by_intake change. */
void budget_spend(struct budget *budget, struct entry *entry);

/* The batch came home from the ledger. */
static inline void budget_settle(struct budget *budget, const struct entry *entry) {
    budget->under_way -= entry->value_offered;
    budget->known = entry->value_sum;
}

#endif
