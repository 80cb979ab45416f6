/* What the totals count of one project, and the rule by which an update of it is taken or refused. */
#ifndef TALLY_DAEMON_BASE_FIGURES_H
#define TALLY_DAEMON_BASE_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/refusal.h"

/* Bounds of what state can hold; the numbers are stored in this many bits. */
enum {
    COMPETITIONS_MAX = 256,
    NODES_MAX = 4096,
};

struct figures {
    int64_t contract_value;        /* fen */
    uint32_t participants;         /* heads */
    uint32_t migrant_participants; /* heads */
    uint32_t region;               /* GB/T 2260 code */
    uint16_t node;                 /* number of the node that owns the project */
    uint16_t effective_day;
    uint8_t category;
    uint8_t status;
    uint32_t text_hash; /* of the text columns of the last row that had any; 0 = none yet */
};

/* Sums over projects. Additions here wrap instead of being checked one by one, because one check, where intake judges a
 * batch (intake/budget.h), makes overflow impossible: the contract values of all projects of a competition together stay
 * within VALUE_SUM_MAX, every cell and every roll-up is a part of that, and heads cannot come near 2^63. Only what one day
 * changed may wrap, and then the running sum over the days wraps back. */
struct sums {
    int64_t projects;
    int64_t contract_value; /* fen */
    int64_t participants;
    int64_t migrant_participants;
};

#define VALUE_SUM_MAX (INT64_MAX / 2)

/* Whether an update by node, effective on day, may replace a project's present state. */
static inline enum refusal figures_judge(uint16_t owner, uint16_t last_day, uint16_t node, uint16_t day) {
    if (owner != node) {
        return REFUSAL_PROJECT_NOT_YOURS;
    }
    return day < last_day ? REFUSAL_DAY_BEFORE_LAST : REFUSAL_NONE;
}

static inline int64_t sums_wrap_add(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t sums_wrap_subtract(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* Adds one project. */
static inline void sums_add(struct sums *sums, int64_t contract_value, int64_t participants, int64_t migrants) {
    sums->projects += 1;
    sums->contract_value = sums_wrap_add(sums->contract_value, contract_value);
    sums->participants += participants;
    sums->migrant_participants += migrants;
}

/* to += from. */
static inline void sums_merge(struct sums *to, const struct sums *from) {
    to->projects += from->projects;
    to->contract_value = sums_wrap_add(to->contract_value, from->contract_value);
    to->participants += from->participants;
    to->migrant_participants += from->migrant_participants;
}

bool sums_equal(const struct sums *a, const struct sums *b);
bool sums_zero(const struct sums *sums);

#endif
