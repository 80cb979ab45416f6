#include "proto/text.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

/* UTF-8 the long way round: encodes every scalar value and sees which bytes come out, so that "valid" needs no second
 * decoder. */
static size_t encode(uint32_t character, uint8_t *out) {
    if (character < 0x80) {
        out[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (uint8_t)(0xC0 | character >> 6);
        out[1] = (uint8_t)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (uint8_t)(0xE0 | character >> 12);
        out[1] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (character & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | character >> 18);
    out[1] = (uint8_t)(0x80 | (character >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (character & 0x3F));
    return 4;
}

static bool surrogate(uint32_t character) {
    return character >= 0xD800 && character <= 0xDFFF;
}

static bool control(uint32_t character) {
    return character < 0x20 || (character >= 0x7F && character <= 0x9F);
}

Test(text, every_character_is_utf8_and_valid_unless_a_control) {
    for (uint32_t character = 0; character <= 0x10FFFF; character++) {
        uint8_t bytes[4];
        size_t size = encode(character, bytes);
        const char *text = (const char *)bytes;
        cr_assert_eq(text_is_utf8(text, size), !surrogate(character), "U+%04X", character);
        cr_assert_eq(text_valid(text, size), !surrogate(character) && !control(character), "U+%04X", character);
        for (size_t cut = 1; cut < size; cut++) {
            cr_assert(!text_is_utf8(text, cut), "U+%04X cut to %zu bytes", character, cut);
            cr_assert(!text_is_utf8(text + cut, size - cut), "U+%04X without its first %zu", character, cut);
        }
    }
}

static unsigned count_two_bytes(void) {
    unsigned accepted = 0;
    for (unsigned value = 0; value < 1 << 16; value++) {
        char bytes[2] = {(char)(value >> 8), (char)value};
        accepted += (uint8_t)bytes[0] >= 0x80 && text_is_utf8(bytes, 2);
    }
    return accepted;
}

static unsigned count_three_bytes(void) {
    unsigned accepted = 0;
    for (unsigned value = 0xE00000; value < 1 << 24; value++) {
        char bytes[3] = {(char)(value >> 16), (char)(value >> 8), (char)value};
        accepted += text_is_utf8(bytes, 3);
    }
    return accepted;
}

/* The last two bytes take only the values around and within those that may continue: else it would be 2^28 strings. */
static unsigned count_four_bytes(void) {
    unsigned accepted = 0;
    for (unsigned begin = 0xF000; begin <= 0xFFFF; begin++) {
        for (unsigned third = 0x7F; third <= 0xC0; third++) {
            for (unsigned fourth = 0x7F; fourth <= 0xC0; fourth++) {
                char bytes[4] = {(char)(begin >> 8), (char)begin, (char)third, (char)fourth};
                accepted += text_is_utf8(bytes, 4);
            }
        }
    }
    return accepted;
}

/* Counts what is accepted among all strings of each length that begin a longer sequence: exactly as many as there are
 * characters of that length, and each of those was seen to be accepted above. */
Test(text, nothing_but_characters_is_utf8) {
    cr_assert_eq(count_two_bytes(), 0x800 - 0x80);
    cr_assert_eq(count_three_bytes(), 0x10000 - 0x800 - 0x800);
    cr_assert_eq(count_four_bytes(), 0x110000 - 0x10000);
}

Test(text, invalid_forms_that_decoders_are_known_to_let_through_are_not_utf8) {
    static const struct {
        const char *bytes;
        size_t size;
    } forms[] = {
        {"\x80", 1},
        {"\xBF", 1},
        {"\xC0\x80", 2},
        {"\xC1\xBF", 2},
        {"\xE0\x80\x80", 3},
        {"\xE0\x9F\xBF", 3},
        {"\xED\xA0\x80", 3},
        {"\xED\xBF\xBF", 3},
        {"\xED\xA0\x80\xED\xB0\x80", 6},
        {"\xF0\x80\x80\x80", 4},
        {"\xF0\x8F\xBF\xBF", 4},
        {"\xF4\x90\x80\x80", 4},
        {"\xF5\x80\x80\x80", 4},
        {"\xF8\x88\x80\x80\x80", 5},
        {"\xFE", 1},
        {"\xFF", 1},
        {"\xC2", 1},
        {"\xE4\xBA", 2},
        {"\xF0\x9F\x8F", 3},
        {"\xC2\x41", 2},
        {"\xE4\x41\xBA", 3},
        {"\xE4\xBA\x41", 3},
        {"a\xFF", 2},
        {"\xFF"
         "a",
         2},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        cr_assert(!text_is_utf8(forms[i].bytes, forms[i].size), "form %zu", i);
        cr_assert(!text_valid(forms[i].bytes, forms[i].size), "form %zu", i);
    }
}

/* Control characters inside longer text, at every place. */
Test(text, a_control_character_anywhere_makes_text_invalid) {
    static const char *const controls[] = {"\n", "\t", "\x1F", "\x7F", "\xC2\x80", "\xC2\x85", "\xC2\x9F"};
    static const char before[] = "杭州西站枢纽";
    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        for (size_t at = 0; at <= strlen(before); at += 3) {
            char text[64];
            size_t size = strlen(controls[i]);
            memcpy(text, before, at);
            memcpy(text + at, controls[i], size);
            memcpy(text + at + size, before + at, strlen(before) - at);
            size += strlen(before);
            cr_assert(text_is_utf8(text, size));
            cr_assert(!text_valid(text, size));
        }
    }
    cr_assert(text_valid(before, strlen(before)));
    cr_assert(!text_valid("a\0b", 3), "NUL is a control character");
    cr_assert(text_valid("\xC2\xA0", 2), "U+00A0 is none");
    cr_assert(text_valid("", 0));
}

Test(text, codes_are_printable_ascii_without_space_at_every_place) {
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 32; at++) {
            char code[32];
            memset(code, 'x', sizeof code);
            code[at] = (char)byte;
            cr_assert_eq(text_is_code(code, sizeof code), byte > 0x20 && byte < 0x7F, "byte %02x", byte);
        }
    }
    cr_assert(text_is_code("", 0));
}

Test(text, keys_are_lower_case_letters_digits_and_dashes) {
    cr_assert(text_is_key("csj-2021", 8, 32));
    cr_assert(text_is_key("2021", 4, 32));
    cr_assert(text_is_key("a", 1, 1));
    cr_assert(text_is_key("a-", 2, 32));
    cr_assert(!text_is_key("", 0, 32));
    cr_assert(!text_is_key("-a", 2, 32));
    cr_assert(!text_is_key("ab", 2, 1));
    for (unsigned byte = 0; byte < 256; byte++) {
        bool letter = byte >= 'a' && byte <= 'z';
        bool digit = byte >= '0' && byte <= '9';
        char key[2] = {'a', (char)byte};
        cr_assert_eq(text_is_key(key, 2, 32), letter || digit || byte == '-', "byte %02x", byte);
        cr_assert_eq(text_is_key(key + 1, 1, 32), letter || digit, "byte %02x", byte);
    }
}
