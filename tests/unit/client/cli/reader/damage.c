#include "client/cli/reader/damage.h"

#include <criterion/criterion.h>

static void number(const char *cell, enum problem_kind kind) {
    cr_assert_eq(damage_in_number(slice_of(cell)), kind, "%s", cell);
}

Test(damage, numbers) {
    number("1.23E+17", PROBLEM_EXPONENT);
    number("1E+17", PROBLEM_EXPONENT);
    number("9.41e11", PROBLEM_EXPONENT);
    number("-1.5E-3", PROBLEM_EXPONENT);
    number("1,234", PROBLEM_SEPARATOR);
    number("12,345,678.90", PROBLEM_SEPARATOR);
    number("1，234", PROBLEM_SEPARATOR);
    number("1'234", PROBLEM_SEPARATOR);
    number("１２３", PROBLEM_FULL_WIDTH);
    number("12３", PROBLEM_FULL_WIDTH);
    number("123.45", PROBLEM_NONE);
    number("-5", PROBLEM_NONE);
    number("abc", PROBLEM_NONE);
    number("1,", PROBLEM_NONE);
    number(",", PROBLEM_NONE);
}

static void code(const char *cell, size_t digits_expected, enum problem_kind kind) {
    cr_assert_eq(damage_in_code(slice_of(cell), digits_expected, false), kind, "%s", cell);
}

Test(damage, codes) {
    code("2.10133E+19", 0, PROBLEM_EXPONENT);
    code("1E+17", 0, PROBLEM_EXPONENT);
    code("２１０１-330106", 0, PROBLEM_FULL_WIDTH);
    code("123456789012345000", 0, PROBLEM_CODE_ROUNDED);
    code("123456789012345678", 0, PROBLEM_NONE);
    code("123456789012345", 0, PROBLEM_NONE);
    code("101-330106-04-01-123456", 0, PROBLEM_CODE_GROUPS);
    code("2101-330106-4-1-123456", 0, PROBLEM_CODE_GROUPS);
    code("2101-330106-04-01-123456", 0, PROBLEM_NONE);
    code("42", 6, PROBLEM_CODE_SHORT);
    code("000042", 6, PROBLEM_NONE);
    code("1234567", 6, PROBLEM_NONE);
    code("42", 0, PROBLEM_NONE);
}

Test(damage, notations_of_a_spreadsheet_are_no_codes) {
    code("'Q-1", 0, PROBLEM_CODE_NOTATION);
    code("=\"Q-1\"", 0, PROBLEM_CODE_NOTATION);
    code("#N/A", 0, PROBLEM_CODE_NOTATION);
    code("#REF!", 0, PROBLEM_CODE_NOTATION);
    code("2021/5/1", 0, PROBLEM_CODE_NOTATION);
    code("Q-1", 0, PROBLEM_NONE);
    code("2021/5", 0, PROBLEM_NONE);
}

Test(damage, digits_are_taken_as_they_are_when_somebody_says_so) {
    cr_assert_eq(damage_in_code(slice_of("3301062104200110"), 0, false), PROBLEM_CODE_ROUNDED);
    cr_assert_eq(damage_in_code(slice_of("3301062104200110"), 0, true), PROBLEM_NONE);
    cr_assert_eq(damage_in_code(slice_of("42"), 6, true), PROBLEM_NONE);
    cr_assert_eq(damage_in_code(slice_of("1E+17"), 6, true), PROBLEM_EXPONENT);
}

Test(damage, codes_that_only_look_like_exponents_pass) {
    code("2E5", 0, PROBLEM_NONE);
    code("7E12", 0, PROBLEM_NONE);
    code("A-1.5E+3", 0, PROBLEM_NONE);
    code("2021-33-0001", 0, PROBLEM_NONE);
}

static void region(const char *cell, enum problem_kind kind) {
    cr_assert_eq(damage_in_region(slice_of(cell)), kind, "%s", cell);
}

Test(damage, regions) {
    region("330106", PROBLEM_NONE);
    region("33010", PROBLEM_REGION_DIGITS);
    region("33", PROBLEM_REGION_DIGITS);
    region("3301060", PROBLEM_REGION_DIGITS);
    region("杭州市西湖区", PROBLEM_REGION_NAME);
    region("330,106", PROBLEM_SEPARATOR);
    region("3.30E+05", PROBLEM_EXPONENT);
    region("３３０１０６", PROBLEM_FULL_WIDTH);
}
