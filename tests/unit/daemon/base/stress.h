/* What the threaded tests have in common: a condition that ends the program when it does not hold, and how long they run. */
#ifndef TALLY_TESTS_UNIT_DAEMON_BASE_STRESS_H
#define TALLY_TESTS_UNIT_DAEMON_BASE_STRESS_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/clock.h"

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

enum { STRESS_MS_USUAL = 500, STRESS_STUCK_SECONDS = 60 };

/* When to stop, monotonic: after TALLY_STRESS_MS milliseconds, or half a second. From here on, a program that is still
 * there a minute later than that is stuck and killed. */
static inline int64_t stress_end_ns(void) {
    const char *wanted = getenv("TALLY_STRESS_MS");
    long ms = wanted != NULL ? strtol(wanted, NULL, 10) : STRESS_MS_USUAL;
    alarm((unsigned)(ms / 1000 + STRESS_STUCK_SECONDS));
    return clock_monotonic_ns() + (int64_t)ms * 1000000;
}

static inline pthread_t stress_start(void *(*run)(void *), void *context) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, run, context) == 0);
    return thread;
}

static inline void stress_join(pthread_t thread) {
    REQUIRE(pthread_join(thread, NULL) == 0);
}

#endif
