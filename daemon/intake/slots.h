/* The fixed number of entries that there are, each with the memory that its batch is decoded into and the message that it
 * came in. Intake takes a free one before it reads from its socket; when there is none it does not read. */
#ifndef TALLY_DAEMON_INTAKE_SLOTS_H
#define TALLY_DAEMON_INTAKE_SLOTS_H

#include <stddef.h>
#include <zmq.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "proto/arena.h"

struct slot {
    struct entry entry; /* first: the rings carry entries, intake finds the slot around them */
    struct arena arena;
    zmq_msg_t body; /* holds the bytes that entry.body points to; always initialised */
};

struct slots {
    struct slot *all;
    struct slot **free; /* free_count of them */
    size_t free_count;
    size_t count;
    void *memory; /* the arenas; address space until used */
};

/* Errors: MEMORY. */
MUST_USE enum error slots_init(struct slots *slots, size_t count);

/* Every slot is back. */
void slots_fini(struct slots *slots);

/* NULL when all are under way. */
struct slot *slots_take(struct slots *slots);

/* Drops the message and makes the slot free again. */
void slots_give_back(struct slots *slots, struct slot *slot);

/* The slot around an entry that came back. */
struct slot *slots_of(struct entry *entry);

#endif
