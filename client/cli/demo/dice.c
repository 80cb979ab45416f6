#include "dice.h"

enum { ONE = 65536, UNIFORMS = 12, POWER_SHIFT = 20 };

void dice_init(struct dice *dice, uint64_t seed) {
    dice->state = seed;
}

static uint64_t next(struct dice *dice) {
    uint64_t value = dice->state += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

uint32_t dice_below(struct dice *dice, uint32_t limit) {
    return (uint32_t)((next(dice) >> 32) * limit >> 32);
}

uint32_t dice_between(struct dice *dice, uint32_t low, uint32_t high) {
    return low + dice_below(dice, high - low + 1);
}

int dice_chance(struct dice *dice, uint32_t percent) {
    return dice_below(dice, 100) < percent;
}

int32_t dice_normal(struct dice *dice) {
    int32_t sum = -UNIFORMS / 2 * ONE;
    for (int i = 0; i < UNIFORMS; i++) {
        sum += (int32_t)dice_below(dice, ONE);
    }
    return sum;
}

uint64_t dice_power(int64_t exponent) {
    /* 2^(k/16) times 65,536. */
    static const uint64_t sixteenths[] = {65536, 68438,  71468,  74632,  77936,  81386,  84990,  88752, 92682,
                                          96785, 101070, 105545, 110218, 115098, 120194, 125515, 131072};
    int64_t limit = (int64_t)POWER_SHIFT * ONE;
    exponent = exponent < -limit ? -limit : exponent > limit ? limit : exponent;
    uint64_t shifted = (uint64_t)(exponent + limit);
    uint64_t whole = shifted / ONE;
    uint64_t step = shifted % ONE / (ONE / 16);
    uint64_t rest = shifted % (ONE / 16);
    uint64_t fraction = sixteenths[step] + (sixteenths[step + 1] - sixteenths[step]) * rest / (ONE / 16);
    return (fraction << whole) >> 16;
}
