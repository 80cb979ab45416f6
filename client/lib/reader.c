#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "proto/batch.h"

enum {
    CODE_BYTES_MAX = 255,
    /* Unpacking takes a few times the body (4 bytes for a number that took one); never less than a few KiB. */
    ARENA_BYTES_BASE = 8 << 10,
    ARENA_BYTES_FACTOR = 24,
};

struct reader {
    const struct parcel *parcel;
    struct batch batch;
    struct arena arena;
    size_t row;
    size_t code_offset;
    char code[CODE_BYTES_MAX + 1];
    void *memory;
};

static bool code_lengths_in_bounds(const struct batch *batch) {
    for (size_t i = 0; i < batch->rows; i++) {
        if (batch->code_bytes[i] > CODE_BYTES_MAX) {
            return false;
        }
    }
    return true;
}

struct reader *reader_create(const struct parcel *parcel, bool *malformed) {
    *malformed = false;
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return NULL;
    }
    size_t size = ARENA_BYTES_BASE + ARENA_BYTES_FACTOR * parcel->body_bytes;
    reader->parcel = parcel;
    reader->memory = malloc(size);
    if (reader->memory == NULL) {
        goto fail;
    }
    arena_init(&reader->arena, reader->memory, size);
    *malformed = batch_decode(parcel->body, parcel->body_bytes, &reader->arena, &reader->batch) != REFUSAL_NONE ||
                 reader->batch.rows != parcel->rows || !code_lengths_in_bounds(&reader->batch);
    if (*malformed) {
        goto fail;
    }
    return reader;
fail:
    reader_destroy(reader);
    return NULL;
}

void reader_destroy(struct reader *reader) {
    if (reader != NULL) {
        free(reader->memory);
        free(reader);
    }
}

const char *reader_competition(const struct reader *reader) {
    return reader->batch.competition;
}

bool reader_next(struct reader *reader, struct tally_project *project) {
    const struct batch *batch = &reader->batch;
    size_t i = reader->row;
    if (i == batch->rows) {
        return false;
    }
    if (batch->code_bytes[i] > 0) {
        memcpy(reader->code, batch->code + reader->code_offset, batch->code_bytes[i]);
    }
    reader->code[batch->code_bytes[i]] = '\0';
    *project = (struct tally_project){
        .code = reader->code,
        .region = batch->region[i],
        .category = batch->category[i],
        .status = batch->status[i],
        .contract_value = batch->contract_value[i],
        .participants = batch->participants[i],
        .migrant_participants = batch->migrant_participants[i],
        .effective_day = batch->effective_day != NULL ? batch->effective_day[i] : 0,
        .name = batch->name != NULL ? batch->name[i] : NULL,
        .contractor = batch->contractor != NULL ? batch->contractor[i] : NULL,
        .start_day = batch->start_day != NULL ? batch->start_day[i] : 0,
        .completion_day = batch->completion_day != NULL ? batch->completion_day[i] : 0,
        .tag = reader->parcel->tag[i],
    };
    reader->code_offset += batch->code_bytes[i];
    reader->row++;
    return true;
}
