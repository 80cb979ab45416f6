/* A real tallyd for the time of a benchmark: its own folder, configuration and endpoints (ipc, or tcp on loopback). */
#ifndef TALLY_BENCH_DAEMON_H
#define TALLY_BENCH_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_COMPETITION "bench"

enum { BENCH_PATH_BYTES = 512, BENCH_ENDPOINT_BYTES = 128 };

struct daemon_options {
    const char *program;   /* path of tallyd */
    const char *directory; /* made if missing; what an earlier run left in it is removed if fresh */
    bool fresh;
    size_t nodes;  /* node-0000, node-0001 ...: each may report for every region */
    uint16_t port; /* ingest; totals and query are the next two */
    uint64_t projects_max;
};

struct daemon {
    pid_t pid;
    char directory[BENCH_PATH_BYTES];
    char ingest[BENCH_ENDPOINT_BYTES];
    char totals[BENCH_ENDPOINT_BYTES];
    char query[BENCH_ENDPOINT_BYTES];
};

/* Writes the configuration, starts the program and waits until it answers, at most timeout_ms. Returns false and prints why
 * on failure; nothing runs then. */
bool daemon_start(struct daemon *daemon, const struct daemon_options *options, int timeout_ms);

/* Processor time that it has used, seconds, user and system. */
double daemon_cpu_seconds(const struct daemon *daemon);

/* Memory that it holds, bytes. */
uint64_t daemon_resident_bytes(const struct daemon *daemon);

/* SIGTERM, then waits. Returns its exit status, -1 if it had to be killed. */
int daemon_stop(struct daemon *daemon);

/* Asks the running daemon to recount everything and waits for the end. Prints what it says; returns whether all is equal. */
bool daemon_verify(const struct daemon *daemon);

#endif
