/* An answer for the user: one block of memory, so that one free is enough. Filled from front to back, 8-byte aligned. */
#ifndef TALLY_LIB_ANSWER_H
#define TALLY_LIB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer {
    uint8_t *block; /* NULL without memory */
    size_t size;
    size_t used;
    bool overrun; /* something did not fit: the block is not an answer */
};

/* Sets aside size bytes, zeroed, and some to spare for alignment. */
void answer_init(struct answer *answer, size_t size);

/* The next piece; NULL (and overrun set) if the rest is too small. */
void *answer_take(struct answer *answer, size_t count, size_t size);

/* A copy of text, in the block. NULL and empty texts take no room. */
const char *answer_text(struct answer *answer, const char *text);

#endif
