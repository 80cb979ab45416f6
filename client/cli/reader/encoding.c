#include "encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

static const struct {
    const char *option;
    const char *iconv;
} names[] = {
    [ENCODING_AUTO] = {"auto", NULL},
    [ENCODING_UTF_8] = {"utf-8", "UTF-8"},
    [ENCODING_UTF_16] = {"utf-16", NULL},
    [ENCODING_UTF_16LE] = {"utf-16le", "UTF-16LE"},
    [ENCODING_UTF_16BE] = {"utf-16be", "UTF-16BE"},
    [ENCODING_GB18030] = {"gb18030", "GB18030"},
};

enum encoding encoding_of_name(const char *name) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].option, name) == 0) {
            return (enum encoding)i;
        }
    }
    return ENCODING_AUTO;
}

const char *encoding_name(enum encoding encoding) {
    return names[encoding].option;
}

/* How many bytes from the start are strict UTF-8: everything, or up to the first run of non-ASCII bytes that is not.
 * Eight ASCII bytes at a time: most of a large file is digits. */
static size_t utf8_prefix(const char *text, size_t size) {
    const uint64_t high = UINT64_C(0x8080808080808080);
    size_t at = 0;
    while (at < size) {
        uint64_t word;
        if (size - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if ((word & high) == 0) {
                at += sizeof word;
                continue;
            }
        }
        size_t run = 0;
        while (at + run < size && (text[at + run] & 0x80) != 0) {
            run++;
        }
        if (run > 0 && !text_is_utf8(text + at, run)) {
            return at;
        }
        at += run > 0 ? run : 1;
    }
    return size;
}

static size_t line_of(const char *text, size_t at) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++) {
        line += text[i] == '\n';
    }
    return line;
}

/* In text of a spreadsheet every other byte of UTF-16 is often 0 (digits, commas, line ends), and no byte of the other
 * encodings is. */
static enum encoding utf16_evident(const char *bytes, size_t size) {
    size_t zeros[2] = {0, 0};
    size_t end = size < 65536 ? size : 65536;
    for (size_t i = 0; i < end; i++) {
        zeros[i % 2] += bytes[i] == '\0';
    }
    if (size % 2 != 0 || zeros[0] + zeros[1] == 0) {
        return ENCODING_AUTO;
    }
    if (zeros[0] >= 8 * zeros[1]) {
        return ENCODING_UTF_16BE;
    }
    return zeros[1] >= 8 * zeros[0] ? ENCODING_UTF_16LE : ENCODING_AUTO;
}

static bool starts_with(const char *bytes, size_t size, const char *mark, size_t mark_size) {
    return size >= mark_size && memcmp(bytes, mark, mark_size) == 0;
}

/* What a byte order mark says, and how long it is. */
static enum encoding mark_read(const char *bytes, size_t size, size_t *mark) {
    *mark = 0;
    if (starts_with(bytes, size, "\xEF\xBB\xBF", 3)) {
        *mark = 3;
        return ENCODING_UTF_8;
    }
    if (starts_with(bytes, size, "\xFF\xFE", 2)) {
        *mark = 2;
        return ENCODING_UTF_16LE;
    }
    if (starts_with(bytes, size, "\xFE\xFF", 2)) {
        *mark = 2;
        return ENCODING_UTF_16BE;
    }
    if (starts_with(bytes, size, "\x84\x31\x95\x33", 4)) {
        *mark = 4;
        return ENCODING_GB18030;
    }
    return ENCODING_AUTO;
}

/* One pass of iconv into a buffer that grows. Returns NULL with errno; at is where in bytes it stopped. */
static char *convert(iconv_t converter, const char *bytes, size_t size, size_t *out_size, size_t *at) {
    size_t room = size + size / 2 + 64;
    char *out = malloc(room);
    char *in = (char *)(uintptr_t)bytes; /* iconv does not write to it */
    size_t left = size;
    size_t used = 0;
    while (out != NULL) {
        char *to = out + used;
        size_t to_left = room - used;
        size_t result = iconv(converter, &in, &left, &to, &to_left);
        used = room - to_left;
        if (result != (size_t)-1 && left == 0) {
            *out_size = used;
            return out;
        }
        if (errno != E2BIG) {
            break;
        }
        room += room / 2;
        char *grown = realloc(out, room);
        if (grown == NULL) {
            break;
        }
        out = grown;
    }
    int number = out == NULL ? ENOMEM : errno;
    *at = size - left;
    free(out);
    errno = number;
    return NULL;
}

