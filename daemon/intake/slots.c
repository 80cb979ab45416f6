#include "slots.h"

#include <stdlib.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

enum error slots_init(struct slots *slots, size_t count) {
    *slots = (struct slots){.count = count};
    slots->all = calloc(count, sizeof *slots->all);
    slots->free = calloc(count, sizeof(struct slot *));
    slots->memory = memory_reserve(count * BATCH_ARENA_BYTES);
    if (slots->all == NULL || slots->free == NULL || slots->memory == NULL) {
        slots_fini(slots);
        return ERROR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &slots->all[i];
        arena_init(&slot->arena, (uint8_t *)slots->memory + i * BATCH_ARENA_BYTES, BATCH_ARENA_BYTES);
        zmq_msg_init(&slot->body);
        slots->free[slots->free_count++] = slot;
    }
    return ERROR_NONE;
}

void slots_fini(struct slots *slots) {
    memory_release(slots->memory, slots->count * BATCH_ARENA_BYTES);
    free(slots->free);
    free(slots->all);
    *slots = (struct slots){0};
}

/* The one given back last is taken first: its memory is still in the cache. */
struct slot *slots_take(struct slots *slots) {
    return slots->free_count > 0 ? slots->free[--slots->free_count] : NULL;
}

void slots_give_back(struct slots *slots, struct slot *slot) {
    CHECK(slots->free_count < slots->count);
    zmq_msg_close(&slot->body);
    zmq_msg_init(&slot->body);
    slots->free[slots->free_count++] = slot;
}

struct slot *slots_of(struct entry *entry) {
    return (struct slot *)(void *)entry;
}
