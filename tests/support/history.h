/* Random histories for tests of the ledger and the archive: nodes that report the same projects, days that go back, moves
 * between regions and statuses, texts that come and go, rows that say nothing new, rows that intake refused, codes that
 * occur twice in a batch. The same seed and shape give the same history. */
#ifndef TALLY_TESTS_SUPPORT_HISTORY_H
#define TALLY_TESTS_SUPPORT_HISTORY_H

#include <stdint.h>

#include "entries.h"
#include "random.h"

enum { HISTORY_FIRST_DAY = 18700, HISTORY_REGIONS = 7 };

struct history_shape {
    uint16_t nodes;
    uint16_t competitions;
    uint32_t projects; /* codes that rows are drawn from, in each competition */
    uint32_t rows_max; /* of a batch */
    int64_t value_max; /* fen, of a project; 0 = 10^9 */
    uint32_t day_span; /* days are drawn from so many; they grow with time */
};

struct history {
    struct random random;
    struct history_shape shape;
    struct entries *entries; /* borrowed */
    uint64_t batches;
    struct entries_row *rows; /* rows_max */
    struct entry_refusal *refusals;
    char (*codes)[PROJECT_CODE_BYTES_MAX + 1];
};

/* Adds the definitions. */
void history_init(struct history *history, struct entries *entries, uint64_t seed, const struct history_shape *shape);
void history_fini(struct history *history);

/* Adds `count` entries. */
void history_extend(struct history *history, uint64_t count);

/* The regions that projects lie in. */
extern const uint32_t history_regions[HISTORY_REGIONS];

#endif
