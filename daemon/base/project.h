/* A project as the ledger keeps it in memory and state.mdb on disk: one cache line of 64 bytes, numbered in the order in
 * which projects first came. The journal decides that order, so every replay gives each project the same number. */
#ifndef TALLY_DAEMON_BASE_PROJECT_H
#define TALLY_DAEMON_BASE_PROJECT_H

#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/figures.h"
#include "proto/limits.h"

/* Fields are as wide as their bounds in proto/limits.h and base/figures.h ask. */
struct project_record {
    uint8_t code[PROJECT_CODE_BYTES_MAX]; /* filled up with NUL, which no code holds; all NUL = no such project */
    uint64_t contract_value : 50;         /* fen */
    uint64_t competition : 8;
    uint64_t participants : 27;         /* heads */
    uint64_t migrant_participants : 27; /* heads */
    uint64_t updated_version : 44;      /* of the last entry that changed it */
    uint64_t cell : 20;                 /* number in the cube: region, category, status */
    uint32_t text_hash;                 /* of the text columns of the last row that had any; 0 = none yet */
    uint16_t node;                      /* that owns it */
    uint16_t effective_day;
};

_Static_assert(sizeof(struct project_record) == 64, "a project is one cache line");
_Static_assert(CONTRACT_VALUE_FEN_MAX < INT64_C(1) << 50 && PARTICIPANTS_MAX < 1 << 27, "figures fit");
_Static_assert(COMPETITIONS_MAX <= 1 << 8 && (int)LEAF_CELLS_MAX <= 1 << 20, "numbers fit");

#define PROJECT_VERSION_MAX ((UINT64_C(1) << 44) - 1)

/* Projects are written to state.mdb in blocks of neighbours by number: 31 and their version are the most of which two fit
 * a page of LMDB, so that a block that changed costs one page. */
enum { BLOCK_PROJECTS = 31 };

struct project_block {
    uint64_t version; /* the projects are as they were after this entry */
    struct project_record projects[BLOCK_PROJECTS];
};

_Static_assert(sizeof(struct project_block) == 1992, "a stored block has no gaps");

static inline uint32_t block_of(uint32_t project) {
    return project / BLOCK_PROJECTS;
}

#endif
