/* What the ledger consists of, for the files of this folder: ledger.c applies entries, loading.c puts a stored state in,
 * capturing.c says what changed, digest.c sums it up. */
#ifndef TALLY_DAEMON_LEDGER_BOOK_H
#define TALLY_DAEMON_LEDGER_BOOK_H

#include "ledger.h"
#include "project_table.h"

/* Which blocks of projects changed since they were captured, and how far the round through them is. */
struct rounds {
    uint8_t *changed; /* one for each block: 1 = changed */
    uint32_t changed_count;
    uint32_t next;             /* the block where the round goes on; 0 = a new one begins */
    uint64_t version;          /* at which the round began */
    uint64_t complete_version; /* everything up to it was captured */
};

struct ledger {
    struct project_table projects;
    struct cube cube;
    struct curves curves;
    uint64_t version;
    int64_t wall_ms;         /* of the last entry */
    uint64_t filled_version; /* of the last snapshot */
    bool defined_competition[COMPETITIONS_MAX];
    bool defined_node[NODES_MAX];
    struct definition competitions[COMPETITIONS_MAX];
    struct definition nodes[NODES_MAX];
    uint64_t sequences[NODES_MAX];
    int64_t value_sums[COMPETITIONS_MAX]; /* contract values of all projects, counting or not: see intake/budget.h */

    struct rounds rounds;
    uint64_t captured_version; /* of the last capture */
    uint32_t captured_cells;
    bool definitions_changed;
    struct text_change *texts; /* not captured yet */
    size_t text_count;

    uint64_t loaded_version; /* what was loaded is partly as new as this: see ledger_resume */
};

/* The number of the cell, made with its curve if new; CUBE_FULL if there is no room for either. */
uint32_t ledger_find_cell(struct ledger *ledger, cell_key_t key);

/* Takes up a definition whose number is within bounds. */
void ledger_define(struct ledger *ledger, enum entry_kind kind, const struct definition *definition);

/* Errors: MEMORY. */
MUST_USE enum error ledger_init_rounds(struct ledger *ledger);
void ledger_fini_rounds(struct ledger *ledger);

/* Whether the entry to be applied next is partly in what was loaded. */
static inline bool ledger_catching_up(const struct ledger *ledger) {
    return ledger->version < ledger->loaded_version;
}

/* Notes that a project changed. */
static inline void ledger_touch(struct ledger *ledger, uint32_t number) {
    uint8_t *changed = &ledger->rounds.changed[block_of(number)];
    ledger->rounds.changed_count += *changed == 0;
    *changed = 1;
}

#endif
