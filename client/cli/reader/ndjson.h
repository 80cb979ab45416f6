/* Reads NDJSON, one object a line, with the same names as the columns of a spreadsheet. Figures are strings or whole
 * numbers: a JSON real is not exact, and refused. */
#ifndef TALLY_CLIENT_CLI_READER_NDJSON_H
#define TALLY_CLIENT_CLI_READER_NDJSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/cli/reader/row.h"
#include "client/cli/reader/slice.h"

enum { NDJSON_KEYS_KEPT = 32, NDJSON_KEY_BYTES = 64 };

/* What a key was found to mean: objects of a stream have the same keys in the same order. */
struct ndjson_key {
    char text[NDJSON_KEY_BYTES];
    struct header_name name;
};

struct ndjson {
    const char *at;
    const char *end;
    uint64_t row;      /* number of the line read last, from 1 */
    struct slice line; /* the line itself */
    json_t *object;    /* it, parsed; NULL if it is none */
    char figures[FIELD_COUNT][24];
    struct ndjson_key keys[NDJSON_KEYS_KEPT];
    char unknown[HEADER_MESSAGE_BYTES]; /* keys that mean nothing here, each once, with ", " between; cut */
};

/* text must outlive the reader. Give it back with ndjson_fini. */
void ndjson_init(struct ndjson *reader, const char *text, size_t size);
void ndjson_fini(struct ndjson *reader);

/* Reads the next line that is not blank. Returns false at the end. */
bool ndjson_next(struct ndjson *reader);

/* The cells of the line read last, valid until the next. Returns PROBLEM_NONE, or what is wrong, in problem. */
enum problem_kind ndjson_cells(struct ndjson *reader, struct row_cells *cells, struct problem *problem);

#endif
