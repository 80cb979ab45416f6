/* What the fold keeps of the whole state at hand, beside single projects: definitions, sequences, and what the bounds count
 * (projects, contract values, cells, curves). Loaded from the state, then changed entry by entry; what changed since the
 * last commit is marked. Belongs to the archive's thread. */
#ifndef TALLY_DAEMON_ARCHIVE_BASIS_H
#define TALLY_DAEMON_ARCHIVE_BASIS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "keytable.h"
#include "state.h"

struct basis_competition {
    bool defined;
    bool changed;      /* the definition or the sum */
    int64_t value_sum; /* fen, of all its projects, counting or not */
    struct definition definition;
};

struct basis_node {
    bool defined;
    bool definition_changed;
    bool sequence_changed;
    uint64_t sequence;
    struct definition definition;
};

struct basis {
    uint64_t version;
    uint64_t projects;
    struct basis_competition competitions[COMPETITIONS_MAX];
    struct basis_node nodes[NODES_MAX];
    struct keytable cells;  /* every cell that a project was ever in */
    uint32_t cells_stored;  /* the first so many are in state.mdb */
    struct keytable curves; /* competition << 32 | region, with a bit above: those of cells that count */
};

/* Errors: MEMORY, DAMAGED, IO, with the fault filled. */
MUST_USE enum error basis_init(struct basis *basis, struct state *state, struct fault *fault);
void basis_fini(struct basis *basis);

/* Takes up a definition. Errors: DAMAGED if its number is none. */
MUST_USE enum error basis_define(struct basis *basis, enum entry_kind kind, const struct definition *definition);

/* Takes up the next sequence of a node. Errors: DAMAGED if the node is not defined or the sequence is not its next. */
MUST_USE enum error basis_take_sequence(struct basis *basis, uint16_t node, uint64_t sequence);

/* Whether a project of the competition with this status counts in the totals. */
static inline bool basis_counts(const struct basis *basis, uint16_t competition, uint8_t status) {
    return (basis->competitions[competition].definition.counts >> status & 1) != 0;
}

/* Makes the cell, with its curve if it counts, unless it is there. Returns false if there is no room for either, as the
 * ledger's cube and curves decide. */
MUST_USE bool basis_enter_cell(struct basis *basis, cell_key_t cell);

/* Everything that changed was written. */
void basis_settle(struct basis *basis);

#endif
