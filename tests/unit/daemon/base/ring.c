#include "daemon/base/ring.h"

#include <criterion/criterion.h>
#include <stdint.h>

static int things[64];

Test(ring, gives_back_what_was_put_in_in_order) {
    for (size_t capacity = 1; capacity <= 64; capacity *= 2) {
        struct ring ring;
        cr_assert_eq(ring_init(&ring, capacity), ERROR_NONE);
        size_t put = 0;
        size_t got = 0;
        for (size_t step = 1; got < 1000; step = step % capacity + 1) {
            for (size_t i = 0; i < step; i++) {
                cr_assert(ring_push(&ring, &things[put++ % 64]));
            }
            for (size_t i = 0; i < step; i++) {
                cr_assert_eq(ring_pop(&ring), &things[got++ % 64]);
            }
        }
        ring_fini(&ring);
    }
}

Test(ring, holds_its_capacity_and_not_one_more) {
    for (size_t capacity = 1; capacity <= 64; capacity *= 2) {
        struct ring ring;
        cr_assert_eq(ring_init(&ring, capacity), ERROR_NONE);
        for (size_t i = 0; i < capacity; i++) {
            cr_assert(ring_push(&ring, &things[i]));
        }
        cr_assert(!ring_push(&ring, &things[63]));
        cr_assert(!ring_push(&ring, &things[63]), "and again");
        cr_assert_eq(ring_pop(&ring), &things[0]);
        cr_assert(ring_push(&ring, &things[0]), "one went, one fits");
        cr_assert(!ring_push(&ring, &things[63]));
        for (size_t i = 1; i < capacity; i++) {
            cr_assert_eq(ring_pop(&ring), &things[i]);
        }
        cr_assert_eq(ring_pop(&ring), &things[0]);
        cr_assert_null(ring_pop(&ring));
        ring_fini(&ring);
    }
}

Test(ring, says_when_it_is_empty) {
    struct ring ring;
    cr_assert_eq(ring_init(&ring, 4), ERROR_NONE);
    cr_assert(ring_empty(&ring));
    cr_assert_null(ring_pop(&ring));
    cr_assert(ring_push(&ring, things));
    cr_assert(!ring_empty(&ring));
    cr_assert_not_null(ring_pop(&ring));
    cr_assert(ring_empty(&ring));
    ring_fini(&ring);
}

/* After months the positions wrap: they are only ever compared by their difference. */
Test(ring, goes_on_when_its_positions_wrap) {
    struct ring ring;
    cr_assert_eq(ring_init(&ring, 8), ERROR_NONE);
    atomic_store(&ring.tail, SIZE_MAX - 3);
    atomic_store(&ring.head, SIZE_MAX - 3);
    ring.head_seen = ring.tail_seen = SIZE_MAX - 3;
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 8; i++) {
            cr_assert(ring_push(&ring, &things[i]));
        }
        cr_assert(!ring_push(&ring, &things[9]));
        for (size_t i = 0; i < 8; i++) {
            cr_assert_eq(ring_pop(&ring), &things[i]);
        }
        cr_assert(ring_empty(&ring));
    }
    ring_fini(&ring);
}
