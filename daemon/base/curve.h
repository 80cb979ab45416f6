/* Curves since the start: for each competition and region, what every effective day changed in the totals that count.
 * The running sum over the days is the totals as of each day. Rows of days are reserved in address space and used as
 * days appear, so that an addition is an index and four adds. Belongs to one thread. */
#ifndef TALLY_DAEMON_BASE_CURVE_H
#define TALLY_DAEMON_BASE_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "proto/region.h"

enum {
    CURVES_MAX = 1 << 18,
    LEAF_CURVES_MAX = CURVES_MAX / REGION_LEVELS, /* in the ledger, as LEAF_CELLS_MAX */
    CURVE_DAYS_MAX = 1 << 13,                     /* from the competition's first day: 22 years */
};

#define CURVE_NONE UINT32_MAX

struct curve {
    uint16_t competition;
    uint16_t first_day; /* of the competition: row 0 */
    uint32_t region;
    uint16_t day_low;  /* rows that may be other than zero: day_low to day_high, relative to first_day ... */
    uint16_t day_high; /* ... none if day_low > day_high */
};

struct curve_point {
    uint32_t curve;
    uint16_t day; /* relative to the curve's first day */
};

struct curves {
    struct curve *curves; /* count of them */
    uint32_t count;
    uint32_t limit;  /* of count: CURVES_MAX unless its owner lowers it */
    uint32_t *slots; /* curve number + 1, or 0, by competition and region */
    uint32_t slot_mask;
    struct sums *days;           /* CURVE_DAYS_MAX for each curve */
    uint8_t *changed_marks;      /* one for each of days */
    struct curve_point *changed; /* days that changed since the last settle; room for all there can be */
    size_t changed_count;
};

/* Errors: MEMORY. */
MUST_USE enum error curves_init(struct curves *curves);
void curves_fini(struct curves *curves);

/* The number of the curve, made if new; CURVE_NONE if the limit is reached. */
uint32_t curves_find_or_add(struct curves *curves, uint16_t competition, uint32_t region, uint16_t first_day);

/* The number of the curve, or CURVE_NONE. */
uint32_t curves_find(const struct curves *curves, uint16_t competition, uint32_t region);

/* The sums of what changed on a day, to be added to; notes that the day changed. day is absolute; days before the
 * curve's first or CURVE_DAYS_MAX after it are counted on the first or last row. */
struct sums *curves_touch(struct curves *curves, uint32_t number, uint16_t day);

/* What one row holds; row is relative to the curve's first day, below CURVE_DAYS_MAX. */
static inline const struct sums *curves_row(const struct curves *curves, uint32_t curve, uint16_t row) {
    return &curves->days[(size_t)curve * CURVE_DAYS_MAX + row];
}

/* Totals as of the end of a day. */
void curves_as_of(const struct curves *curves, uint32_t number, uint16_t day, struct sums *out);

/* Forgets which days changed. */
void curves_settle(struct curves *curves);

#endif
