#include "curve.h"

#include <stdlib.h>

#include "memory.h"

static size_t places(const struct curves *curves) {
    return (size_t)curves->limit * CURVE_DAYS_MAX;
}

static uint32_t slot_count(uint32_t limit) {
    uint32_t count = 2;
    while (count < 2 * limit) {
        count *= 2;
    }
    return count;
}

enum error curves_init(struct curves *curves, uint32_t limit, uint8_t readers) {
    *curves = (struct curves){.slot_mask = slot_count(limit) - 1, .limit = limit, .readers = readers};
    curves->curves = calloc(limit, sizeof *curves->curves);
    curves->slots = calloc(curves->slot_mask + 1, sizeof *curves->slots);
    curves->days = memory_reserve(places(curves) * sizeof *curves->days);
    curves->changed_marks = memory_reserve(places(curves));
    bool complete =
        curves->curves != NULL && curves->slots != NULL && curves->days != NULL && curves->changed_marks != NULL;
    for (size_t i = 0; i < CURVE_READERS; i++) {
        if ((readers >> i & 1) != 0) {
            curves->changes[i].points = memory_reserve(places(curves) * sizeof(struct curve_point));
            complete &= curves->changes[i].points != NULL;
        }
    }
    if (!complete) {
        curves_fini(curves);
        return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

void curves_fini(struct curves *curves) {
    free(curves->curves);
    free(curves->slots);
    memory_release(curves->days, places(curves) * sizeof *curves->days);
    memory_release(curves->changed_marks, places(curves));
    for (size_t i = 0; i < CURVE_READERS; i++) {
        memory_release(curves->changes[i].points, places(curves) * sizeof(struct curve_point));
    }
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

void curves_note(struct curves *curves, uint32_t number, uint16_t row) {
    uint8_t *mark = &curves->changed_marks[(size_t)row * curves->limit + number];
    for (size_t i = 0; i < CURVE_READERS; i++) {
        if ((curves->readers & ~*mark & 1u << i) != 0) {
            struct curve_changes *changes = &curves->changes[i];
            changes->points[changes->count++] = (struct curve_point){.curve = number, .day = row};
        }
    }
    *mark = curves->readers;
    struct curve *curve = &curves->curves[number];
    curve->day_low = row < curve->day_low ? row : curve->day_low;
    curve->day_high = row > curve->day_high ? row : curve->day_high;
}

void curves_as_of(const struct curves *curves, uint32_t number, uint16_t day, struct sums *out) {
    *out = (struct sums){0};
    const struct curve *curve = &curves->curves[number];
    if (day < curve->first_day) {
        return;
    }
    uint16_t last = curve_row(curve, day) < curve->day_high ? curve_row(curve, day) : curve->day_high;
    for (uint16_t row = curve->day_low; row <= last; row++) {
        sums_merge(out, curves_row(curves, number, row));
    }
}

void curves_settle(struct curves *curves, enum curve_reader reader) {
    struct curve_changes *changes = &curves->changes[reader];
    for (size_t i = 0; i < changes->count; i++) {
        const struct curve_point *point = &changes->points[i];
        curves->changed_marks[(size_t)point->day * curves->limit + point->curve] &= (uint8_t) ~(1u << reader);
    }
    changes->count = 0;
}
