#include "project_table.h"

#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

static size_t region_bytes(uint32_t slot_bits) {
    return PROJECT_TABLE_PARTS * (sizeof(uint64_t) << slot_bits);
}

/* The slots of a part of that size, all free. NULL if there is no address space. */
static uint64_t *enter_region(struct project_table *table, uint32_t slot_bits, size_t part) {
    struct project_region *region = &table->regions[slot_bits];
    if (region->slots == NULL) {
        region->slots = memory_reserve(region_bytes(slot_bits));
        if (region->slots == NULL) {
            return NULL;
        }
        memory_prefer_huge(region->slots, region_bytes(slot_bits));
    }
    region->parts++;
    return region->slots + (part << slot_bits);
}

static void leave_region(struct project_table *table, uint32_t slot_bits) {
    struct project_region *region = &table->regions[slot_bits];
    region->parts--;
    if (region->parts == 0) {
        memory_release(region->slots, region_bytes(slot_bits));
        region->slots = NULL;
    }
}

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
        part->slot_bits = PROJECT_SLOT_BITS_FIRST;
        part->slots = enter_region(table, PROJECT_SLOT_BITS_FIRST, i);
        if (part->slots == NULL) {
            project_table_fini(table);
            return ERROR_MEMORY;
        }
    }
    return ERROR_NONE;
}

void project_table_fini(struct project_table *table) {
    memory_release(table->records, table->capacity * sizeof *table->records);
    for (uint32_t bits = 0; bits <= PROJECT_SLOT_BITS_MAX; bits++) {
        memory_release(table->regions[bits].slots, region_bytes(bits));
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
static void grow(struct project_table *table, size_t number) {
    struct project_part *part = &table->parts[number];
    struct project_part larger = {.slot_bits = part->slot_bits + 1, .count = part->count};
    CHECK(larger.slot_bits <= PROJECT_SLOT_BITS_MAX);
    larger.slots = enter_region(table, larger.slot_bits, number);
    CHECK(larger.slots != NULL);
    for (size_t i = 0; i < (size_t)1 << part->slot_bits; i++) {
        if (part->slots[i] != 0) {
            place(&larger, part->slots[i]);
        }
    }
    leave_region(table, part->slot_bits);
    *part = larger;
}

struct project_record *project_table_add(struct project_table *table, const struct project_key *key, uint64_t hash) {
    struct project_part *part = &table->parts[hash >> 56];
    CHECK(table->count < table->capacity);
    if (part->count >= ((uint32_t)3 << part->slot_bits) / 4) {
        grow(table, hash >> 56);
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
