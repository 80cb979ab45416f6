/* A watcher of one region and the regions directly below it, as rows that remember where they started. */
#ifndef TALLY_CLIENT_CLI_FOLLOWER_H
#define TALLY_CLIENT_CLI_FOLLOWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

#include "client/cli/options.h"

enum { FOLLOWER_ROWS_MAX = 1024 };

struct follower_row {
    uint32_t region;
    uint64_t version;
    uint64_t time_ms;
    struct tally_totals now;
    struct tally_totals start; /* when it was first heard of */
    bool changed;              /* by the last update */
};

struct follower;

/* Starts to follow. region is 0 for the whole: then the provinces are the rows. A county has no rows, only a sum.
 * Tells on stderr what failed and returns an exit code. */
int follower_open(const struct arguments *arguments, const char *competition, uint32_t region, struct follower **out);
void follower_close(struct follower **follower);

/* Becomes readable when something changed; for poll. */
int follower_descriptor(const struct follower *follower);

/* Takes over what the watcher knows by now. A province that has a single city, as municipalities do, shows that city's
 * counties. */
void follower_update(struct follower *follower);

/* As of the last update, in order of codes. */
const struct follower_row *follower_rows(const struct follower *follower, size_t *count);

/* The region itself, or NULL if nothing came for it yet. */
const struct follower_row *follower_sum(const struct follower *follower);

void follower_state(const struct follower *follower, struct tally_watch_state *state);

#endif
