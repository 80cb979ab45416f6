/* The roll-up: the reader's side of the totals. Folds snapshots (absolute figures of the cells and days that changed) and
 * keeps, for every region of every level, the same cells and days summed up along the digits of the region codes.
 *
 * Each snapshot's figure is compared with the one held for the same leaf; the difference goes to the leaf's own region
 * and to each region above it. What a leaf is and what a region sums up to are kept apart, because a project may lie
 * directly in a city or a province, whose sums hold much more than that.
 *
 * A region has a number, given when it is first seen, that it never loses; numbers are 0 to rollup_region_count - 1.
 * Nothing is allocated once a cell, region or day has been seen. A roll-up belongs to one thread at a time. */
#ifndef TALLY_DAEMON_BASE_ROLLUP_H
#define TALLY_DAEMON_BASE_ROLLUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/curve.h"
#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "daemon/base/region_set.h"
#include "daemon/base/snapshot.h"
#include "proto/limits.h"
#include "proto/region.h"

struct rollup;

/* A leaf takes part in at most REGION_LEVELS sums: with LEAF_CELLS_MAX and LEAF_CURVES_MAX of them, which the ledger keeps
 * to, no table of the roll-up is ever full. */
enum {
    ROLLUP_CELLS_OF_REGION_MAX = CATEGORIES_MAX * STATUSES_MAX,
    ROLLUP_CHILDREN_MAX = 100, /* two digits */
};

struct rollup_region {
    uint16_t competition;
    uint32_t region;
};

struct rollup_cell {
    uint8_t category;
    uint8_t status;
    struct sums sums;
};

/* Totals as of the end of a day on which they changed. */
struct rollup_point {
    uint16_t day;
    struct sums sums;
};

/* Empty, at version 0. NULL if memory is out. */
struct rollup *rollup_create(void);

/* NULL is fine. */
void rollup_destroy(struct rollup *rollup);

/* Folds a snapshot; its version is not below the roll-up's (checked).
 * Errors: LIMIT (a table is full: there are too many leaves). Then part of it is folded, the version stays, rollup_whole is false for good, and
 * nothing should be told from it any more. */
MUST_USE enum error rollup_apply(struct rollup *rollup, const struct snapshot *snapshot);

/* Whether the figures are those of rollup_version. */
bool rollup_whole(const struct rollup *rollup);

uint64_t rollup_version(const struct rollup *rollup);

/* Known projects, counting or not. */
uint64_t rollup_projects(const struct rollup *rollup);

uint32_t rollup_region_count(const struct rollup *rollup);

/* number is below rollup_region_count. */
struct rollup_region rollup_region(const struct rollup *rollup, uint32_t number);

/* The number of a region that ever had a project in it or below it, or REGION_NONE. */
uint32_t rollup_find(const struct rollup *rollup, uint16_t competition, uint32_t region);

/* The numbers of the regions whose cells changed since the last rollup_settle, each once. Valid until the next apply. */
const uint32_t *rollup_changed(const struct rollup *rollup, size_t *count);
void rollup_settle(struct rollup *rollup);

/* The numbers of a competition's regions in order of their codes; count is set. Valid until the next apply. */
const uint32_t *rollup_regions(const struct rollup *rollup, uint16_t competition, size_t *count);

/* The numbers of the regions directly below one, in order of their codes; returns how many. */
size_t rollup_children(const struct rollup *rollup, uint16_t competition, uint32_t region,
                       uint32_t numbers[ROLLUP_CHILDREN_MAX]);

/* The cells of a region in order of category and status, those with all sums 0 left out; returns how many. */
size_t rollup_cells(const struct rollup *rollup, uint32_t number, struct rollup_cell cells[ROLLUP_CELLS_OF_REGION_MAX]);

/* The sums over the statuses whose bit is set in counts. */
struct sums rollup_totals(const struct rollup *rollup, uint32_t number, uint16_t counts);

/* Totals as of the end of a day, over what counted. */
struct sums rollup_as_of(const struct rollup *rollup, uint32_t number, uint16_t day);

/* Totals as of the end of each day from first_day to last_day on which they changed. points has room for
 * CURVE_DAYS_MAX; returns how many there are. */
size_t rollup_history(const struct rollup *rollup, uint32_t number, uint16_t first_day, uint16_t last_day,
                      struct rollup_point *points);

/* Makes into, which is fresh from rollup_create, the same as from. Allocates nothing; takes milliseconds.
 * Which regions changed is not copied: none did. */
void rollup_copy(struct rollup *into, const struct rollup *from);

/* The tables beneath, for comparing: leaves as the snapshots gave them, and the sums made of them. */
struct rollup_tables {
    const struct cube *leaves;
    const struct cube *sums;
    const struct curves *leaf_days;
    const struct curves *sum_days;
};
struct rollup_tables rollup_tables(const struct rollup *rollup);

/* Whether both hold the same version, leaves, sums and days; what one lacks the other may hold as zero. If not, text
 * names the first difference, with a_name and b_name for the two. text has ROLLUP_DIFFERENCE_BYTES. */
enum { ROLLUP_DIFFERENCE_BYTES = 320 };
bool rollup_equal(const struct rollup *a, const char *a_name, const struct rollup *b, const char *b_name, char *text);

/* The same for two cubes; what says which figures they are, such as "totals". */
bool rollup_cubes_equal(const struct cube *a, const char *a_name, const struct cube *b, const char *b_name,
                        const char *what, char *text);

#endif
