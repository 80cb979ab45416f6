/* What the totals count of one project, and the rule by which an update of it is taken or refused.
 * The rule is shared by the ledger (hot path) and the archive, so that both come to the same state from the same journal. */
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

/* Sums over projects. Changed by checked addition: an overflow is a defect, the limits keep sums far from it. */
struct sums {
    int64_t projects;
    int64_t contract_value; /* fen */
    int64_t participants;
    int64_t migrant_participants;
};

/* Whether an update by node, effective on day, may replace a project's present state. */
static inline enum refusal figures_judge(uint16_t owner, uint16_t last_day, uint16_t node, uint16_t day) {
    if (owner != node) {
        return REFUSAL_PROJECT_NOT_YOURS;
    }
    return day < last_day ? REFUSAL_DAY_BEFORE_LAST : REFUSAL_NONE;
}

/* Adds or takes away one project. Aborts on overflow. */
static inline void sums_add(struct sums *sums, int64_t contract_value, int64_t participants, int64_t migrants) {
    bool overflow = __builtin_add_overflow(sums->contract_value, contract_value, &sums->contract_value);
    sums->projects += 1;
    sums->participants += participants;
    sums->migrant_participants += migrants;
    if (__builtin_expect(overflow, 0)) {
        __builtin_trap();
    }
}

static inline void sums_subtract(struct sums *sums, int64_t contract_value, int64_t participants, int64_t migrants) {
    bool overflow = __builtin_sub_overflow(sums->contract_value, contract_value, &sums->contract_value);
    sums->projects -= 1;
    sums->participants -= participants;
    sums->migrant_participants -= migrants;
    if (__builtin_expect(overflow, 0)) {
        __builtin_trap();
    }
}

/* to += from. Aborts on overflow. */
void sums_merge(struct sums *to, const struct sums *from);

bool sums_equal(const struct sums *a, const struct sums *b);
bool sums_zero(const struct sums *sums);

#endif
