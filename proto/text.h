/* What text may be on the wire and in names. */
#ifndef TALLY_PROTO_TEXT_H
#define TALLY_PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are strict UTF-8 (no surrogates, no overlong forms, at most U+10FFFF) without control characters
 * (below U+0020, U+007F to U+009F). */
bool text_valid(const char *text, size_t size);

/* Whether the bytes are strict UTF-8, whatever the characters. */
bool text_is_utf8(const char *text, size_t size);

/* Whether every byte is printable ASCII other than space: what project codes are made of. */
bool text_is_code(const char *text, size_t size);

/* Whether text is a key: 1 to size_max of a-z, 0-9 and '-', starting with a letter or digit: competitions and nodes. */
bool text_is_key(const char *text, size_t size, size_t size_max);

#endif
