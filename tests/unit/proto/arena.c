#include "proto/arena.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1024 };

static _Alignas(16) uint8_t memory[SIZE];

Test(arena, pieces_are_aligned_apart_and_within) {
    struct arena arena;
    arena_init(&arena, memory, SIZE);
    uint8_t *end = memory;
    for (size_t size = 1; size < 40; size++) {
        uint8_t *piece = arena_allocate(&arena, size);
        if (piece == NULL) {
            break;
        }
        cr_assert_eq((uintptr_t)piece % 16, 0);
        cr_assert(piece >= end && piece + size <= memory + SIZE);
        memset(piece, (int)size, size);
        end = piece + size;
    }
    cr_assert_gt(end, memory + SIZE / 2);
}

Test(arena, gives_all_of_its_budget_and_not_a_byte_more) {
    struct arena arena;
    arena_init(&arena, memory, SIZE);
    cr_assert_not_null(arena_allocate(&arena, SIZE));
    cr_assert_null(arena_allocate(&arena, 1));
    arena_reset(&arena);
    cr_assert_null(arena_allocate(&arena, SIZE + 1));
    cr_assert_not_null(arena_allocate(&arena, SIZE - 16));
    cr_assert_not_null(arena_allocate(&arena, 16));
    cr_assert_null(arena_allocate(&arena, 1));
}

Test(arena, a_piece_that_rounding_pushes_over_the_end_is_not_given) {
    struct arena arena;
    arena_init(&arena, memory, 20);
    cr_assert_null(arena_allocate(&arena, 17));
    cr_assert_not_null(arena_allocate(&arena, 16));
}

Test(arena, sizes_near_the_end_of_the_type_are_refused) {
    struct arena arena;
    arena_init(&arena, memory, SIZE);
    for (size_t below = 0; below < 64; below++) {
        cr_assert_null(arena_allocate(&arena, SIZE_MAX - below));
    }
    cr_assert_eq(arena.used, 0);
}

Test(arena, its_allocator_draws_on_the_same_budget_and_frees_nothing) {
    struct arena arena;
    arena_init(&arena, memory, SIZE);
    void *piece = arena.allocator.alloc(arena.allocator.allocator_data, SIZE);
    cr_assert_eq(piece, memory);
    arena.allocator.free(arena.allocator.allocator_data, piece);
    cr_assert_null(arena.allocator.alloc(arena.allocator.allocator_data, 1));
    arena_reset(&arena);
    cr_assert_eq(arena.allocator.alloc(arena.allocator.allocator_data, 1), memory);
}
