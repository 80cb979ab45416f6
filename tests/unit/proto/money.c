#include "proto/money.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/seed.h"

static const enum money_unit units[] = {MONEY_UNIT_FEN, MONEY_UNIT_YUAN, MONEY_UNIT_WAN_YUAN, MONEY_UNIT_YI_YUAN};
static const int places_of[] = {0, 2, 6, 10};

enum { UNITS = 4 };

static enum money_error parse(const char *text, enum money_unit unit, fen_t *fen) {
    return money_parse(text, strlen(text), unit, fen);
}

/* The amount in a unit by moving the decimal point in a text, without arithmetic. */
static void write_in_unit(fen_t fen, int places, char *out) {
    char digits[64];
    uint64_t amount = fen < 0 ? 0 - (uint64_t)fen : (uint64_t)fen;
    cr_assert(places >= 0 && places <= 10);
    snprintf(digits, sizeof digits, "%0*" PRIu64, places > 10 ? 11 : places + 1, amount);
    size_t whole = strlen(digits) - (size_t)places;
    snprintf(out, 80, "%s%.*s%s%s", fen < 0 ? "-" : "", (int)whole, digits, places > 0 ? "." : "", digits + whole);
}

static void check_all_units(fen_t fen) {
    for (int i = 0; i < UNITS; i++) {
        char text[80];
        write_in_unit(fen, places_of[i], text);
        fen_t got = 1;
        cr_assert_eq(parse(text, units[i], &got), MONEY_OK, "%s", text);
        cr_assert_eq(got, fen, "%s", text);
    }
}

Test(money, extremes_and_their_neighbours_are_read_exactly_in_every_unit) {
    static const fen_t amounts[] = {0,
                                    1,
                                    -1,
                                    99,
                                    100,
                                    -100,
                                    INT64_C(94100000000000),
                                    INT64_C(1000000000000000),
                                    (INT64_C(1) << 53) + 1,
                                    INT64_MAX - 1,
                                    INT64_MAX,
                                    INT64_MIN + 1,
                                    INT64_MIN};
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        check_all_units(amounts[i]);
    }
}

Test(money, random_amounts_of_every_size_are_read_exactly_in_every_unit) {
    struct random random = {.state = seed_of("money", 11)};
    for (int i = 0; i < 100000; i++) {
        fen_t fen = (fen_t)random_next(&random) >> random_below(&random, 64);
        check_all_units(fen);
        char text[MONEY_TEXT_BYTES];
        fen_t got = 0;
        cr_assert_eq(parse(money_format_yuan(fen, text), MONEY_UNIT_YUAN, &got), MONEY_OK);
        cr_assert_eq(got, fen, "%s", text);
    }
}

Test(money, beyond_64_bits_is_too_large_in_every_unit) {
    static const char *const texts[UNITS][4] = {
        {"9223372036854775808", "-9223372036854775809", "99999999999999999999", "18446744073709551617"},
        {"92233720368547758.08", "-92233720368547758.09", "100000000000000000", "184467440737095516.17"},
        {"9223372036854.775808", "-9223372036854.775809", "9223372036855", "18446744073709.551617"},
        {"922337203.6854775808", "-922337203.6854775809", "922337204", "1844674407.3709551617"}};
    for (int unit = 0; unit < UNITS; unit++) {
        for (int i = 0; i < 4; i++) {
            fen_t fen = 77;
            cr_assert_eq(parse(texts[unit][i], units[unit], &fen), MONEY_TOO_LARGE, "%s", texts[unit][i]);
            cr_assert_eq(fen, 77);
        }
    }
}

