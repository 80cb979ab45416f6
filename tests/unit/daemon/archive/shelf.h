/* A stored state with the ledger that it is captured from, over a journal in memory: all of a daemon that this folder has to
 * do with, without threads. It can be crashed at any moment, and comes back as recovery would bring it. Fails the test where
 * it cannot do its work. */
#ifndef TALLY_TESTS_UNIT_DAEMON_ARCHIVE_SHELF_H
#define TALLY_TESTS_UNIT_DAEMON_ARCHIVE_SHELF_H

#include <stdint.h>

#include "daemon/archive/state.h"
#include "daemon/archive/writer.h"
#include "daemon/base/capture.h"
#include "daemon/ledger/ledger.h"
#include "tests/support/entries.h"
#include "tests/unit/daemon/folder.h"

enum { SHELF_EPOCH = 5 };

struct shelf {
    struct folder folder;
    char path[FOLDER_PATH_BYTES]; /* of the state */
    uint64_t projects_max;
    struct entries *entries; /* the journal; survives a crash, as the state does */

    struct state *state;
    struct writer *writer;
    struct ledger *ledger;
    struct state_reach loaded; /* what the ledger was loaded from */
    struct capture capture;
    struct receipt_list receipts; /* since the last capture was written */
    struct entry *entry;
    struct arena arena;
};

void shelf_open(struct shelf *shelf, uint64_t projects_max);
void shelf_close(struct shelf *shelf);

/* Opens what was closed; the state must be what it was. */
void shelf_start(struct shelf *shelf);

/* Forgets everything but the state and the journal. */
void shelf_crash(struct shelf *shelf);

/* Applies the next entry that the ledger has not seen; stores first if it has no room. */
void shelf_apply(struct shelf *shelf);

/* Takes a capture, which must be due, and writes it. */
void shelf_store(struct shelf *shelf, uint32_t blocks_max);

/* Applies all entries and stores until nothing is left. */
void shelf_catch_up(struct shelf *shelf);

#endif
