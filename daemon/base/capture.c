#include "capture.h"

#include <stdlib.h>

#include "memory.h"

enum { GROW_LEAST = 1024 };

#define BLOCK_BYTES ((size_t)CAPTURE_BLOCKS_MAX * sizeof(struct project_block))

enum error capture_init(struct capture *capture) {
    *capture = (struct capture){0};
    capture->blocks = memory_reserve(BLOCK_BYTES);
    capture->block_numbers = malloc(CAPTURE_BLOCKS_MAX * sizeof *capture->block_numbers);
    capture->texts = malloc(TEXT_CHANGES_MAX * sizeof *capture->texts);
    if (capture->blocks == NULL || capture->block_numbers == NULL || capture->texts == NULL) {
        capture_fini(capture);
        return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

void capture_fini(struct capture *capture) {
    memory_release(capture->blocks, BLOCK_BYTES);
    free(capture->block_numbers);
    free(capture->cell_keys);
    free(capture->days);
    free(capture->texts);
    *capture = (struct capture){0};
}

/* Half as much again as is needed, so that growing costs little in sum. */
static enum error grow(void **items, size_t *capacity, size_t needed, size_t item_bytes) {
    if (needed <= *capacity) {
        return ERROR_NONE;
    }
    size_t larger = needed + needed / 2 + GROW_LEAST;
    void *moved = realloc(*items, larger * item_bytes);
    if (moved == NULL) {
        return ERROR_MEMORY;
    }
    *items = moved;
    *capacity = larger;
    return ERROR_NONE;
}

enum error capture_reserve(struct capture *capture, size_t cells, size_t days) {
    void *items = capture->cell_keys;
    enum error error = grow(&items, &capture->cell_capacity, cells, sizeof *capture->cell_keys);
    capture->cell_keys = items;
    if (error == ERROR_NONE) {
        items = capture->days;
        error = grow(&items, &capture->day_capacity, days, sizeof *capture->days);
        capture->days = items;
    }
    return error;
}
