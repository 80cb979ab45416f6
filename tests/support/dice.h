/* Repeatable randomness for tests: the same seed rolls the same everywhere. After Vigna's splitmix64. */
#ifndef TALLY_TESTS_SUPPORT_DICE_H
#define TALLY_TESTS_SUPPORT_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* The seed of a test: TALLY_SEED where it is set, else usual. Says on stderr which one it is, so that a failure can be
 * repeated. */
uint64_t dice_seed(const char *test, uint64_t usual);

void dice_init(struct dice *dice, uint64_t seed);

uint64_t dice_next(struct dice *dice);

/* 0 to limit - 1; limit is above 0. */
uint64_t dice_below(struct dice *dice, uint64_t limit);

/* True in so many of a hundred rolls. */
bool dice_chance(struct dice *dice, unsigned percent);

void dice_fill(struct dice *dice, void *bytes, size_t size);

#endif
