#include "client/cli/demo/dice.h"

#include <criterion/criterion.h>

Test(dice, the_same_seed_gives_the_same_numbers_on_every_machine) {
    struct dice dice;
    dice_init(&dice, 0);
    /* The first outputs of splitmix64 for seed 0 begin with E220A839, 6E789E6A, 06C45D18. */
    cr_assert_eq(dice_below(&dice, 1u << 16), 0xE220);
    cr_assert_eq(dice_below(&dice, 1u << 16), 0x6E78);
    cr_assert_eq(dice_below(&dice, 1u << 16), 0x06C4);
}

Test(dice, numbers_stay_within_their_bounds_and_reach_them) {
    struct dice dice;
    dice_init(&dice, 1);
    unsigned seen = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t value = dice_between(&dice, 3, 7);
        cr_assert(value >= 3 && value <= 7);
        seen |= 1u << value;
    }
    cr_assert_eq(seen, 0xF8);
}

Test(dice, normal_numbers_have_mean_and_deviation) {
    struct dice dice;
    dice_init(&dice, 2);
    double sum = 0;
    double squares = 0;
    enum { THROWS = 20000 };
    for (int i = 0; i < THROWS; i++) {
        double value = dice_normal(&dice) / 65536.0;
        sum += value;
        squares += value * value;
    }
    cr_assert(sum / THROWS > -0.03 && sum / THROWS < 0.03, "%f", sum / THROWS);
    cr_assert(squares / THROWS > 0.95 && squares / THROWS < 1.05, "%f", squares / THROWS);
}

Test(dice, powers_of_two) {
    cr_assert_eq(dice_power(0), 1u << 20);
    cr_assert_eq(dice_power(65536), 2u << 20);
    cr_assert_eq(dice_power(-20 * 65536), 1);
    cr_assert_eq(dice_power(20 * INT64_C(65536)), UINT64_C(1) << 40);
    cr_assert_eq(dice_power(INT64_MAX), UINT64_C(1) << 40);
    cr_assert_eq(dice_power(INT64_MIN), 1);
    for (int64_t exponent = -65536; exponent < 65536; exponent += 97) {
        cr_assert(dice_power(exponent) <= dice_power(exponent + 97));
    }
    double half = (double)dice_power(32768) / (1 << 20);
    cr_assert(half > 1.414 && half < 1.4145, "%f", half);
}
