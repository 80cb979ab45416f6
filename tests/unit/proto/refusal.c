#include "proto/refusal.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/text.h"

struct code {
    unsigned number;
    const char *name;
    const char *text;
};

static const struct code codes[] = {
#define X(constant, number, name, text) {(number), (name), (text)},
    REFUSAL_TABLE(X)
#undef X
};

enum { CODES = sizeof codes / sizeof codes[0] };

Test(refusal, numbers_and_names_are_unique) {
    for (size_t a = 0; a < CODES; a++) {
        for (size_t b = a + 1; b < CODES; b++) {
            cr_assert_neq(codes[a].number, codes[b].number, "%s, %s", codes[a].name, codes[b].name);
            cr_assert_str_neq(codes[a].name, codes[b].name);
        }
    }
}

Test(refusal, numbers_lie_in_the_ranges_of_the_protocol) {
    for (size_t i = 0; i < CODES; i++) {
        unsigned number = codes[i].number;
        cr_assert((number >= 1 && number <= 63) || (number >= 64 && number <= 127) ||
                      (number >= 128 && number <= 191) || (number >= 192 && number <= 223),
                  "%s", codes[i].name);
        cr_assert_lt(number, REFUSAL_CODE_LIMIT);
    }
}

/* What is on the wire for ever: a change of any of these numbers breaks every client. */
Test(refusal, numbers_never_change) {
    cr_assert_eq(REFUSAL_CODE_EMPTY, 1);
    cr_assert_eq(REFUSAL_REGION_UNKNOWN, 4);
    cr_assert_eq(REFUSAL_DAY_BEFORE_LAST, 17);
    cr_assert_eq(REFUSAL_PROJECT_NOT_YOURS, 18);
    cr_assert_eq(REFUSAL_TOTALS_FULL, 22);
    cr_assert_eq(REFUSAL_COMPETITION_UNKNOWN, 64);
    cr_assert_eq(REFUSAL_SEQUENCE_GAP, 68);
    cr_assert_eq(REFUSAL_FRAMES_MALFORMED, 128);
    cr_assert_eq(REFUSAL_NOT_READY, 137);
    cr_assert_eq(REFUSAL_DISK_FULL, 192);
    cr_assert_eq(REFUSAL_DRAINING, 193);
}

Test(refusal, every_code_says_in_both_languages_what_to_do) {
    for (size_t i = 0; i < CODES; i++) {
        const struct code *code = &codes[i];
        cr_assert(refusal_known(code->number));
        cr_assert_str_eq(refusal_name(code->number), code->name);
        cr_assert_str_eq(refusal_text(code->number), code->text);
        const char *zh = refusal_text_zh(code->number);
        cr_assert_not_null(zh, "%s has no Chinese text", code->name);
        cr_assert_gt(strlen(zh), 12, "%s", code->name);
        cr_assert(text_valid(zh, strlen(zh)), "%s", code->name);
        cr_assert_eq((unsigned char)zh[0] >= 0x80, true, "%s is not Chinese", code->name);
        cr_assert(text_is_key(code->name, strlen(code->name), 32), "%s", code->name);
        cr_assert_gt(strlen(code->text), 20, "%s", code->name);
        cr_assert_lt(strlen(code->text), 256, "%s", code->name);
        cr_assert_neq(code->text[strlen(code->text) - 1], '.', "%s ends with a full stop", code->name);
    }
}

Test(refusal, a_code_that_is_not_known_still_has_texts) {
    unsigned known = 0;
    for (unsigned number = 0; number < 1000; number++) {
        known += refusal_known(number);
        if (!refusal_known(number)) {
            cr_assert_str_eq(refusal_name(number), "unknown-code");
            cr_assert_not_null(refusal_text(number));
            cr_assert_not_null(refusal_text_zh(number));
        }
    }
    cr_assert_eq(known, CODES);
    cr_assert(!refusal_known(REFUSAL_NONE));
    cr_assert(!refusal_known(~0u));
}

/* ---- the document ---- */

static const char *read_tables(char *text, size_t size) {
    FILE *file = fopen(PROTOCOL_DOCUMENT, "re");
    cr_assert_not_null(file, "%s", PROTOCOL_DOCUMENT);
    size_t length = fread(text, 1, size - 1, file);
    cr_assert_lt(length, size - 1);
    text[length] = '\0';
    fclose(file);
    char *begin = strstr(text, "<!-- refusal-codes -->");
    char *end = strstr(text, "<!-- /refusal-codes -->");
    cr_assert(begin != NULL && end != NULL && begin < end, "the markers are missing");
    *end = '\0';
    return begin;
}

static size_t count_code_lines(const char *tables) {
    size_t count = 0;
    for (const char *line = tables; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        unsigned number;
        count += sscanf(line, "| %u |", &number) == 1;
    }
    return count;
}

Test(refusal, the_document_lists_exactly_these_codes_with_these_texts) {
    static char text[1 << 17];
    const char *tables = read_tables(text, sizeof text);
    for (size_t i = 0; i < CODES; i++) {
        char line[512];
        snprintf(line, sizeof line, "\n| %u | %s | %s |\n", codes[i].number, codes[i].name, codes[i].text);
        cr_expect_not_null(strstr(tables, line), "PROTOCOL.md lacks:%s", line);
    }
    cr_expect_eq(count_code_lines(tables), CODES);
}
