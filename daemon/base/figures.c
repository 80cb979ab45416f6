#include "figures.h"

bool sums_equal(const struct sums *a, const struct sums *b) {
    return a->projects == b->projects && a->contract_value == b->contract_value && a->participants == b->participants &&
           a->migrant_participants == b->migrant_participants;
}

bool sums_zero(const struct sums *sums) {
    static const struct sums zero;
    return sums_equal(sums, &zero);
}
