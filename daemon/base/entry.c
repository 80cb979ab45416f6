#include "entry.h"

#include <string.h>
#include <xxhash.h>

enum { KEY_OFFSET = 8, KEY_BYTES = 40 };

_Static_assert((int)KEY_OFFSET + (int)KEY_BYTES == (int)DEFINITION_BYTES, "the layout of a definition");
_Static_assert((int)COMPETITION_KEY_BYTES_MAX < (int)KEY_BYTES, "a key and its end fit");

static void put16(uint8_t *out, uint16_t value) {
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static uint16_t get16(const uint8_t *in) {
    return (uint16_t)(in[0] | in[1] << 8);
}

void definition_encode(const struct definition *definition, uint8_t *out) {
    memset(out, 0, DEFINITION_BYTES);
    put16(out, definition->number);
    put16(out + 2, definition->counts);
    put16(out + 4, definition->first_day);
    put16(out + 6, definition->statuses);
    memcpy(out + KEY_OFFSET, definition->key, strnlen(definition->key, COMPETITION_KEY_BYTES_MAX));
}

bool definition_equal(const struct definition *a, const struct definition *b) {
    return a->number == b->number && strcmp(a->key, b->key) == 0 && a->statuses == b->statuses &&
           a->counts == b->counts && a->first_day == b->first_day;
}

enum error definition_decode(const uint8_t *bytes, size_t size, struct definition *definition) {
    if (size != DEFINITION_BYTES || memchr(bytes + KEY_OFFSET, 0, COMPETITION_KEY_BYTES_MAX + 1) == NULL) {
        return ERROR_DAMAGED;
    }
    *definition = (struct definition){.number = get16(bytes),
                                      .counts = get16(bytes + 2),
                                      .first_day = get16(bytes + 4),
                                      .statuses = get16(bytes + 6)};
    memcpy(definition->key, bytes + KEY_OFFSET, sizeof definition->key);
    return ERROR_NONE;
}

static enum error batch_from_record(struct entry *entry, const struct entry_record *record, struct arena *arena) {
    if (batch_decode(record->body, record->body_bytes, arena, &entry->batch) != REFUSAL_NONE ||
        entry->batch.rows != record->rows) {
        return ERROR_DAMAGED;
    }
    memset(entry->verdicts, 0, record->rows);
    for (size_t i = 0; i < record->refusal_count; i++) {
        if (record->refusals[i].row >= record->rows) {
            return ERROR_DAMAGED;
        }
        entry->verdicts[record->refusals[i].row] = (uint8_t)record->refusals[i].code;
    }
    entry->refused_by_intake = (uint32_t)record->refusal_count;
    return ERROR_NONE;
}

enum error entry_from_record(struct entry *entry, const struct entry_record *record, struct arena *arena) {
    arena_reset(arena);
    entry->kind = record->kind;
    entry->node = record->node;
    entry->competition = record->competition;
    entry->batch_code = record->batch_code;
    entry->day = record->day;
    entry->sequence = record->sequence;
    entry->wall_ms = record->wall_ms;
    entry->body = record->body;
    entry->body_bytes = record->body_bytes;
    entry->version = record->version;
    entry->batch = (struct batch){.rows = record->rows, .sequence = record->sequence};
    entry->refused_by_intake = 0;
    switch (record->kind) {
    case ENTRY_BATCH:
        return batch_from_record(entry, record, arena);
    case ENTRY_BATCH_REFUSED:
        return ERROR_NONE;
    case ENTRY_COMPETITION:
    case ENTRY_NODE:
        return definition_decode(record->body, record->body_bytes, &entry->definition);
    }
    return ERROR_DAMAGED;
}

uint32_t entry_text_hash(const struct entry *entry, size_t row) {
    const struct batch *batch = &entry->batch;
    if (!batch_has_texts(batch)) {
        return 0;
    }
    uint64_t hash = 0;
    if (batch->name != NULL) {
        hash = XXH3_64bits_withSeed(batch->name[row], strlen(batch->name[row]), hash + 1);
    }
    if (batch->contractor != NULL) {
        hash = XXH3_64bits_withSeed(batch->contractor[row], strlen(batch->contractor[row]), hash + 2);
    }
    const uint32_t left_out = UINT32_MAX; /* leaves the date as it was; 0 takes it back */
    uint32_t dates[2] = {batch->start_day != NULL ? batch->start_day[row] : left_out,
                         batch->completion_day != NULL ? batch->completion_day[row] : left_out};
    hash = XXH3_64bits_withSeed(dates, sizeof dates, hash + 3);
    return (uint32_t)hash == 0 ? 1 : (uint32_t)hash;
}
