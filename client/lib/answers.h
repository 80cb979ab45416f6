/* Turns the daemon's answers into the ones of the public API, after checking that their columns are even. body_bytes is
 * the size of the packed message and bounds what its texts take.
 * Errors  PROTOCOL (columns uneven or absurd), MEMORY; then nothing is to be freed. */
#ifndef TALLY_LIB_ANSWERS_H
#define TALLY_LIB_ANSWERS_H

#include <stddef.h>

#include "tally.pb-c.h"
#include "tally/tally.h"

TALLY_MUST_USE enum tally_error answers_totals(const Tally__Totals *message, size_t body_bytes,
                                               struct tally_totals_answer **answer);
TALLY_MUST_USE enum tally_error answers_regions(const Tally__Regions *message, size_t body_bytes,
                                                struct tally_regions_answer **answer);
TALLY_MUST_USE enum tally_error answers_projects(const Tally__Projects *message, size_t body_bytes,
                                                 struct tally_projects_answer **answer);
TALLY_MUST_USE enum tally_error answers_history(const Tally__History *message, size_t body_bytes,
                                                struct tally_history_answer **answer);
TALLY_MUST_USE enum tally_error answers_nodes(const Tally__Nodes *message, size_t body_bytes,
                                              struct tally_nodes_answer **answer);
TALLY_MUST_USE enum tally_error answers_competitions(const Tally__Competitions *message, size_t body_bytes,
                                                     struct tally_competitions_answer **answer);
TALLY_MUST_USE enum tally_error answers_status(const Tally__Status *message, size_t body_bytes,
                                               struct tally_status_answer **answer);
TALLY_MUST_USE enum tally_error answers_verification(const Tally__Verification *message, size_t body_bytes,
                                                     struct tally_verification_answer **answer);

#endif
