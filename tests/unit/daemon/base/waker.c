#include "daemon/base/waker.h"

#include <criterion/criterion.h>
#include <poll.h>

static bool readable(const struct waker *waker) {
    struct pollfd descriptor = {.fd = waker->fd, .events = POLLIN};
    return poll(&descriptor, 1, 0) == 1;
}

Test(waker, a_wake_after_prepare_ends_the_sleep) {
    struct waker waker;
    cr_assert_eq(waker_init(&waker), ERROR_NONE);
    waker_prepare(&waker);
    waker_wake(&waker);
    waker_sleep(&waker, -1);
    waker_finish(&waker);
    cr_assert(!readable(&waker), "finish leaves nothing for the next sleep");
    waker_fini(&waker);
}

Test(waker, nobody_pays_for_waking_one_that_is_awake) {
    struct waker waker;
    cr_assert_eq(waker_init(&waker), ERROR_NONE);
    for (int i = 0; i < 10; i++) {
        waker_wake(&waker);
    }
    cr_assert(!readable(&waker));
    waker_prepare(&waker);
    waker_wake(&waker);
    cr_assert(readable(&waker));
    waker_finish(&waker);
    waker_wake(&waker);
    cr_assert(!readable(&waker));
    waker_fini(&waker);
    waker_fini(&waker);
}

Test(waker, a_sleep_ends_by_itself_when_its_time_is_over) {
    struct waker waker;
    cr_assert_eq(waker_init(&waker), ERROR_NONE);
    waker_prepare(&waker);
    waker_sleep(&waker, 1);
    waker_finish(&waker);
    waker_fini(&waker);
}
