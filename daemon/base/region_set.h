/* The regions of all competitions that a roll-up knows: numbered in the order in which they were first seen, found by code,
 * listed in order of their codes, and a list of those that changed. Part of the roll-up; one thread at a time. */
#ifndef TALLY_DAEMON_BASE_REGION_SET_H
#define TALLY_DAEMON_BASE_REGION_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/error.h"

/* A region has at least one cell among the sums. */
enum { REGION_SET_MAX = CUBE_CELLS_MAX };

#define REGION_NONE UINT32_MAX

struct region_entry {
    uint16_t competition;
    bool changed;        /* stands in the list of those that changed */
    uint32_t region;     /* code */
    uint32_t first_cell; /* the roll-up's: its first cell, or CUBE_FULL */
    uint32_t curve;      /* the roll-up's: its curve, or CURVE_NONE */
};

struct region_set {
    struct region_entry *entries; /* count of them */
    uint32_t count;
    uint32_t *slots;   /* number + 1, or 0, by competition and code */
    uint32_t *ordered; /* ordered_count numbers, by competition and code */
    uint32_t ordered_count;
    uint32_t *changed; /* changed_count numbers */
    uint32_t changed_count;
};

/* Errors: MEMORY. */
MUST_USE enum error region_set_init(struct region_set *set);
void region_set_fini(struct region_set *set);

/* The number, or REGION_NONE. */
uint32_t region_set_find(const struct region_set *set, uint16_t competition, uint32_t region);

/* The number, made if new; REGION_NONE if there are REGION_SET_MAX already. A new one is not in the order yet. */
uint32_t region_set_find_or_add(struct region_set *set, uint16_t competition, uint32_t region);

/* Puts the new ones into the order. */
void region_set_order(struct region_set *set);

/* The first position in the order that does not lie before a competition and region. */
uint32_t region_set_bound(const struct region_set *set, uint32_t competition, uint32_t region);

static inline void region_set_touch(struct region_set *set, uint32_t number) {
    if (!set->entries[number].changed) {
        set->entries[number].changed = true;
        set->changed[set->changed_count++] = number;
    }
}

/* Forgets which changed. */
void region_set_settle(struct region_set *set);

/* Makes into, which is empty, the same as from, with none changed. */
void region_set_copy(struct region_set *into, const struct region_set *from);

#endif
