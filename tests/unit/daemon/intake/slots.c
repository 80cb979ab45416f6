#include "daemon/intake/slots.h"

#include <criterion/criterion.h>
#include <string.h>

enum { SLOTS = 5 };

Test(slots, gives_out_as_many_as_there_are) {
    struct slots slots;
    cr_assert_eq(slots_init(&slots, SLOTS), ERROR_NONE);
    struct slot *taken[SLOTS];
    for (size_t i = 0; i < SLOTS; i++) {
        taken[i] = slots_take(&slots);
        cr_assert_not_null(taken[i]);
        for (size_t k = 0; k < i; k++) {
            cr_assert_neq(taken[i], taken[k]);
        }
        cr_assert_eq(slots_of(&taken[i]->entry), taken[i]);
    }
    cr_assert_null(slots_take(&slots));
    slots_give_back(&slots, taken[2]);
    cr_assert_eq(slots_take(&slots), taken[2]);
    cr_assert_null(slots_take(&slots));
    for (size_t i = 0; i < SLOTS; i++) {
        slots_give_back(&slots, taken[i]);
    }
    cr_assert_eq(slots.free_count, SLOTS);
    slots_fini(&slots);
}

Test(slots, each_has_an_arena_of_its_own) {
    struct slots slots;
    cr_assert_eq(slots_init(&slots, SLOTS), ERROR_NONE);
    struct slot *taken[SLOTS];
    uint8_t *pieces[SLOTS];
    for (size_t i = 0; i < SLOTS; i++) {
        taken[i] = slots_take(&slots);
        arena_reset(&taken[i]->arena);
        pieces[i] = arena_allocate(&taken[i]->arena, BATCH_ARENA_BYTES);
        cr_assert_not_null(pieces[i]);
        memset(pieces[i], (int)i + 1, BATCH_ARENA_BYTES);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        cr_assert(pieces[i][0] == i + 1 && pieces[i][BATCH_ARENA_BYTES - 1] == i + 1);
        slots_give_back(&slots, taken[i]);
    }
    slots_fini(&slots);
}

/* The leak sanitizer sees a message that is not dropped. */
Test(slots, giving_back_drops_the_message) {
    struct slots slots;
    cr_assert_eq(slots_init(&slots, 1), ERROR_NONE);
    for (int i = 0; i < 3; i++) {
        struct slot *slot = slots_take(&slots);
        cr_assert_eq(zmq_msg_size(&slot->body), 0);
        zmq_msg_close(&slot->body);
        cr_assert_eq(zmq_msg_init_size(&slot->body, 100000), 0);
        slots_give_back(&slots, slot);
    }
    slots_fini(&slots);
}
