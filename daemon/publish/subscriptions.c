#include "subscriptions.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"
#include "proto/limits.h"

enum { SLOTS = SUBSCRIPTIONS_MAX * 2, LENGTHS = TOPIC_BYTES_MAX + 1 };

struct slot {
    bool used;
    uint8_t size;
    char prefix[TOPIC_BYTES_MAX];
    uint32_t hash;
    uint32_t generation; /* in which it was last added */
};

struct subscriptions {
    uint64_t seed;
    size_t count;
    uint32_t generation;
    size_t count_of_length[LENGTHS];
    struct slot *slots;
};

struct subscriptions *subscriptions_create(uint64_t seed) {
    struct subscriptions *subscriptions = calloc(1, sizeof *subscriptions);
    if (subscriptions == NULL) {
        return NULL;
    }
    subscriptions->seed = seed;
    subscriptions->generation = 1;
    subscriptions->slots = memory_reserve(SLOTS * sizeof *subscriptions->slots);
    if (subscriptions->slots == NULL) {
        subscriptions_destroy(subscriptions);
        return NULL;
    }
    return subscriptions;
}

void subscriptions_destroy(struct subscriptions *subscriptions) {
    if (subscriptions != NULL) {
        memory_release(subscriptions->slots, SLOTS * sizeof *subscriptions->slots);
        free(subscriptions);
    }
}

static uint32_t hash_of(const struct subscriptions *subscriptions, const char *prefix, size_t size) {
    return (uint32_t)XXH3_64bits_withSeed(prefix, size, subscriptions->seed);
}

/* The slot that holds the prefix, or the free one where it would go. */
static uint32_t probe(const struct subscriptions *subscriptions, uint32_t hash, const char *prefix, size_t size) {
    uint32_t at = hash & (SLOTS - 1);
    for (;;) {
        const struct slot *slot = &subscriptions->slots[at];
        if (!slot->used || (slot->hash == hash && slot->size == size && memcmp(slot->prefix, prefix, size) == 0)) {
            return at;
        }
        at = (at + 1) & (SLOTS - 1);
    }
}

bool subscriptions_add(struct subscriptions *subscriptions, const char *prefix, size_t size) {
    if (size > TOPIC_BYTES_MAX) {
        return true;
    }
    uint32_t hash = hash_of(subscriptions, prefix, size);
    struct slot *slot = &subscriptions->slots[probe(subscriptions, hash, prefix, size)];
    if (!slot->used) {
        if (subscriptions->count == SUBSCRIPTIONS_MAX) {
            return false;
        }
        *slot = (struct slot){.used = true, .size = (uint8_t)size, .hash = hash};
        memcpy(slot->prefix, prefix, size);
        subscriptions->count++;
        subscriptions->count_of_length[size]++;
    }
    slot->generation = subscriptions->generation;
    return true;
}

/* Fills the hole by moving up what was pushed past it (Knuth 6.4, algorithm R). */
static void close_hole(struct subscriptions *subscriptions, uint32_t hole) {
    uint32_t at = hole;
    for (;;) {
        at = (at + 1) & (SLOTS - 1);
        struct slot *slot = &subscriptions->slots[at];
        if (!slot->used) {
            break;
        }
        uint32_t home = slot->hash & (SLOTS - 1);
        if (((at - home) & (SLOTS - 1)) >= ((at - hole) & (SLOTS - 1))) {
            subscriptions->slots[hole] = *slot;
            hole = at;
        }
    }
    subscriptions->slots[hole].used = false;
}

void subscriptions_remove(struct subscriptions *subscriptions, const char *prefix, size_t size) {
    if (size > TOPIC_BYTES_MAX) {
        return;
    }
    uint32_t at = probe(subscriptions, hash_of(subscriptions, prefix, size), prefix, size);
    if (subscriptions->slots[at].used) {
        subscriptions->count--;
        subscriptions->count_of_length[size]--;
        close_hole(subscriptions, at);
    }
}

size_t subscriptions_count(const struct subscriptions *subscriptions) {
    return subscriptions->count;
}

enum subscription_match subscriptions_match(const struct subscriptions *subscriptions, const char *topic, size_t size) {
    CHECK(size <= TOPIC_BYTES_MAX);
    enum subscription_match match = SUBSCRIPTION_NONE;
    for (size_t length = 0; length <= size; length++) {
        if (subscriptions->count_of_length[length] == 0) {
            continue;
        }
        uint32_t at = probe(subscriptions, hash_of(subscriptions, topic, length), topic, length);
        const struct slot *slot = &subscriptions->slots[at];
        if (slot->used && slot->generation == subscriptions->generation) {
            return SUBSCRIPTION_FRESH;
        }
        match = slot->used ? SUBSCRIPTION_WANTED : match;
    }
    return match;
}

void subscriptions_settle(struct subscriptions *subscriptions) {
    subscriptions->generation++;
}
