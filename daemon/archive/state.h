/* The stored state, state.mdb: what the journal adds up to. The last state of each project with its texts, each node's last
 * sequence and receipts, the definitions, and what each day changed in the totals.
 * It is derived: without it the daemon makes it again from the journal. With it, recovery is state_load and a replay of the
 * journal's tail.
 * It has two versions. Everything that the entries up to `complete` changed is stored. What is small is stored whole each
 * time, and is true at `version`; the projects' blocks are stored in turns, so each is true at a version of its own, which
 * is not above `version`, and those that have not changed since are true at `complete` too (base/capture.h).
 * Written by the archive's thread alone (archive.h), one synced transaction for each capture; read by any thread through
 * LMDB's lock-free read transactions, each of which sees exactly one commit. */
#ifndef TALLY_DAEMON_ARCHIVE_STATE_H
#define TALLY_DAEMON_ARCHIVE_STATE_H

#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "daemon/base/project.h"
#include "daemon/base/receipt.h"
#include "daemon/base/stored.h"

struct state;
struct state_file;

struct state_options {
    const char *path;         /* of the file; its folder exists */
    uint64_t epoch;           /* the journal's */
    uint64_t journal_version; /* the highest durable one */
};

/* Opens the state, or makes an empty one at version 0 where there is none, or one of another epoch or format (it is replaced,
 * and logged). Not twice in one process. NULL on failure with the fault filled: DAMAGED (also when the state is ahead of the
 * journal, or holds something and the journal is new), DISK_FULL, IO, MEMORY. */
struct state *state_open(const struct state_options *options, struct fault *fault);

/* Nobody uses it any more. NULL is fine. */
void state_close(struct state *state);

/* What the state is complete up to, as of the last commit. Any thread. */
uint64_t state_version(const struct state *state);

/* Bytes of the file in use. Any thread. */
uint64_t state_bytes(const struct state *state);

struct state_reach {
    uint64_t complete; /* everything that the entries up to it changed is stored */
    uint64_t version;  /* nothing stored is newer; complete or above */
};

/* Where state_load puts things. The order is that of the fields; within one kind, of the keys. A result other than
 * ERROR_NONE ends the loading with it. Pointers are valid for the call. Any callback may be NULL. */
struct state_loader {
    void *context;
    enum error (*definition)(void *context, enum entry_kind kind, const struct definition *definition);
    enum error (*cell)(void *context, cell_key_t cell); /* in the order of their numbers, which are 0, 1, 2 ... */
    enum error (*block)(void *context, uint32_t number, const struct project_block *block);
    enum error (*day)(void *context, uint16_t competition, uint32_t region, uint16_t day, const struct sums *sums);
    enum error (*sequence)(void *context, uint16_t node, uint64_t sequence);
    enum error (*receipt)(void *context, uint16_t node, const struct receipt *receipt);
};

/* Reads everything, in one read transaction: while the archive works, old pages stay until it ends. *reach is set before
 * the first callback. Errors: DAMAGED, IO, MEMORY, or a callback's; the fault tells which. */
MUST_USE enum error state_load(const struct state *state, const struct state_loader *loader, struct state_reach *reach,
                               struct fault *fault);

/* Answers about single projects and regions; valid as long as the state. Any thread. */
struct stored_source state_source(struct state *state);

/* For the rest of this folder. */
struct state_file *state_file(struct state *state);

#endif
