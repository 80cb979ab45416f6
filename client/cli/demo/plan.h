/* The synthetic data set of the demonstration: which project becomes what on which day. Made from a seed with integers
 * alone, so that every process makes the same plan, and shaped so that on PLAN_LAST_DAY the projects that count are
 * exactly PLAN_PROJECTS with PLAN_CONTRACT_VALUE and PLAN_PARTICIPANTS.
 *
 * A project is announced (where the competition has a status for that, which does not count), enrols, is amended or moves
 * on to a later status, or withdraws. Its last state carries its final figures. Days of a project never go back. */
#ifndef TALLY_CLIENT_CLI_DEMO_PLAN_H
#define TALLY_CLIENT_CLI_DEMO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

enum {
    PLAN_PROJECTS = 780,
    PLAN_PARTICIPANTS = 600000,
    PLAN_WITHDRAWN = 31, /* enrolled once */
    PLAN_ANNOUNCED = 19, /* not enrolled yet */
    PLAN_NODES = 4,
    PLAN_MESSAGE_BYTES = 256,
};

#define PLAN_CONTRACT_VALUE INT64_C(94100000000000) /* fen: 941.0 billion yuan */

struct plan_node {
    const char *name;  /* as the demonstration's daemon configuration names it */
    uint32_t province; /* all of its projects lie there */
};

struct plan_update {
    struct tally_project project; /* texts belong to the plan */
    unsigned node;                /* index of plan_nodes */
    unsigned index;               /* which project */
    unsigned step;                /* which state of it */
    bool last;                    /* no later state follows */
};

struct plan {
    uint32_t first_day;
    uint32_t last_day;
    size_t count;
    struct plan_update *updates; /* by day; those of one project in order */
    char *texts;
};

extern const struct plan_node plan_nodes[PLAN_NODES];

/* The day whose totals are known: 2021-10-28. */
uint32_t plan_last_day(void);

/* Makes the plan for a competition: its categories, its statuses by what counts, its start. Returns NULL with a sentence
 * for people in message (PLAN_MESSAGE_BYTES) if the competition cannot hold it, or without memory. */
struct plan *plan_create(uint64_t seed, const struct tally_competition *competition, char *message);
void plan_destroy(struct plan **plan);

/* Divides total into count whole parts in proportion to weights, each at least 1; they add up exactly. total is at least
 * count, and the weights' sum is not 0. */
void plan_share(int64_t total, const uint64_t *weights, size_t count, int64_t *parts);

#endif
