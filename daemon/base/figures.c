#include "figures.h"

void sums_merge(struct sums *to, const struct sums *from) {
    to->projects += from->projects;
    to->contract_value = sums_wrap_add(to->contract_value, from->contract_value);
    to->participants += from->participants;
    to->migrant_participants += from->migrant_participants;
}

bool sums_equal(const struct sums *a, const struct sums *b) {
    return a->projects == b->projects && a->contract_value == b->contract_value && a->participants == b->participants &&
           a->migrant_participants == b->migrant_participants;
}

bool sums_zero(const struct sums *sums) {
    static const struct sums zero;
    return sums_equal(sums, &zero);
}
