/* From the bytes of a file to UTF-8 text. Chinese Excel and WPS save CSV as GBK without a mark, and UTF-8 and UTF-16 in
 * every variant occur: a byte order mark decides, else whether the whole file is strict UTF-8, else whether it is strict
 * GB18030 (of which GBK is a part). What is none of these is refused, never guessed. */
#ifndef TALLY_CLIENT_CLI_READER_ENCODING_H
#define TALLY_CLIENT_CLI_READER_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

enum encoding {
    ENCODING_AUTO = 0,
    ENCODING_UTF_8,
    ENCODING_UTF_16, /* asked for: a mark, or evidence, tells which of the next two */
    ENCODING_UTF_16LE,
    ENCODING_UTF_16BE,
    ENCODING_GB18030,
};

enum { ENCODING_MESSAGE_BYTES = 256 };

struct encoding_text {
    const char *text; /* UTF-8 without mark; within the bytes given if owned is NULL */
    size_t size;
    char *owned;
    enum encoding found;
    bool plain; /* UTF-8 without a mark */
};

/* What an option calls it; ENCODING_AUTO for an unknown name. */
enum encoding encoding_of_name(const char *name);
const char *encoding_name(enum encoding encoding);

/* Reads size bytes as wanted, or as what they are. bytes must outlive text; free text with encoding_free.
 * Returns false, with a sentence for people in message (ENCODING_MESSAGE_BYTES), if they cannot be read. */
bool encoding_decode(const char *bytes, size_t size, enum encoding wanted, struct encoding_text *text, char *message);

void encoding_free(struct encoding_text *text);

#endif
