/* A lane: what the daemon does to a batch, by the daemon's own modules, on one thread and without sockets, rings and wakers
 * between them: for counting the instructions of each step, and for measuring each by itself. One node reports one
 * competition; bodies come from libtally's builder, so they are the bytes that a node sends.
 *
 * A turn: lane_fill_in_order or lane_fill_random packs batches into slots; then, slot by slot or step by step, lane_decode,
 * lane_admit, (journal_append, if there is a journal,) lane_apply. Every row is accepted: what is not is a fault of the
 * program, and ends it. */
#ifndef TALLY_BENCH_LANE_H
#define TALLY_BENCH_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/workload.h"
#include "client/lib/builder.h"
#include "client/lib/parcel.h"
#include "daemon/base/entry.h"
#include "daemon/base/registry.h"
#include "daemon/intake/admission.h"
#include "daemon/ledger/ledger.h"
#include "proto/arena.h"

enum { LANE_SLOTS_MAX = 64, LANE_DEFINITIONS = 2 };

struct lane_options {
    size_t projects;
    uint32_t rows; /* of a batch */
    size_t slots;  /* up to LANE_SLOTS_MAX */
    uint64_t seed;
};

struct lane_slot {
    struct parcel *parcel;
    struct arena arena;
    struct entry entry;
};

struct lane {
    struct lane_options options;
    struct workload workload;
    struct workload_sender sender;
    struct builder *builder;
    struct tally_project *rows;
    struct competition competition;
    struct node_right node;
    struct admission_memo memo;
    struct ledger *ledger;
    uint64_t sequence; /* of the last batch packed */
    uint64_t version;  /* of the last entry admitted */
    uint8_t definition_bodies[LANE_DEFINITIONS][DEFINITION_BYTES];
    struct entry definitions[LANE_DEFINITIONS]; /* applied by lane_init; a journal takes them first */
    struct lane_slot *slots;                    /* options.slots of them */
    void *arenas;
};

/* Returns false if memory is out. */
bool lane_init(struct lane *lane, const struct lane_options *options);
void lane_fini(struct lane *lane);

/* Pack the next batches into slots from the first on; return how many, at most options.slots: in order every project once,
 * then 0; random ones always as many as there are slots. Memory running out ends the program. */
size_t lane_fill_in_order(struct lane *lane);
size_t lane_fill_random(struct lane *lane);

/* The steps. lane_admit gives the entry its version too, as a journal would. */
void lane_decode(struct lane_slot *slot);
void lane_admit(struct lane *lane, struct lane_slot *slot);
void lane_apply(struct lane *lane, struct lane_slot *slot);

#endif
