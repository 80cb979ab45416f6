#include "batch.h"

#include <string.h>

#include "tally.pb-c.h"

enum { SEQUENCE_OFFSET = 1 }; /* after the one byte of its field tag */

static bool optional_even(size_t length, size_t rows) {
    return length == 0 || length == rows;
}

static bool columns_even(const Tally__Batch *message) {
    size_t rows = message->n_code_bytes;
    return message->n_region == rows && message->n_category == rows && message->n_status == rows &&
           message->n_contract_value == rows && message->n_participants == rows &&
           message->n_migrant_participants == rows && optional_even(message->n_effective_day, rows) &&
           optional_even(message->n_name, rows) && optional_even(message->n_contractor, rows) &&
           optional_even(message->n_start_day, rows) && optional_even(message->n_completion_day, rows);
}

static bool code_lengths_add_up(const Tally__Batch *message) {
    uint64_t sum = 0;
    for (size_t i = 0; i < message->n_code_bytes; i++) {
        sum += message->code_bytes[i];
    }
    return sum == message->code.len;
}

enum refusal batch_decode(const void *bytes, size_t size, struct arena *arena, struct batch *batch) {
    if (size > BATCH_BYTES_MAX) {
        return REFUSAL_BODY_TOO_LARGE;
    }
    Tally__Batch *message = tally__batch__unpack(&arena->allocator, size, bytes);
    if (message == NULL) {
        return REFUSAL_BODY_MALFORMED;
    }
    size_t rows = message->n_code_bytes;
    *batch = (struct batch){.sequence = message->sequence, .competition = message->competition, .rows = rows};
    if (rows > BATCH_ROWS_MAX) {
        return REFUSAL_TOO_MANY_ROWS;
    }
    if (!columns_even(message) || !code_lengths_add_up(message)) {
        return REFUSAL_COLUMNS_UNEVEN;
    }
    if (rows == 0) {
        return REFUSAL_BATCH_EMPTY;
    }
    batch->code = message->code.data;
    batch->code_bytes_sum = message->code.len;
    batch->code_bytes = message->code_bytes;
    batch->region = message->region;
    batch->category = message->category;
    batch->status = message->status;
    batch->contract_value = message->contract_value;
    batch->participants = message->participants;
    batch->migrant_participants = message->migrant_participants;
    batch->effective_day = message->n_effective_day > 0 ? message->effective_day : NULL;
    batch->name = message->n_name > 0 ? message->name : NULL;
    batch->contractor = message->n_contractor > 0 ? message->contractor : NULL;
    batch->start_day = message->n_start_day > 0 ? message->start_day : NULL;
    batch->completion_day = message->n_completion_day > 0 ? message->completion_day : NULL;
    return REFUSAL_NONE;
}

/* protobuf-c's structs hold pointers to things that packing only reads: the casts take const away for no other use. */
static Tally__Batch message_of(const struct batch *batch) {
    Tally__Batch message = TALLY__BATCH__INIT;
    message.sequence = batch->sequence;
    message.competition = (char *)(uintptr_t)batch->competition;
    message.code = (ProtobufCBinaryData){batch->code_bytes_sum, (uint8_t *)(uintptr_t)batch->code};
#define COLUMN(field) \
    message.n_##field = batch->field != NULL ? batch->rows : 0; \
    message.field = (void *)(uintptr_t)batch->field
    COLUMN(code_bytes);
    COLUMN(region);
    COLUMN(category);
    COLUMN(status);
    COLUMN(contract_value);
    COLUMN(participants);
    COLUMN(migrant_participants);
    COLUMN(effective_day);
    COLUMN(name);
    COLUMN(contractor);
    COLUMN(start_day);
    COLUMN(completion_day);
#undef COLUMN
    return message;
}

size_t batch_encoded_bytes(const struct batch *batch) {
    Tally__Batch message = message_of(batch);
    return tally__batch__get_packed_size(&message);
}

void batch_encode(const struct batch *batch, uint8_t *out) {
    Tally__Batch message = message_of(batch);
    tally__batch__pack(&message, out);
}

void batch_set_sequence(uint8_t *bytes, size_t size, uint64_t sequence) {
    if (size < SEQUENCE_OFFSET + sizeof sequence) {
        return;
    }
    for (size_t i = 0; i < sizeof sequence; i++) {
        bytes[SEQUENCE_OFFSET + i] = (uint8_t)(sequence >> (8 * i));
    }
}
