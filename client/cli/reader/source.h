/* A file or standard input, whole, as UTF-8 text. Files are mapped, so that a large one costs no copy. */
#ifndef TALLY_CLIENT_CLI_READER_SOURCE_H
#define TALLY_CLIENT_CLI_READER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/reader/encoding.h"

struct source {
    const char *bytes;
    size_t size;
    bool mapped;
    struct encoding_text text;
};

/* Opens path, or standard input for "-", and decodes it. Give it back with source_close whatever the result.
 * Returns an exit code of sysexits.h, with a sentence for people in message (ENCODING_MESSAGE_BYTES) if it is not OK. */
int source_open(const char *path, enum encoding wanted, struct source *source, char *message);
void source_close(struct source *source);

#endif
