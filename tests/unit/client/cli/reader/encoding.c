#include "client/cli/reader/encoding.h"

#include <criterion/criterion.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sheet[] = "项目代码,项目名称\r\nA-1,西湖区「亚运」工程\r\n";

/* The sheet in another encoding, after a mark; the caller frees. */
static char *in(const char *encoding, const char *mark, size_t mark_size, size_t *size) {
    iconv_t converter = iconv_open(encoding, "UTF-8");
    cr_assert(converter != (iconv_t)-1);
    char *bytes = malloc(1024);
    memcpy(bytes, mark, mark_size);
    char *from = strdup(sheet);
    char *start = from;
    char *to = bytes + mark_size;
    size_t from_left = strlen(sheet);
    size_t to_left = 1024 - mark_size;
    cr_assert(iconv(converter, &from, &from_left, &to, &to_left) != (size_t)-1);
    iconv_close(converter);
    free(start);
    *size = (size_t)(to - bytes);
    return bytes;
}

static void expect_sheet(const char *encoding, const char *mark, size_t mark_size, enum encoding wanted,
                         enum encoding found) {
    size_t size;
    char *bytes = in(encoding, mark, mark_size, &size);
    struct encoding_text text;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert(encoding_decode(bytes, size, wanted, &text, message), "%s: %s", encoding, message);
    cr_assert_eq(text.found, found, "%s", encoding);
    cr_assert_eq(text.size, strlen(sheet), "%s", encoding);
    cr_assert_eq(memcmp(text.text, sheet, text.size), 0, "%s", encoding);
    encoding_free(&text);
    free(bytes);
}

Test(encoding, utf8_with_and_without_mark) {
    expect_sheet("UTF-8", "", 0, ENCODING_AUTO, ENCODING_UTF_8);
    expect_sheet("UTF-8", "\xEF\xBB\xBF", 3, ENCODING_AUTO, ENCODING_UTF_8);
    expect_sheet("UTF-8", "\xEF\xBB\xBF", 3, ENCODING_UTF_8, ENCODING_UTF_8);
}

Test(encoding, plain_means_utf8_without_mark) {
    struct encoding_text text;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert(encoding_decode("a,b", 3, ENCODING_AUTO, &text, message));
    cr_assert(text.plain);
    cr_assert(encoding_decode("\xEF\xBB\xBF"
                              "a",
                              4, ENCODING_AUTO, &text, message));
    cr_assert_not(text.plain);
    cr_assert_eq(text.size, 1);
}

Test(encoding, utf16_with_and_without_mark) {
    expect_sheet("UTF-16LE", "\xFF\xFE", 2, ENCODING_AUTO, ENCODING_UTF_16LE);
    expect_sheet("UTF-16BE", "\xFE\xFF", 2, ENCODING_AUTO, ENCODING_UTF_16BE);
    expect_sheet("UTF-16LE", "", 0, ENCODING_AUTO, ENCODING_UTF_16LE);
    expect_sheet("UTF-16BE", "", 0, ENCODING_AUTO, ENCODING_UTF_16BE);
    expect_sheet("UTF-16BE", "", 0, ENCODING_UTF_16, ENCODING_UTF_16BE);
}

Test(encoding, what_excel_in_china_saves) {
    expect_sheet("GBK", "", 0, ENCODING_AUTO, ENCODING_GB18030);
    expect_sheet("GB18030", "", 0, ENCODING_AUTO, ENCODING_GB18030);
    expect_sheet("GBK", "", 0, ENCODING_GB18030, ENCODING_GB18030);
    expect_sheet("GB18030", "\x84\x31\x95\x33", 4, ENCODING_AUTO, ENCODING_GB18030);
}

/* The bytes of 杭州 in GBK, written out, so that the test does not rest on iconv at both ends. */
Test(encoding, gbk_bytes_are_read) {
    struct encoding_text text;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert(encoding_decode("\xBA\xBC\xD6\xDD", 4, ENCODING_AUTO, &text, message));
    cr_assert_eq(text.size, 6);
    cr_assert_eq(memcmp(text.text, "杭州", 6), 0);
    encoding_free(&text);
}

Test(encoding, one_wrong_byte_anywhere_is_found) {
    enum { SIZE = 100000 };
    char *bytes = malloc(SIZE);
    memset(bytes, 'a', SIZE);
    for (size_t i = 999; i < SIZE; i += 1000) {
        bytes[i] = '\n';
    }
    bytes[SIZE - 2] = (char)0xFF;
    struct encoding_text text;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_not(encoding_decode(bytes, SIZE, ENCODING_AUTO, &text, message));
    cr_assert(strstr(message, "line 100 ") != NULL, "%s", message);
    cr_assert_not(encoding_decode(bytes, SIZE, ENCODING_UTF_8, &text, message));
    cr_assert(strstr(message, "line 100 ") != NULL, "%s", message);
    free(bytes);
}

Test(encoding, a_marked_utf8_file_is_not_taken_for_gbk) {
    struct encoding_text text;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_not(encoding_decode("\xEF\xBB\xBF\xBA\xBC", 5, ENCODING_AUTO, &text, message));
}

Test(encoding, workbooks_and_binary_files_are_named) {
    struct encoding_text text;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_not(encoding_decode("PK\x03\x04zip", 7, ENCODING_AUTO, &text, message));
    cr_assert(strstr(message, "workbook") != NULL);
    cr_assert_not(encoding_decode("\xD0\xCF\x11\xE0xls", 7, ENCODING_AUTO, &text, message));
    cr_assert(strstr(message, "workbook") != NULL);
    cr_assert_not(encoding_decode("a\0\0b\0c\0", 7, ENCODING_AUTO, &text, message));
    cr_assert(strstr(message, "not text") != NULL);
}

Test(encoding, half_a_utf16_character_is_refused) {
    struct encoding_text text;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_not(encoding_decode("\xFF\xFE"
                                  "a\0b",
                                  5, ENCODING_AUTO, &text, message));
}

Test(encoding, names_round_trip) {
    cr_assert_eq(encoding_of_name("gb18030"), ENCODING_GB18030);
    cr_assert_eq(encoding_of_name("utf-16"), ENCODING_UTF_16);
    cr_assert_eq(encoding_of_name("latin1"), ENCODING_AUTO);
    cr_assert_str_eq(encoding_name(ENCODING_UTF_8), "utf-8");
}
