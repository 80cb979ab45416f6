#include "budget.h"

/* Cannot overflow: a batch has at most BATCH_ROWS_MAX rows of at most CONTRACT_VALUE_FEN_MAX. */
static int64_t sum_of(const struct entry *entry) {
    int64_t sum = 0;
    if (entry->refused_by_intake == 0) {
        for (size_t row = 0; row < entry->batch.rows; row++) {
            sum += entry->batch.contract_value[row];
        }
        return sum;
    }
    for (size_t row = 0; row < entry->batch.rows; row++) {
        sum += entry->verdicts[row] == REFUSAL_NONE ? entry->batch.contract_value[row] : 0;
    }
    return sum;
}

/* Row by row: what still fits is accepted. */
static int64_t refuse_rest(struct entry *entry, int64_t room) {
    int64_t sum = 0;
    for (size_t row = 0; row < entry->batch.rows; row++) {
        if (entry->verdicts[row] != REFUSAL_NONE) {
            continue;
        }
        int64_t value = entry->batch.contract_value[row];
        if (value <= room - sum) {
            sum += value;
        } else {
            entry->verdicts[row] = REFUSAL_TOTALS_FULL;
            entry->refused_by_intake++;
        }
    }
    return sum;
}

void budget_spend(struct budget *budget, struct entry *entry) {
    int64_t room = VALUE_SUM_MAX - budget->known - budget->under_way;
    int64_t sum = sum_of(entry);
    entry->value_offered = sum <= room ? sum : refuse_rest(entry, room);
    budget->under_way += entry->value_offered;
}
