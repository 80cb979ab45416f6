#include "cube.h"

#include <stdlib.h>

#include "check.h"
#include "curve.h"
#include "memory.h"

enum { SLOTS_FIRST = 1024 };

enum error cube_init(struct cube *cube) {
    *cube = (struct cube){.slot_mask = SLOTS_FIRST - 1, .limit = CUBE_CELLS_MAX};
    cube->cells = memory_reserve(CUBE_CELLS_MAX * sizeof *cube->cells);
    cube->slots = calloc(SLOTS_FIRST, sizeof *cube->slots);
    cube->changed = memory_reserve(CUBE_CELLS_MAX * sizeof *cube->changed);
    if (cube->cells == NULL || cube->slots == NULL || cube->changed == NULL) {
        cube_fini(cube);
        return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

void cube_fini(struct cube *cube) {
    memory_release(cube->cells, CUBE_CELLS_MAX * sizeof *cube->cells);
    free(cube->slots);
    memory_release(cube->changed, CUBE_CELLS_MAX * sizeof *cube->changed);
    *cube = (struct cube){0};
}

static void place(struct cube *cube, uint32_t number) {
    uint32_t slot = cube_slot(cube, cube->cells[number].key);
    while (cube->slots[slot] != 0) {
        slot = (slot + 1) & cube->slot_mask;
    }
    cube->slots[slot] = (uint64_t)(uint32_t)cube->cells[number].key << 32 | (number + 1);
}

/* The table is at most half full, so that a probe is short, and no larger than that, so that it stays in the cache. Without
 * memory the program stops: to turn a cell away would make the ledger's state depend on the memory that was left. */
static void grow(struct cube *cube) {
    uint32_t slot_count = (cube->slot_mask + 1) * 2;
    free(cube->slots);
    cube->slots = calloc(slot_count, sizeof *cube->slots);
    CHECK(cube->slots != NULL);
    cube->slot_mask = slot_count - 1;
    for (uint32_t number = 0; number < cube->count; number++) {
        place(cube, number);
    }
}

uint32_t cube_find_or_add(struct cube *cube, cell_key_t key) {
    uint32_t number = cube_number(cube, key);
    if (number != CUBE_FULL || cube->count == cube->limit) {
        return number;
    }
    number = cube->count++;
    cube->cells[number].key = key;
    cube->cells[number].curve = CURVE_NONE;
    if (cube->count * 2 > cube->slot_mask) {
        grow(cube);
    } else {
        place(cube, number);
    }
    return number;
}

/* It was the last to be placed, so no other cell's probe goes over its slot. */
void cube_remove_last(struct cube *cube) {
    uint32_t slot = cube_slot(cube, cube->cells[cube->count - 1].key);
    while ((uint32_t)cube->slots[slot] != cube->count) {
        slot = (slot + 1) & cube->slot_mask;
    }
    cube->slots[slot] = 0;
    cube->count--;
    cube->cells[cube->count] = (struct cell){0};
}

const struct cell *cube_find(const struct cube *cube, cell_key_t key) {
    uint32_t number = cube_number(cube, key);
    return number == CUBE_FULL ? NULL : &cube->cells[number];
}

void cube_settle(struct cube *cube) {
    for (uint32_t i = 0; i < cube->changed_count; i++) {
        cube->cells[cube->changed[i]].changed = 0;
    }
    cube->changed_count = 0;
}
