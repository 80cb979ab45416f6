#include "answer.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 8, SPARE_BYTES = 64 };

void answer_init(struct answer *answer, size_t size) {
    *answer = (struct answer){.size = size + SPARE_BYTES};
    answer->block = calloc(1, answer->size);
    if (answer->block == NULL) {
        answer->size = 0;
    }
}

void *answer_take(struct answer *answer, size_t count, size_t size) {
    size_t start = (answer->used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (start > answer->size || (size > 0 && count > (answer->size - start) / size)) {
        answer->overrun = true;
        return NULL;
    }
    answer->used = start + count * size;
    return answer->block + start;
}

const char *answer_text(struct answer *answer, const char *text) {
    size_t bytes = text != NULL ? strlen(text) + 1 : 1;
    if (bytes == 1 && answer->size > 0) {
        return (const char *)answer->block + answer->size - 1; /* the last byte is kept as the empty text */
    }
    if (answer->size == 0 || bytes > answer->size - 1 - answer->used) {
        answer->overrun = true;
        return "";
    }
    char *copy = (char *)answer->block + answer->used;
    memcpy(copy, text, bytes);
    answer->used += bytes;
    return copy;
}
