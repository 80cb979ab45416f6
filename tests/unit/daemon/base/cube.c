#include "daemon/base/cube.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "daemon/base/curve.h"
#include "proto/limits.h"
#include "tests/support/random.h"

/* Cell i of a large, ordinary cube: counties of four provinces, categories, statuses. */
static cell_key_t key_of(uint32_t i) {
    return cell_key((uint16_t)(i / 200000), 310000 + i % 200000 / 16 * 7 % 40000, (uint8_t)(i % 16 / 5),
                    (uint8_t)(i % 5));
}

Test(cube, a_key_gives_back_what_it_was_made_of) {
    struct random random = {.state = 3};
    for (int i = 0; i < 100000; i++) {
        uint16_t competition = (uint16_t)random_next(&random);
        uint32_t region = (uint32_t)random_below(&random, 1000000);
        uint8_t category = (uint8_t)random_below(&random, CATEGORIES_MAX);
        uint8_t status = (uint8_t)random_below(&random, STATUSES_MAX);
        cell_key_t key = cell_key(competition, region, category, status);
        cr_assert_eq(cell_key_competition(key), competition);
        cr_assert_eq(cell_key_region(key), region);
        cr_assert_eq(cell_key_category(key), category);
        cr_assert_eq(cell_key_status(key), status);
    }
    cr_assert_neq(cell_key(0, 0, 0, 0), 0, "no key is 0");
}

Test(cube, finds_each_cell_again_and_none_that_is_not_there) {
    enum { KEYS = 50000 };
    struct cube cube;
    cr_assert_eq(cube_init(&cube), ERROR_NONE);
    uint32_t *numbers = calloc(KEYS, sizeof *numbers);
    for (uint32_t i = 0; i < KEYS; i++) {
        cell_key_t key = cell_key((uint16_t)(i % 7), i * 20 + 1, (uint8_t)(i % 3), (uint8_t)(i % 5));
        cr_assert_null(cube_find(&cube, key));
        numbers[i] = cube_find_or_add(&cube, key);
        cr_assert_eq(numbers[i], i, "cells are numbered as they come");
        cr_assert(cube.cells[i].key == key && cube.cells[i].curve == CURVE_NONE && sums_zero(&cube.cells[i].sums));
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        cell_key_t key = cell_key((uint16_t)(i % 7), i * 20 + 1, (uint8_t)(i % 3), (uint8_t)(i % 5));
        cr_assert_eq(cube_find_or_add(&cube, key), i);
        cr_assert_eq(cube_find(&cube, key), &cube.cells[i]);
    }
    cr_assert_eq(cube.count, KEYS);
    free(numbers);
    cube_fini(&cube);
}

Test(cube, is_full_at_its_limit_but_still_finds_what_it_has) {
    struct cube cube;
    cr_assert_eq(cube_init(&cube), ERROR_NONE);
    cr_assert_eq(cube.limit, CUBE_CELLS_MAX);
    cube.limit = 1000;
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert_eq(cube_find_or_add(&cube, cell_key(0, i, 0, 0)), i);
    }
    cr_assert_eq(cube_find_or_add(&cube, cell_key(0, 1000, 0, 0)), CUBE_FULL);
    cr_assert_eq(cube_find_or_add(&cube, cell_key(0, 999, 0, 0)), 999);
    cube_remove_last(&cube);
    cr_assert_eq(cube_find_or_add(&cube, cell_key(0, 1000, 0, 0)), 999);
    cube_fini(&cube);
}

/* Taking back the last of many leaves all others findable, whatever slots they went through. */
Test(cube, takes_back_the_last_cell_without_a_trace) {
    struct cube cube;
    cr_assert_eq(cube_init(&cube), ERROR_NONE);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < 40000; i++) {
        uint32_t before = cube.count;
        uint32_t number = cube_find_or_add(&cube, key_of(i));
        if (number == before && i % 3 == 0) {
            cube.cells[number].curve = 5;
            cube_remove_last(&cube);
            cr_assert_null(cube_find(&cube, key_of(i)));
        }
        kept = cube.count;
    }
    for (uint32_t i = 0; i < kept; i++) {
        cr_assert_eq(cube_find(&cube, cube.cells[i].key), &cube.cells[i]);
    }
    uint32_t used = 0;
    for (uint32_t slot = 0; slot <= cube.slot_mask; slot++) {
        used += cube.slots[slot] != 0;
    }
    cr_assert_eq(used, kept, "slots left behind would fill the table some day");
    uint32_t number = cube_find_or_add(&cube, cell_key(99, 1, 1, 1));
    cr_assert(number == kept && cube.cells[number].curve == CURVE_NONE);
    cube_fini(&cube);
}

Test(cube, lists_each_changed_cell_once_until_settled) {
    struct cube cube;
    cr_assert_eq(cube_init(&cube), ERROR_NONE);
    for (uint32_t i = 0; i < 10; i++) {
        cube_find_or_add(&cube, cell_key(0, i, 0, 0));
    }
    cr_assert_eq(cube.changed_count, 0, "to be made is not to change");
    static const uint32_t touched[] = {3, 7, 3, 3, 0, 7};
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++) {
        cube_touch(&cube, touched[i]);
    }
    cr_assert_eq(cube.changed_count, 3);
    cr_assert_arr_eq(cube.changed, ((uint32_t[]){3, 7, 0}), 3 * sizeof(uint32_t));
    cube_settle(&cube);
    cr_assert_eq(cube.changed_count, 0);
    cube_touch(&cube, 7);
    cr_assert(cube.changed_count == 1 && cube.changed[0] == 7);
    cube_fini(&cube);
}
