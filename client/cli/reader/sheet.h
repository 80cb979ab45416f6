/* Reads the rows of a spreadsheet or of NDJSON as projects, each with what is wrong with it if it is none.
 * The flow: source (bytes) -> encoding (UTF-8) -> delimited or ndjson (cells) -> row (project or problem). */
#ifndef TALLY_CLIENT_CLI_READER_SHEET_H
#define TALLY_CLIENT_CLI_READER_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

#include "client/cli/language.h"
#include "client/cli/reader/problem.h"
#include "client/cli/reader/slice.h"

enum sheet_format { SHEET_AUTO = 0, SHEET_CSV, SHEET_TSV, SHEET_NDJSON };

enum { SHEET_TEXT_ROWS = 4096, SHEET_MESSAGE_BYTES = 512 };

struct sheet_options {
    const char *text; /* UTF-8; must outlive the sheet, as must the competition */
    size_t size;
    enum sheet_format format;
    const struct tally_competition *competition;
    uint32_t today;
    bool short_codes; /* do not compare the lengths of codes of digits only */
};

struct sheet_row {
    uint64_t row;                 /* as the spreadsheet shows it, the header is 1; for NDJSON the line */
    struct tally_project project; /* valid until SHEET_TEXT_ROWS further projects were read; tag is 0 */
    struct problem problem;       /* PROBLEM_NONE, or why it is no project; valid until the next row */
};

struct sheet;

/* What an option calls it; SHEET_AUTO for an unknown name. */
enum sheet_format sheet_format_of_name(const char *name);

/* Reads the header, if the format has one. Returns false with a sentence for people in message (SHEET_MESSAGE_BYTES)
 * if the columns cannot be used, or without memory. */
bool sheet_open(const struct sheet_options *options, struct sheet **sheet, char *message);
void sheet_close(struct sheet **sheet);

/* Reads the next row that is not empty. Returns false at the end. */
bool sheet_next(struct sheet *sheet, struct sheet_row *row);

/* Whether reading stopped early, for want of memory. */
bool sheet_failed(const struct sheet *sheet);

/* Bytes read so far, of options.size. */
size_t sheet_position(const struct sheet *sheet);

/* How the source calls a field, such as 合同造价(万元); the usual name where the source has none. */
const char *sheet_column_name(const struct sheet *sheet, enum field field);

/* Names of columns or keys that were ignored so far, with ", " between; "" = none. */
const char *sheet_ignored(const struct sheet *sheet);

/* Whether the source has a column of the field. For NDJSON always true. */
bool sheet_has_column(const struct sheet *sheet, enum field field);

/* The format that was found, the language of the header, and the delimiter. */
enum sheet_format sheet_found(const struct sheet *sheet);
enum language sheet_language(const struct sheet *sheet);
char sheet_delimiter(const struct sheet *sheet);

#endif
