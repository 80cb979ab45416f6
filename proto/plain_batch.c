#include "plain_batch.h"

#include <string.h>

#include "limits.h"

/* Field numbers of tally.proto. */
enum field {
    FIELD_SEQUENCE = 1,
    FIELD_COMPETITION,
    FIELD_CODE,
    FIELD_CODE_BYTES,
    FIELD_REGION,
    FIELD_CATEGORY,
    FIELD_STATUS,
    FIELD_CONTRACT_VALUE,
    FIELD_PARTICIPANTS,
    FIELD_MIGRANT_PARTICIPANTS,
    FIELD_EFFECTIVE_DAY,
    FIELD_NAME,
    FIELD_CONTRACTOR,
    FIELD_START_DAY,
    FIELD_COMPLETION_DAY,
    FIELDS,
};

enum { WIRE_64_BIT = 1, WIRE_BYTES = 2 };

/* Loads of eight bytes stay within the body: numbers nearer to its end are read byte by byte. */
enum { LOAD_BYTES = 8 };

#define HIGH_BITS UINT64_C(0x8080808080808080)

struct span {
    const uint8_t *at;
    size_t size;
};

/* Where the fields are. The spans of absent ones are empty. */
struct plain {
    const uint8_t *end; /* of the body */
    struct span spans[FIELDS];
};

/* ---- fields ---- */

/* The length of a field, of at most three bytes: no body is longer than 2^21. Returns the place after it, NULL if it is not
 * plain. */
static const uint8_t *read_length(const uint8_t *at, const uint8_t *end, size_t *length) {
    *length = 0;
    for (unsigned shift = 0; shift < 21 && at < end; shift += 7) {
        *length |= (size_t)(*at & 0x7F) << shift;
        if (*at++ < 0x80) {
            return at;
        }
    }
    return NULL;
}

static bool find_fields(const uint8_t *at, struct plain *plain) {
    unsigned last_field = 0;
    while (at < plain->end) {
        unsigned field = *at >> 3;
        unsigned wire = *at & 7;
        at++;
        if (field <= last_field || field >= FIELDS) {
            return false;
        }
        last_field = field;
        size_t size = sizeof(uint64_t);
        if (field != FIELD_SEQUENCE) {
            at = wire == WIRE_BYTES ? read_length(at, plain->end, &size) : NULL;
        } else if (wire != WIRE_64_BIT) {
            return false;
        }
        if (at == NULL || size > (size_t)(plain->end - at)) {
            return false;
        }
        plain->spans[field] = (struct span){at, size};
        at += size;
    }
    /* An only row's empty text is a field without bytes, but it is there. */
    return plain->spans[FIELD_NAME].at == NULL && plain->spans[FIELD_CONTRACTOR].at == NULL;
}

/* ---- columns of small numbers ---- */

static bool all_single(const uint8_t *bytes, size_t size) {
    uint8_t high = 0;
    for (size_t i = 0; i < size; i++) {
        high |= bytes[i];
    }
    return high < 0x80;
}

static void widen(const uint8_t *bytes, size_t size, uint32_t *out) {
    for (size_t i = 0; i < size; i++) {
        out[i] = bytes[i];
    }
}

