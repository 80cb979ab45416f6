/* A piece of text that belongs to somebody else; not ended by NUL. */
#ifndef TALLY_CLIENT_CLI_READER_SLICE_H
#define TALLY_CLIENT_CLI_READER_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *text;
    size_t size;
};

static inline struct slice slice_of(const char *text) {
    return (struct slice){.text = text, .size = strlen(text)};
}

static inline bool slice_equal(struct slice slice, const char *text) {
    return strlen(text) == slice.size && memcmp(slice.text, text, slice.size) == 0;
}

/* Without the white space around it: ASCII, no-break (U+00A0) and ideographic (U+3000) space, byte order mark. */
struct slice slice_trim(struct slice slice);

/* Whether it is one or more ASCII digits and nothing else. */
bool slice_digits(struct slice slice);

#endif
