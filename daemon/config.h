/* The configuration: one file (libconfuse) for the daemon, one file for each competition in a directory beside it.
 * Read at start and on SIGHUP; immutable once loaded. Everything wrong is told with file and line, and nothing
 * half-read is ever used. docs/tallyd.conf explains every setting. Thread: main. */
#ifndef TALLY_DAEMON_CONFIG_H
#define TALLY_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/log.h"
#include "daemon/base/registry.h"
#include "proto/curve_key.h"

enum { CONFIG_PATH_BYTES = 4096, CONFIG_ENDPOINT_BYTES = 256 };

struct config {
    char path[CONFIG_PATH_BYTES];
    char data_directory[CONFIG_PATH_BYTES];         /* journal/ and state.mdb lie in it */
    char competitions_directory[CONFIG_PATH_BYTES]; /* every *.conf in it; these two paths are absolute, as is path */
    /* tcp://ADDRESS:PORT, a loopback address unless keyed or open_to_all, or ipc:///PATH: see endpoint.h */
    char ingest_endpoint[CONFIG_ENDPOINT_BYTES];
    char totals_endpoint[CONFIG_ENDPOINT_BYTES];
    char query_endpoint[CONFIG_ENDPOINT_BYTES];
    bool keyed; /* whoever connects must have a key that the registry knows */
    char key_path[CONFIG_PATH_BYTES];
    struct curve_pair keys; /* the daemon's own, if keyed */
    bool open_to_all;       /* not keyed, and other machines may reach it all the same */
    enum log_level log_level;
    uint32_t window;      /* batches of one node without receipt, 1 to WINDOW_BATCHES_MAX */
    uint32_t batch_slots; /* batches inside the daemon at once, a power of two; memory: about 5 MiB each at most */
    uint32_t group_bytes; /* a group commit takes up to this much */
    uint32_t publish_interval_ms; /* between two publications */
    uint64_t projects_max;        /* room in the ledger; fixed once there is a journal */
    uint64_t segment_bytes;       /* of the journal */
    uint64_t disk_reserve_bytes;  /* with less free space than this, batches are answered Busy */
    struct registry *registry;    /* one reference, the config's; numbers are not assigned yet */
};

/* Reads and checks everything. NULL on failure, with the fault filled: CONFIGURATION (file, line, what, what to do; also
 * a file that cannot be opened), IO, MEMORY. Memory: the caller's, to config_destroy. */
struct config *config_load(const char *path, struct fault *fault);

/* NULL is fine. Releases its reference to the registry. */
void config_destroy(struct config *config);

/* Whether next may replace current while the daemon runs: settings that are read only at start must be the same, and
 * every competition still there, with its first day and the meaning of each category and status code, counts included.
 * What may change: nodes, dashboards, operators, their keys, log-level, competitions-directory, new competitions, and the rest of the old ones.
 * Fills the fault (CONFIGURATION) if not. */
MUST_USE enum error config_check_change(const struct config *current, const struct config *next, struct fault *fault);

#endif
