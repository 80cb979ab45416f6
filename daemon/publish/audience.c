#include "audience.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

enum { WANTED = 1, DUE = 2 };

#define DUE_BYTES (REGION_SET_MAX * sizeof(uint32_t))

enum error audience_init(struct audience *audience, uint64_t seed) {
    *audience = (struct audience){.subscriptions = subscriptions_create(seed)};
    audience->marks = memory_reserve(REGION_SET_MAX);
    audience->due = memory_reserve(DUE_BYTES);
    if (audience->subscriptions == NULL || audience->marks == NULL || audience->due == NULL) {
        audience_fini(audience);
        return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

void audience_fini(struct audience *audience) {
    subscriptions_destroy(audience->subscriptions);
    memory_release(audience->marks, REGION_SET_MAX);
    memory_release(audience->due, DUE_BYTES);
    *audience = (struct audience){0};
}

bool audience_subscribe(struct audience *audience, const char *prefix, size_t size) {
    audience->stale = true;
    return subscriptions_add(audience->subscriptions, prefix, size);
}

void audience_unsubscribe(struct audience *audience, const char *prefix, size_t size) {
    audience->stale = true;
    subscriptions_remove(audience->subscriptions, prefix, size);
}

void audience_distrust(struct audience *audience) {
    audience->stale = true;
}

bool audience_undecided(const struct audience *audience, const struct rollup *rollup) {
    return audience->stale || audience->decided < rollup_region_count(rollup);
}

size_t audience_topic(char topic[AUDIENCE_TOPIC_BYTES], const char *competition, uint32_t region) {
    int length = snprintf(topic, AUDIENCE_TOPIC_BYTES, "%s/%06u", competition, region);
    CHECK(length > 0 && length < AUDIENCE_TOPIC_BYTES);
    return (size_t)length;
}

static void make_due(struct audience *audience, uint32_t number) {
    if ((audience->marks[number] & (WANTED | DUE)) == WANTED) {
        audience->marks[number] |= DUE;
        audience->due[audience->due_count++] = number;
    }
}

static void decide_one(struct audience *audience, const struct rollup *rollup, const struct registry *registry,
                       uint32_t number) {
    struct rollup_region region = rollup_region(rollup, number);
    const struct competition *competition = registry_competition_numbered(registry, region.competition);
    enum subscription_match match = SUBSCRIPTION_NONE;
    if (competition != NULL) {
        char topic[AUDIENCE_TOPIC_BYTES];
        size_t size = audience_topic(topic, competition->key, region.region);
        match = subscriptions_match(audience->subscriptions, topic, size);
    }
    uint8_t *mark = &audience->marks[number];
    bool was_wanted = (*mark & WANTED) != 0;
    *mark = (uint8_t)((*mark & DUE) | (match != SUBSCRIPTION_NONE ? WANTED : 0));
    if (match == SUBSCRIPTION_FRESH || (match == SUBSCRIPTION_WANTED && !was_wanted)) {
        make_due(audience, number);
    }
}

/* What is due and not wanted any more leaves the list. */
static void drop_unwanted(struct audience *audience) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < audience->due_count; i++) {
        uint32_t number = audience->due[i];
        if ((audience->marks[number] & WANTED) != 0) {
            audience->due[kept++] = number;
        } else {
            audience->marks[number] = 0;
        }
    }
    audience->due_count = kept;
}

void audience_decide(struct audience *audience, const struct rollup *rollup, const struct registry *registry) {
    uint32_t count = rollup_region_count(rollup);
    for (uint32_t number = audience->stale ? 0 : audience->decided; number < count; number++) {
        decide_one(audience, rollup, registry, number);
    }
    drop_unwanted(audience);
    subscriptions_settle(audience->subscriptions);
    audience->decided = count;
    audience->stale = false;
}

void audience_note(struct audience *audience, const uint32_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        CHECK(numbers[i] < audience->decided);
        make_due(audience, numbers[i]);
    }
}

void audience_refresh(struct audience *audience, uint32_t parts) {
    uint32_t count = (audience->decided + parts - 1) / parts;
    for (uint32_t i = 0; i < count; i++) {
        audience->refresh_at = audience->refresh_at < audience->decided ? audience->refresh_at : 0;
        make_due(audience, audience->refresh_at++);
    }
}

void audience_settle(struct audience *audience) {
    for (uint32_t i = 0; i < audience->due_count; i++) {
        audience->marks[audience->due[i]] &= (uint8_t)~DUE;
    }
    audience->due_count = 0;
}
