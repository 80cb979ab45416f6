/* The cube of totals: competition x region x category x status -> sums. Slots are made when first seen and never go.
 * Open addressing from key to a dense array of cells; which cells changed since the last look is kept as a list.
 * A cube belongs to one thread. The ledger's holds the regions that projects lie in; the roll-up's every level above. */
#ifndef TALLY_DAEMON_BASE_CUBE_H
#define TALLY_DAEMON_BASE_CUBE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "proto/region.h"

enum {
    CUBE_CELLS_MAX = 1 << 20,
    LEAF_CELLS_MAX =
        CUBE_CELLS_MAX / REGION_LEVELS, /* in the ledger: each leaf takes part in that many sums of the roll-up */
};

#define CUBE_FULL UINT32_MAX

/* competition << 40 | region << 8 | category << 4 | status; never 0 because a bit above marks it as used. */
typedef uint64_t cell_key_t;

static inline cell_key_t cell_key(uint16_t competition, uint32_t region, uint8_t category, uint8_t status) {
    return UINT64_C(1) << 63 | (uint64_t)competition << 40 | (uint64_t)region << 8 | (uint64_t)(category & 15u) << 4 |
           (status & 15u);
}

static inline uint16_t cell_key_competition(cell_key_t key) {
    return (uint16_t)(key >> 40);
}

static inline uint32_t cell_key_region(cell_key_t key) {
    return (uint32_t)(key >> 8);
}

static inline uint8_t cell_key_category(cell_key_t key) {
    return (uint8_t)(key >> 4 & 15);
}

static inline uint8_t cell_key_status(cell_key_t key) {
    return (uint8_t)(key & 15);
}

/* One cache line: an update touches the cell and nothing else of the cube. */
struct cell {
    _Alignas(64) cell_key_t key;
    struct sums sums;
    uint32_t curve;   /* number of the curve of its competition and region; CURVE_NONE if its status does not count */
    uint32_t changed; /* 1 if it stands in the list of changed cells */
};

_Static_assert(sizeof(struct cell) == 64, "a cell is one cache line");

struct cube {
    struct cell *cells; /* count of them, in the order in which they were first seen */
    uint32_t count;
    uint32_t limit;  /* of count: CUBE_CELLS_MAX unless its owner lowers it */
    uint64_t *slots; /* low half of the key << 32 | cell number + 1, or 0; doubled when half full */
    uint32_t slot_mask;
    uint32_t *changed; /* numbers of the cells that changed */
    uint32_t changed_count;
};

/* Reserves address space for CUBE_CELLS_MAX cells; memory is used as cells appear. Errors: MEMORY. */
MUST_USE enum error cube_init(struct cube *cube);
void cube_fini(struct cube *cube);

/* Fibonacci hashing (Knuth 6.4): the keys' low bits hold category and status, their neighbours differ there. */
static inline uint32_t cube_slot(const struct cube *cube, cell_key_t key) {
    return (uint32_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 40) & cube->slot_mask;
}

/* The number of the key's cell, or CUBE_FULL if there is none. Half of the key in the slot tells cells apart, but for
 * competitions: what a cell is must not be waited for to know that it is another. */
static inline uint32_t cube_number(const struct cube *cube, cell_key_t key) {
    uint32_t slot = cube_slot(cube, key);
    uint64_t held;
    while ((held = cube->slots[slot]) != 0) {
        uint32_t number = (uint32_t)held - 1;
        if (held >> 32 == (uint32_t)key && cube->cells[number].key == key) {
            return number;
        }
        slot = (slot + 1) & cube->slot_mask;
    }
    return CUBE_FULL;
}

/* The number of the cell that the key's probably is, or CUBE_FULL if there is surely none; asks the memory for it. */
static inline uint32_t cube_expect(const struct cube *cube, cell_key_t key) {
    uint32_t slot = cube_slot(cube, key);
    uint64_t held;
    while ((held = cube->slots[slot]) != 0) {
        if (held >> 32 == (uint32_t)key) {
            __builtin_prefetch(&cube->cells[(uint32_t)held - 1], 1);
            return (uint32_t)held - 1;
        }
        slot = (slot + 1) & cube->slot_mask;
    }
    return CUBE_FULL;
}

/* The number of the key's cell, or CUBE_FULL. Makes the cell, with sums 0 and curve CURVE_NONE, if it is new. */
uint32_t cube_find_or_add(struct cube *cube, cell_key_t key);

/* Takes back the cell that cube_find_or_add has just made: what belongs to it had no room. */
void cube_remove_last(struct cube *cube);

/* The cell, or NULL if there is none. */
const struct cell *cube_find(const struct cube *cube, cell_key_t key);

/* Notes that the cell changed. */
static inline void cube_touch(struct cube *cube, uint32_t number) {
    struct cell *cell = &cube->cells[number];
    if (cell->changed == 0) {
        cell->changed = 1;
        cube->changed[cube->changed_count++] = number;
    }
}

/* Forgets which cells changed. */
void cube_settle(struct cube *cube);

#endif
