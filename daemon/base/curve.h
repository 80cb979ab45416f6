/* Curves since the start: for each competition and region, what every effective day changed in the totals that count.
 * The running sum over the days is the totals as of each day. Sums are reserved in address space and used as days appear, so
 * that an addition is an index and four adds. They lie day by day, the curves of one day side by side: almost all updates
 * are of the same few days, so what they touch is small and dense. Belongs to one thread. */
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

/* Who follows the changes: each has a list of its own. */
enum curve_reader {
    CURVE_READER_TOTALS = 0, /* the publisher, through the snapshot */
    CURVE_READER_ARCHIVE,
    CURVE_READERS,
};

struct curve_changes {
    struct curve_point *points; /* days that changed since the last settle; room for all there can be */
    size_t count;
};

struct curves {
    struct curve *curves; /* count of them */
    uint32_t count;
    uint32_t limit;  /* of count */
    uint32_t *slots; /* curve number + 1, or 0, by competition and region */
    uint32_t slot_mask;
    uint8_t readers;        /* a bit for each that follows */
    struct sums *days;      /* limit curves for each of CURVE_DAYS_MAX days */
    uint8_t *changed_marks; /* one for each of days: in whose lists it stands */
    struct curve_changes changes[CURVE_READERS];
};

/* limit is at most CURVES_MAX; readers has a bit, 1 << enum curve_reader, for each that will settle. Errors: MEMORY. */
MUST_USE enum error curves_init(struct curves *curves, uint32_t limit, uint8_t readers);
void curves_fini(struct curves *curves);

/* The number of the curve, made if new; CURVE_NONE if the limit is reached. */
uint32_t curves_find_or_add(struct curves *curves, uint16_t competition, uint32_t region, uint16_t first_day);

/* The number of the curve, or CURVE_NONE. */
uint32_t curves_find(const struct curves *curves, uint16_t competition, uint32_t region);

/* The row of a day: relative to the curve's first. Days before that or CURVE_DAYS_MAX after it are counted on the first or
 * last row. */
static inline uint16_t curve_row(const struct curve *curve, uint16_t day) {
    int row = (int)day - (int)curve->first_day;
    return (uint16_t)(row < 0 ? 0 : row < (int)CURVE_DAYS_MAX ? row : (int)CURVE_DAYS_MAX - 1);
}

/* Puts the day on the lists that it does not stand on; for curves_touch. */
void curves_note(struct curves *curves, uint32_t number, uint16_t row);

/* The sums of what changed on a day, to be added to; notes that the day changed. day is absolute. */
static inline struct sums *curves_touch(struct curves *curves, uint32_t number, uint16_t day) {
    uint16_t row = curve_row(&curves->curves[number], day);
    size_t place = (size_t)row * curves->limit + number;
    if (curves->changed_marks[place] != curves->readers) {
        curves_note(curves, number, row);
    }
    return &curves->days[place];
}

/* What one row holds; row is relative to the curve's first day, below CURVE_DAYS_MAX. */
static inline const struct sums *curves_row(const struct curves *curves, uint32_t curve, uint16_t row) {
    return &curves->days[(size_t)row * curves->limit + curve];
}

/* Totals as of the end of a day. */
void curves_as_of(const struct curves *curves, uint32_t number, uint16_t day, struct sums *out);

/* Empties the reader's list of changes. */
void curves_settle(struct curves *curves, enum curve_reader reader);

#endif
