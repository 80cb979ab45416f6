/* A batch for tests, built row by row: the columns that struct batch points to. */
#ifndef TALLY_TESTS_SUPPORT_COLUMNS_H
#define TALLY_TESTS_SUPPORT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/batch.h"

enum {
    COLUMNS_ROWS_MAX = BATCH_ROWS_MAX + 1, /* one more than a batch may have */
    COLUMNS_CODE_BYTES_MAX = 1 << 20,
};

/* One row. Texts are borrowed and outlive the columns; what is left out is 0 or empty. */
struct columns_row {
    const char *code;
    uint32_t region;
    uint32_t category;
    uint32_t status;
    int64_t contract_value; /* fen */
    int64_t participants;
    int64_t migrant_participants;
    uint32_t effective_day;
    const char *name;
    const char *contractor;
    uint32_t start_day;
    uint32_t completion_day;
};

/* Which of the optional columns the batch has. */
struct columns_present {
    bool effective_day;
    bool name;
    bool contractor;
    bool start_day;
    bool completion_day;
};

struct columns {
    size_t rows;
    size_t code_bytes_sum;
    uint8_t code[COLUMNS_CODE_BYTES_MAX];
    uint32_t code_bytes[COLUMNS_ROWS_MAX];
    uint32_t region[COLUMNS_ROWS_MAX];
    uint32_t category[COLUMNS_ROWS_MAX];
    uint32_t status[COLUMNS_ROWS_MAX];
    int64_t contract_value[COLUMNS_ROWS_MAX];
    int64_t participants[COLUMNS_ROWS_MAX];
    int64_t migrant_participants[COLUMNS_ROWS_MAX];
    uint32_t effective_day[COLUMNS_ROWS_MAX];
    char *name[COLUMNS_ROWS_MAX];
    char *contractor[COLUMNS_ROWS_MAX];
    uint32_t start_day[COLUMNS_ROWS_MAX];
    uint32_t completion_day[COLUMNS_ROWS_MAX];
};

/* Empty columns on the heap; the test ends if memory is out. Freed with free. */
struct columns *columns_create(void);

void columns_clear(struct columns *columns);

/* Adds a row; there is room (checked). */
void columns_add(struct columns *columns, const struct columns_row *row);

/* The batch: it borrows the columns. */
struct batch columns_batch(const struct columns *columns, struct columns_present present, uint64_t sequence,
                           const char *competition);

/* The batch in the bytes of the wire, malloc'd. */
uint8_t *columns_encode(const struct batch *batch, size_t *size);

#endif
