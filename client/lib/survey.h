/* What a diskbox holds when it is opened: every record is read and checked once. */
#ifndef TALLY_LIB_SURVEY_H
#define TALLY_LIB_SURVEY_H

#include <stdint.h>

#include "diskfile.h"

/* What the daemon and the outbox have agreed on; made durable with each settling. */
struct survey_numbers {
    uint64_t epoch;
    uint64_t offset;
    uint64_t settled; /* highest number with a receipt */
};

/* One table. */
struct survey_table {
    uint64_t first; /* lowest key, 0 = none */
    uint64_t last;  /* highest key, 0 = none */
    uint64_t bytes;
    uint64_t rows;
};

struct survey {
    struct survey_numbers numbers; /* 0 if no Welcome ever came */
    struct survey_table batches;
    struct survey_table waiting;
    struct survey_table refused; /* rows are not counted */
};

/* Errors  OUTBOX_DAMAGED, DISK, MEMORY. */
TALLY_MUST_USE enum tally_error survey_make(const struct diskfile *file, struct survey *survey, char *message);

/* Writes the numbers as part of a transaction; returns what LMDB says. */
int survey_put_numbers(const struct diskfile *file, MDB_txn *transaction, const struct survey_numbers *numbers);

#endif
