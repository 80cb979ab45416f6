/* What is alike for every peer: the workload of bench_ingest, sent over some connections at once, each connection one node's
 * share of the projects; a load of every project in order, a warm-up, then random updates that are timed; and a model of
 * what was sent, for the verification at the end.
 *
 * A batch counts when the peer has said that it is durable. An update that a later one of the same batch replaces counts,
 * but is not sent: leaving it out costs a client next to nothing, and the peers' statements need distinct projects. */
#ifndef TALLY_BENCH_PEER_H
#define TALLY_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

#include "bench/arguments.h"
#include "bench/peers/cells.h"
#include "bench/peers/server.h"

enum { PEER_CONNECTIONS_MAX = 64, PEER_ROWS_MAX = 1000000, PEER_WINDOW_MAX = 64 };

struct peer_settings {
    uint64_t projects;
    uint64_t connections;
    uint64_t rows;   /* updates a batch */
    uint64_t window; /* batches on their way for each connection */
    double warm_up_s;
    double seconds;
    uint64_t seed;
    const char *directory; /* made, emptied first, removed at the end */
    bool keep;             /* the folder, at the end */
};

/* its_rows * its_window * 4 connections = 131,072: as many updates under way as bench_ingest has by default. */
#define PEER_DEFAULTS(name, its_rows, its_window) \
    { \
        .projects = 1000000, .connections = 4, .rows = (its_rows), .window = (its_window), .warm_up_s = 2, \
        .seconds = 10, .seed = 1, .directory = "bench-" name \
    }

/* Rows of the table of arguments. */
#define PEER_ARGUMENTS(settings) \
    {"projects", "N", "projects", ARGUMENT_NUMBER, &(settings)->projects, PEER_CONNECTIONS_MAX, 1e8}, \
        {"connections",       "N", "connections that send at once", ARGUMENT_NUMBER, &(settings)->connections, 1, \
         PEER_CONNECTIONS_MAX}, \
        {"rows", "N", "updates of a batch", ARGUMENT_NUMBER, &(settings)->rows, 1, PEER_ROWS_MAX}, \
        {"warm-up", "S", "seconds before the measure", ARGUMENT_REAL, &(settings)->warm_up_s, 0, 3600}, \
        {"seconds", "S", "length of the measure", ARGUMENT_REAL, &(settings)->seconds, 0.01, 86400}, \
        {"seed", "N", "of everything random", ARGUMENT_NUMBER, &(settings)->seed, 0, 1e15}, \
        {"directory", "DIR", "folder for the run, emptied first", ARGUMENT_TEXT, &(settings)->directory, 0, 0}, { \
        "keep", NULL, "do not remove the folder at the end", ARGUMENT_FLAG, &(settings)->keep, 0, 0 \
    }

/* What a contender provides. Connections are used by one thread at a time. All print why they fail. */
struct peer {
    const char *name; /* of its figures: NAME_updates_per_s */
    void *context;
    const struct server *server; /* whose processor time is counted */
    void *(*connect)(void *context, size_t number);
    void (*disconnect)(void *connection);
    /* Sends distinct rows as one atomic batch; may return before it is durable. Keeps nothing of rows. */
    bool (*submit)(void *connection, const struct tally_project *rows, size_t count);
    /* Waits until the oldest batch that was submitted and not awaited yet is durable. */
    bool (*await)(void *connection);
    /* Adds the totals as they are stored, and what the stored projects add up to. No connection is open any more. */
    bool (*read_back)(void *context, size_t connections, struct cells *totals, struct cells *recount);
};

/* Sends everything, prints the figures, and at the end whether the stored totals, the recount of the stored projects, and what
 * was sent are equal, as the line `verified`. Returns whether they are. */
bool peer_run(const struct peer *peer, const struct peer_settings *settings);

#endif
