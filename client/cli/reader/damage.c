#include "damage.h"

#include <string.h>

#include "proto/day.h"

enum { EXACT_DIGITS = 15, REGION_DIGITS = 6 };

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

static size_t digits_at(struct slice cell, size_t at) {
    size_t count = 0;
    while (at + count < cell.size && is_digit(cell.text[at + count])) {
        count++;
    }
    return count;
}

/* U+FF10 to U+FF19. */
static bool full_width(struct slice cell) {
    for (size_t i = 0; i + 2 < cell.size; i++) {
        const unsigned char *at = (const unsigned char *)cell.text + i;
        if (at[0] == 0xEF && at[1] == 0xBC && at[2] >= 0x90 && at[2] <= 0x99) {
            return true;
        }
    }
    return false;
}

/* 1.23E+17, as a spreadsheet writes it: digits, perhaps decimals, E, sign, digits. Codes such as 2E5 are left alone
 * without a sign or a point. */
static bool exponent(struct slice cell) {
    size_t at = cell.text[0] == '-';
    size_t digits = digits_at(cell, at);
    at += digits;
    bool telling = false;
    if (digits > 0 && at < cell.size && cell.text[at] == '.') {
        at += 1 + digits_at(cell, at + 1);
        telling = true;
    }
    if (digits == 0 || at >= cell.size || (cell.text[at] != 'E' && cell.text[at] != 'e')) {
        return false;
    }
    at++;
    if (at < cell.size && (cell.text[at] == '+' || cell.text[at] == '-')) {
        at++;
        telling = true;
    }
    size_t power = digits_at(cell, at);
    return telling && power > 0 && at + power == cell.size;
}

/* Length of a comma, in ASCII or full width, at text; 0 if there is none. */
static size_t comma_at(struct slice cell, size_t at) {
    if (at < cell.size && (cell.text[at] == ',' || cell.text[at] == '\'')) {
        return 1;
    }
    return at + 3 <= cell.size && memcmp(cell.text + at, "\uFF0C", 3) == 0 ? 3 : 0;
}

/* 1,234 or 1,234.50 or 12,345,678. */
static bool separated(struct slice cell) {
    size_t at = cell.text[0] == '-';
    size_t digits = digits_at(cell, at);
    at += digits;
    size_t groups = 0;
    size_t comma;
    while (digits > 0 && (comma = comma_at(cell, at)) > 0) {
        digits = digits_at(cell, at + comma);
        at += comma + digits;
        groups++;
    }
    return groups > 0 && digits > 0 && (at == cell.size || cell.text[at] == '.');
}

enum problem_kind damage_in_number(struct slice cell) {
    if (full_width(cell)) {
        return PROBLEM_FULL_WIDTH;
    }
    if (exponent(cell)) {
        return PROBLEM_EXPONENT;
    }
    return separated(cell) ? PROBLEM_SEPARATOR : PROBLEM_NONE;
}

static bool rounded(struct slice cell) {
    for (size_t i = EXACT_DIGITS; i < cell.size; i++) {
        if (cell.text[i] != '0') {
            return false;
        }
    }
    return cell.size > EXACT_DIGITS;
}

/* Five groups of digits, as in 2101-330106-04-01-123456, not all of their full length. */
static bool groups_short(struct slice cell) {
    static const size_t lengths[] = {4, 6, 2, 2, 6};
    size_t at = 0;
    bool full = true;
    for (size_t group = 0; group < sizeof lengths / sizeof lengths[0]; group++) {
        if (group > 0 && (at >= cell.size || cell.text[at++] != '-')) {
            return false;
        }
        size_t digits = digits_at(cell, at);
        if (digits == 0 || digits > lengths[group]) {
            return false;
        }
        full = full && digits == lengths[group];
        at += digits;
    }
    return at == cell.size && !full;
}

/* 'A-1 and ="A-1" mark text, #N/A and the like are errors, 2021/5/1 is what a spreadsheet makes of 2021-5-1. */
static bool spreadsheet_notation(struct slice cell) {
    if (cell.text[0] == '\'' || cell.text[0] == '=' || cell.text[0] == '#') {
        return true;
    }
    day_number_t day;
    return memchr(cell.text, '/', cell.size) != NULL && day_parse(cell.text, cell.size, &day);
}

enum problem_kind damage_in_code(struct slice cell, size_t digits_expected, bool digits_as_they_are) {
    if (spreadsheet_notation(cell)) {
        return PROBLEM_CODE_NOTATION;
    }
    if (full_width(cell)) {
        return PROBLEM_FULL_WIDTH;
    }
    if (exponent(cell)) {
        return PROBLEM_EXPONENT;
    }
    if (!slice_digits(cell)) {
        return groups_short(cell) ? PROBLEM_CODE_GROUPS : PROBLEM_NONE;
    }
    if (digits_as_they_are) {
        return PROBLEM_NONE;
    }
    if (rounded(cell)) {
        return PROBLEM_CODE_ROUNDED;
    }
    return cell.size < digits_expected ? PROBLEM_CODE_SHORT : PROBLEM_NONE;
}

enum problem_kind damage_in_region(struct slice cell) {
    enum problem_kind kind = damage_in_number(cell);
    if (kind != PROBLEM_NONE) {
        return kind;
    }
    if (!slice_digits(cell)) {
        return PROBLEM_REGION_NAME;
    }
    return cell.size == REGION_DIGITS ? PROBLEM_NONE : PROBLEM_REGION_DIGITS;
}
