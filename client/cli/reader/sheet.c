#include "sheet.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/cli/reader/delimited.h"
#include "client/cli/reader/header.h"
#include "client/cli/reader/ndjson.h"
#include "client/cli/reader/row.h"

enum { COLUMN_NAME_BYTES = 128, TEXT_SLOTS = SHEET_TEXT_ROWS + 1 };

struct sheet {
    struct sheet_options options;
    struct row_rules rules;
    enum sheet_format format;
    struct delimited delimited;
    struct ndjson ndjson;
    struct header header;
    char names[FIELD_COUNT][COLUMN_NAME_BYTES]; /* of the columns as the source spells them */
    bool failed;
    bool census_taken; /* rules.digits_expected is known */
    size_t texts_next;
    struct row_texts *texts; /* TEXT_SLOTS, used in turn: one more than are promised, for the row that turns out bad */
};

enum sheet_format sheet_format_of_name(const char *name) {
    static const char *const names[] = {"auto", "csv", "tsv", "ndjson"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum sheet_format)i;
        }
    }
    return SHEET_AUTO;
}

/* NDJSON begins with a brace, and no header does. */
static enum sheet_format format_detect(const char *text, size_t size) {
    struct slice start = slice_trim((struct slice){.text = text, .size = size < 4096 ? size : 4096});
    return start.size > 0 && start.text[0] == '{' ? SHEET_NDJSON : SHEET_CSV;
}

static bool read_header(struct sheet *sheet, char *message) {
    struct delimited *delimited = &sheet->delimited;
    if (!delimited_next(delimited)) {
        snprintf(message, SHEET_MESSAGE_BYTES, "is empty: the first row must name the columns");
        return false;
    }
    if (delimited->fault == DELIMITED_QUOTE_OPEN) {
        snprintf(message, SHEET_MESSAGE_BYTES, "a quote in the header is never closed: close it");
        return false;
    }
    for (size_t i = 0; i < delimited->count; i++) {
        struct slice name = slice_trim(delimited->cells[i].value);
        if (!header_add(&sheet->header, name, message)) {
            return false;
        }
        enum field field = sheet->header.fields[i];
        if (field < FIELD_COUNT) {
            snprintf(sheet->names[field], COLUMN_NAME_BYTES, "%.*s", (int)name.size, name.text);
        }
    }
    return header_complete(&sheet->header, message);
}

_Static_assert((int)SHEET_MESSAGE_BYTES >= (int)HEADER_MESSAGE_BYTES, "messages of the header must fit");

static bool start(struct sheet *sheet, char *message) {
    const struct sheet_options *options = &sheet->options;
    sheet->rules = (struct row_rules){.competition = options->competition, .today = options->today};
    sheet->format = options->format != SHEET_AUTO ? options->format : format_detect(options->text, options->size);
    sheet->rules.digits_as_they_are = options->short_codes || sheet->format == SHEET_NDJSON;
    if (sheet->format == SHEET_NDJSON) {
        ndjson_init(&sheet->ndjson, options->text, options->size);
        return true;
    }
    char delimiter = sheet->format == SHEET_TSV ? '\t' : delimited_detect(options->text, options->size);
    sheet->format = delimiter == '\t' ? SHEET_TSV : SHEET_CSV;
    delimited_init(&sheet->delimited, options->text, options->size, delimiter);
    return read_header(sheet, message);
}

bool sheet_open(const struct sheet_options *options, struct sheet **out, char *message) {
    struct sheet *sheet = calloc(1, sizeof *sheet);
    if (sheet == NULL) {
        goto fail;
    }
    sheet->options = *options;
    sheet->texts = malloc(TEXT_SLOTS * sizeof *sheet->texts);
    if (sheet->texts == NULL) {
        goto fail;
    }
    if (!start(sheet, message)) {
        sheet_close(&sheet);
        return false;
    }
    *out = sheet;
    return true;
fail:
    snprintf(message, SHEET_MESSAGE_BYTES, "not enough memory");
    sheet_close(&sheet);
    return false;
}

void sheet_close(struct sheet **sheet) {
    if (*sheet != NULL) {
        delimited_fini(&(*sheet)->delimited);
        ndjson_fini(&(*sheet)->ndjson);
        free((*sheet)->texts);
        free(*sheet);
        *sheet = NULL;
    }
}

/* The length that most codes of digits only have in the source: shorter ones have probably lost leading zeros. One more
 * pass over the source, taken when the first such code is met. */
