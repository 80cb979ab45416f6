/* A ledger that is told one row at a time, for tests of its rules. Fails the test where it cannot do its work. */
#ifndef TALLY_TESTS_UNIT_DAEMON_LEDGER_TELLER_H
#define TALLY_TESTS_UNIT_DAEMON_LEDGER_TELLER_H

#include <stdint.h>

#include "daemon/ledger/ledger.h"
#include "tests/support/columns.h"
#include "tests/support/sums_map.h"

/* Defined from the start: competitions 0 and 1, nodes 0 to 2. */
enum {
    TELLER_COMPETITIONS = 2,
    TELLER_NODES = 3,
    TELLER_FIRST_DAY = 18700,
    TELLER_STATUS_COUNTING = 0,
    TELLER_STATUS_ALSO_COUNTING = 1,
    TELLER_STATUS_NOT_COUNTING = 2,
};

struct teller {
    struct ledger *ledger;
    struct entry *entry; /* the last one told */
    struct columns *columns;
    struct snapshot snapshot;
    struct sums_map cells; /* by cell key, as the snapshots told them */
};

void teller_init(struct teller *teller, uint64_t projects_max);
void teller_fini(struct teller *teller);

/* The next entry of the node, applied; its verdict. day is the day of receipt. */
enum refusal teller_tell(struct teller *teller, uint16_t node, uint16_t competition, uint16_t day,
                         const struct columns_row *row);

void teller_define(struct teller *teller, enum entry_kind kind, const struct definition *definition);

/* Refuses the node's next batch as a whole. */
void teller_refuse_batch(struct teller *teller, uint16_t node, uint32_t rows, enum refusal code);

/* The present sums of a cell, by way of the next snapshot. */
struct sums teller_cell(struct teller *teller, uint16_t competition, uint32_t region, uint8_t category, uint8_t status);

#endif
