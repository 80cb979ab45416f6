#include "region_set.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cube.h"
#include "curve.h"
#include "memory.h"

enum { SLOTS = REGION_SET_MAX * 2 };

#define ENTRIES_BYTES (REGION_SET_MAX * sizeof(struct region_entry))
#define SLOTS_BYTES (SLOTS * sizeof(uint32_t))
#define NUMBERS_BYTES (REGION_SET_MAX * sizeof(uint32_t))

enum error region_set_init(struct region_set *set) {
    *set = (struct region_set){0};
    set->entries = memory_reserve(ENTRIES_BYTES);
    set->slots = memory_reserve(SLOTS_BYTES);
    set->ordered = memory_reserve(NUMBERS_BYTES);
    set->changed = memory_reserve(NUMBERS_BYTES);
    if (set->entries == NULL || set->slots == NULL || set->ordered == NULL || set->changed == NULL) {
        region_set_fini(set);
        return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

void region_set_fini(struct region_set *set) {
    memory_release(set->entries, ENTRIES_BYTES);
    memory_release(set->slots, SLOTS_BYTES);
    memory_release(set->ordered, NUMBERS_BYTES);
    memory_release(set->changed, NUMBERS_BYTES);
    *set = (struct region_set){0};
}

static uint64_t place(uint32_t competition, uint32_t region) {
    return (uint64_t)competition << 32 | region;
}

static uint64_t place_of(const struct region_set *set, uint32_t number) {
    return place(set->entries[number].competition, set->entries[number].region);
}

/* The slot that holds the region, or the free one where it would go. */
static uint32_t probe(const struct region_set *set, uint16_t competition, uint32_t region) {
    uint64_t key = place(competition, region);
    uint32_t slot = (uint32_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 40) & (SLOTS - 1);
    while (set->slots[slot] != 0 && place_of(set, set->slots[slot] - 1) != key) {
        slot = (slot + 1) & (SLOTS - 1);
    }
    return slot;
}

uint32_t region_set_find(const struct region_set *set, uint16_t competition, uint32_t region) {
    uint32_t held = set->slots[probe(set, competition, region)];
    return held == 0 ? REGION_NONE : held - 1;
}

uint32_t region_set_find_or_add(struct region_set *set, uint16_t competition, uint32_t region) {
    uint32_t slot = probe(set, competition, region);
    if (set->slots[slot] != 0) {
        return set->slots[slot] - 1;
    }
    if (set->count == REGION_SET_MAX) {
        return REGION_NONE;
    }
    uint32_t number = set->count++;
    set->entries[number] = (struct region_entry){
        .competition = competition, .region = region, .first_cell = CUBE_FULL, .curve = CURVE_NONE};
    set->slots[slot] = number + 1;
    return number;
}

static int compare_places(const void *left, const void *right, void *set) {
    uint64_t a = place_of(set, *(const uint32_t *)left);
    uint64_t b = place_of(set, *(const uint32_t *)right);
    return a < b ? -1 : a > b;
}

/* Sorts all again: new regions come in bursts, at the start and when a competition begins, and then hardly ever. */
void region_set_order(struct region_set *set) {
    if (set->ordered_count == set->count) {
        return;
    }
    for (uint32_t number = set->ordered_count; number < set->count; number++) {
        set->ordered[number] = number;
    }
    set->ordered_count = set->count;
    qsort_r(set->ordered, set->ordered_count, sizeof *set->ordered, compare_places, set);
}

uint32_t region_set_bound(const struct region_set *set, uint32_t competition, uint32_t region) {
    uint64_t bound = place(competition, region);
    uint32_t low = 0;
    uint32_t high = set->ordered_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (place_of(set, set->ordered[middle]) < bound) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void region_set_settle(struct region_set *set) {
    for (uint32_t i = 0; i < set->changed_count; i++) {
        set->entries[set->changed[i]].changed = false;
    }
    set->changed_count = 0;
}

void region_set_copy(struct region_set *into, const struct region_set *from) {
    for (uint32_t i = 0; i < from->count; i++) {
        const struct region_entry *entry = &from->entries[i];
        uint32_t number = region_set_find_or_add(into, entry->competition, entry->region);
        CHECK(number == i); /* added in the same order, they get the same numbers */
        into->entries[i] = *entry;
        into->entries[i].changed = false;
    }
    memcpy(into->ordered, from->ordered, from->ordered_count * sizeof *into->ordered);
    into->ordered_count = from->ordered_count;
}
