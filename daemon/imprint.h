/* The imprint of a stored state: little enough to keep while the journal is recounted, enough to tell whether the recount
 * comes to the same. For each block of projects its version and a hash; every cell's key; digests of the days, definitions
 * and sequences. For verification (verification.h), on its thread.
 *
 * Numbers of projects and cells are decided by the journal, so blocks and cells must be the same bit for bit. A block that
 * was stored before the state was complete must not have changed until then: it is compared at that version. A block that
 * is newer is compared at its own. All else is compared at the newest version of all, where the imprint is done. Receipts, texts
 * and the indexes for looking up are not compared. */
#ifndef TALLY_DAEMON_IMPRINT_H
#define TALLY_DAEMON_IMPRINT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/archive/state.h"
#include "daemon/base/curve.h"
#include "daemon/ledger/ledger.h"

struct imprint;

/* Empty. Once *stopping is set, loading ends with BUSY. NULL if memory is out. */
struct imprint *imprint_create(const atomic_bool *stopping);

/* NULL is fine. */
void imprint_destroy(struct imprint *imprint);

/* What state_load fills the imprint through, once; then imprint_seal. */
struct state_loader imprint_loader(struct imprint *imprint);
void imprint_seal(struct imprint *imprint, const struct state_reach *reach);

/* Lets the recounting ledger forget which texts changed, so that it has room for the next entry. Errors: MEMORY. */
MUST_USE enum error imprint_make_room(struct imprint *imprint, struct ledger *ledger);

/* Whether something is to be compared at this version. */
bool imprint_due(const struct imprint *imprint, uint64_t version);

/* Compares what is due at the ledger's version; days are the recount's, used at the newest stored version alone. *equal is set; if it is
 * false, text, of IMPRINT_DIFFERENCE_BYTES, names the first difference. Errors: MEMORY. */
enum { IMPRINT_DIFFERENCE_BYTES = 320 };
MUST_USE enum error imprint_compare(struct imprint *imprint, struct ledger *ledger, const struct curves *days,
                                    bool *equal, char *text);

#endif
