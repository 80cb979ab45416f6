#include "parcel.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/batch.h"

enum { PACKED_HEAD_BYTES = sizeof(uint32_t) };

struct parcel *parcel_create(size_t rows, size_t body_bytes) {
    struct parcel *parcel = malloc(sizeof *parcel + rows * sizeof *parcel->tag + body_bytes);
    if (parcel == NULL) {
        return NULL;
    }
    atomic_init(&parcel->references, 1);
    parcel->rows = (uint32_t)rows;
    parcel->body_bytes = body_bytes;
    parcel->tag = (uint64_t *)(parcel + 1);
    parcel->body = (uint8_t *)(parcel->tag + rows);
    return parcel;
}

struct parcel *parcel_hold(struct parcel *parcel) {
    atomic_fetch_add_explicit(&parcel->references, 1, memory_order_relaxed); /* the caller's own reference keeps it */
    return parcel;
}

void parcel_release(struct parcel **parcel) {
    struct parcel *held = *parcel;
    *parcel = NULL;
    /* release: our reads come before another thread's free; acquire: theirs before ours */
    if (held != NULL && atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) == 1) {
        free(held);
    }
}

bool parcel_number(struct parcel **parcel, uint64_t sequence) {
    struct parcel *old = *parcel;
    if (batch_sequence(old->body, old->body_bytes) == sequence) {
        return true;
    }
    /* acquire pairs with the release in parcel_release: whoever let go has finished reading */
    if (atomic_load_explicit(&old->references, memory_order_acquire) > 1) {
        struct parcel *copy = parcel_create(old->rows, old->body_bytes);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy->tag, old->tag, old->rows * sizeof *old->tag);
        memcpy(copy->body, old->body, old->body_bytes);
        parcel_release(parcel);
        *parcel = copy;
    }
    batch_set_sequence((*parcel)->body, (*parcel)->body_bytes, sequence);
    return true;
}

size_t parcel_bytes(const struct parcel *parcel) {
    return sizeof *parcel + parcel_packed_bytes(parcel);
}

size_t parcel_packed_bytes(const struct parcel *parcel) {
    return PACKED_HEAD_BYTES + parcel->rows * sizeof *parcel->tag + parcel->body_bytes;
}

void parcel_pack(const struct parcel *parcel, uint8_t *out) {
    size_t tags_bytes = parcel->rows * sizeof *parcel->tag;
    memcpy(out, &parcel->rows, PACKED_HEAD_BYTES);
    memcpy(out + PACKED_HEAD_BYTES, parcel->tag, tags_bytes);
    memcpy(out + PACKED_HEAD_BYTES + tags_bytes, parcel->body, parcel->body_bytes);
}

struct parcel *parcel_unpack(const uint8_t *bytes, size_t size, bool *malformed) {
    uint32_t rows = 0;
    *malformed = size < PACKED_HEAD_BYTES;
    if (*malformed) {
        return NULL;
    }
    memcpy(&rows, bytes, PACKED_HEAD_BYTES);
    size_t tags_bytes = rows * sizeof(uint64_t);
    *malformed = rows == 0 || rows > BATCH_ROWS_MAX || size - PACKED_HEAD_BYTES < tags_bytes;
    if (*malformed) {
        return NULL;
    }
    struct parcel *parcel = parcel_create(rows, size - PACKED_HEAD_BYTES - tags_bytes);
    if (parcel != NULL) {
        memcpy(parcel->tag, bytes + PACKED_HEAD_BYTES, tags_bytes);
        memcpy(parcel->body, bytes + PACKED_HEAD_BYTES + tags_bytes, parcel->body_bytes);
    }
    return parcel;
}