/* One number of at most four bytes; false if it is longer or the end comes first. */
static inline bool read_small(const uint8_t **at, const uint8_t *end, uint32_t *out) {
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* Region codes all take three bytes and days mostly do: foreseen, such a number costs no more than a load. */
static bool read_small_column(const struct span *span, size_t rows, uint32_t *out) {
    if (span->size == rows && all_single(span->at, span->size)) {
        widen(span->at, rows, out);
        return true;
    }
    const uint8_t *at = span->at;
    const uint8_t *end = at + span->size;
    size_t row = 0;
    while (row < rows && end - at >= 4) {
        uint32_t four;
        memcpy(&four, at, sizeof four);
        if ((four & 0x808080) == 0x8080) {
            out[row++] = (four & 0x7F) | (four >> 1 & 0x7F << 7) | (four >> 2 & 0x7F << 14);
            at += 3;
        } else if (!read_small(&at, end, &out[row++])) {
            return false;
        }
    }
    while (row < rows) {
        if (!read_small(&at, end, &out[row++])) {
            return false;
        }
    }
    return at == end;
}

/* ---- columns of figures ---- */

/* The number that begins with the lowest of the eight bytes, and how many of them it takes; 0 if more than eight. Without a
 * branch on how many, which nobody could foresee. */
static inline uint64_t cut_number(uint64_t eight, size_t *size) {
    uint64_t stops = ~eight & HIGH_BITS;
    *size = stops == 0 ? 0 : (size_t)(__builtin_ctzll(stops) >> 3) + 1;
    uint64_t value = eight & (stops ^ (stops - 1)) & ~HIGH_BITS;
    value = (value & UINT64_C(0x007F007F007F007F)) | (value & UINT64_C(0x7F007F007F007F00)) >> 1;
    value = (value & UINT64_C(0x00003FFF00003FFF)) | (value & UINT64_C(0x3FFF00003FFF0000)) >> 2;
    return (value & UINT64_C(0x000000000FFFFFFF)) | (value & UINT64_C(0x0FFFFFFF00000000)) >> 4;
}

static inline bool read_figure(const uint8_t **at, int64_t *out) {
    uint64_t eight;
    size_t size;
    memcpy(&eight, *at, sizeof eight);
    *out = (int64_t)cut_number(eight, &size);
    *at += size;
    return size != 0;
}

/* Near the end of the body. */
static bool read_last_figure(const uint8_t **at, const uint8_t *end, int64_t *out) {
    uint64_t eight = 0;
    size_t left = (size_t)(end - *at);
    memcpy(&eight, *at, left < LOAD_BYTES ? left : LOAD_BYTES);
    size_t size;
    *out = (int64_t)cut_number(eight, &size);
    *at += size;
    return size != 0 && size <= left;
}

/* The three side by side: where each number ends is known only when it is read, and so three such waits pass as one. */
static bool read_figures(const struct plain *plain, size_t rows, int64_t *values, int64_t *heads, int64_t *migrants) {
    const uint8_t *value = plain->spans[FIELD_CONTRACT_VALUE].at;
    const uint8_t *head = plain->spans[FIELD_PARTICIPANTS].at;
    const uint8_t *migrant = plain->spans[FIELD_MIGRANT_PARTICIPANTS].at;
    size_t row = 0;
    bool fine = true;
    /* migrant is the last of them: when it has eight bytes before the end, so have the others. */
    for (; row < rows && plain->end - migrant >= LOAD_BYTES && fine; row++) {
        fine = value < migrant && head < migrant;
        fine = fine && read_figure(&value, &values[row]);
        fine = fine && read_figure(&head, &heads[row]);
        fine = fine && read_figure(&migrant, &migrants[row]);
    }
    for (; row < rows && fine; row++) {
        fine = read_last_figure(&value, plain->end, &values[row]) && read_last_figure(&head, plain->end, &heads[row]) &&
               read_last_figure(&migrant, plain->end, &migrants[row]);
    }
    const struct span *last = plain->spans;
    return fine && value == last[FIELD_CONTRACT_VALUE].at + last[FIELD_CONTRACT_VALUE].size &&
           head == last[FIELD_PARTICIPANTS].at + last[FIELD_PARTICIPANTS].size &&
           migrant == last[FIELD_MIGRANT_PARTICIPANTS].at + last[FIELD_MIGRANT_PARTICIPANTS].size;
}

/* ---- the batch ---- */

static void *column_room(struct arena *arena, size_t rows, size_t value_bytes) {
    return arena_allocate(arena, rows * value_bytes);
}

/* Reads one of the columns of small numbers; NULL if it is not plain or the arena is full. */
static const uint32_t *small_column(const struct plain *plain, enum field field, size_t rows, struct arena *arena) {
    uint32_t *column = column_room(arena, rows, sizeof *column);
    return column != NULL && read_small_column(&plain->spans[field], rows, column) ? column : NULL;
}

/* The same for one that may be absent. Returns whether it is as it should be. */
static bool optional_column(const struct plain *plain, enum field field, size_t rows, struct arena *arena,
                            const uint32_t **column) {
    *column = plain->spans[field].size > 0 ? small_column(plain, field, rows, arena) : NULL;
    return plain->spans[field].size == 0 || *column != NULL;
}

static bool read_small_columns(const struct plain *plain, struct arena *arena, struct batch *batch) {
    size_t rows = batch->rows;
    batch->code_bytes = small_column(plain, FIELD_CODE_BYTES, rows, arena);
    batch->region = small_column(plain, FIELD_REGION, rows, arena);
    batch->category = small_column(plain, FIELD_CATEGORY, rows, arena);
    batch->status = small_column(plain, FIELD_STATUS, rows, arena);
    return batch->code_bytes != NULL && batch->region != NULL && batch->category != NULL && batch->status != NULL &&
           optional_column(plain, FIELD_EFFECTIVE_DAY, rows, arena, &batch->effective_day) &&
           optional_column(plain, FIELD_START_DAY, rows, arena, &batch->start_day) &&
           optional_column(plain, FIELD_COMPLETION_DAY, rows, arena, &batch->completion_day);
}

static bool read_figure_columns(const struct plain *plain, struct arena *arena, struct batch *batch) {
    int64_t *values = column_room(arena, batch->rows, sizeof *values);
    int64_t *heads = column_room(arena, batch->rows, sizeof *heads);
    int64_t *migrants = column_room(arena, batch->rows, sizeof *migrants);
    batch->contract_value = values;
    batch->participants = heads;
    batch->migrant_participants = migrants;
    return values != NULL && heads != NULL && migrants != NULL &&
           read_figures(plain, batch->rows, values, heads, migrants);
}

static bool read_code(const struct plain *plain, struct batch *batch) {
    uint64_t sum = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        sum += batch->code_bytes[row];
    }
    batch->code = plain->spans[FIELD_CODE].at;
    batch->code_bytes_sum = plain->spans[FIELD_CODE].size;
    return sum == batch->code_bytes_sum && sum > 0;
}

