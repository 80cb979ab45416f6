/* The numbers under which the journal knows competitions and nodes. A number is given once and never to another; what the
 * journal says of it binds the configuration for ever: a competition keeps its first day, and a status that once existed
 * keeps whether it counts. Main thread only. */
#ifndef TALLY_DAEMON_NUMBERING_H
#define TALLY_DAEMON_NUMBERING_H

#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/registry.h"

struct numbering {
    struct definition competitions[COMPETITIONS_MAX]; /* competition_count of them, by number */
    struct definition nodes[NODES_MAX];
    uint16_t competition_count;
    uint16_t node_count;
};

/* What recovery found, in any order. A number may be missing: one that was given but taken back before the journal heard of
 * it; it is not given again. Errors: DAMAGED if it is beyond the limit. */
MUST_USE enum error numbering_learn(struct numbering *numbering, enum entry_kind kind,
                                    const struct definition *definition);

/* Gives every competition and node of a registry, which nobody shares yet, its number; new ones get the next.
 * Errors: CONFIGURATION (it contradicts what the journal knows), LIMIT; the fault says what to do. Then nothing is learnt. */
MUST_USE enum error numbering_assign(struct numbering *numbering, struct registry *registry, struct fault *fault);

#endif
