#include "curve.h"

#include <stdlib.h>

#include "memory.h"

enum { SLOTS = CURVES_MAX * 2 };

#define DAY_ROWS ((size_t)CURVES_MAX * CURVE_DAYS_MAX)

enum error curves_init(struct curves *curves) {
    *curves = (struct curves){.slot_mask = SLOTS - 1, .limit = CURVES_MAX};
    curves->curves = calloc(CURVES_MAX, sizeof *curves->curves);
    curves->slots = calloc(SLOTS, sizeof *curves->slots);
    curves->days = memory_reserve(DAY_ROWS * sizeof *curves->days);
    curves->changed_marks = memory_reserve(DAY_ROWS);
    curves->changed = memory_reserve(DAY_ROWS * sizeof *curves->changed);
    if (curves->curves == NULL || curves->slots == NULL || curves->days == NULL || curves->changed_marks == NULL ||
        curves->changed == NULL) {
        curves_fini(curves);
        return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

void curves_fini(struct curves *curves) {
    free(curves->curves);
    free(curves->slots);
    memory_release(curves->days, DAY_ROWS * sizeof *curves->days);
    memory_release(curves->changed_marks, DAY_ROWS);
    memory_release(curves->changed, DAY_ROWS * sizeof *curves->changed);
    *curves = (struct curves){0};
}

static uint32_t slot_of(const struct curves *curves, uint16_t competition, uint32_t region) {
    uint64_t key = (uint64_t)competition << 32 | region;
    return (uint32_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 40) & curves->slot_mask;
}

/* The slot that holds the curve, or the free one where it would go. */
static uint32_t probe(const struct curves *curves, uint16_t competition, uint32_t region) {
    uint32_t slot = slot_of(curves, competition, region);
    while (curves->slots[slot] != 0) {
        const struct curve *curve = &curves->curves[curves->slots[slot] - 1];
        if (curve->competition == competition && curve->region == region) {
            break;
        }
        slot = (slot + 1) & curves->slot_mask;
    }
    return slot;
}

uint32_t curves_find(const struct curves *curves, uint16_t competition, uint32_t region) {
    uint32_t held = curves->slots[probe(curves, competition, region)];
    return held == 0 ? CURVE_NONE : held - 1;
}

uint32_t curves_find_or_add(struct curves *curves, uint16_t competition, uint32_t region, uint16_t first_day) {
    uint32_t slot = probe(curves, competition, region);
    if (curves->slots[slot] != 0) {
        return curves->slots[slot] - 1;
    }
    if (curves->count == curves->limit) {
        return CURVE_NONE;
    }
    uint32_t number = curves->count++;
    curves->curves[number] = (struct curve){
        .competition = competition, .first_day = first_day, .region = region, .day_low = CURVE_DAYS_MAX, .day_high = 0};
    curves->slots[slot] = number + 1;
    return number;
}

static uint16_t row_of(const struct curve *curve, uint16_t day) {
    if (day < curve->first_day) {
        return 0;
    }
    unsigned row = (unsigned)(day - curve->first_day);
    return row < CURVE_DAYS_MAX ? (uint16_t)row : CURVE_DAYS_MAX - 1;
}

struct sums *curves_touch(struct curves *curves, uint32_t number, uint16_t day) {
    struct curve *curve = &curves->curves[number];
    uint16_t row = row_of(curve, day);
    size_t place = (size_t)number * CURVE_DAYS_MAX + row;
    if (curves->changed_marks[place] == 0) {
        curves->changed_marks[place] = 1;
        curves->changed[curves->changed_count++] = (struct curve_point){.curve = number, .day = row};
        curve->day_low = row < curve->day_low ? row : curve->day_low;
        curve->day_high = row > curve->day_high ? row : curve->day_high;
    }
    return &curves->days[place];
}

void curves_as_of(const struct curves *curves, uint32_t number, uint16_t day, struct sums *out) {
    *out = (struct sums){0};
    const struct curve *curve = &curves->curves[number];
    if (day < curve->first_day) {
        return;
    }
    uint16_t last = row_of(curve, day) < curve->day_high ? row_of(curve, day) : curve->day_high;
    for (uint16_t row = curve->day_low; row <= last; row++) {
        sums_merge(out, curves_row(curves, number, row));
    }
}

void curves_settle(struct curves *curves) {
    for (size_t i = 0; i < curves->changed_count; i++) {
        const struct curve_point *point = &curves->changed[i];
        curves->changed_marks[(size_t)point->curve * CURVE_DAYS_MAX + point->day] = 0;
    }
    curves->changed_count = 0;
}
