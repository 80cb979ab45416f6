/* What reading totals costs inside the daemon: the publisher's own steps on its own tables, in this process, on one thread and
 * with nobody else near. Taking a snapshot and folding it is what the ledger and the publisher pay for each publication;
 * after that a reading of a region's totals is a look into the roll-up. */
#ifndef TALLY_BENCH_ROLLUP_COST_H
#define TALLY_BENCH_ROLLUP_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rollup_cost_options {
    size_t projects;
    uint32_t rows;    /* of the batch that lies between two snapshots */
    size_t snapshots; /* how many are measured */
    size_t readings;
    uint64_t seed;
};

struct rollup_cost {
    size_t regions;       /* of all levels */
    size_t cells;         /* that a snapshot holds, on average */
    double snapshot_us;   /* the ledger's part of a snapshot: copying what changed */
    double fold_us;       /* the publisher's: into every level of regions */
    double copy_us;       /* of the whole roll-up, for a recount */
    double totals_ns;     /* of one region, the sums of the statuses that count */
    double totals_all_ns; /* with every category and status, as the wire's Totals has them, not packed */
};

/* Prints why and returns false on failure: memory, or figures that do not add up. */
bool rollup_cost_measure(const struct rollup_cost_options *options, struct rollup_cost *cost);

#endif
