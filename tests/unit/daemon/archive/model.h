/* What the stored state must be after a history, worked out in the plainest way: trees, one row after the other, nothing
 * shared with the code under test but the decoding of batches. */
#ifndef TALLY_TESTS_UNIT_DAEMON_ARCHIVE_MODEL_H
#define TALLY_TESTS_UNIT_DAEMON_ARCHIVE_MODEL_H

#include <stdint.h>

#include "daemon/archive/state.h"
#include "tests/support/entries.h"

struct model;

/* projects_max as the ledger's. */
struct model *model_create(uint64_t projects_max);
void model_destroy(struct model *model);

/* Takes in the entries up to a version. */
void model_follow(struct model *model, struct entries *entries, uint64_t version);

/* How many rows were refused with the code, so that a test can see that it tests something. */
uint64_t model_refused(const struct model *model, unsigned code);
uint64_t model_unchanged(const struct model *model);
uint64_t model_projects(const struct model *model);

/* Fails the test unless the state is complete and holds exactly what the model does. */
void model_check(const struct model *model, struct state *state);

#endif
