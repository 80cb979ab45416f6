/* What the intake thread works with, for the files of this folder: replies.c answers nodes, reception.c takes in what they
 * send, definitions.c takes up new registries, stage.c is the thread. */
#ifndef TALLY_DAEMON_INTAKE_INTAKE_H
#define TALLY_DAEMON_INTAKE_INTAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "budget.h"
#include "daemon/base/log.h"
#include "doorway.h"
#include "roster.h"
#include "slots.h"
#include "stage.h"

enum { HELLO_ARENA_BYTES = 4096 };

struct intake {
    /* Immutable after start. */
    struct intake_stage_options options;

    /* Owned by the intake thread once it runs. */
    struct doorway doorway;
    struct slots slots;
    struct roster *roster;
    struct registry *registry;
    bool definitions_pending;                         /* the registry says things that the journal does not know yet */
    struct definition competitions[COMPETITIONS_MAX]; /* as the journal has them; key "" = not there */
    struct definition nodes[NODES_MAX];
    struct budget budgets[COMPETITIONS_MAX];
    uint64_t settled_version; /* of the last entry that came home */
    uint64_t copied_version;  /* receipts up to it were copied for the archive, or were loaded from there */
    int64_t now_ns;           /* monotonic, of this turn */
    int64_t next_round_ns;
    uint8_t hello_memory[HELLO_ARENA_BYTES];
    struct log_limit refusal_log;

    /* Atomic: written by others, read by the intake thread. */
    atomic_bool draining;
    atomic_bool stopping;

    /* Atomic: written by the intake thread, read by intake_stage_drain. */
    atomic_bool drained;
};

/* Sends an entry on its way to the journal. */
void intake_push(struct intake *intake, struct entry *entry);

#endif
