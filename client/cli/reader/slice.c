#include "slice.h"

static size_t space_at_start(struct slice slice) {
    static const char *const wide[] = {"\u00A0", "\u3000", "\uFEFF"};
    unsigned char first = (unsigned char)slice.text[0];
    if (first == ' ' || (first >= '\t' && first <= '\r')) {
        return 1;
    }
    for (size_t i = 0; first >= 0xC2 && i < sizeof wide / sizeof wide[0]; i++) {
        size_t size = strlen(wide[i]);
        if (slice.size >= size && memcmp(slice.text, wide[i], size) == 0) {
            return size;
        }
    }
    return 0;
}

static size_t space_at_end(struct slice slice) {
    unsigned char last = (unsigned char)slice.text[slice.size - 1];
    if (last < 0x80) {
        return last == ' ' || (last >= '\t' && last <= '\r') ? 1 : 0;
    }
    for (size_t size = 2; size <= 3 && size <= slice.size; size++) {
        struct slice tail = {.text = slice.text + slice.size - size, .size = size};
        if (space_at_start(tail) == size) {
            return size;
        }
    }
    return 0;
}

struct slice slice_trim(struct slice slice) {
    size_t space;
    while (slice.size > 0 && (space = space_at_start(slice)) > 0) {
        slice.text += space;
        slice.size -= space;
    }
    while (slice.size > 0 && (space = space_at_end(slice)) > 0) {
        slice.size -= space;
    }
    return slice;
}

bool slice_digits(struct slice slice) {
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.text[i] < '0' || slice.text[i] > '9') {
            return false;
        }
    }
    return slice.size > 0;
}
