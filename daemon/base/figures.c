#include "figures.h"

void sums_merge(struct sums *to, const struct sums *from) {
    bool overflow = __builtin_add_overflow(to->projects, from->projects, &to->projects);
    overflow |= __builtin_add_overflow(to->contract_value, from->contract_value, &to->contract_value);
    overflow |= __builtin_add_overflow(to->participants, from->participants, &to->participants);
    overflow |= __builtin_add_overflow(to->migrant_participants, from->migrant_participants, &to->migrant_participants);
    if (overflow) {
        __builtin_trap();
    }
}

bool sums_equal(const struct sums *a, const struct sums *b) {
    return a->projects == b->projects && a->contract_value == b->contract_value &&
           a->participants == b->participants && a->migrant_participants == b->migrant_participants;
}

bool sums_zero(const struct sums *sums) {
    static const struct sums zero;
    return sums_equal(sums, &zero);
}
