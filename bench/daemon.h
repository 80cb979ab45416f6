/* A real tallyd for the time of a benchmark, or the floor (floor.c) in its place: its own folder, configuration and endpoints
 * on loopback. It ends when the benchmark does, however that ends. */
#ifndef TALLY_BENCH_DAEMON_H
#define TALLY_BENCH_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_COMPETITION "bench"

enum { BENCH_PATH_BYTES = 512, BENCH_ENDPOINT_BYTES = 128 };

enum contender { CONTENDER_TALLYD = 0, CONTENDER_FLOOR };

/* How subscribers reach the totals endpoint. A message over loopback costs its sender what the kernel of a receiver on another
 * machine would do as well; over a unix socket it does not, and that is what the peers are reached by. */
enum transport { TRANSPORT_TCP = 0, TRANSPORT_IPC };

struct daemon_options {
    enum contender contender;
    const char *program;   /* path of the contender */
    const char *directory; /* made if missing; if fresh, what an earlier run left in it is removed */
    bool fresh;
    size_t nodes;  /* node-0000, node-0001 ...: each may report for every region */
    uint16_t port; /* ingest; totals, if by TCP, and query are the next two */
    enum transport totals_transport;
    uint64_t projects_max;
};

struct daemon {
    enum contender contender;
    const char *program; /* as in the options */
    uint16_t port;       /* of the ingest endpoint */
    _Atomic pid_t pid;   /* 0 = it does not run; an interrupt looks at it from another thread */
    char directory[BENCH_PATH_BYTES];
    char ingest[BENCH_ENDPOINT_BYTES];
    char totals[BENCH_ENDPOINT_BYTES];
    char query[BENCH_ENDPOINT_BYTES];
};

/* "tallyd" or "floor"; false if it is neither. */
bool contender_read(const char *name, enum contender *contender);

/* "tcp" or "ipc"; prints what it must be and returns false if it is neither. */
bool transport_read(const char *name, enum transport *transport);

/* Writes the configuration, starts the program and waits until its ingest endpoint takes connections, at most timeout_ms: with
 * tallyd that is the last one that it opens. Returns false and prints why on failure; nothing runs then. */
bool daemon_start(struct daemon *daemon, const struct daemon_options *options, int timeout_ms);

/* daemon_start in two steps: writes the configuration and starts the program; waits. */
bool daemon_launch(struct daemon *daemon, const struct daemon_options *options);
bool daemon_wait(struct daemon *daemon, int timeout_ms);

/* Whether it still runs; prints where its log is if not. */
bool daemon_runs(struct daemon *daemon);

/* Processor time that it has used, seconds, user and system. */
double daemon_cpu_seconds(const struct daemon *daemon);

/* Memory that it holds, bytes: with the pages of mapped files, such as the journal's present segment, which the system takes
 * back when it needs them; and without. */
uint64_t daemon_resident_bytes(const struct daemon *daemon);
uint64_t daemon_own_bytes(const struct daemon *daemon);

/* One of the counters of `tally status --counters`. Returns false if the daemon has none of this name; the floor has none. */
bool daemon_counter(const struct daemon *daemon, const char *name, uint64_t *value);

/* Waits until state.mdb holds all that was acknowledged: what an update costs is then not mixed with what the load before it
 * still costs. Not for the floor. Prints why on failure. */
bool daemon_wait_until_stored(const struct daemon *daemon);

/* SIGTERM, then waits. Returns its exit status, -1 if it had to be killed. */
int daemon_stop(struct daemon *daemon);

/* SIGKILL: as a crash. Nothing if it does not run. */
void daemon_kill(struct daemon *daemon);

/* Asks the running daemon to recount everything and waits for the end. Prints what it says; returns whether all is equal. */
bool daemon_verify(const struct daemon *daemon);

/* The end of a run in which every row sent since daemon_start was accepted and has its receipt: says whether what was
 * acknowledged is there, then the daemon is stopped. tallyd counts everything again, and must have accepted as many rows; the
 * floor's journal is read from its first entry, and must hold as many. Prints what is found; returns whether all is right and
 * it ended well. */
bool daemon_finish(struct daemon *daemon, uint64_t rows);

/* Removes what the run left in its folder, and the folder if nothing else is in it. It is stopped. */
void daemon_remove(const struct daemon *daemon);

#endif
