/* No wake-up is lost: two threads pass one token back and forth and sleep without a time-out in between, and several
 * producers wake one sleeper. A lost one would leave the program asleep until it is killed. */
#include <stdatomic.h>
#include <stdint.h>

#include "daemon/base/ring.h"
#include "daemon/base/waker.h"
#include "stress.h"

enum { PRODUCERS = 3 };

/* ---- back and forth ---- */

struct side {
    struct ring *in;
    struct ring *out;
    struct waker *own;
    struct waker *other;
    int64_t end_ns;
    bool first;
};

static uint64_t *receive(struct side *side) {
    uint64_t *token;
    while ((token = ring_pop(side->in)) == NULL) {
        waker_prepare(side->own);
        if (ring_empty(side->in)) {
            waker_sleep(side->own, -1);
        }
        waker_finish(side->own);
    }
    return token;
}

static void *play(void *context) {
    struct side *side = context;
    for (;;) {
        uint64_t *token = receive(side);
        bool last = *token == 0 || (side->first && clock_monotonic_ns() > side->end_ns);
        *token = last ? 0 : *token + 1;
        REQUIRE(ring_push(side->out, token));
        waker_wake(side->other);
        if (last) {
            return NULL;
        }
    }
}

static void back_and_forth(void) {
    struct ring rings[2];
    struct waker wakers[2];
    uint64_t token = 1;
    for (int i = 0; i < 2; i++) {
        REQUIRE(ring_init(&rings[i], 1) == ERROR_NONE && waker_init(&wakers[i]) == ERROR_NONE);
    }
    int64_t end_ns = stress_end_ns();
    struct side sides[2] = {{&rings[0], &rings[1], &wakers[0], &wakers[1], end_ns, true},
                            {&rings[1], &rings[0], &wakers[1], &wakers[0], end_ns, false}};
    REQUIRE(ring_push(&rings[0], &token));
    pthread_t threads[2] = {stress_start(play, &sides[0]), stress_start(play, &sides[1])};
    stress_join(threads[0]);
    stress_join(threads[1]);
    for (int i = 0; i < 2; i++) {
        ring_fini(&rings[i]);
        waker_fini(&wakers[i]);
    }
}

/* ---- many producers, one sleeper ---- */

struct crowd {
    struct waker waker;
    _Atomic uint64_t made[PRODUCERS];
    int64_t end_ns;
    atomic_int ended;
};

struct producer {
    struct crowd *crowd;
    int number;
};

static void *produce(void *context) {
    struct producer *producer = context;
    struct crowd *crowd = producer->crowd;
    while (clock_monotonic_ns() < crowd->end_ns) {
        atomic_fetch_add_explicit(&crowd->made[producer->number], 1, memory_order_release);
        waker_wake(&crowd->waker);
    }
    atomic_fetch_add_explicit(&crowd->ended, 1, memory_order_release);
    waker_wake(&crowd->waker);
    return NULL;
}

static uint64_t sum_of(struct crowd *crowd) {
    uint64_t sum = 0;
    for (int i = 0; i < PRODUCERS; i++) {
        sum += atomic_load_explicit(&crowd->made[i], memory_order_acquire);
    }
    return sum;
}

static void many_producers(void) {
    static struct crowd crowd;
    REQUIRE(waker_init(&crowd.waker) == ERROR_NONE);
    crowd.end_ns = stress_end_ns();
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&crowd, i};
        threads[i] = stress_start(produce, &producers[i]);
    }
    uint64_t seen = 0;
    while (atomic_load_explicit(&crowd.ended, memory_order_acquire) < PRODUCERS || sum_of(&crowd) != seen) {
        waker_prepare(&crowd.waker);
        if (sum_of(&crowd) == seen && atomic_load_explicit(&crowd.ended, memory_order_acquire) < PRODUCERS) {
            waker_sleep(&crowd.waker, -1);
        }
        waker_finish(&crowd.waker);
        seen = sum_of(&crowd);
    }
    for (int i = 0; i < PRODUCERS; i++) {
        stress_join(threads[i]);
    }
    REQUIRE(sum_of(&crowd) == seen);
    waker_fini(&crowd.waker);
}

int main(void) {
    back_and_forth();
    many_producers();
    return EXIT_SUCCESS;
}
