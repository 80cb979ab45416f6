/* What each step of the daemon's work costs by itself: the daemon's own modules on one thread (lane.h), with a real journal
 * and a real stored state in a folder, without sockets, rings and wakers. Groups of batches go through as in the daemon: each
 * batch is decoded and admitted, the group is appended and committed with one sync, each batch is applied and its receipt
 * made; now and then a snapshot is taken and folded into the roll-up. Then what changed is captured and stored, and everything is
 * replayed into a second ledger, which must be equal to the first.
 * Times are this thread's processor time; only the commit's elapsed time, most of which is the disk's, is told beside. */
#ifndef TALLY_BENCH_STEPS_H
#define TALLY_BENCH_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum step {
    STEP_DECODE = 0,
    STEP_ADMIT,
    STEP_APPEND, /* into the journal's transaction: copy and hash */
    STEP_COMMIT,
    STEP_APPLY,
    STEP_RECEIPT,
    STEP_SNAPSHOT,
    STEP_ROLLUP,
    STEP_CAPTURE, /* by the ledger for the archive; a round for all updates that are measured */
    STEP_STORE,   /* by the archive, with its commits */
    STEP_REPLAY,  /* read, check, decode and apply; not part of a running daemon's work */
    STEP_COUNT,
};

struct steps_options {
    const char *directory; /* exists and is empty; the journal and the state are left in it */
    size_t projects;
    uint32_t rows;             /* of a batch */
    size_t group;              /* batches of a commit; up to LANE_SLOTS_MAX */
    uint64_t updates;          /* to measure, in whole groups, after every project was reported once */
    uint64_t snapshot_updates; /* between two snapshots */
    uint64_t seed;
};

struct steps {
    int64_t cpu_ns[STEP_COUNT];
    uint64_t updates[STEP_COUNT]; /* that the time was spent on */
    int64_t commit_elapsed_ns;
    uint64_t commits;
    uint64_t snapshots;
};

/* Prints why and returns false on failure, or if the second ledger is not equal. */
bool steps_run(const struct steps_options *options, struct steps *steps);

const char *step_name(enum step step);

/* Nanoseconds for each update. */
double steps_ns(const struct steps *steps, enum step step);

#endif
