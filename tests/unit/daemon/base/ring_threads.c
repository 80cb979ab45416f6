/* One producer, one consumer, rings of several sizes: everything arrives once, in order, and what was written to an item
 * before the push is seen after the pop. */
#include <sched.h>
#include <stdint.h>

#include "daemon/base/ring.h"
#include "stress.h"

enum { ITEMS = 4096, LOOK_AT_CLOCK_EVERY = 1024 };

struct item {
    uint64_t number;
    uint64_t payload[3]; /* written without atomics: the ring alone orders it */
};

struct lane {
    struct ring there;
    struct ring back; /* items go round, as entries do in the daemon */
    int64_t end_ns;
    uint64_t sent;
    struct item items[ITEMS];
};

static void fill(struct item *item, uint64_t number) {
    item->number = number;
    for (uint64_t i = 0; i < 3; i++) {
        item->payload[i] = number * 31 + i;
    }
}

static void *produce(void *context) {
    struct lane *lane = context;
    uint64_t number = 0;
    struct item *held = NULL;
    while (number % LOOK_AT_CLOCK_EVERY != 0 || clock_monotonic_ns() < lane->end_ns) {
        held = held != NULL ? held : ring_pop(&lane->back);
        if (held == NULL) {
            sched_yield();
            continue;
        }
        fill(held, number);
        if (ring_push(&lane->there, held)) {
            held = NULL;
            number++;
        } else {
            sched_yield();
        }
    }
    lane->sent = number;
    static struct item last = {.number = UINT64_MAX};
    while (!ring_push(&lane->there, &last)) {
        sched_yield();
    }
    return NULL;
}

static void *consume(void *context) {
    struct lane *lane = context;
    uint64_t expected = 0;
    for (;;) {
        struct item *item = ring_pop(&lane->there);
        if (item == NULL) {
            sched_yield();
            continue;
        }
        if (item->number == UINT64_MAX) {
            break;
        }
        REQUIRE(item->number == expected);
        for (uint64_t i = 0; i < 3; i++) {
            REQUIRE(item->payload[i] == expected * 31 + i);
        }
        expected++;
        REQUIRE(ring_push(&lane->back, item)); /* it has room for all there are */
    }
    REQUIRE(ring_pop(&lane->there) == NULL);
    lane->sent -= expected; /* the producer wrote it before its last push */
    return NULL;
}

static void run(size_t capacity) {
    static struct lane lane;
    REQUIRE(ring_init(&lane.there, capacity) == ERROR_NONE && ring_init(&lane.back, ITEMS) == ERROR_NONE);
    for (size_t i = 0; i < ITEMS; i++) {
        REQUIRE(ring_push(&lane.back, &lane.items[i]));
    }
    lane.end_ns = stress_end_ns();
    pthread_t producer = stress_start(produce, &lane);
    pthread_t consumer = stress_start(consume, &lane);
    stress_join(producer);
    stress_join(consumer);
    REQUIRE(lane.sent == 0);
    ring_fini(&lane.there);
    ring_fini(&lane.back);
}

int main(void) {
    run(1);
    run(8);
    run(1024);
    return EXIT_SUCCESS;
}
