#include "builder.h"

#include <stdlib.h>
#include <string.h>

#include "proto/batch.h"

/* Longest protobuf varints: 5 bytes for 32 bits, 10 for 64; lengths up to 4,096 take 2, and a text has a 1-byte tag. */
enum {
    ROW_FIGURES_BYTES_MAX = 2 + 3 * 5 + 3 * 10 + 3 * 5,
    TEXT_HEAD_BYTES = 3,
    BATCH_HEAD_BYTES = 256, /* sequence, competition, and tag and length of each column */
    TEXT_ROOM_BYTES = BATCH_BYTES_MAX + 2 * BATCH_ROWS_MAX,
};

_Static_assert(BATCH_HEAD_BYTES + BATCH_ROWS_MAX * (ROW_FIGURES_BYTES_MAX + PROJECT_CODE_BYTES_MAX) <= BATCH_BYTES_MAX,
               "a full batch of figures must never have to be split by its bytes");

/* Which optional columns a row has. Both dates go together. */
enum { SHAPE_NAME = 1, SHAPE_CONTRACTOR = 2, SHAPE_DATES = 4 };

struct builder {
    struct builder_mark end;
    unsigned shape; /* of the rows there, if any */
    bool effective_days;
    char competition[COMPETITION_KEY_BYTES_MAX + 1];
    uint32_t code_bytes[BATCH_ROWS_MAX];
    uint32_t region[BATCH_ROWS_MAX];
    uint32_t category[BATCH_ROWS_MAX];
    uint32_t status[BATCH_ROWS_MAX];
    int64_t contract_value[BATCH_ROWS_MAX];
    int64_t participants[BATCH_ROWS_MAX];
    int64_t migrant_participants[BATCH_ROWS_MAX];
    uint32_t effective_day[BATCH_ROWS_MAX];
    uint32_t start_day[BATCH_ROWS_MAX];
    uint32_t completion_day[BATCH_ROWS_MAX];
    uint64_t tag[BATCH_ROWS_MAX];
    char *name[BATCH_ROWS_MAX]; /* into text, as is contractor */
    char *contractor[BATCH_ROWS_MAX];
    uint8_t code[BATCH_BYTES_MAX];
    char text[TEXT_ROOM_BYTES];
};

struct builder *builder_create(void) {
    return calloc(1, sizeof(struct builder));
}

void builder_destroy(struct builder *builder) {
    free(builder);
}

void builder_start(struct builder *builder, const char *competition) {
    builder->end = (struct builder_mark){0};
    builder->shape = 0;
    builder->effective_days = false;
    strncpy(builder->competition, competition, COMPETITION_KEY_BYTES_MAX);
}

bool builder_takes(const struct builder *builder, const char *competition) {
    return builder->end.rows == 0 || strcmp(builder->competition, competition) == 0;
}

size_t builder_rows(const struct builder *builder) {
    return builder->end.rows;
}

struct builder_mark builder_end(const struct builder *builder) {
    return builder->end;
}

void builder_cut(struct builder *builder, struct builder_mark mark) {
    builder->end = mark;
}

/* Dates of a row that gives neither a date nor a text are left as they were: such a row reports figures only. */
static unsigned shape_of(const struct tally_project *project) {
    unsigned texts = (project->name != NULL ? SHAPE_NAME : 0U) | (project->contractor != NULL ? SHAPE_CONTRACTOR : 0U);
    bool dates = texts != 0 || project->start_day != 0 || project->completion_day != 0;
    return texts | (dates ? SHAPE_DATES : 0U);
}

static size_t text_bytes(const char *text) {
    return text != NULL ? strlen(text) : 0;
}

size_t builder_row_bytes_max(size_t code_bytes, size_t name_bytes, size_t contractor_bytes) {
    return ROW_FIGURES_BYTES_MAX + code_bytes + name_bytes + contractor_bytes + 2 * TEXT_HEAD_BYTES;
}

static char *keep_text(struct builder *builder, const char *text, size_t bytes) {
    if (text == NULL) {
        return NULL;
    }
    char *kept = builder->text + builder->end.text_bytes;
    memcpy(kept, text, bytes + 1);
    builder->end.text_bytes += bytes + 1;
    return kept;
}

/* The columns that not every batch has: most rows are figures alone, and what is not sent need not be written. */
static void add_optional(struct builder *builder, const struct tally_project *project, size_t name_bytes,
                         size_t contractor_bytes) {
    size_t i = builder->end.rows;
    builder->start_day[i] = project->start_day;
    builder->completion_day[i] = project->completion_day;
    builder->name[i] = keep_text(builder, project->name, name_bytes);
    builder->contractor[i] = keep_text(builder, project->contractor, contractor_bytes);
}

