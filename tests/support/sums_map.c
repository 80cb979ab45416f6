#include "sums_map.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 1024 };

static struct sums_place *get_places(size_t capacity) {
    struct sums_place *places = calloc(capacity, sizeof *places);
    if (places == NULL) {
        abort();
    }
    return places;
}

void sums_map_init(struct sums_map *map) {
    *map = (struct sums_map){.places = get_places(CAPACITY_FIRST), .capacity = CAPACITY_FIRST};
}

void sums_map_fini(struct sums_map *map) {
    free(map->places);
    *map = (struct sums_map){0};
}

static struct sums_place *find(const struct sums_map *map, uint64_t key) {
    size_t at = (size_t)(key * UINT64_C(0xD6E8FEB86659FD93) >> 20) & (map->capacity - 1);
    while (map->places[at].used && map->places[at].key != key) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->places[at];
}

static void grow(struct sums_map *map) {
    struct sums_map larger = {
        .places = get_places(map->capacity * 2), .capacity = map->capacity * 2, .count = map->count};
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->places[i].used) {
            *find(&larger, map->places[i].key) = map->places[i];
        }
    }
    free(map->places);
    *map = larger;
}

struct sums *sums_map_at(struct sums_map *map, uint64_t key) {
    if (map->count * 2 >= map->capacity) {
        grow(map);
    }
    struct sums_place *place = find(map, key);
    if (!place->used) {
        *place = (struct sums_place){.used = true, .key = key};
        map->count++;
    }
    return &place->sums;
}

struct sums sums_map_get(const struct sums_map *map, uint64_t key) {
    const struct sums_place *place = find(map, key);
    return place->used ? place->sums : (struct sums){0};
}

static bool alike(const struct sums *a, const struct sums *b) {
    return a->projects == b->projects && a->contract_value == b->contract_value && a->participants == b->participants &&
           a->migrant_participants == b->migrant_participants;
}

static bool holds_all_of(const struct sums_map *map, const struct sums_map *other, uint64_t *key) {
    for (size_t i = 0; i < other->capacity; i++) {
        struct sums own = sums_map_get(map, other->places[i].key);
        if (other->places[i].used && !alike(&own, &other->places[i].sums)) {
            *key = other->places[i].key;
            return false;
        }
    }
    return true;
}

bool sums_map_equal(const struct sums_map *a, const struct sums_map *b, uint64_t *key) {
    return holds_all_of(a, b, key) && holds_all_of(b, a, key);
}
