/* Totals by county, category and status, exact: for comparing what a peer says with what was sent to it. */
#ifndef TALLY_BENCH_CELLS_H
#define TALLY_BENCH_CELLS_H

#include <stdbool.h>
#include <stdint.h>

struct figures {
    int64_t projects;
    int64_t contract_value; /* fen */
    int64_t participants;
    int64_t migrant_participants;
};

struct cell {
    uint32_t region;
    uint32_t category;
    uint32_t status;
};

struct cells;

/* NULL if memory is out. */
struct cells *cells_create(void);
void cells_destroy(struct cells *cells);

/* Returns false if a cell is none that the workload has. */
bool cells_add(struct cells *cells, const struct cell *cell, const struct figures *figures);

/* Whether every cell is equal; prints the first that is not, with these names for the two. */
bool cells_equal(const struct cells *one, const char *one_name, const struct cells *other, const char *other_name);

/* The sum of all cells. */
struct figures cells_sum(const struct cells *cells);

#endif
