/* A duplicate: another thread asks for a copy of the live roll-up, the publisher makes it between two turns. The publisher
 * never waits for who asks; who asks waits a bounded time, and then at most for a copy that has begun (milliseconds).
 *
 *   IDLE --asked--> ASKED --the publisher takes it--> TAKEN --copied--> DONE --seen by who asked--> IDLE
 *                   ASKED --withdrawn by who asked--> IDLE;  TAKEN --the version is not there yet--> ASKED */
#ifndef TALLY_DAEMON_PUBLISH_DUPLICATE_H
#define TALLY_DAEMON_PUBLISH_DUPLICATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/rollup.h"
#include "daemon/base/waker.h"

struct duplicate {
    /* Written by who asks before ASKED; read by the publisher in TAKEN. */
    struct rollup *into;

    /* Atomic: written by who asks, peeked at by the publisher (relaxed: it looks again in TAKEN). */
    _Atomic uint64_t version_least;

    /* Atomic: written by both as above. */
    _Atomic int state;

    struct waker waker; /* on which who asks sleeps */
};

/* Errors: IO. */
MUST_USE enum error duplicate_init(struct duplicate *duplicate);
void duplicate_fini(struct duplicate *duplicate);

/* Waits, at most timeout_ms, for a copy of a version that is at least version_least; into is fresh from rollup_create.
 * publisher_waker wakes the publisher. One thread at a time, not the publisher's.
 * Errors: BUSY if the time is over; into is then as it was. */
MUST_USE enum error duplicate_ask(struct duplicate *duplicate, struct rollup *into, uint64_t version_least,
                                  int timeout_ms, struct waker *publisher_waker);

/* The publisher: whether a copy is asked for that can be made at this version. Only a hint. */
bool duplicate_waits(const struct duplicate *duplicate, uint64_t version);

/* The publisher: makes the copy if it is asked for and rollup has the version. */
void duplicate_serve(struct duplicate *duplicate, const struct rollup *rollup);

#endif
