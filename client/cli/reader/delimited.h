/* Reads CSV and TSV (RFC 4180: quotes, doubled quotes, delimiters and line ends within quotes) from text in memory, a
 * row at a time, and keeps each cell as it stands in the source, so that it can be written again untouched.
 * Rows are numbered as a spreadsheet shows them: the first is 1, empty ones count, a line end within quotes does not. */
#ifndef TALLY_CLIENT_CLI_READER_DELIMITED_H
#define TALLY_CLIENT_CLI_READER_DELIMITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/cli/reader/slice.h"

enum { DELIMITED_CELLS_MAX = 256 };

enum delimited_fault {
    DELIMITED_FINE = 0,
    DELIMITED_QUOTE_OPEN,     /* a quote is never closed: everything up to the end of the text is in this row */
    DELIMITED_QUOTE_STRAY,    /* text after a closing quote */
    DELIMITED_CELLS_TOO_MANY, /* more than DELIMITED_CELLS_MAX; the rest is left out */
};

struct delimited_cell {
    struct slice value; /* without its quotes */
    struct slice raw;   /* as in the source, quotes included */
};

struct delimited {
    const char *at;
    const char *end;
    char delimiter;
    uint64_t row; /* number of the row read last */
    size_t count; /* cells in it */
    enum delimited_fault fault;
    struct delimited_cell cells[DELIMITED_CELLS_MAX]; /* valid until the next row is read */
    char *scratch;                                    /* values that had doubled quotes */
    size_t scratch_size;
    size_t scratch_used;
};

/* The character that separates the cells of the text's first row: tab, semicolon or comma, whichever it has most of. */
char delimited_detect(const char *text, size_t size);

/* text must outlive the reader. Give it back with delimited_fini. */
void delimited_init(struct delimited *reader, const char *text, size_t size, char delimiter);
void delimited_fini(struct delimited *reader);

/* Reads the next row that is not empty into cells. Returns false at the end, or without memory (then at is not end). */
bool delimited_next(struct delimited *reader);

#endif
