/* The Totals message of one region, made from the roll-up: the publisher sends it to subscribers, the query endpoint answers
 * with it. The message points into the struct, so that filling allocates nothing; fill and pack it in one place. */
#ifndef TALLY_DAEMON_BASE_TOTALS_H
#define TALLY_DAEMON_BASE_TOTALS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/registry.h"
#include "daemon/base/rollup.h"
#include "tally.pb-c.h"

/* No Totals packs to more: 256 cells of 2 small numbers and 4 numbers of at most 10 bytes, and 300 bytes of the rest. */
enum { TOTALS_BYTES_MAX = ROLLUP_CELLS_OF_REGION_MAX * (2 + 4 * 10) + 300 };

struct totals {
    Tally__Totals message;
    uint32_t category[ROLLUP_CELLS_OF_REGION_MAX];
    uint32_t status[ROLLUP_CELLS_OF_REGION_MAX];
    uint64_t projects[ROLLUP_CELLS_OF_REGION_MAX];
    int64_t contract_value[ROLLUP_CELLS_OF_REGION_MAX];
    int64_t participants[ROLLUP_CELLS_OF_REGION_MAX];
    int64_t migrant_participants[ROLLUP_CELLS_OF_REGION_MAX];
};

/* The present totals; a region without any project gets zeros. region is a code. The message points to the competition's
 * key. epoch and time_ms are the caller's to set in the message, as is request. */
void totals_fill(struct totals *totals, const struct rollup *rollup, const struct competition *competition,
                 uint32_t region);

/* Totals as of the end of a day, without cells. */
void totals_fill_as_of(struct totals *totals, const struct rollup *rollup, const struct competition *competition,
                       uint32_t region, uint16_t day);

#endif
