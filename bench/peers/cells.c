#include "bench/peers/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The workload's counties lie in the provinces 31 to 34; memory that is never touched costs nothing. */
enum { REGION_FIRST = 310000, REGION_COUNT = 40000, CATEGORIES_MAX = 4, STATUSES_MAX = 4 };
enum { CELL_COUNT = REGION_COUNT * CATEGORIES_MAX * STATUSES_MAX };

struct cells {
    struct figures at[CELL_COUNT];
};

struct cells *cells_create(void) {
    return calloc(1, sizeof(struct cells));
}

void cells_destroy(struct cells *cells) {
    free(cells);
}

bool cells_add(struct cells *cells, const struct cell *cell, const struct figures *figures) {
    uint32_t region = cell->region - REGION_FIRST;
    if (region >= REGION_COUNT || cell->category >= CATEGORIES_MAX || cell->status >= STATUSES_MAX) {
        fprintf(stderr, "bench: no such cell: %u/%u/%u\n", cell->region, cell->category, cell->status);
        return false;
    }
    struct figures *sum = &cells->at[(region * CATEGORIES_MAX + cell->category) * STATUSES_MAX + cell->status];
    sum->projects += figures->projects;
    sum->contract_value += figures->contract_value;
    sum->participants += figures->participants;
    sum->migrant_participants += figures->migrant_participants;
    return true;
}

static void print_difference(uint32_t index, const char *name, const struct figures *figures) {
    fprintf(stderr, "%06u/%u/%u %s: %lld projects, %lld fen, %lld heads, %lld migrants\n",
            REGION_FIRST + index / (CATEGORIES_MAX * STATUSES_MAX), index / STATUSES_MAX % CATEGORIES_MAX,
            index % STATUSES_MAX, name, (long long)figures->projects, (long long)figures->contract_value,
            (long long)figures->participants, (long long)figures->migrant_participants);
}

bool cells_equal(const struct cells *one, const char *one_name, const struct cells *other, const char *other_name) {
    for (uint32_t i = 0; i < CELL_COUNT; i++) {
        if (memcmp(&one->at[i], &other->at[i], sizeof one->at[i]) != 0) {
            print_difference(i, one_name, &one->at[i]);
            print_difference(i, other_name, &other->at[i]);
            return false;
        }
    }
    return true;
}

struct figures cells_sum(const struct cells *cells) {
    struct figures sum = {0};
    for (uint32_t i = 0; i < CELL_COUNT; i++) {
        sum.projects += cells->at[i].projects;
        sum.contract_value += cells->at[i].contract_value;
        sum.participants += cells->at[i].participants;
        sum.migrant_participants += cells->at[i].migrant_participants;
    }
    return sum;
}
