/* No note to a worker is lost: it sleeps without a time-out, and whoever wakes it waits until it has answered what was asked
 * before. Also when two wake it at once. A lost one would leave the program asleep until it is killed. */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/lib/clock.h"
#include "client/lib/worker.h"

enum { ASKERS = 2, STUCK_SECONDS = 60 };

#define STRESS_NS INT64_C(500000000)

struct desk {
    struct worker worker;
    _Atomic unsigned long asked[ASKERS];
    _Atomic unsigned long answered[ASKERS];
    int64_t end_ns;
};

struct asker {
    struct desk *desk;
    size_t number;
};

static void *answer(void *context) {
    struct desk *desk = context;
    while (!worker_stopping(&desk->worker)) {
        struct pollfd note = {.fd = desk->worker.wake, .events = POLLIN};
        if (poll(&note, 1, -1) == 1) {
            worker_rest(&desk->worker);
        }
        for (size_t i = 0; i < ASKERS; i++) {
            atomic_store(&desk->answered[i], atomic_load_explicit(&desk->asked[i], memory_order_relaxed));
        }
    }
    return NULL;
}

static void *ask(void *context) {
    const struct asker *asker = context;
    struct desk *desk = asker->desk;
    for (unsigned long question = 1; clock_now_ns() < desk->end_ns; question++) {
        atomic_store_explicit(&desk->asked[asker->number], question, memory_order_relaxed);
        worker_wake(&desk->worker);
        while (atomic_load(&desk->answered[asker->number]) != question) {
            sched_yield();
        }
    }
    return NULL;
}

int main(void) {
    static struct desk desk;
    struct asker askers[ASKERS];
    pthread_t threads[ASKERS];
    alarm(STUCK_SECONDS);
    desk.end_ns = clock_now_ns() + STRESS_NS;
    if (worker_start(&desk.worker, answer, &desk, NULL) != TALLY_OK) {
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){&desk, i};
        if (pthread_create(&threads[i], NULL, ask, &askers[i]) != 0) {
            return EXIT_FAILURE;
        }
    }
    for (size_t i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    worker_stop(&desk.worker);
    printf("%lu and %lu questions answered\n", desk.answered[0], desk.answered[1]);
    return desk.answered[0] > 0 && desk.answered[1] > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
