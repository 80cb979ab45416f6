#include "dice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t dice_seed(const char *test, uint64_t usual) {
    const char *wanted = getenv("TALLY_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 0) : usual;
    fprintf(stderr, "%s: TALLY_SEED=%" PRIu64 "\n", test, seed);
    return seed;
}

void dice_init(struct dice *dice, uint64_t seed) {
    dice->state = seed;
}

uint64_t dice_next(struct dice *dice) {
    uint64_t mixed = dice->state += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

uint64_t dice_below(struct dice *dice, uint64_t limit) {
    return dice_next(dice) % limit;
}

bool dice_chance(struct dice *dice, unsigned percent) {
    return dice_below(dice, 100) < percent;
}

void dice_fill(struct dice *dice, void *bytes, size_t size) {
    uint8_t *out = bytes;
    while (size > 0) {
        uint64_t roll = dice_next(dice);
        size_t part = size < sizeof roll ? size : sizeof roll;
        memcpy(out, &roll, part);
        out += part;
        size -= part;
    }
}