static bool transcode(const char *bytes, size_t size, enum encoding encoding, struct encoding_text *text,
                      char *message) {
    iconv_t converter = iconv_open("UTF-8", names[encoding].iconv);
    if (converter == (iconv_t)-1) {
        snprintf(message, ENCODING_MESSAGE_BYTES, "this system cannot convert from %s; convert the file to UTF-8",
                 names[encoding].option);
        return false;
    }
    size_t at = 0;
    text->owned = convert(converter, bytes, size, &text->size, &at);
    int number = errno;
    iconv_close(converter);
    if (text->owned != NULL) {
        text->text = text->owned;
        text->found = encoding;
        return true;
    }
    if (number == ENOMEM) {
        snprintf(message, ENCODING_MESSAGE_BYTES, "not enough memory to convert the file");
    } else if (encoding == ENCODING_GB18030) {
        snprintf(message, ENCODING_MESSAGE_BYTES,
                 "line %zu is neither UTF-8 nor GB18030 (GBK); export the file again, best as \"CSV UTF-8\"",
                 line_of(bytes, at));
    } else {
        snprintf(message, ENCODING_MESSAGE_BYTES, "byte %zu is not %s; export the file again, best as \"CSV UTF-8\"",
                 at + 1, names[encoding].option);
    }
    return false;
}

/* Whether the bytes are a workbook, which people save in place of CSV. */
static bool workbook(const char *bytes, size_t size) {
    return starts_with(bytes, size, "PK\x03\x04", 4) || starts_with(bytes, size, "\xD0\xCF\x11\xE0", 4);
}

/* Takes bytes as UTF-8, as they are. */
static bool take_utf8(const char *bytes, size_t size, size_t mark, size_t valid, struct encoding_text *text,
                      char *message) {
    if (valid < size) {
        snprintf(message, ENCODING_MESSAGE_BYTES, "line %zu is not UTF-8; export the file again as \"CSV UTF-8\"%s",
                 line_of(bytes, valid), mark > 0 ? "" : ", or try --encoding gb18030");
        return false;
    }
    *text =
        (struct encoding_text){.text = bytes + mark, .size = size - mark, .found = ENCODING_UTF_8, .plain = mark == 0};
    return true;
}

bool encoding_decode(const char *bytes, size_t size, enum encoding wanted, struct encoding_text *text, char *message) {
    *text = (struct encoding_text){0};
    size_t mark;
    enum encoding encoding = mark_read(bytes, size, &mark);
    if (wanted == ENCODING_UTF_8 || wanted == ENCODING_GB18030) {
        mark = encoding == wanted ? mark : 0;
        encoding = wanted;
    } else if (workbook(bytes, size)) {
        snprintf(message, ENCODING_MESSAGE_BYTES, "this is a workbook; save the sheet as \"CSV UTF-8\" and push that");
        return false;
    } else if (encoding == ENCODING_AUTO) {
        encoding = utf16_evident(bytes, size);
        encoding = encoding == ENCODING_AUTO && wanted == ENCODING_UTF_16 ? ENCODING_UTF_16LE : encoding;
    }
    if (encoding == ENCODING_AUTO && memchr(bytes, '\0', size) != NULL) {
        snprintf(message, ENCODING_MESSAGE_BYTES, "this is not text; save the sheet as \"CSV UTF-8\" and push that");
        return false;
    }
    if (encoding == ENCODING_AUTO || encoding == ENCODING_UTF_8) {
        size_t valid = utf8_prefix(bytes, size);
        if (valid == size || encoding == ENCODING_UTF_8) {
            return take_utf8(bytes, size, mark, valid, text, message);
        }
        encoding = ENCODING_GB18030;
    }
    return transcode(bytes + mark, size - mark, encoding, text, message);
}

void encoding_free(struct encoding_text *text) {
    free(text->owned);
    *text = (struct encoding_text){0};
}
