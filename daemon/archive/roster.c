#include "roster.h"

#include <string.h>
#include <xxhash.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

static size_t slot_bytes(const struct roster *roster) {
    return ((size_t)1 << roster->slot_bits) * sizeof *roster->slots;
}

enum error roster_init(struct roster *roster, uint32_t capacity) {
    CHECK(capacity > 0 && capacity <= 1u << 30);
    *roster = (struct roster){.capacity = capacity, .slot_bits = 1};
    while ((uint64_t)1 << roster->slot_bits < (uint64_t)capacity * 2) { /* at most half full: probes stay short */
        roster->slot_bits++;
    }
    roster->records = memory_reserve(capacity * sizeof *roster->records);
    roster->slots = memory_reserve(slot_bytes(roster));
    if (roster->records == NULL || roster->slots == NULL) {
        roster_fini(roster);
        return ERROR_MEMORY;
    }
    memory_prefer_huge(roster->slots, slot_bytes(roster));
    return ERROR_NONE;
}

void roster_fini(struct roster *roster) {
    memory_release(roster->records, roster->capacity * sizeof *roster->records);
    memory_release(roster->slots, slot_bytes(roster));
    *roster = (struct roster){0};
}

uint64_t roster_hash(uint16_t competition, const void *code, size_t code_bytes) {
    return XXH3_64bits_withSeed(code, code_bytes, competition);
}

static uint32_t first_slot(const struct roster *roster, uint64_t hash) {
    return (uint32_t)hash & (uint32_t)(((uint64_t)1 << roster->slot_bits) - 1);
}

static uint32_t next_slot(const struct roster *roster, uint32_t slot) {
    return (slot + 1) & (uint32_t)(((uint64_t)1 << roster->slot_bits) - 1);
}

static uint32_t tag_of(uint64_t slot_or_hash) {
    return (uint32_t)(slot_or_hash >> 32);
}

static struct roster_record *record_of(const struct roster *roster, uint64_t slot) {
    return &roster->records[(uint32_t)slot - 1];
}

void roster_prefetch_slot(const struct roster *roster, uint64_t hash) {
    __builtin_prefetch(&roster->slots[first_slot(roster, hash)]);
}

void roster_prefetch_record(const struct roster *roster, uint64_t hash) {
    uint32_t slot = first_slot(roster, hash);
    while (roster->slots[slot] != 0) {
        if (tag_of(roster->slots[slot]) == tag_of(hash)) {
            const struct roster_record *record = record_of(roster, roster->slots[slot]);
            __builtin_prefetch(record, 1);
            __builtin_prefetch((const uint8_t *)record + 64, 1);
            return;
        }
        slot = next_slot(roster, slot);
    }
}

static bool key_is(const struct roster_record *record, uint16_t competition, const void *code, size_t code_bytes) {
    return record->competition == competition && record->code_bytes == code_bytes &&
           memcmp(record->code, code, code_bytes) == 0;
}

struct roster_record *roster_find(const struct roster *roster, uint64_t hash, uint16_t competition, const void *code,
                                  size_t code_bytes) {
    for (uint32_t slot = first_slot(roster, hash); roster->slots[slot] != 0; slot = next_slot(roster, slot)) {
        if (tag_of(roster->slots[slot]) == tag_of(hash)) {
            struct roster_record *record = record_of(roster, roster->slots[slot]);
            if (key_is(record, competition, code, code_bytes)) {
                return record;
            }
        }
    }
    return NULL;
}

struct roster_record *roster_add(struct roster *roster, uint64_t hash, uint16_t competition, const void *code,
                                 size_t code_bytes) {
    CHECK(roster->count < roster->capacity && code_bytes <= PROJECT_CODE_BYTES_MAX);
    uint32_t slot = first_slot(roster, hash);
    while (roster->slots[slot] != 0) {
        slot = next_slot(roster, slot);
    }
    struct roster_record *record = &roster->records[roster->count++];
    *record = (struct roster_record){.competition = competition, .code_bytes = (uint8_t)code_bytes};
    memcpy(record->code, code, code_bytes);
    roster->slots[slot] = (hash & ~UINT64_C(0xFFFFFFFF)) | roster->count;
    return record;
}

void roster_clear(struct roster *roster) {
    if (roster->count > 0) {
        memset(roster->slots, 0, slot_bytes(roster));
        roster->count = 0;
    }
}
