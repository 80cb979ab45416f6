/* The test stand: what every benchmark against a running tallyd has in common. A daemon of its own in a folder of its own, a
 * workload, the load that drives it, and the end: the daemon recounts everything, has accepted every row that got a receipt,
 * and stops as asked; only then does the run count. Thread: main. */
#ifndef TALLY_BENCH_STAND_H
#define TALLY_BENCH_STAND_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/arguments.h"
#include "bench/daemon.h"
#include "bench/load.h"
#include "bench/workload.h"

struct stand_options {
    enum contender contender;
    const char *tallyd;    /* path of the program */
    const char *directory; /* for the run; emptied first, removed at the end */
    uint64_t port;         /* the first of three */
    uint64_t nodes;
    uint64_t projects;
    uint64_t rows;   /* of a batch */
    uint64_t window; /* batches on their way for each node; 0 = as load.h has it */
    uint64_t seed;
    enum transport totals_transport;
    bool keep; /* the folder, at the end */
};

#define STAND_DEFAULTS(name) \
    { \
        .tallyd = BENCH_TALLYD, .directory = "bench-" name, .port = 7801, .nodes = 4, .projects = 1000000, \
        .rows = 4096, .seed = 1 \
    }

/* Rows of the table of arguments. */
#define STAND_ARGUMENTS(options) \
    {"nodes", "N", "nodes that report at once", ARGUMENT_NUMBER, &(options)->nodes, 1, LOAD_NODES_MAX}, \
        {"projects", "N", "projects", ARGUMENT_NUMBER, &(options)->projects, LOAD_NODES_MAX, 1e8}, \
        {"rows", "N", "rows of a batch", ARGUMENT_NUMBER, &(options)->rows, 1, LOAD_ROWS_MAX}, \
        {"window", \
         "N", \
         "batches on their way for each node; 0: 32 of all, or 2", \
         ARGUMENT_NUMBER, \
         &(options)->window, \
         0, \
         LOAD_WINDOW_MAX}, \
        {"seed", "N", "of everything random", ARGUMENT_NUMBER, &(options)->seed, 0, 1e15}, \
        {"port", "N", "first of three ports on loopback", ARGUMENT_NUMBER, &(options)->port, 1024, 65000}, \
        {"directory", "DIR", "folder for the run, emptied first", ARGUMENT_TEXT, &(options)->directory, 0, 0}, \
        {"keep", NULL, "do not remove the folder at the end", ARGUMENT_FLAG, &(options)->keep, 0, 0}, { \
        "tallyd", "PATH", "the daemon", ARGUMENT_TEXT, &(options)->tallyd, 0, 0 \
    }

struct stand {
    struct stand_options options;
    struct daemon_options daemon_options;
    struct daemon daemon;
    struct workload workload;
    uint64_t acknowledged; /* rows, of the loads that were closed */
};

/* Makes the workload and starts the daemon in a fresh folder. Prints why and returns false on failure; then nothing runs. */
bool stand_open(struct stand *stand, const struct stand_options *options);

/* Ends the run: prints the line `verified`, stops the daemon, removes the folder. fine: whether all went well so far; if not,
 * the run does not count. Returns the status to exit with. */
int stand_close(struct stand *stand, bool fine);

/* Connects the nodes. turn makes the random updates of one load differ from those of another. NULL on failure. */
struct load *stand_load_open(const struct stand *stand, uint64_t turn, load_receipt *on_receipt, void *context);

/* With batches of so many rows instead of the options'. */
struct load *stand_load_open_rows(const struct stand *stand, uint64_t turn, uint32_t rows);

/* Counts what was acknowledged and disconnects. NULL and a pointer to NULL are fine. */
void stand_load_close(struct stand *stand, struct load **load);

/* Reports every project once, with a load of its own, and prints `load_updates_per_s`. Returns whether all went well. */
bool stand_fill(struct stand *stand);

#endif
