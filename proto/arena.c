#include "arena.h"

enum { ARENA_ALIGNMENT = 16 };

static void *allocate(void *arena, size_t size) {
    return arena_allocate(arena, size);
}

static void forget(void *arena, void *pointer) {
    (void)arena;
    (void)pointer;
}

void arena_init(struct arena *arena, void *memory, size_t size) {
    *arena = (struct arena){.base = memory, .size = size};
    arena->allocator = (ProtobufCAllocator){.alloc = allocate, .free = forget, .allocator_data = arena};
}

void arena_reset(struct arena *arena) {
    arena->used = 0;
}

void *arena_allocate(struct arena *arena, size_t size) {
    if (size > arena->size - arena->used) {
        return NULL;
    }
    size_t rounded = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (rounded > arena->size - arena->used) {
        return NULL;
    }
    void *piece = arena->base + arena->used;
    arena->used += rounded;
    return piece;
}
