/* The pace of captures: how many blocks each holds, and when the next one is wanted. Pure.
 *
 * A round goes through all blocks that changed. With many projects it takes many captures, which are spread over about ten
 * seconds: then a project that changes all the time is written once in ten seconds, not at each capture. What is new since
 * a round was finished waits 200 ms for more. While new projects are loaded there is nothing to gain by waiting, and captures
 * are as large as can be: what leads to projects by their codes is spread over many pages, and the more at once the fewer
 * times each of them is written. After each capture, twice the time that it took passes first, so that a busy daemon's disk is the journal's. */
#ifndef TALLY_DAEMON_ARCHIVE_PACE_H
#define TALLY_DAEMON_ARCHIVE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/capture.h"

enum {
    PACE_DELAY_MS = 200,    /* how long the first change waits for more */
    PACE_ROUND_MS = 10000,  /* what a round through all blocks takes at least */
    PACE_REST_FACTOR = 2,   /* after a capture was written, so many times its duration pass */
    PACE_BLOCKS_MIN = 1024, /* of a capture */
    PACE_ROUND_CAPTURES = 64,
};

/* The last capture. Zeroed means that there was none. */
struct pace {
    bool more;         /* it left blocks that changed */
    bool loading;      /* most of its projects were new */
    uint64_t projects; /* that were known then */
    int64_t began_ns;  /* when it was written */
    int64_t ended_ns;
};

/* Blocks that the next capture may hold. */
uint32_t pace_blocks_max(const struct pace *pace);

/* Takes up a capture that was written, of which so many projects had not been stored before. */
void pace_note(struct pace *pace, const struct capture *capture, uint64_t new_projects, int64_t began_ns,
               int64_t ended_ns);

/* When the next capture is due; pending_since_ns is when something new was first seen. */
int64_t pace_due_ns(const struct pace *pace, int64_t pending_since_ns);

#endif
