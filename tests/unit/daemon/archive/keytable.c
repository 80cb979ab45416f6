#include "daemon/archive/keytable.h"

#include <criterion/criterion.h>

Test(keytable, numbers_keys_in_the_order_in_which_they_come) {
    struct keytable table;
    cr_assert_eq(keytable_init(&table, 10000), ERROR_NONE);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 10000; i++) {
            cr_assert_eq(keytable_find_or_add(&table, (uint64_t)(i + 1) << 20), i);
        }
        for (uint32_t i = 0; i < 10000; i++) {
            cr_assert_eq(keytable_find(&table, (uint64_t)(i + 1) << 20), i);
            cr_assert_eq(keytable_find_or_add(&table, (uint64_t)(i + 1) << 20), i);
        }
        cr_assert_eq(keytable_find(&table, 7), KEYTABLE_NONE);
        keytable_clear(&table);
        cr_assert_eq(keytable_find(&table, 1 << 20), KEYTABLE_NONE);
    }
    keytable_fini(&table);
}

Test(keytable, takes_no_more_than_its_capacity) {
    struct keytable table;
    cr_assert_eq(keytable_init(&table, 3), ERROR_NONE);
    for (uint64_t key = 1; key <= 3; key++) {
        cr_assert_neq(keytable_find_or_add(&table, key), KEYTABLE_NONE);
    }
    cr_assert_eq(keytable_find_or_add(&table, 4), KEYTABLE_NONE);
    cr_assert_eq(keytable_find_or_add(&table, 3), 2);
    keytable_fini(&table);
}