static bool read_competition(const struct span *span, struct arena *arena, struct batch *batch) {
    char *competition = arena_allocate(arena, span->size + 1);
    if (competition == NULL) {
        return false;
    }
    memcpy(competition, span->at, span->size);
    competition[span->size] = 0;
    batch->competition = competition;
    return true;
}

static bool read_all(const struct plain *plain, struct arena *arena, struct batch *batch) {
    static const enum field always[] = {
        FIELD_SEQUENCE, FIELD_COMPETITION, FIELD_CODE,           FIELD_CODE_BYTES,   FIELD_REGION,
        FIELD_CATEGORY, FIELD_STATUS,      FIELD_CONTRACT_VALUE, FIELD_PARTICIPANTS, FIELD_MIGRANT_PARTICIPANTS};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (plain->spans[always[i]].size == 0) {
            return false;
        }
    }
    memcpy(&batch->sequence, plain->spans[FIELD_SEQUENCE].at, sizeof batch->sequence);
    batch->rows = plain->spans[FIELD_CODE_BYTES].size; /* no length of a code takes two bytes */
    return batch->rows <= BATCH_ROWS_MAX && read_competition(&plain->spans[FIELD_COMPETITION], arena, batch) &&
           read_small_columns(plain, arena, batch) && read_code(plain, batch) &&
           read_figure_columns(plain, arena, batch);
}

bool plain_batch_read(const uint8_t *bytes, size_t size, struct arena *arena, struct batch *batch) {
    struct plain plain = {.end = bytes + size};
    struct batch read = {0};
    size_t used = arena->used;
    if (!find_fields(bytes, &plain) || !read_all(&plain, arena, &read)) {
        arena->used = used;
        return false;
    }
    *batch = read;
    return true;
}
