#include "text.h"

#include <stdint.h>

/* Length of the UTF-8 sequence at text and its character; 0 if it is not strict UTF-8. After Unicode 15, table 3-7. */
static size_t utf8_decode(const uint8_t *text, size_t size, uint32_t *character) {
    uint8_t lead = text[0];
    if (lead < 0x80) {
        *character = lead;
        return 1;
    }
    size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || length > size) {
        return 0;
    }
    uint32_t value = lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (text[i] & 0x3Fu);
    }
    bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (overlong || surrogate || value > 0x10FFFF) {
        return 0;
    }
    *character = value;
    return length;
}

bool text_valid(const char *text, size_t size) {
    const uint8_t *at = (const uint8_t *)text;
    while (size > 0) {
        uint32_t character;
        size_t length = utf8_decode(at, size, &character);
        if (length == 0 || character < 0x20 || (character >= 0x7F && character < 0xA0)) {
            return false;
        }
        at += length;
        size -= length;
    }
    return true;
}

bool text_is_utf8(const char *text, size_t size) {
    const uint8_t *at = (const uint8_t *)text;
    while (size > 0) {
        uint32_t character;
        size_t length = utf8_decode(at, size, &character);
        if (length == 0) {
            return false;
        }
        at += length;
        size -= length;
    }
    return true;
}

bool text_is_code(const char *text, size_t size) {
    uint8_t outside = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i];
        outside |= (uint8_t)(byte - 0x21) > 0x7E - 0x21;
    }
    return outside == 0;
}

bool text_is_key(const char *text, size_t size, size_t size_max) {
    if (size == 0 || size > size_max || text[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool letter = text[i] >= 'a' && text[i] <= 'z';
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (!letter && !digit && text[i] != '-') {
            return false;
        }
    }
    return true;
}