bool builder_add(struct builder *builder, const struct tally_project *project, size_t rows_max) {
    unsigned shape = shape_of(project);
    size_t i = builder->end.rows;
    size_t code_bytes = strlen(project->code);
    size_t name_bytes = text_bytes(project->name);
    size_t contractor_bytes = text_bytes(project->contractor);
    size_t row_bytes = builder_row_bytes_max(code_bytes, name_bytes, contractor_bytes);
    if (i >= rows_max || (i > 0 && shape != builder->shape) ||
        BATCH_HEAD_BYTES + builder->end.packed_bytes + row_bytes > BATCH_BYTES_MAX) {
        return false;
    }
    builder->shape = shape;
    builder->effective_days = builder->effective_days || project->effective_day != 0;
    memcpy(builder->code + builder->end.code_bytes, project->code, code_bytes);
    builder->code_bytes[i] = (uint32_t)code_bytes;
    builder->region[i] = project->region;
    builder->category[i] = project->category;
    builder->status[i] = project->status;
    builder->contract_value[i] = project->contract_value;
    builder->participants[i] = project->participants;
    builder->migrant_participants[i] = project->migrant_participants;
    builder->effective_day[i] = project->effective_day;
    builder->tag[i] = project->tag;
    if (shape != 0) {
        add_optional(builder, project, name_bytes, contractor_bytes);
    }
    builder->end.code_bytes += code_bytes;
    builder->end.packed_bytes += row_bytes;
    builder->end.rows++;
    return true;
}

static struct parcel *pack(const struct batch *batch, const uint64_t *tag) {
    struct parcel *parcel = parcel_create(batch->rows, batch_encoded_bytes(batch));
    if (parcel != NULL) {
        batch_encode(batch, parcel->body);
        memcpy(parcel->tag, tag, batch->rows * sizeof *tag);
    }
    return parcel;
}

struct parcel *builder_pack(const struct builder *builder, struct builder_mark from) {
    size_t i = from.rows;
    struct batch batch = {
        .sequence = 1,
        .competition = builder->competition,
        .rows = builder->end.rows - from.rows,
        .code = builder->code + from.code_bytes,
        .code_bytes_sum = builder->end.code_bytes - from.code_bytes,
        .code_bytes = builder->code_bytes + i,
        .region = builder->region + i,
        .category = builder->category + i,
        .status = builder->status + i,
        .contract_value = builder->contract_value + i,
        .participants = builder->participants + i,
        .migrant_participants = builder->migrant_participants + i,
        .effective_day = builder->effective_days ? builder->effective_day + i : NULL,
        .name = (builder->shape & SHAPE_NAME) != 0 ? builder->name + i : NULL,
        .contractor = (builder->shape & SHAPE_CONTRACTOR) != 0 ? builder->contractor + i : NULL,
        .start_day = (builder->shape & SHAPE_DATES) != 0 ? builder->start_day + i : NULL,
        .completion_day = (builder->shape & SHAPE_DATES) != 0 ? builder->completion_day + i : NULL,
    };
    return pack(&batch, builder->tag + i);
}

struct parcel *builder_pack_one(const char *competition, const struct tally_project *project) {
    unsigned shape = shape_of(project);
    uint32_t code_bytes = (uint32_t)strlen(project->code);
    char *name = (char *)(uintptr_t)project->name; /* protobuf-c's columns are not const; packing only reads them */
    char *contractor = (char *)(uintptr_t)project->contractor;
    struct batch batch = {
        .sequence = 1,
        .competition = competition,
        .rows = 1,
        .code = (const uint8_t *)project->code,
        .code_bytes_sum = code_bytes,
        .code_bytes = &code_bytes,
        .region = &project->region,
        .category = &project->category,
        .status = &project->status,
        .contract_value = &project->contract_value,
        .participants = &project->participants,
        .migrant_participants = &project->migrant_participants,
        .effective_day = &project->effective_day,
        .name = (shape & SHAPE_NAME) != 0 ? &name : NULL,
        .contractor = (shape & SHAPE_CONTRACTOR) != 0 ? &contractor : NULL,
        .start_day = (shape & SHAPE_DATES) != 0 ? &project->start_day : NULL,
        .completion_day = (shape & SHAPE_DATES) != 0 ? &project->completion_day : NULL,
    };
    return pack(&batch, &project->tag);
}