Test(money, a_fraction_of_a_fen_is_too_fine_unless_it_is_nothing) {
    static const struct {
        const char *text;
        enum money_unit unit;
        enum money_error error;
        fen_t fen;
    } cases[] = {
        {"1.5", MONEY_UNIT_FEN, MONEY_TOO_FINE, 0},
        {"1.0", MONEY_UNIT_FEN, MONEY_OK, 1},
        {"1.005", MONEY_UNIT_YUAN, MONEY_TOO_FINE, 0},
        {"1.010000000000000000000000", MONEY_UNIT_YUAN, MONEY_OK, 101},
        {"0.001", MONEY_UNIT_YUAN, MONEY_TOO_FINE, 0},
        {"0.0000001", MONEY_UNIT_WAN_YUAN, MONEY_TOO_FINE, 0},
        {"0.000001", MONEY_UNIT_WAN_YUAN, MONEY_OK, 1},
        {"0.00000000001", MONEY_UNIT_YI_YUAN, MONEY_TOO_FINE, 0},
        {"0.0000000001", MONEY_UNIT_YI_YUAN, MONEY_OK, 1},
        {"-0.0000000001", MONEY_UNIT_YI_YUAN, MONEY_OK, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fen_t fen = 0;
        cr_assert_eq(parse(cases[i].text, cases[i].unit, &fen), cases[i].error, "%s", cases[i].text);
        cr_assert_eq(fen, cases[i].fen, "%s", cases[i].text);
    }
}

Test(money, spellings_of_the_same_amount_are_the_same) {
    static const char *const texts[] = {
        "9410.5", "+9410.5", "9410.50", "09410.5", "00000000000000000000009410.5", "9410.5000000000"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fen_t fen = 0;
        cr_assert_eq(parse(texts[i], MONEY_UNIT_YI_YUAN, &fen), MONEY_OK, "%s", texts[i]);
        cr_assert_eq(fen, INT64_C(94105000000000), "%s", texts[i]);
    }
    fen_t fen = 0;
    cr_assert_eq(parse(".5", MONEY_UNIT_YUAN, &fen), MONEY_OK);
    cr_assert_eq(fen, 50);
    cr_assert_eq(parse("5.", MONEY_UNIT_YUAN, &fen), MONEY_OK);
    cr_assert_eq(fen, 500);
}

Test(money, every_other_text_is_refused_with_its_reason) {
    static const struct {
        const char *text;
        enum money_error error;
    } cases[] = {
        {"", MONEY_EMPTY},           {".", MONEY_NOT_NUMBER},
        {"-", MONEY_NOT_NUMBER},     {"+", MONEY_NOT_NUMBER},
        {"-.", MONEY_NOT_NUMBER},    {"abc", MONEY_NOT_NUMBER},
        {"1a", MONEY_NOT_NUMBER},    {"--1", MONEY_NOT_NUMBER},
        {"+-1", MONEY_NOT_NUMBER},   {"1-", MONEY_NOT_NUMBER},
        {"1.2.3", MONEY_NOT_NUMBER}, {"0x10", MONEY_NOT_NUMBER},
        {"１２", MONEY_NOT_NUMBER},  {"12万", MONEY_NOT_NUMBER},
        {"¥12", MONEY_NOT_NUMBER},   {"1.2E+09", MONEY_EXPONENT},
        {"1e5", MONEY_EXPONENT},     {"1,234", MONEY_SEPARATOR},
        {"1'234", MONEY_SEPARATOR},  {"1 234", MONEY_SEPARATOR},
        {"1_234", MONEY_SEPARATOR},  {"1,234.50", MONEY_SEPARATOR},
        {"nan", MONEY_NOT_NUMBER},   {"inf", MONEY_NOT_NUMBER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int unit = 0; unit < UNITS; unit++) {
            fen_t fen = 77;
            cr_assert_eq(parse(cases[i].text, units[unit], &fen), cases[i].error, "%s", cases[i].text);
            cr_assert_eq(fen, 77, "%s", cases[i].text);
        }
    }
    fen_t fen = 77;
    cr_assert_eq(money_parse("1\0002", 3, MONEY_UNIT_YUAN, &fen), MONEY_NOT_NUMBER);
}

Test(money, size_ends_the_text) {
    fen_t fen = 0;
    cr_assert_eq(money_parse("12345", 2, MONEY_UNIT_FEN, &fen), MONEY_OK);
    cr_assert_eq(fen, 12);
}

Test(money, every_error_has_its_own_sentence) {
    for (int a = MONEY_OK; a <= MONEY_TOO_LARGE; a++) {
        cr_assert_gt(strlen(money_error_text((enum money_error)a)), 0);
        for (int b = a + 1; b <= MONEY_TOO_LARGE; b++) {
            cr_assert_str_neq(money_error_text((enum money_error)a), money_error_text((enum money_error)b));
        }
    }
}

Test(money, in_yuan_shows_every_fen) {
    char text[MONEY_TEXT_BYTES];
    cr_assert_str_eq(money_format_yuan(0, text), "0.00");
    cr_assert_str_eq(money_format_yuan(-5, text), "-0.05");
    cr_assert_str_eq(money_format_yuan(INT64_C(94100000000000), text), "941000000000.00");
    cr_assert_str_eq(money_format_yuan(INT64_MAX, text), "92233720368547758.07");
    cr_assert_str_eq(money_format_yuan(INT64_MIN, text), "-92233720368547758.08");
}

Test(money, for_people_is_cut_and_never_reads_larger_than_it_is) {
    static const struct {
        fen_t fen;
        const char *zh;
        const char *en;
    } cases[] = {
        {0, "0元", "0 yuan"},
        {1, "0.01元", "0.01 yuan"},
        {1250, "12.5元", "12.5 yuan"},
        {999999, "9999.99元", "9999.99 yuan"},
        {1000000, "1万元", "10000 yuan"},
        {INT64_C(5600000000), "5600万元", "56.0 million yuan"},
        {INT64_C(9999999999), "9999.99万元", "99.99 million yuan"},
        {INT64_C(10000000000), "1亿元", "100.0 million yuan"},
        {INT64_C(123456789012), "12.34亿元", "1.23 billion yuan"},
        {INT64_C(94100000000000), "9410亿元", "941.0 billion yuan"},
        {INT64_C(94109999999999), "9410.99亿元", "941.09 billion yuan"},
        {-INT64_C(94109999999999), "-9410.99亿元", "-941.09 billion yuan"},
        {INT64_MAX, "922337203.68亿元", "92233720.36 billion yuan"},
        {INT64_MIN, "-922337203.68亿元", "-92233720.36 billion yuan"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[MONEY_TEXT_BYTES];
        cr_expect_str_eq(money_format_zh(cases[i].fen, text), cases[i].zh);
        cr_expect_str_eq(money_format_en(cases[i].fen, text), cases[i].en);
    }
}

/* Reading the Chinese text back gives the amount or a little less, within a hundredth of its unit. */
Test(money, for_people_in_chinese_loses_less_than_a_hundredth_of_its_unit) {
    struct random random = {.state = seed_of("money", 12)};
    for (int i = 0; i < 100000; i++) {
        fen_t fen = (fen_t)(random_next(&random) >> (1 + random_below(&random, 62)));
        char text[MONEY_TEXT_BYTES];
        money_format_zh(fen, text);
        size_t number = strspn(text, "0123456789.");
        const char *suffix = text + number;
        enum money_unit unit = strcmp(suffix, "亿元") == 0   ? MONEY_UNIT_YI_YUAN
                               : strcmp(suffix, "万元") == 0 ? MONEY_UNIT_WAN_YUAN
                                                             : MONEY_UNIT_YUAN;
        fen_t unit_fen = unit == MONEY_UNIT_YI_YUAN    ? INT64_C(10000000000)
                         : unit == MONEY_UNIT_WAN_YUAN ? INT64_C(1000000)
                                                       : INT64_C(100);
        fen_t back = 0;
        cr_assert_eq(money_parse(text, number, unit, &back), MONEY_OK, "%s", text);
        cr_assert(back <= fen && fen - back < unit_fen / 100, "%s for %" PRId64, text, fen);
    }
}
