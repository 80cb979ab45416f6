/* The ledger: a pure, deterministic state machine, (state, entry) -> (state, receipt). No I/O, no clock, no allocation for
 * an update; replaying the same entries gives the same state, bit for bit. It knows every project's present figures, the
 * cube of totals, the curves since the start, and each node's last sequence.
 *
 * Thread: one at a time. Live it is the ledger thread's (ledger/stage.h); recovery and verification use it before or
 * beside. */
#ifndef TALLY_DAEMON_LEDGER_LEDGER_H
#define TALLY_DAEMON_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/capture.h"
#include "daemon/base/cube.h"
#include "daemon/base/curve.h"
#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "daemon/base/snapshot.h"

struct ledger;

/* Room for projects_max projects; memory is used as they come, 75 to 86 bytes each. Errors: MEMORY (NULL). */
struct ledger *ledger_create(uint64_t projects_max);
void ledger_destroy(struct ledger *ledger);

/* Applies the next entry: its version is the ledger's plus one (checked). For a batch, verdicts, accepted, unchanged and
 * refused are set. About 60 ns a row at a million projects, 77 beside the other threads
 * (bench_stages). */
void ledger_apply(struct ledger *ledger, struct entry *entry);

/* The version of the last entry applied, or the one that ledger_resume set. */
uint64_t ledger_version(const struct ledger *ledger);

/* Known projects, whether or not their status counts. */
uint64_t ledger_projects(const struct ledger *ledger);

/* Bytes that the tables really use, for the measure of memory per project. */
size_t ledger_bytes(const struct ledger *ledger);

/* Highest sequence applied of a node; 0 for none. */
uint64_t ledger_sequence(const struct ledger *ledger, uint16_t node);

/* Contract values of all projects of a competition, counting or not, fen. */
int64_t ledger_value_sum(const struct ledger *ledger, uint16_t competition);

/* The definitions applied so far, by number; NULL if there is none. */
const struct definition *ledger_competition(const struct ledger *ledger, uint16_t number);
const struct definition *ledger_node(const struct ledger *ledger, uint16_t number);

/* Whether the entry can be applied now: false if the texts that it may change would not fit the list of those that were not
 * captured yet. Then capture first. */
bool ledger_has_room(const struct ledger *ledger, const struct entry *entry);

/* Loading a stored state, before the first entry is applied. Order: definitions, cells and blocks each in the order of their
 * numbers, then days and sequences in any order, at last ledger_resume.
 * Errors: LIMIT when a table is full, DAMAGED when something names what is not there, or is there twice. */
MUST_USE enum error ledger_load_definition(struct ledger *ledger, enum entry_kind kind,
                                           const struct definition *definition);
MUST_USE enum error ledger_load_cell(struct ledger *ledger, cell_key_t cell);
MUST_USE enum error ledger_load_block(struct ledger *ledger, uint32_t number, const struct project_block *block);
MUST_USE enum error ledger_load_day(struct ledger *ledger, uint16_t competition, uint32_t region, uint16_t day,
                                    const struct sums *sums);
void ledger_load_sequence(struct ledger *ledger, uint16_t node, uint64_t sequence);

/* What was loaded is complete up to complete_version, and partly as new as version: entries after complete_version are to be
 * applied next. Up to version they are applied to projects and cells alone, because all else was loaded as of version, and
 * their counts and verdicts mean nothing (what they were is stored). A project that is ahead of them ends where it was: its
 * days never go back, so only its rows of its last day are taken again, in their order, and the last of them made it what
 * it is. ledger_version is complete_version then. */
void ledger_resume(struct ledger *ledger, uint64_t complete_version, uint64_t version);

/* Whether anything changed since the last capture was taken, or blocks were left by it. */
bool ledger_capture_due(const struct ledger *ledger);

/* Takes a capture, see base/capture.h. After loading, only what is applied later counts as changed.
 * Errors: MEMORY, nothing changed: try again. */
MUST_USE enum error ledger_capture(struct ledger *ledger, const struct capture_request *request,
                                   struct capture *capture);

/* Copies one block as it is now, for comparing; all zero beyond the last project. */
void ledger_read_block(const struct ledger *ledger, uint32_t number, struct project_block *block);

/* Whether an entry was applied or anything loaded since the last snapshot was filled. */
bool ledger_changed(const struct ledger *ledger);

/* Fills the snapshot with what changed since the last one; after a load or on a new ledger that is everything.
 * Errors: MEMORY, nothing changed: try again. */
MUST_USE enum error ledger_fill(struct ledger *ledger, struct snapshot *snapshot);

/* A project's present figures. Returns false if there is none. For tests and tools. */
bool ledger_find(const struct ledger *ledger, uint16_t competition, const char *code, struct figures *figures);

/* A digest of the whole state (projects, cells, days, sequences), independent of the order in which things came: equal
 * states give equal digests. Reads everything. */
uint64_t ledger_digest(const struct ledger *ledger);

#endif
