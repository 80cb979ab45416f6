/* A capture: what the archive has to write so that state.mdb is as new as the ledger, taken from the ledger's memory between
 * two entries.
 *
 * Why from the ledger and not from the journal: to read, check, decode and judge every row a second time cost the archive
 * more than half of the daemon's processor time. A capture costs what changed, once for all the updates that changed it.
 *
 * A capture is the ledger at one version, but for its projects: of these it holds those blocks that changed since they were
 * captured last, as many as were asked for, in order of their numbers; the next capture goes on from there. So each stored
 * block is true at its own version, and the stored state is complete up to `complete_version`: the version at which the
 * round through the blocks began that the capture ended. Everything else (cells, days, texts, sequences, definitions) is
 * captured whole, so it is true at `version`, and no stored block is newer.
 *
 * There is one capture and one atomic flag that says who holds it, as with the snapshot (base/snapshot.h): the archive
 * wants, the ledger fills and offers. Neither waits for the other, with one exception: rows that change texts wait when
 * TEXT_CHANGES_MAX of them have not been captured, because the list of them must be bounded. */
#ifndef TALLY_DAEMON_BASE_CAPTURE_H
#define TALLY_DAEMON_BASE_CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/project.h"
#include "daemon/base/snapshot.h"

enum {
    CAPTURE_BLOCKS_MAX = 8192,   /* 16 MB, in whose copying the ledger does nothing else */
    TEXT_CHANGES_MAX = 64 << 10, /* at most so many pages of state.mdb change for texts at a time */
};

/* A row that was accepted and carries other texts than the project's last row with texts did. Where they are: in the row of
 * the journal's entry of that version. */
struct text_change {
    uint64_t version;
    uint32_t project;
    uint16_t row;
};

struct capture {
    uint64_t version;          /* of the last entry applied */
    uint64_t complete_version; /* all that entries up to it changed is in this capture or those before */
    int64_t wall_ms;           /* when the entry of `version` was taken */
    bool more;                 /* blocks that changed are left */
    uint32_t project_count;    /* known at version */

    uint32_t block_count;
    uint32_t *block_numbers; /* ascending within a round */
    struct project_block *blocks;

    uint32_t cell_count;   /* all cells there are */
    uint32_t first_cell;   /* keys of those from this number on follow: they are new since the last capture */
    cell_key_t *cell_keys; /* cell_count - first_cell of them; growable */
    size_t cell_capacity;

    size_t day_count; /* that changed since the last capture; their sums are absolute */
    size_t day_capacity;
    struct snapshot_day *days;

    size_t text_count; /* in the order of the entries and their rows */
    struct text_change *texts;

    uint64_t sequences[NODES_MAX]; /* highest applied; 0 = none */

    bool definitions_changed; /* since the last capture: then all are given, else the arrays are not valid */
    bool defined_competition[COMPETITIONS_MAX];
    bool defined_node[NODES_MAX];
    struct definition competitions[COMPETITIONS_MAX];
    struct definition nodes[NODES_MAX];
};

struct capture_request {
    uint32_t blocks_max; /* at most CAPTURE_BLOCKS_MAX */
};

enum capture_holder {
    CAPTURE_IDLE = 0, /* the archive's, who does not want it filled yet */
    CAPTURE_WANTED,   /* the ledger's, to fill */
    CAPTURE_OFFERED,  /* the archive's, filled */
};

struct capture_exchange {
    struct capture capture;          /* whose it is says holder */
    struct capture_request request;  /* as capture */
    _Alignas(64) _Atomic int holder; /* stored with release, loaded with acquire, by both sides */
    atomic_bool urgent; /* set by the ledger when it waits for its text changes to be captured; cleared by the
                                        archive before it wants */
};

/* Errors: MEMORY. */
MUST_USE enum error capture_init(struct capture *capture);
void capture_fini(struct capture *capture);

/* Makes room. Errors: MEMORY, nothing changed. */
MUST_USE enum error capture_reserve(struct capture *capture, size_t cells, size_t days);

#endif
