/* Seeded random numbers for tests: splitmix64 (Steele, Lea, Flood 2014). The same seed gives the same test. */
#ifndef TALLY_TESTS_SUPPORT_RANDOM_H
#define TALLY_TESTS_SUPPORT_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state; /* the seed */
};

static inline uint64_t random_next(struct random *random) {
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* 0 to limit - 1; limit is far below 2^64, so that the modulus does no harm. */
static inline uint64_t random_below(struct random *random, uint64_t limit) {
    return random_next(random) % limit;
}

/* True once in `times`. */
static inline bool random_once_in(struct random *random, uint64_t times) {
    return random_below(random, times) == 0;
}

#endif
