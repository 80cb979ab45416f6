/* What the daemon knows of each node since it started, by number: written by intake, read by the query endpoint.
 * Every field is atomic and relaxed: a reader sees each a moment late and not always together. */
#ifndef TALLY_DAEMON_BASE_PRESENCE_H
#define TALLY_DAEMON_BASE_PRESENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/figures.h"

struct presence {
    atomic_bool connected;
    _Atomic uint64_t sequence;     /* highest durable */
    _Atomic int64_t last_batch_ms; /* 0 = none yet */
    _Atomic uint64_t rows_accepted;
    _Atomic uint64_t rows_unchanged;
    _Atomic uint64_t rows_refused;
};

#endif
