#include "ndjson.h"

#include <stdio.h>

void ndjson_init(struct ndjson *reader, const char *text, size_t size) {
    *reader = (struct ndjson){.at = text, .end = text + size};
}

void ndjson_fini(struct ndjson *reader) {
    json_decref(reader->object);
    reader->object = NULL;
}

bool ndjson_next(struct ndjson *reader) {
    json_decref(reader->object);
    reader->object = NULL;
    while (reader->at < reader->end) {
        size_t left = (size_t)(reader->end - reader->at);
        const char *end = memchr(reader->at, '\n', left);
        struct slice line = {.text = reader->at, .size = end != NULL ? (size_t)(end - reader->at) : left};
        reader->at += line.size + (end != NULL);
        reader->row++;
        reader->line = slice_trim(line);
        if (reader->line.size > 0) {
            reader->object = json_loadb(reader->line.text, reader->line.size, JSON_REJECT_DUPLICATES, NULL);
            return true;
        }
    }
    return false;
}

static void note_unknown(struct ndjson *reader, const char *key) {
    const char *found = strstr(reader->unknown, key);
    size_t used = strlen(reader->unknown);
    if (found == NULL && used + strlen(key) + 3 <= sizeof reader->unknown) {
        snprintf(reader->unknown + used, sizeof reader->unknown - used, "%s%s", used > 0 ? ", " : "", key);
    }
}

/* What a key means; index is its place in the object. */
static struct header_name name_of_key(struct ndjson *reader, size_t index, const char *key) {
    struct ndjson_key *kept = index < NDJSON_KEYS_KEPT ? &reader->keys[index] : NULL;
    if (kept != NULL && kept->text[0] != '\0' && strcmp(kept->text, key) == 0) {
        return kept->name;
    }
    struct header_name name = header_name_read(slice_of(key));
    if (name.field == FIELD_UNKNOWN) {
        note_unknown(reader, key);
    }
    size_t size = strlen(key) + 1;
    if (kept != NULL && size <= sizeof kept->text) {
        memcpy(kept->text, key, size);
        kept->name = name;
    }
    return name;
}

static bool is_figure(enum field field) {
    return field == FIELD_CONTRACT_VALUE || field == FIELD_PARTICIPANTS || field == FIELD_MIGRANTS ||
           field == FIELD_CATEGORY || field == FIELD_STATUS;
}

/* The text of a value. Integers are taken where a figure is meant: a code or a region as a number has lost its zeros
 * already, as far as one can know. */
static enum problem_kind cell_of_value(struct ndjson *reader, enum field field, const json_t *value,
                                       struct slice *cell) {
    if (json_is_string(value)) {
        *cell = (struct slice){.text = json_string_value(value), .size = json_string_length(value)};
        return PROBLEM_NONE;
    }
    if (json_is_null(value)) {
        *cell = slice_of("");
        return PROBLEM_NONE;
    }
    if (json_is_integer(value) && (is_figure(field) || field == FIELD_REGION)) {
        char *text = reader->figures[field];
        snprintf(text, sizeof reader->figures[field], "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        *cell = slice_of(text);
        return PROBLEM_NONE;
    }
    *cell = (struct slice){.text = NULL};
    return json_is_real(value) && is_figure(field) ? PROBLEM_JSON_REAL : PROBLEM_JSON_TYPE;
}

static enum problem_kind fail(struct problem *problem, enum field field, enum problem_kind kind) {
    *problem = (struct problem){.kind = kind, .field = field};
    return kind;
}

enum problem_kind ndjson_cells(struct ndjson *reader, struct row_cells *cells, struct problem *problem) {
    *cells = (struct row_cells){0};
    if (!json_is_object(reader->object)) {
        return fail(problem, FIELD_UNKNOWN, PROBLEM_JSON_SYNTAX);
    }
    const char *key;
    json_t *value;
    size_t index = 0;
    json_object_foreach(reader->object, key, value) {
        struct header_name name = name_of_key(reader, index++, key);
        if (name.field == FIELD_UNKNOWN || name.field == FIELD_REASON) {
            continue;
        }
        if (name.unit_state == HEADER_UNIT_MISSING || name.unit_state == HEADER_UNIT_UNKNOWN) {
            return fail(problem, name.field, PROBLEM_JSON_UNIT);
        }
        if (cells->present[name.field]) {
            return fail(problem, name.field, PROBLEM_TWICE);
        }
        enum problem_kind kind = cell_of_value(reader, name.field, value, &cells->cell[name.field]);
        if (kind != PROBLEM_NONE) {
            return fail(problem, name.field, kind);
        }
        cells->present[name.field] = true;
        if (name.field == FIELD_CONTRACT_VALUE) {
            cells->unit = name.unit;
        }
    }
    return PROBLEM_NONE;
}
