/* Random numbers for the demonstration: the same on every machine, integers only. */
#ifndef TALLY_CLIENT_CLI_DEMO_DICE_H
#define TALLY_CLIENT_CLI_DEMO_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

/* Any seed is good. The generator is splitmix64 (Steele, Lea and Flood, 2014). */
void dice_init(struct dice *dice, uint64_t seed);

/* 0 to limit - 1, each as likely; limit is not 0. */
uint32_t dice_below(struct dice *dice, uint32_t limit);

/* low to high, both included. */
uint32_t dice_between(struct dice *dice, uint32_t low, uint32_t high);

/* True in percent of 100 throws. */
int dice_chance(struct dice *dice, uint32_t percent);

/* About normally distributed with mean 0 and deviation 65,536: the sum of twelve uniform numbers. */
int32_t dice_normal(struct dice *dice);

/* 2 to the power of exponent / 65,536, times 2^20, for exponents from -20 to 20 times 65,536; interpolated between
 * sixteenths. Of dice_normal it makes a log-normal number. */
uint64_t dice_power(int64_t exponent);

#endif
