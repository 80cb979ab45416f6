#include "daemon/base/snapshot.h"

#include <criterion/criterion.h>

Test(snapshot, reserve_makes_room_and_keeps_what_is_there) {
    struct snapshot_exchange exchange;
    snapshot_init(&exchange);
    cr_assert_eq(atomic_load(&exchange.holder), SNAPSHOT_IDLE);
    struct snapshot *snapshot = &exchange.snapshot;
    cr_assert_eq(snapshot_reserve(snapshot, 0, 0), ERROR_NONE);
    for (size_t needed = 1; needed < 5000; needed = needed * 3 + 1) {
        cr_assert_eq(snapshot_reserve(snapshot, needed, needed / 2), ERROR_NONE);
        cr_assert(snapshot->cell_capacity >= needed && snapshot->day_capacity >= needed / 2);
        snapshot->cells[needed - 1].key = needed;
    }
    for (size_t needed = 1; needed < 5000; needed = needed * 3 + 1) {
        cr_assert_eq(snapshot->cells[needed - 1].key, needed);
    }
    size_t capacity = snapshot->cell_capacity;
    cr_assert_eq(snapshot_reserve(snapshot, 1, 1), ERROR_NONE);
    cr_assert_eq(snapshot->cell_capacity, capacity, "it never shrinks");
    snapshot_fini(&exchange);
    cr_assert(snapshot->cells == NULL && snapshot->days == NULL);
}
