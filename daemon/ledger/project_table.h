/* Every project's present figures, found by competition and code: the ledger's memory.
 *
 * Records lie densely in the order in which projects came, one cache line each, in address space reserved for the bound;
 * they never move. An index of 256 parts, chosen by hash, leads to them: each part is an open-addressing table of 8-byte
 * slots (32 bits of hash, 32 bits of record number) that doubles by itself, without touching the records, because the bits
 * that place a slot in a larger part are kept in the slot. So growth stops the world for a 256th of the index at a time.
 * Why not one table with the figures in it: at 10 million projects its doubling would stop the world for a second and its
 * free half would cost twice the memory. */
#ifndef TALLY_DAEMON_LEDGER_PROJECT_TABLE_H
#define TALLY_DAEMON_LEDGER_PROJECT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "proto/limits.h"

/* Bytes from the wire, filled up with NUL: codes are printable, so the NULs tell the length. */
struct project_key {
    uint8_t code[PROJECT_CODE_BYTES_MAX];
    uint16_t competition;
};

struct project_record {
    _Alignas(64) uint8_t code[PROJECT_CODE_BYTES_MAX];
    int64_t contract_value;        /* fen */
    uint32_t participants;         /* heads */
    uint32_t migrant_participants; /* heads */
    uint32_t cell;                 /* number in the cube: region, category, status */
    uint32_t text_hash;
    uint16_t competition;
    uint16_t node; /* that owns it */
    uint16_t effective_day;
    uint16_t zero;
};

_Static_assert(sizeof(struct project_record) == 64, "a project is one cache line");

enum { PROJECT_TABLE_PARTS = 256 };

struct project_part {
    uint64_t *slots; /* hash bits << 32 | record number + 1, or 0 */
    uint32_t slot_bits;
    uint32_t count;
};

struct project_table {
    struct project_record *records; /* count of them */
    uint64_t count;
    uint64_t capacity;
    struct project_part parts[PROJECT_TABLE_PARTS];
};

/* capacity is below 2^32 - 1. Errors: MEMORY. */
MUST_USE enum error project_table_init(struct project_table *table, uint64_t capacity);
void project_table_fini(struct project_table *table);

/* code is size bytes, at most PROJECT_CODE_BYTES_MAX. */
void project_key_set(struct project_key *key, uint16_t competition, const void *code, size_t size);

uint64_t project_key_hash(const struct project_key *key);

/* Asks the memory for the place where project_table_find will look first. */
void project_table_prefetch_slot(const struct project_table *table, uint64_t hash);

/* Asks the memory for the record that project_table_find will probably return. */
void project_table_prefetch_record(const struct project_table *table, uint64_t hash);

/* The project's record, or NULL. */
struct project_record *project_table_find(const struct project_table *table, const struct project_key *key,
                                          uint64_t hash);

/* A new record with the key set and all else 0. The project is not in the table yet, and the table is not at its capacity
 * (checked). Stops the program if memory for a larger index is out. */
struct project_record *project_table_add(struct project_table *table, const struct project_key *key, uint64_t hash);

/* Bytes of records and index in use. */
size_t project_table_bytes(const struct project_table *table);

#endif
