#include "project_cache.h"

#include <string.h>
#include <xxhash.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

static size_t slot_bytes(const struct project_cache *cache) {
    return ((size_t)1 << cache->slot_bits) * sizeof *cache->slots;
}

enum error project_cache_init(struct project_cache *cache, uint32_t capacity) {
    CHECK(capacity > 0 && capacity <= 1u << 30);
    *cache = (struct project_cache){.capacity = capacity, .slot_bits = 1};
    while ((uint64_t)1 << cache->slot_bits < (uint64_t)capacity * 2) { /* at most half full: probes stay short */
        cache->slot_bits++;
    }
    cache->records = memory_reserve(capacity * sizeof *cache->records);
    cache->slots = memory_reserve(slot_bytes(cache));
    if (cache->records == NULL || cache->slots == NULL) {
        project_cache_fini(cache);
        return ERROR_MEMORY;
    }
    memory_prefer_huge(cache->slots, slot_bytes(cache));
    return ERROR_NONE;
}

void project_cache_fini(struct project_cache *cache) {
    memory_release(cache->records, cache->capacity * sizeof *cache->records);
    memory_release(cache->slots, slot_bytes(cache));
    *cache = (struct project_cache){0};
}

uint64_t project_cache_hash(uint16_t competition, const void *code, size_t code_bytes) {
    return XXH3_64bits_withSeed(code, code_bytes, competition);
}

static uint32_t first_slot(const struct project_cache *cache, uint64_t hash) {
    return (uint32_t)hash & (uint32_t)(((uint64_t)1 << cache->slot_bits) - 1);
}

static uint32_t next_slot(const struct project_cache *cache, uint32_t slot) {
    return (slot + 1) & (uint32_t)(((uint64_t)1 << cache->slot_bits) - 1);
}

static uint32_t tag_of(uint64_t slot_or_hash) {
    return (uint32_t)(slot_or_hash >> 32);
}

static struct cached_project *record_of(const struct project_cache *cache, uint64_t slot) {
    return &cache->records[(uint32_t)slot - 1];
}

void project_cache_prefetch_slot(const struct project_cache *cache, uint64_t hash) {
    __builtin_prefetch(&cache->slots[first_slot(cache, hash)]);
}

void project_cache_prefetch_record(const struct project_cache *cache, uint64_t hash) {
    uint32_t slot = first_slot(cache, hash);
    while (cache->slots[slot] != 0) {
        if (tag_of(cache->slots[slot]) == tag_of(hash)) {
            const struct cached_project *record = record_of(cache, cache->slots[slot]);
            __builtin_prefetch(record, 1);
            __builtin_prefetch((const uint8_t *)record + 64, 1);
            return;
        }
        slot = next_slot(cache, slot);
    }
}

static bool key_is(const struct cached_project *record, uint16_t competition, const void *code, size_t code_bytes) {
    return record->competition == competition && record->code_bytes == code_bytes &&
           memcmp(record->code, code, code_bytes) == 0;
}

struct cached_project *project_cache_find(const struct project_cache *cache, uint64_t hash, uint16_t competition,
                                          const void *code, size_t code_bytes) {
    for (uint32_t slot = first_slot(cache, hash); cache->slots[slot] != 0; slot = next_slot(cache, slot)) {
        if (tag_of(cache->slots[slot]) == tag_of(hash)) {
            struct cached_project *record = record_of(cache, cache->slots[slot]);
            if (key_is(record, competition, code, code_bytes)) {
                return record;
            }
        }
    }
    return NULL;
}

/* Codes of one chain of reporting begin alike; what tells them apart comes after. */
static void shorten_common(struct project_cache *cache, const struct cached_project *record) {
    const uint8_t *first = cache->records[0].code;
    uint32_t common = cache->count == 1 ? PROJECT_CODE_BYTES_MAX : cache->common_bytes;
    while (memcmp(first, record->code, common) != 0) {
        common--;
    }
    cache->common_bytes = common;
}

struct cached_project *project_cache_add(struct project_cache *cache, uint64_t hash, uint16_t competition,
                                         const void *code, size_t code_bytes) {
    CHECK(cache->count < cache->capacity && code_bytes <= PROJECT_CODE_BYTES_MAX);
    uint32_t slot = first_slot(cache, hash);
    while (cache->slots[slot] != 0) {
        slot = next_slot(cache, slot);
    }
    struct cached_project *record = &cache->records[cache->count++];
    *record = (struct cached_project){.competition = competition, .code_bytes = (uint8_t)code_bytes};
    memcpy(record->code, code, code_bytes);
    shorten_common(cache, record);
    cache->slots[slot] = (hash & ~UINT64_C(0xFFFFFFFF)) | cache->count;
    return record;
}

void project_cache_clear(struct project_cache *cache) {
    if (cache->count > 0) {
        memset(cache->slots, 0, slot_bytes(cache));
        cache->count = 0;
    }
}
