#include "ring.h"

#include <stdlib.h>

#include "check.h"

enum error ring_init(struct ring *ring, size_t capacity) {
    CHECK(capacity > 0 && (capacity & (capacity - 1)) == 0);
    *ring = (struct ring){.mask = capacity - 1};
    ring->slots = calloc(capacity, sizeof *ring->slots);
    return ring->slots == NULL ? ERROR_MEMORY : ERROR_NONE;
}

void ring_fini(struct ring *ring) {
    free(ring->slots);
    ring->slots = NULL;
}
