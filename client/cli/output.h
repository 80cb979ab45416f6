/* Writes rows as a table for people, as JSON or as CSV.
 * Money: tables show it in the unit that people use, cut; JSON carries fen as decimal strings (JavaScript and jq lose
 * integers above 2^53) under KEY_fen; CSV carries yuan with two decimals under KEY_yuan.
 * Give each row one cell for each column, in order. */
#ifndef TALLY_CLIENT_CLI_OUTPUT_H
#define TALLY_CLIENT_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/cli/language.h"

enum output_format { OUTPUT_TABLE = 0, OUTPUT_JSON, OUTPUT_CSV };

enum output_kind {
    OUTPUT_TEXT,
    OUTPUT_NUMBER,
    OUTPUT_FEN,
    OUTPUT_BYTES,
    OUTPUT_DAY,    /* 2021-10-28; 0 = none */
    OUTPUT_TIME,   /* milliseconds; ISO 8601 in China Standard Time; 0 = none */
    OUTPUT_REGION, /* six digits */
    OUTPUT_FLAG,
};

enum output_shape {
    OUTPUT_LIST,   /* any number of rows; a JSON array */
    OUTPUT_RECORD, /* exactly one; a table of names and values, a JSON object */
};

struct output_column {
    const char *key; /* in JSON and CSV */
    const char *en;  /* heading of tables */
    const char *zh;
    enum output_kind kind;
};

struct output;

/* What an option calls it; OUTPUT_TABLE for an unknown name. */
enum output_format output_format_of_name(const char *name);

/* columns must outlive the output. Returns NULL without memory; the functions below take that and do nothing. */
struct output *output_create(FILE *stream, enum output_format format, enum output_shape shape, enum language language,
                             const struct output_column *columns, size_t count);

/* For columns of kind TEXT; NULL is none. */
void output_text(struct output *output, const char *text);

/* For every other kind. */
void output_value(struct output *output, int64_t value);

/* Writes what is left and destroys. Returns false, with *output NULL, if memory or the stream failed. */
bool output_finish(struct output **output);

/* Writes text as a JSON string, quotes included. */
void output_json_string(FILE *stream, const char *text);

/* Writes text as a CSV cell, in quotes if it needs them. */
void output_csv_cell(FILE *stream, const char *text, char delimiter);

/* "2021-10-28T09:30:00+08:00". buffer has 32 bytes. Returns buffer. */
char *output_time_text(int64_t time_ms, char *buffer);

#endif
