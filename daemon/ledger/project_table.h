/* Every project's present figures, found by competition and code: the ledger's memory.
 *
 * Records lie densely in the order in which projects came, one cache line each, in address space reserved for the bound;
 * they never move. An index of 256 parts, chosen by hash, leads to them: each part is an open-addressing table of 8-byte
 * slots (32 bits of hash, 32 bits of record number) that doubles by itself, without touching the records, because the bits
 * that place a slot in a larger part are kept in the slot. So growth stops the world for a 256th of the index at a time.
 * Parts of one size lie in one region, so that huge pages can lie beneath: in ordinary ones, to find the page costs as much as
 * to find the slot.
 * Why not one table with the figures in it: at 10 million projects its doubling would stop the world for a second and its
 * free half would cost twice the memory.
 *
 * What an update passes through is inline here: a call for each of its steps would cost as much as the steps. */
#ifndef TALLY_DAEMON_LEDGER_PROJECT_TABLE_H
#define TALLY_DAEMON_LEDGER_PROJECT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "daemon/base/error.h"
#include "daemon/base/project.h"

/* Bytes from the wire, filled up with NUL: codes are printable, so the NULs tell the length. */
struct project_key {
    uint64_t code[PROJECT_CODE_BYTES_MAX / 8];
    uint16_t competition;
};

enum { PROJECT_TABLE_PARTS = 256, PROJECT_SLOT_BITS_FIRST = 6, PROJECT_SLOT_BITS_MAX = 26 };

struct project_part {
    uint64_t *slots; /* hash bits << 32 | record number + 1, or 0 */
    uint32_t slot_bits;
    uint32_t count;
};

/* Where the parts of one size lie; a region is there while a part uses it. */
struct project_region {
    uint64_t *slots; /* of all parts, one after the other */
    uint32_t parts;  /* that use it */
};

struct project_table {
    struct project_record *records; /* count of them, on cache line boundaries */
    uint32_t count;
    uint32_t capacity;
    struct project_part parts[PROJECT_TABLE_PARTS];
    struct project_region regions[PROJECT_SLOT_BITS_MAX + 1]; /* by slot_bits */
};

/* capacity is below 2^32 - 1. Errors: MEMORY. */
MUST_USE enum error project_table_init(struct project_table *table, uint64_t capacity);
void project_table_fini(struct project_table *table);

/* code is size bytes, at most PROJECT_CODE_BYTES_MAX. */
void project_key_set(struct project_key *key, uint16_t competition, const void *code, size_t size);

/* The same for a code that PROJECT_CODE_BYTES_MAX readable bytes begin with: without a loop over its length. */
static inline void project_key_cut(struct project_key *key, uint16_t competition, const uint8_t *bytes, size_t size) {
    static const uint8_t keep[2 * PROJECT_CODE_BYTES_MAX] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint64_t mask[PROJECT_CODE_BYTES_MAX / 8];
    memcpy(mask, keep + PROJECT_CODE_BYTES_MAX - size, sizeof mask);
    memcpy(key->code, bytes, sizeof key->code);
    for (size_t i = 0; i < PROJECT_CODE_BYTES_MAX / 8; i++) {
        key->code[i] &= mask[i];
    }
    key->competition = competition;
}

static inline uint64_t project_key_hash(const struct project_key *key) {
    return XXH3_64bits_withSeed(key->code, sizeof key->code, key->competition);
}

/* The part takes the top 8 bits of the hash, the slot keeps the next 32. */
static inline const struct project_part *project_table_part(const struct project_table *table, uint64_t hash) {
    return &table->parts[hash >> 56];
}

static inline uint32_t project_table_tag(uint64_t hash) {
    return (uint32_t)(hash >> 24);
}

static inline size_t project_part_home(const struct project_part *part, uint32_t tag) {
    return tag >> (32 - part->slot_bits);
}

/* Asks the memory for the place where project_table_find will look first. */
static inline void project_table_prefetch_slot(const struct project_table *table, uint64_t hash) {
    const struct project_part *part = project_table_part(table, hash);
    __builtin_prefetch(&part->slots[project_part_home(part, project_table_tag(hash))]);
}

/* The record that project_table_find will probably return, or NULL if it will surely return none; asks the memory for it. */
static inline struct project_record *project_table_expect(const struct project_table *table, uint64_t hash) {
    const struct project_part *part = project_table_part(table, hash);
    uint32_t tag = project_table_tag(hash);
    size_t mask = ((size_t)1 << part->slot_bits) - 1;
    for (size_t slot = project_part_home(part, tag); part->slots[slot] != 0; slot = (slot + 1) & mask) {
        if (part->slots[slot] >> 32 == tag) {
            struct project_record *record = &table->records[(uint32_t)part->slots[slot] - 1];
            __builtin_prefetch(record, 1);
            return record;
        }
    }
    return NULL;
}

static inline bool project_record_is(const struct project_record *record, const struct project_key *key) {
    uint64_t code[PROJECT_CODE_BYTES_MAX / 8];
    memcpy(code, record->code, sizeof code);
    uint64_t difference = (code[0] ^ key->code[0]) | (code[1] ^ key->code[1]) | (code[2] ^ key->code[2]) |
                          (code[3] ^ key->code[3]) | (uint64_t)(record->competition ^ key->competition);
    return difference == 0;
}

/* The project's record, or NULL. */
static inline struct project_record *project_table_find(const struct project_table *table,
                                                        const struct project_key *key, uint64_t hash) {
    const struct project_part *part = project_table_part(table, hash);
    uint32_t tag = project_table_tag(hash);
    size_t mask = ((size_t)1 << part->slot_bits) - 1;
    for (size_t slot = project_part_home(part, tag); part->slots[slot] != 0; slot = (slot + 1) & mask) {
        if (part->slots[slot] >> 32 == tag) {
            struct project_record *record = &table->records[(uint32_t)part->slots[slot] - 1];
            if (project_record_is(record, key)) {
                return record;
            }
        }
    }
    return NULL;
}

/* A new record with the key set and all else 0; its number is the count before. The project is not in the table yet, and the
 * table is not at its capacity (checked). Stops the program if memory for a larger index is out. */
struct project_record *project_table_add(struct project_table *table, const struct project_key *key, uint64_t hash);

/* Bytes of records and index in use. */
size_t project_table_bytes(const struct project_table *table);

#endif
