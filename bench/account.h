/* The account that a daemon's log gives of its recovery. */
#ifndef TALLY_BENCH_ACCOUNT_H
#define TALLY_BENCH_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/daemon.h"

struct account {
    uint64_t version;  /* recovered */
    uint64_t stored;   /* of the state that was loaded */
    uint64_t replayed; /* entries of the journal */
    uint64_t ms;       /* all of it */
    bool parted;       /* it tells loading and replaying apart: */
    uint64_t load_ms;
    uint64_t replay_ms;
};

/* Reads the last one. Prints why and returns false if there is none. */
bool account_read(const struct daemon *daemon, struct account *account);

#endif
