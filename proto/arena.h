/* A fixed piece of memory that protobuf-c unpacks into, so that hostile input meets a budget and steady state allocates
 * nothing. protobuf-c itself has no limit: 1 MiB of input was seen to become 92 MB.
 * An arena belongs to one thread at a time, and is not copied: its allocator points at it. */
#ifndef TALLY_PROTO_ARENA_H
#define TALLY_PROTO_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base;
    size_t size;
    size_t used;
    ProtobufCAllocator allocator; /* hands out pieces of the arena; its free does nothing */
};

/* memory stays the caller's and must outlive the arena. */
void arena_init(struct arena *arena, void *memory, size_t size);

/* Forgets everything handed out. */
void arena_reset(struct arena *arena);

/* 16-byte aligned; NULL when the budget is used up. */
void *arena_allocate(struct arena *arena, size_t size);

#endif
