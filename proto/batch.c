#include "batch.h"

#include <string.h>

#include "plain_batch.h"
#include "tally.pb-c.h"

enum {
    SEQUENCE_TAG = 1 << 3 | PROTOBUF_C_WIRE_TYPE_64BIT,
    SEQUENCE_OFFSET = 1, /* after the one byte of its field tag */
    NAME_FIELD = 12,     /* as tally.proto numbers them */
    CONTRACTOR_FIELD = 13,
};

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

static uint64_t read_varint(const uint8_t **at) {
    uint64_t value = 0;
    unsigned shift = 0;
    while ((**at & 0x80) != 0) {
        value |= (uint64_t)(**at & 0x7F) << shift;
        shift += 7;
        (*at)++;
    }
    value |= (uint64_t) * (*at)++ << shift;
    return value;
}

/* protobuf-c reads a text up to its first NUL and forgets how long it was: what came after would be dropped in silence.
 * Such texts are exchanged for one that no row may have, so that the row is refused. The bytes were unpacked before, so they
 * are well formed. */
static void mark_texts_with_nul(const uint8_t *at, const uint8_t *end, Tally__Batch *message) {
    static char not_text[] = "\x7F";
    size_t names = 0;
    size_t contractors = 0;
    while (at < end) {
        uint64_t tag = read_varint(&at);
        uint64_t size = 0;
        switch (tag & 7) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
            (void)read_varint(&at);
            break;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
            size = sizeof(uint64_t);
            break;
        case PROTOBUF_C_WIRE_TYPE_32BIT:
            size = sizeof(uint32_t);
            break;
        default:
            size = read_varint(&at);
            break;
        }
        bool is_name = tag >> 3 == NAME_FIELD;
        if (is_name || tag >> 3 == CONTRACTOR_FIELD) {
            char **text = is_name ? &message->name[names++] : &message->contractor[contractors++];
            *text = memchr(at, 0, size) != NULL ? not_text : *text;
        }
        at += size;
    }
}

enum refusal batch_decode(const void *bytes, size_t size, struct arena *arena, struct batch *batch) {
    if (size > BATCH_BYTES_MAX) {
        return REFUSAL_BODY_TOO_LARGE;
    }
    if (plain_batch_read(bytes, size, arena, batch)) {
        return REFUSAL_NONE;
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
    if (message->n_name > 0 || message->n_contractor > 0) {
        mark_texts_with_nul(bytes, (const uint8_t *)bytes + size, message);
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

uint64_t batch_sequence(const uint8_t *bytes, size_t size) {
    uint64_t sequence = 0;
    if (size < SEQUENCE_OFFSET + sizeof sequence || bytes[0] != SEQUENCE_TAG) {
        return 0;
    }
    for (size_t i = 0; i < sizeof sequence; i++) {
        sequence |= (uint64_t)bytes[SEQUENCE_OFFSET + i] << (8 * i);
    }
    return sequence;
}

void batch_set_sequence(uint8_t *bytes, size_t size, uint64_t sequence) {
    if (size < SEQUENCE_OFFSET + sizeof sequence) {
        return;
    }
    for (size_t i = 0; i < sizeof sequence; i++) {
        bytes[SEQUENCE_OFFSET + i] = (uint8_t)(sequence >> (8 * i));
    }
}
