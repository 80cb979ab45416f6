#include "registry.h"

#include <stdlib.h>
#include <string.h>

struct registry *registry_create(size_t competitions, size_t nodes) {
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL) {
        return NULL;
    }
    registry->competitions = calloc(competitions > 0 ? competitions : 1, sizeof *registry->competitions);
    registry->nodes = calloc(nodes > 0 ? nodes : 1, sizeof *registry->nodes);
    registry->competition_count = competitions;
    registry->node_count = nodes;
    atomic_init(&registry->references, 1);
    if (registry->competitions == NULL || registry->nodes == NULL) {
        registry_release(registry);
        return NULL;
    }
    return registry;
}

struct registry *registry_hold(struct registry *registry) {
    atomic_fetch_add_explicit(&registry->references, 1, memory_order_relaxed); /* the caller's own keeps it alive */
    return registry;
}

void registry_release(struct registry *registry) {
    /* Release our reads before the free; acquire everybody else's before freeing. */
    if (registry == NULL || atomic_fetch_sub_explicit(&registry->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    free(registry->competitions);
    free(registry->nodes);
    free(registry->keys);
    free(registry);
}

static bool key_is(const char *stored, const char *key, size_t size) {
    return strlen(stored) == size && memcmp(stored, key, size) == 0;
}

const struct competition *registry_competition(const struct registry *registry, const char *key, size_t size) {
    for (size_t i = 0; i < registry->competition_count; i++) {
        if (key_is(registry->competitions[i].key, key, size)) {
            return &registry->competitions[i];
        }
    }
    return NULL;
}

const struct competition *registry_competition_numbered(const struct registry *registry, uint16_t number) {
    for (size_t i = 0; i < registry->competition_count; i++) {
        if (registry->competitions[i].number == number) {
            return &registry->competitions[i];
        }
    }
    return NULL;
}

const struct node_right *registry_node(const struct registry *registry, const char *name, size_t size) {
    for (size_t i = 0; i < registry->node_count; i++) {
        if (key_is(registry->nodes[i].name, name, size)) {
            return &registry->nodes[i];
        }
    }
    return NULL;
}

const struct node_right *registry_node_numbered(const struct registry *registry, uint16_t number) {
    for (size_t i = 0; i < registry->node_count; i++) {
        if (registry->nodes[i].number == number) {
            return &registry->nodes[i];
        }
    }
    return NULL;
}

static int compare_keys(const void *left, const void *right) {
    return memcmp(&((const struct key_right *)left)->key, &((const struct key_right *)right)->key,
                  sizeof(struct curve_key));
}

const struct key_right *registry_set_keys(struct registry *registry, struct key_right *keys, size_t count) {
    registry->keyed = true;
    registry->keys = keys;
    registry->key_count = count;
    if (count > 0) {
        qsort(keys, count, sizeof *keys, compare_keys);
    }
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&keys[i - 1], &keys[i]) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

static int compare_key(const void *key, const void *right) {
    return memcmp(key, &((const struct key_right *)right)->key, sizeof(struct curve_key));
}

const struct key_right *registry_key(const struct registry *registry, const struct curve_key *key) {
    return registry->key_count == 0
               ? NULL
               : bsearch(key, registry->keys, registry->key_count, sizeof *registry->keys, compare_key);
}

bool registry_keeps_keys(const struct registry *before, const struct registry *after) {
    for (size_t i = 0; i < before->key_count; i++) {
        const struct key_right *right = registry_key(after, &before->keys[i].key);
        if (right == NULL || right->role != before->keys[i].role || strcmp(right->name, before->keys[i].name) != 0) {
            return false;
        }
    }
    return true;
}

const char *role_name(enum role role) {
    static const char *const names[ROLE_COUNT] = {
        [ROLE_NODE] = "node", [ROLE_DASHBOARD] = "dashboard", [ROLE_OPERATOR] = "operator"};
    return names[role];
}

struct definition definition_of_competition(const struct competition *competition) {
    struct definition definition = {.number = competition->number,
                                    .statuses = competition->status_mask,
                                    .counts = competition->counts,
                                    .first_day = competition->first_day};
    memcpy(definition.key, competition->key, sizeof definition.key);
    return definition;
}

struct definition definition_of_node(const struct node_right *node) {
    struct definition definition = {.number = node->number};
    memcpy(definition.key, node->name, sizeof definition.key);
    return definition;
}

void registry_offer(struct registry_slot *slot, struct registry *registry) {
    /* Release: the stage reads what main wrote. Acquire: the one that comes back was written by main as well. */
    registry_release(atomic_exchange_explicit(&slot->next, registry_hold(registry), memory_order_acq_rel));
}

bool registry_take(struct registry_slot *slot, struct registry **current) {
    if (atomic_load_explicit(&slot->next, memory_order_relaxed) == NULL) {
        return false;
    }
    struct registry *next = atomic_exchange_explicit(&slot->next, NULL, memory_order_acquire); /* with registry_offer */
    registry_release(*current);
    *current = next;
    return true;
}