static size_t usual_digits(const struct sheet *sheet) {
    size_t column = sheet->header.column[FIELD_CODE];
    size_t counts[PROJECT_CODE_BYTES_MAX + 1] = {0};
    struct delimited *census = malloc(sizeof *census);
    if (census == NULL) {
        return 0;
    }
    delimited_init(census, sheet->options.text, sheet->options.size, sheet->delimited.delimiter);
    while (delimited_next(census)) {
        struct slice code = column < census->count ? slice_trim(census->cells[column].value) : (struct slice){0};
        if (code.size <= PROJECT_CODE_BYTES_MAX && slice_digits(code)) {
            counts[code.size]++;
        }
    }
    delimited_fini(census);
    free(census);
    size_t usual = 0;
    for (size_t length = 1; length <= PROJECT_CODE_BYTES_MAX; length++) {
        usual = counts[length] > 0 && counts[length] >= counts[usual] ? length : usual;
    }
    return usual;
}

static void take_census(struct sheet *sheet, struct slice code) {
    if (!sheet->census_taken && !sheet->options.short_codes && slice_digits(slice_trim(code))) {
        sheet->rules.digits_expected = usual_digits(sheet);
        sheet->census_taken = true;
    }
}

/* Whether every cell beyond the header's columns is empty, as spreadsheets leave them behind. */
static bool surplus_empty(const struct sheet *sheet) {
    for (size_t i = sheet->header.count; i < sheet->delimited.count; i++) {
        if (slice_trim(sheet->delimited.cells[i].value).size > 0) {
            return false;
        }
    }
    return true;
}

static enum problem_kind delimited_problem(const struct sheet *sheet) {
    switch (sheet->delimited.fault) {
    case DELIMITED_QUOTE_OPEN:
        return PROBLEM_QUOTE_OPEN;
    case DELIMITED_QUOTE_STRAY:
        return PROBLEM_QUOTE_STRAY;
    case DELIMITED_CELLS_TOO_MANY:
        return PROBLEM_CELLS_TOO_MANY;
    default:
        return surplus_empty(sheet) ? PROBLEM_NONE : PROBLEM_CELLS_TOO_MANY;
    }
}

static bool next_delimited(struct sheet *sheet, struct row_cells *cells, struct sheet_row *row) {
    struct delimited *delimited = &sheet->delimited;
    if (!delimited_next(delimited)) {
        sheet->failed = delimited->at < delimited->end;
        return false;
    }
    row->row = delimited->row;
    row->problem = (struct problem){.kind = delimited_problem(sheet), .field = FIELD_UNKNOWN};
    cells->unit = sheet->header.unit;
    for (enum field field = 0; field < FIELD_COUNT; field++) {
        size_t column = sheet->header.column[field];
        cells->present[field] = sheet->header.present[field];
        cells->cell[field] = cells->present[field] && column < delimited->count ? delimited->cells[column].value
                                                                                : (struct slice){.text = "", .size = 0};
    }
    take_census(sheet, cells->cell[FIELD_CODE]);
    return true;
}

static bool next_ndjson(struct sheet *sheet, struct row_cells *cells, struct sheet_row *row) {
    if (!ndjson_next(&sheet->ndjson)) {
        return false;
    }
    row->row = sheet->ndjson.row;
    row->problem = (struct problem){.kind = PROBLEM_NONE, .field = FIELD_UNKNOWN};
    row->problem.kind = ndjson_cells(&sheet->ndjson, cells, &row->problem);
    return true;
}

bool sheet_next(struct sheet *sheet, struct sheet_row *row) {
    struct row_cells cells;
    bool found = sheet->format == SHEET_NDJSON ? next_ndjson(sheet, &cells, row) : next_delimited(sheet, &cells, row);
    if (found && row->problem.kind == PROBLEM_NONE) {
        struct row_texts *texts = &sheet->texts[sheet->texts_next];
        if (row_read(&cells, &sheet->rules, texts, &row->project, &row->problem) == PROBLEM_NONE) {
            sheet->texts_next = (sheet->texts_next + 1) % TEXT_SLOTS;
        }
    }
    return found;
}

bool sheet_failed(const struct sheet *sheet) {
    return sheet->failed;
}

size_t sheet_position(const struct sheet *sheet) {
    const char *at = sheet->format == SHEET_NDJSON ? sheet->ndjson.at : sheet->delimited.at;
    return (size_t)(at - sheet->options.text);
}

const char *sheet_column_name(const struct sheet *sheet, enum field field) {
    if (field < FIELD_COUNT && sheet->names[field][0] != '\0') {
        return sheet->names[field];
    }
    return header_field_name(field, sheet->header.language);
}

const char *sheet_ignored(const struct sheet *sheet) {
    return sheet->format == SHEET_NDJSON ? sheet->ndjson.unknown : sheet->header.unknown;
}

bool sheet_has_column(const struct sheet *sheet, enum field field) {
    return sheet->format == SHEET_NDJSON || sheet->header.present[field];
}

enum sheet_format sheet_found(const struct sheet *sheet) {
    return sheet->format;
}

enum language sheet_language(const struct sheet *sheet) {
    return sheet->header.language;
}

char sheet_delimiter(const struct sheet *sheet) {
    return sheet->delimited.delimiter;
}
