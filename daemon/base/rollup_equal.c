#include "rollup.h"

#include <inttypes.h>
#include <stdio.h>

/* The two sides of a comparison, and where its first difference is told. */
struct comparison {
    const char *a_name;
    const char *b_name;
    const char *what;
    char *text;
};

static const struct sums nothing;

static bool tell_sums(const struct comparison *sides, const char *place, const struct sums *a, const struct sums *b) {
    snprintf(sides->text, ROLLUP_DIFFERENCE_BYTES,
             "%s of %s differ: in %s %" PRId64 " projects, %" PRId64 " fen, %" PRId64 " participants, %" PRId64
             " migrants; in %s %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64,
             sides->what, place, sides->a_name, a->projects, a->contract_value, a->participants,
             a->migrant_participants, sides->b_name, b->projects, b->contract_value, b->participants,
             b->migrant_participants);
    return false;
}

static bool tell_cell(const struct comparison *sides, cell_key_t key, const struct sums *a, const struct sums *b) {
    char place[96];
    snprintf(place, sizeof place, "competition %u, region %06u, category %u, status %u", cell_key_competition(key),
             cell_key_region(key), cell_key_category(key), cell_key_status(key));
    return tell_sums(sides, place, a, b);
}

bool rollup_cubes_equal(const struct cube *a, const char *a_name, const struct cube *b, const char *b_name,
                        const char *what, char *text) {
    struct comparison sides = {.a_name = a_name, .b_name = b_name, .what = what, .text = text};
    for (uint32_t i = 0; i < a->count; i++) {
        const struct cell *other = cube_find(b, a->cells[i].key);
        const struct sums *sums = other != NULL ? &other->sums : &nothing;
        if (!sums_equal(&a->cells[i].sums, sums)) {
            return tell_cell(&sides, a->cells[i].key, &a->cells[i].sums, sums);
        }
    }
    for (uint32_t i = 0; i < b->count; i++) {
        if (cube_find(a, b->cells[i].key) == NULL && !sums_zero(&b->cells[i].sums)) {
            return tell_cell(&sides, b->cells[i].key, &nothing, &b->cells[i].sums);
        }
    }
    return true;
}

static bool tell_day(const struct comparison *sides, const struct curve *curve, unsigned row, const struct sums *a,
                     const struct sums *b) {
    char place[96];
    snprintf(place, sizeof place, "competition %u, region %06u, day %u", curve->competition, curve->region,
             curve->first_day + row);
    return tell_sums(sides, place, a, b);
}

/* Compares the rows of one curve of a with those of b; swapped says that a is the second side of the comparison. */
static bool curve_equal(const struct comparison *sides, const struct curves *a, uint32_t number, const struct curves *b,
                        bool swapped) {
    const struct curve *curve = &a->curves[number];
    uint32_t other = curves_find(b, curve->competition, curve->region);
    if (other != CURVE_NONE && b->curves[other].first_day != curve->first_day) {
        snprintf(sides->text, ROLLUP_DIFFERENCE_BYTES, "the first day of competition %u differs", curve->competition);
        return false;
    }
    for (unsigned row = curve->day_low; row <= curve->day_high; row++) {
        const struct sums *own = curves_row(a, number, (uint16_t)row);
        const struct sums *others = other != CURVE_NONE ? curves_row(b, other, (uint16_t)row) : &nothing;
        if (!sums_equal(own, others)) {
            return swapped ? tell_day(sides, curve, row, others, own) : tell_day(sides, curve, row, own, others);
        }
    }
    return true;
}

static bool curves_equal(const struct comparison *sides, const struct curves *a, const struct curves *b) {
    for (uint32_t i = 0; i < a->count; i++) {
        if (!curve_equal(sides, a, i, b, false)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < b->count; i++) {
        if (!curve_equal(sides, b, i, a, true)) {
            return false;
        }
    }
    return true;
}

static bool positions_equal(const struct comparison *sides, const struct rollup *a, const struct rollup *b) {
    if (rollup_version(a) == rollup_version(b) && rollup_projects(a) == rollup_projects(b)) {
        return true;
    }
    snprintf(sides->text, ROLLUP_DIFFERENCE_BYTES,
             "in %s %" PRIu64 " projects at version %" PRIu64 ", in %s %" PRIu64 " at version %" PRIu64, sides->a_name,
             rollup_projects(a), rollup_version(a), sides->b_name, rollup_projects(b), rollup_version(b));
    return false;
}

bool rollup_equal(const struct rollup *a, const char *a_name, const struct rollup *b, const char *b_name, char *text) {
    struct comparison sides = {.a_name = a_name, .b_name = b_name, .what = "what days changed", .text = text};
    struct rollup_tables one = rollup_tables(a);
    struct rollup_tables two = rollup_tables(b);
    return positions_equal(&sides, a, b) &&
           rollup_cubes_equal(one.leaves, a_name, two.leaves, b_name, "the sums directly in a region", text) &&
           rollup_cubes_equal(one.sums, a_name, two.sums, b_name, "the totals", text) &&
           curves_equal(&sides, one.leaf_days, two.leaf_days) && curves_equal(&sides, one.sum_days, two.sum_days);
}
