#include "delimited.h"

#include <stdlib.h>

char delimited_detect(const char *text, size_t size) {
    static const char candidates[] = {',', '\t', ';'};
    size_t counts[sizeof candidates] = {0};
    bool quoted = false;
    bool seen = false;
    for (size_t i = 0; i < size; i++) {
        char character = text[i];
        quoted ^= character == '"';
        if (!quoted && (character == '\n' || character == '\r')) {
            if (seen) {
                break;
            }
            continue;
        }
        seen = true;
        for (size_t j = 0; !quoted && j < sizeof candidates; j++) {
            counts[j] += character == candidates[j];
        }
    }
    size_t best = 0;
    for (size_t j = 1; j < sizeof candidates; j++) {
        best = counts[j] > counts[best] ? j : best;
    }
    return candidates[best];
}

void delimited_init(struct delimited *reader, const char *text, size_t size, char delimiter) {
    reader->at = text;
    reader->end = text + size;
    reader->delimiter = delimiter;
    reader->row = 0;
    reader->count = 0;
    reader->fault = DELIMITED_FINE;
    reader->scratch = NULL;
    reader->scratch_size = 0;
    reader->scratch_used = 0;
}

void delimited_fini(struct delimited *reader) {
    free(reader->scratch);
    reader->scratch = NULL;
}

static bool at_cell_end(const struct delimited *reader, const char *at) {
    return at == reader->end || *at == reader->delimiter || *at == '\n' || *at == '\r';
}

static const char *plain_end(const struct delimited *reader, const char *at) {
    const char delimiter = reader->delimiter;
    const char *end = reader->end;
    while (at < end && *at != delimiter && *at != '\n' && *at != '\r') {
        at++;
    }
    return at;
}

/* Points value at a copy in the scratch, without the doubling of its quotes. The scratch grows when it must. */
static bool undouble(struct delimited *reader, struct slice *value) {
    if (reader->scratch_size - reader->scratch_used < value->size) {
        size_t size = 2 * (reader->scratch_used + value->size) + 1024;
        char *grown = malloc(size);
        if (grown == NULL) {
            return false;
        }
        /* Cells of this row may point into the old scratch: move them along. */
        for (size_t i = 0; i < reader->count; i++) {
            const char *text = reader->cells[i].value.text;
            if (reader->scratch != NULL && text >= reader->scratch && text < reader->scratch + reader->scratch_used) {
                reader->cells[i].value.text = grown + (text - reader->scratch);
            }
        }
        if (reader->scratch_used > 0) {
            memcpy(grown, reader->scratch, reader->scratch_used);
        }
        free(reader->scratch);
        reader->scratch = grown;
        reader->scratch_size = size;
    }
    char *out = reader->scratch + reader->scratch_used;
    size_t used = 0;
    for (size_t i = 0; i < value->size; i++) {
        out[used++] = value->text[i];
        i += value->text[i] == '"';
    }
    *value = (struct slice){.text = out, .size = used};
    reader->scratch_used += used;
    return true;
}

/* Reads a cell that begins with a quote at reader->at. Sets at behind it. */
static bool read_quoted(struct delimited *reader, struct delimited_cell *cell) {
    const char *start = reader->at + 1;
    const char *at = start;
    bool doubled = false;
    for (;;) {
        at = memchr(at, '"', (size_t)(reader->end - at));
        if (at == NULL || at + 1 == reader->end || at[1] != '"') {
            break;
        }
        doubled = true;
        at += 2;
    }
    if (at == NULL) {
        reader->fault = DELIMITED_QUOTE_OPEN;
        cell->value = (struct slice){.text = start, .size = (size_t)(reader->end - start)};
        cell->raw = (struct slice){.text = reader->at, .size = (size_t)(reader->end - reader->at)};
        reader->at = reader->end;
        return true;
    }
    cell->value = (struct slice){.text = start, .size = (size_t)(at - start)};
    const char *end = at + 1;
    if (!at_cell_end(reader, end)) {
        end = plain_end(reader, end);
        struct slice tail = {.text = at + 1, .size = (size_t)(end - at - 1)};
        reader->fault = slice_trim(tail).size > 0 ? DELIMITED_QUOTE_STRAY : reader->fault;
    }
    cell->raw = (struct slice){.text = reader->at, .size = (size_t)(end - reader->at)};
    reader->at = end;
    return !doubled || undouble(reader, &cell->value);
}

static void read_plain(struct delimited *reader, struct delimited_cell *cell) {
    const char *end = plain_end(reader, reader->at);
    cell->raw = (struct slice){.text = reader->at, .size = (size_t)(end - reader->at)};
    cell->value = cell->raw;
    reader->at = end;
}

static void skip_line_end(struct delimited *reader) {
    if (reader->at < reader->end && *reader->at == '\r') {
        reader->at++;
        if (reader->at == reader->end || *reader->at != '\n') {
            return;
        }
    }
    if (reader->at < reader->end && *reader->at == '\n') {
        reader->at++;
    }
}

static bool read_row(struct delimited *reader) {
    reader->count = 0;
    reader->scratch_used = 0;
    reader->fault = DELIMITED_FINE;
    for (;;) {
        struct delimited_cell cell;
        if (reader->at < reader->end && *reader->at == '"') {
            if (!read_quoted(reader, &cell)) {
                return false;
            }
        } else {
            read_plain(reader, &cell);
        }
        if (reader->count < DELIMITED_CELLS_MAX) {
            reader->cells[reader->count++] = cell;
        } else if (reader->fault == DELIMITED_FINE) {
            reader->fault = DELIMITED_CELLS_TOO_MANY;
        }
        if (reader->at == reader->end || *reader->at != reader->delimiter) {
            break;
        }
        reader->at++;
    }
    reader->row++;
    skip_line_end(reader);
    return true;
}

/* Excel saves empty rows as nothing but delimiters. */
static bool row_empty(const struct delimited *reader) {
    for (size_t i = 0; i < reader->count; i++) {
        if (slice_trim(reader->cells[i].value).size > 0) {
            return false;
        }
    }
    return reader->fault == DELIMITED_FINE;
}

bool delimited_next(struct delimited *reader) {
    while (reader->at < reader->end) {
        if (!read_row(reader)) {
            return false;
        }
        if (!row_empty(reader)) {
            return true;
        }
    }
    return false;
}
