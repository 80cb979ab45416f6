#include "money.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* Decimal places of each unit over a fen: 10^places fen are one unit. */
static const unsigned unit_places[] = {
    [MONEY_UNIT_FEN] = 0, [MONEY_UNIT_YUAN] = 2, [MONEY_UNIT_WAN_YUAN] = 6, [MONEY_UNIT_YI_YUAN] = 10};

#define FEN_PER_YUAN INT64_C(100)

/* Appends a decimal digit to *fen, which is 0 or below: that side of 64 bits holds one fen more, so that every amount fits.
 * Returns false if it does not fit. */
static bool push_digit(fen_t *fen, int digit) {
    return !__builtin_mul_overflow(*fen, 10, fen) && !__builtin_sub_overflow(*fen, digit, fen);
}

static enum money_error classify(char character) {
    if (character == 'e' || character == 'E') {
        return MONEY_EXPONENT;
    }
    return character == ',' || character == '\'' || character == ' ' || character == '_' ? MONEY_SEPARATOR
                                                                                         : MONEY_NOT_NUMBER;
}

enum money_error money_parse(const char *text, size_t size, enum money_unit unit, fen_t *fen) {
    size_t at = 0;
    bool negative = size > 0 && text[0] == '-';
    if (size > 0 && (text[0] == '-' || text[0] == '+')) {
        at = 1;
    }
    fen_t value = 0;
    unsigned places = 0;
    size_t digits = 0;
    bool point = false;
    bool fits = true;
    bool exact = true;
    for (; at < size; at++) {
        char character = text[at];
        if (character == '.' && !point) {
            point = true;
        } else if (character >= '0' && character <= '9') {
            digits++;
            if (point && places == unit_places[unit]) {
                exact = exact && character == '0';
            } else {
                places += point ? 1 : 0;
                fits = fits && push_digit(&value, character - '0');
            }
        } else {
            return classify(character);
        }
    }
    if (digits == 0) {
        return size == 0 ? MONEY_EMPTY : MONEY_NOT_NUMBER;
    }
    if (!exact) {
        return MONEY_TOO_FINE;
    }
    for (; places < unit_places[unit]; places++) {
        fits = fits && push_digit(&value, 0);
    }
    if (!fits || (!negative && value == INT64_MIN)) {
        return MONEY_TOO_LARGE;
    }
    *fen = negative ? value : -value;
    return MONEY_OK;
}

const char *money_error_text(enum money_error error) {
    static const char *const texts[] = {
        [MONEY_OK] = "fine",
        [MONEY_EMPTY] = "empty; write 0 if there is no amount",
        [MONEY_NOT_NUMBER] = "not a decimal number",
        [MONEY_EXPONENT] =
            "in exponent form, which a spreadsheet rounded; format the column as a number and export again",
        [MONEY_SEPARATOR] = "written with separators; remove them",
        [MONEY_TOO_FINE] = "finer than a fen (0.01 yuan)",
        [MONEY_TOO_LARGE] = "too large; check its unit",
    };
    return texts[error];
}

/* The magnitude, right for INT64_MIN too. */
static uint64_t magnitude(fen_t fen) {
    return fen < 0 ? 0 - (uint64_t)fen : (uint64_t)fen;
}

char *money_format_yuan(fen_t fen, char *buffer) {
    uint64_t amount = magnitude(fen);
    snprintf(buffer, MONEY_TEXT_BYTES, "%s%" PRIu64 ".%02u", fen < 0 ? "-" : "", amount / 100,
             (unsigned)(amount % 100));
    return buffer;
}

/* Writes amount / unit with decimals_min to 2 decimals, cut. */
static char *format_cut(fen_t fen, uint64_t unit_fen, int decimals_min, const char *suffix, char *buffer) {
    uint64_t hundredths = magnitude(fen) / (unit_fen / 100);
    unsigned fraction = (unsigned)(hundredths % 100);
    int decimals = fraction % 10 != 0 ? 2 : fraction != 0 ? 1 : 0;
    decimals = decimals < decimals_min ? decimals_min : decimals;
    const char *sign = fen < 0 ? "-" : "";
    if (decimals == 0) {
        snprintf(buffer, MONEY_TEXT_BYTES, "%s%" PRIu64 "%s", sign, hundredths / 100, suffix);
    } else if (decimals == 1) {
        snprintf(buffer, MONEY_TEXT_BYTES, "%s%" PRIu64 ".%u%s", sign, hundredths / 100, fraction / 10, suffix);
    } else {
        snprintf(buffer, MONEY_TEXT_BYTES, "%s%" PRIu64 ".%02u%s", sign, hundredths / 100, fraction, suffix);
    }
    return buffer;
}

char *money_format_zh(fen_t fen, char *buffer) {
    const uint64_t wan = 10000 * FEN_PER_YUAN;
    const uint64_t yi = 10000 * wan;
    uint64_t amount = magnitude(fen);
    if (amount >= yi) {
        return format_cut(fen, yi, 0, "亿元", buffer);
    }
    return amount >= wan ? format_cut(fen, wan, 0, "万元", buffer) : format_cut(fen, FEN_PER_YUAN, 0, "元", buffer);
}

char *money_format_en(fen_t fen, char *buffer) {
    const uint64_t million = 1000000 * FEN_PER_YUAN;
    const uint64_t billion = 1000 * million;
    uint64_t amount = magnitude(fen);
    if (amount >= billion) {
        return format_cut(fen, billion, 1, " billion yuan", buffer);
    }
    return amount >= million ? format_cut(fen, million, 1, " million yuan", buffer)
                             : format_cut(fen, FEN_PER_YUAN, 0, " yuan", buffer);
}
