/* A table from 64-bit keys (never 0) to numbers 0, 1, 2 ... in the order in which the keys came. Address space for the bound
 * is reserved once, so nothing is ever moved or allocated afterwards. Belongs to one thread. */
#ifndef TALLY_DAEMON_ARCHIVE_KEYTABLE_H
#define TALLY_DAEMON_ARCHIVE_KEYTABLE_H

#include <stdint.h>

#include "daemon/base/error.h"

#define KEYTABLE_NONE UINT32_MAX

struct keytable {
    uint64_t *keys; /* count of them, by number */
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* number + 1, or 0 */
    uint32_t slot_bits;
};

/* capacity is at most 2^30. Errors: MEMORY. */
MUST_USE enum error keytable_init(struct keytable *table, uint32_t capacity);
void keytable_fini(struct keytable *table);

/* The key's number, or KEYTABLE_NONE. */
uint32_t keytable_find(const struct keytable *table, uint64_t key);

/* The key's number, given now if the key is new; KEYTABLE_NONE if it is new and the table is full. */
uint32_t keytable_find_or_add(struct keytable *table, uint64_t key);

/* Forgets all keys. */
void keytable_clear(struct keytable *table);

#endif
