/* The seed of a random test, which can be set from outside to repeat a failure. */
#ifndef TALLY_TESTS_SUPPORT_SEED_H
#define TALLY_TESTS_SUPPORT_SEED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* TALLY_SEED where it is set, else usual; says on stderr which one it is. */
static inline uint64_t seed_of(const char *test, uint64_t usual) {
    const char *wanted = getenv("TALLY_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 0) : usual;
    fprintf(stderr, "%s: TALLY_SEED=%" PRIu64 "\n", test, seed);
    return seed;
}

#endif
