/* Sums by a number that the caller makes up: what tests keep totals in that they worked out themselves. Memory running out
 * ends the test program. */
#ifndef TALLY_TESTS_SUPPORT_SUMS_MAP_H
#define TALLY_TESTS_SUPPORT_SUMS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/figures.h"

struct sums_place {
    bool used;
    uint64_t key;
    struct sums sums;
};

struct sums_map {
    struct sums_place *places; /* capacity of them, a power of two */
    size_t capacity;
    size_t count;
};

void sums_map_init(struct sums_map *map);
void sums_map_fini(struct sums_map *map);

/* The key's sums, made as zeros if new. Valid until the next call. */
struct sums *sums_map_at(struct sums_map *map, uint64_t key);

/* The key's sums; zeros if it has none. */
struct sums sums_map_get(const struct sums_map *map, uint64_t key);

/* Whether both hold the same, where none is the same as zeros. If not, *key is one that differs. */
bool sums_map_equal(const struct sums_map *a, const struct sums_map *b, uint64_t *key);

#endif
