#include "project_table.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

enum { SLOT_BITS_FIRST = 6, SLOT_BITS_MAX = 26 };

enum error project_table_init(struct project_table *table, uint64_t capacity) {
    CHECK(capacity > 0 && capacity < UINT32_MAX);
    *table = (struct project_table){.capacity = (uint32_t)capacity};
    table->records = memory_reserve(capacity * sizeof *table->records);
    if (table->records == NULL) {
        return ERROR_MEMORY;
    }
    memory_prefer_huge(table->records, capacity * sizeof *table->records);
    for (size_t i = 0; i < PROJECT_TABLE_PARTS; i++) {
        struct project_part *part = &table->parts[i];
        part->slot_bits = SLOT_BITS_FIRST;
        part->slots = calloc((size_t)1 << SLOT_BITS_FIRST, sizeof *part->slots);
        if (part->slots == NULL) {
            project_table_fini(table);
            return ERROR_MEMORY;
        }
    }
    return ERROR_NONE;
}

void project_table_fini(struct project_table *table) {
    memory_release(table->records, table->capacity * sizeof *table->records);
    for (size_t i = 0; i < PROJECT_TABLE_PARTS; i++) {
        free(table->parts[i].slots);
    }
    *table = (struct project_table){0};
}

void project_key_set(struct project_key *key, uint16_t competition, const void *code, size_t size) {
    memset(key->code, 0, sizeof key->code);
    memcpy(key->code, code, size);
    key->competition = competition;
}

static void place(struct project_part *part, uint64_t slot_value) {
    size_t mask = ((size_t)1 << part->slot_bits) - 1;
    size_t slot = project_part_home(part, (uint32_t)(slot_value >> 32));
    while (part->slots[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    part->slots[slot] = slot_value;
}

/* Without memory the only honest way is to stop: to refuse the row would make the state depend on the memory that was left,
 * and a replay would come to another one. */
static void grow(struct project_part *part) {
    struct project_part larger = {.slot_bits = part->slot_bits + 1, .count = part->count};
    CHECK(larger.slot_bits <= SLOT_BITS_MAX);
    larger.slots = calloc((size_t)1 << larger.slot_bits, sizeof *larger.slots);
    CHECK(larger.slots != NULL);
    for (size_t i = 0; i < (size_t)1 << part->slot_bits; i++) {
        if (part->slots[i] != 0) {
            place(&larger, part->slots[i]);
        }
    }
    free(part->slots);
    *part = larger;
}

struct project_record *project_table_add(struct project_table *table, const struct project_key *key, uint64_t hash) {
    struct project_part *part = &table->parts[hash >> 56];
    CHECK(table->count < table->capacity);
    if (part->count >= ((uint32_t)3 << part->slot_bits) / 4) {
        grow(part);
    }
    struct project_record *record = &table->records[table->count++];
    memcpy(record->code, key->code, sizeof record->code);
    record->competition = (uint8_t)key->competition;
    part->count++;
    place(part, (uint64_t)project_table_tag(hash) << 32 | table->count);
    return record;
}

size_t project_table_bytes(const struct project_table *table) {
    size_t bytes = table->count * sizeof *table->records;
    for (size_t i = 0; i < PROJECT_TABLE_PARTS; i++) {
        bytes += ((size_t)1 << table->parts[i].slot_bits) * sizeof *table->parts[i].slots;
    }
    return bytes;
}
