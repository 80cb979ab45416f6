/* The query endpoint: answers questions about totals from the roll-up, about projects from the stored state, about nodes,
 * competitions and the daemon from what the other stages show. Questions change nothing.
 * It has no thread of its own: whoever owns the roll-up (the publisher) calls query_serve between its turns. Nothing here
 * waits: an answer that the peer does not take is dropped, and the peer asks again. */
#ifndef TALLY_DAEMON_QUERY_QUERY_H
#define TALLY_DAEMON_QUERY_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/presence.h"
#include "daemon/base/registry.h"
#include "daemon/base/rollup.h"
#include "daemon/base/stored.h"

struct query;

/* What the daemon shows of itself. version_applied and projects are those of the roll-up. */
struct status_figures {
    uint64_t version_durable;
    uint64_t version_folded;
    uint64_t disk_free_bytes;
    uint64_t journal_bytes;
    uint64_t state_bytes;
    const char *condition; /* "ready", "disk-full" or "draining"; static storage */
};

struct status_source {
    void *context;
    void (*read)(void *context, struct status_figures *figures); /* on the serving thread; quick */
};

enum verification_state {
    VERIFICATION_NONE = 0, /* none was asked for since the daemon started */
    VERIFICATION_RUNNING,
    VERIFICATION_EQUAL,
    VERIFICATION_DIFFERENT,
    VERIFICATION_FAILED, /* it could not be finished: nothing is said about the figures */
};

enum { VERIFICATION_TEXT_BYTES = 512 };

struct verification_progress {
    enum verification_state state;
    uint64_t entries; /* recounted so far */
    uint64_t entries_expected;
    uint64_t version;  /* that is, or was, compared */
    uint64_t projects; /* recounted */
    int64_t started_ms;
    int64_t finished_ms;                /* 0 while it runs */
    char text[VERIFICATION_TEXT_BYTES]; /* what was compared, or the first difference */
};

struct verification_source {
    void *context;
    void (*start)(void *context); /* begins one if none is running; does not wait */
    void (*read)(void *context, struct verification_progress *progress);
};

struct query_options {
    void *zmq_context;
    const char *endpoint;
    const struct curve_pair *keys; /* the daemon's, or NULL */
    uint64_t epoch;
    int64_t started_ms;   /* wall time */
    const char *software; /* such as "tallyd 0.1.0" */
    struct stored_source stored;
    const struct presence *presences; /* NODES_MAX, by number */
    struct status_source status;
    struct verification_source verification;
    size_t answer_bytes_max; /* 0 = ANSWER_BYTES_MAX; a smaller one lets tests meet it */
};

/* Makes the socket and binds it. What the options point to must outlive it. NULL on failure, with the fault filled:
 * NETWORK, MEMORY. */
struct query *query_create(const struct query_options *options, struct fault *fault);

/* Lets answers that are on their way go out for a moment, closes the socket, frees. NULL is fine. */
void query_destroy(struct query *query);

/* To be polled for input by the serving thread. */
void *query_socket(const struct query *query);

/* Answers what has come in, a bounded number of questions. context is the struct query *: fits publisher_companion.
 * One thread at a time. */
void query_serve(void *context, const struct rollup *rollup, const struct registry *registry);

#endif
