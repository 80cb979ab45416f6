/* Registries handed over while stages use them: main offers new ones to several slots, each stage takes the newest, looks
 * things up in it and lets it go. No registry is freed while somebody reads it, and none is left over (the leak and thread
 * sanitizers see to that). */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/registry.h"
#include "stress.h"

enum { STAGES = 3, COMPETITIONS = 4 };

struct stage {
    struct registry_slot slot;
    struct registry *registry;
    uint64_t taken;
};

static atomic_bool stopping;

static struct registry *make_registry(uint64_t generation) {
    struct registry *registry = registry_create(COMPETITIONS, 1);
    REQUIRE(registry != NULL);
    for (uint16_t i = 0; i < COMPETITIONS; i++) {
        snprintf(registry->competitions[i].key, sizeof registry->competitions[i].key, "competition-%u", i);
        registry->competitions[i].number = i;
        registry->competitions[i].target_projects = generation;
    }
    snprintf(registry->nodes[0].name, sizeof registry->nodes[0].name, "node");
    return registry;
}

/* All of one registry is of one generation, and generations only grow. */
static uint64_t read_registry(const struct registry *registry, uint64_t generation_least) {
    uint64_t generation = registry->competitions[0].target_projects;
    REQUIRE(generation >= generation_least);
    for (uint16_t i = 0; i < COMPETITIONS; i++) {
        const struct competition *competition = registry_competition_numbered(registry, i);
        REQUIRE(competition == registry_competition(registry, competition->key, strlen(competition->key)));
        REQUIRE(competition->target_projects == generation);
    }
    REQUIRE(registry_node(registry, "node", 4) != NULL);
    return generation;
}

static void *be_stage(void *context) {
    struct stage *stage = context;
    uint64_t generation = 0;
    while (!atomic_load_explicit(&stopping, memory_order_acquire)) {
        stage->taken += registry_take(&stage->slot, &stage->registry);
        generation = read_registry(stage->registry, generation);
    }
    stage->taken += registry_take(&stage->slot, &stage->registry);
    read_registry(stage->registry, generation);
    return NULL;
}

int main(void) {
    static struct stage stages[STAGES];
    pthread_t threads[STAGES];
    int64_t end_ns = stress_end_ns();
    struct registry *current = make_registry(1);
    for (size_t i = 0; i < STAGES; i++) {
        stages[i].registry = registry_hold(current);
        threads[i] = stress_start(be_stage, &stages[i]);
    }
    uint64_t generation = 1;
    while (clock_monotonic_ns() < end_ns) {
        registry_release(current);
        current = make_registry(++generation);
        for (size_t i = 0; i < STAGES; i++) {
            registry_offer(&stages[i].slot, current);
        }
    }
    atomic_store_explicit(&stopping, true, memory_order_release);
    for (size_t i = 0; i < STAGES; i++) {
        stress_join(threads[i]);
        REQUIRE(stages[i].taken > 0 && stages[i].taken < generation);
        REQUIRE(stages[i].registry == current);
        registry_release(stages[i].registry);
    }
    REQUIRE(atomic_load(&current->references) == 1);
    registry_release(current);
    return EXIT_SUCCESS;
}
