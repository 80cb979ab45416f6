#include "keytable.h"

#include <stddef.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

static size_t slot_bytes(const struct keytable *table) {
    return ((size_t)1 << table->slot_bits) * sizeof *table->slots;
}

enum error keytable_init(struct keytable *table, uint32_t capacity) {
    CHECK(capacity > 0 && capacity <= 1u << 30);
    *table = (struct keytable){.capacity = capacity, .slot_bits = 1};
    while ((uint64_t)1 << table->slot_bits < (uint64_t)capacity * 2) { /* at most half full: probes stay short */
        table->slot_bits++;
    }
    table->keys = memory_reserve(capacity * sizeof *table->keys);
    table->slots = memory_reserve(slot_bytes(table));
    if (table->keys == NULL || table->slots == NULL) {
        keytable_fini(table);
        return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

void keytable_fini(struct keytable *table) {
    memory_release(table->keys, table->capacity * sizeof *table->keys);
    memory_release(table->slots, slot_bytes(table));
    *table = (struct keytable){0};
}

/* The slot that holds the key, or the free one where it belongs. Fibonacci hashing (Knuth 6.4). */
static uint32_t slot_of(const struct keytable *table, uint64_t key) {
    uint32_t mask = (uint32_t)(((uint64_t)1 << table->slot_bits) - 1);
    uint32_t slot = (uint32_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - table->slot_bits));
    while (table->slots[slot] != 0 && table->keys[table->slots[slot] - 1] != key) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

uint32_t keytable_find(const struct keytable *table, uint64_t key) {
    uint32_t number = table->slots[slot_of(table, key)];
    return number == 0 ? KEYTABLE_NONE : number - 1;
}

uint32_t keytable_find_or_add(struct keytable *table, uint64_t key) {
    CHECK(key != 0);
    uint32_t slot = slot_of(table, key);
    if (table->slots[slot] != 0) {
        return table->slots[slot] - 1;
    }
    if (table->count == table->capacity) {
        return KEYTABLE_NONE;
    }
    table->keys[table->count] = key;
    table->slots[slot] = ++table->count;
    return table->count - 1;
}

void keytable_clear(struct keytable *table) {
    if (table->count > 0) {
        memset(table->slots, 0, slot_bytes(table));
        table->count = 0;
    }
}
