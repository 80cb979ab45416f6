/* A bounded queue of pointers from one thread to one other, without locks and without waiting.
 * After Lamport (1983), with each side keeping its own copy of the other's position (Lee, Bu and Chandranmenon, "FastForward",
 * and Rigtorp), so that in steady state a push or a pop touches one cache line that the other side writes. */
#ifndef TALLY_DAEMON_BASE_RING_H
#define TALLY_DAEMON_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { CACHE_LINE_BYTES = 64 };

struct ring {
    /* Immutable after init. */
    void **slots;
    size_t mask;

    /* Owned by the producer. tail is read by the consumer. */
    _Alignas(CACHE_LINE_BYTES) _Atomic size_t tail;
    size_t head_seen;

    /* Owned by the consumer. head is read by the producer. */
    _Alignas(CACHE_LINE_BYTES) _Atomic size_t head;
    size_t tail_seen;
};

/* capacity is a power of two. Errors: MEMORY. */
MUST_USE enum error ring_init(struct ring *ring, size_t capacity);

/* No thread uses the ring any more. What is still in it is the caller's to free first. */
void ring_fini(struct ring *ring);

/* Producer only. Returns false when full; item is not NULL. What was written before the push is seen after the pop. */
static inline bool ring_push(struct ring *ring, void *item) {
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed); /* own position */
    if (tail - ring->head_seen > ring->mask) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire); /* with the release in ring_pop */
        if (tail - ring->head_seen > ring->mask) {
            return false;
        }
    }
    ring->slots[tail & ring->mask] = item;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release); /* with the acquire in ring_pop */
    return true;
}

/* Consumer only. Returns NULL when empty. */
static inline void *ring_pop(struct ring *ring) {
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed); /* own position */
    if (head == ring->tail_seen) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire); /* with the release in ring_push */
        if (head == ring->tail_seen) {
            return NULL;
        }
    }
    void *item = ring->slots[head & ring->mask];
    atomic_store_explicit(&ring->head, head + 1, memory_order_release); /* with the acquire in ring_push */
    return item;
}

/* Consumer only: whether a pop would find nothing. */
static inline bool ring_empty(struct ring *ring) {
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    return head == ring->tail_seen && head == atomic_load_explicit(&ring->tail, memory_order_acquire);
}

#endif
