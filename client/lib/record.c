#include "record.h"

#include <string.h>
#include <xxhash.h>

enum {
    CHECKSUM_BYTES = sizeof(uint64_t),
    REFUSED_HEAD_BYTES = 2 * sizeof(uint32_t), /* code, bytes of the text */
};

enum tally_error record_damaged(record_kind_t kind, uint64_t key, char *message) {
    return fault_set(message, TALLY_OUTBOX_DAMAGED,
                     "the outbox is damaged at %s %llu; put it aside and report its projects again", kind,
                     (unsigned long long)key);
}

/* The key is the seed, so that a record in another's place is noticed. */
static uint64_t checksum_of(uint64_t key, const uint8_t *record, size_t size) {
    return XXH3_64bits_withSeed(record + CHECKSUM_BYTES, size - CHECKSUM_BYTES, key);
}

static void seal(uint64_t key, uint8_t *record, size_t size) {
    uint64_t checksum = checksum_of(key, record, size);
    memcpy(record, &checksum, CHECKSUM_BYTES);
}

bool record_sound(uint64_t key, const void *record, size_t size) {
    uint64_t checksum = 0;
    if (size < CHECKSUM_BYTES) {
        return false;
    }
    memcpy(&checksum, record, CHECKSUM_BYTES);
    return checksum == checksum_of(key, record, size);
}

uint32_t record_rows(const void *record, size_t size) {
    uint32_t rows = 0;
    if (size >= CHECKSUM_BYTES + sizeof rows) {
        memcpy(&rows, (const uint8_t *)record + CHECKSUM_BYTES, sizeof rows);
    }
    return rows;
}

size_t record_parcel_bytes(const struct parcel *parcel) {
    return CHECKSUM_BYTES + parcel_packed_bytes(parcel);
}

void record_pack_parcel(uint64_t key, const struct parcel *parcel, uint8_t *record) {
    parcel_pack(parcel, record + CHECKSUM_BYTES);
    seal(key, record, record_parcel_bytes(parcel));
}

enum tally_error record_unpack_parcel(record_kind_t kind, uint64_t key, const void *record, size_t size,
                                      struct parcel **parcel, char *message) {
    bool malformed = false;
    if (!record_sound(key, record, size)) {
        return record_damaged(kind, key, message);
    }
    *parcel = parcel_unpack((const uint8_t *)record + CHECKSUM_BYTES, size - CHECKSUM_BYTES, &malformed);
    if (*parcel == NULL) {
        return malformed ? record_damaged(kind, key, message) : fault_memory(message);
    }
    return TALLY_OK;
}

static size_t text_bytes(const struct refused *refused) {
    return refused->text != NULL ? strlen(refused->text) : 0;
}

size_t record_refused_bytes(const struct refused *refused) {
    return CHECKSUM_BYTES + REFUSED_HEAD_BYTES + text_bytes(refused) + parcel_packed_bytes(refused->row);
}

void record_pack_refused(uint64_t key, const struct refused *refused, uint8_t *record) {
    uint32_t head[2] = {refused->code, (uint32_t)text_bytes(refused)};
    uint8_t *text = record + CHECKSUM_BYTES + REFUSED_HEAD_BYTES;
    memcpy(record + CHECKSUM_BYTES, head, REFUSED_HEAD_BYTES);
    if (head[1] > 0) {
        memcpy(text, refused->text, head[1]);
    }
    parcel_pack(refused->row, text + head[1]);
    seal(key, record, record_refused_bytes(refused));
}

enum tally_error record_unpack_refused(uint64_t key, const void *record, size_t size, struct refused *refused,
                                       char *message) {
    uint32_t head[2] = {0};
    bool malformed = false;
    const uint8_t *text = (const uint8_t *)record + CHECKSUM_BYTES + REFUSED_HEAD_BYTES;
    if (!record_sound(key, record, size) || size < CHECKSUM_BYTES + REFUSED_HEAD_BYTES) {
        return record_damaged("refused row", key, message);
    }
    memcpy(head, (const uint8_t *)record + CHECKSUM_BYTES, REFUSED_HEAD_BYTES);
    size_t rest = size - CHECKSUM_BYTES - REFUSED_HEAD_BYTES;
    if (head[1] > rest) {
        return record_damaged("refused row", key, message);
    }
    *refused = (struct refused){.id = key, .code = head[0]};
    refused->text = head[1] > 0 ? strndup((const char *)text, head[1]) : NULL;
    refused->row = parcel_unpack(text + head[1], rest - head[1], &malformed);
    if (refused->row == NULL || (head[1] > 0 && refused->text == NULL)) {
        refused_fini(refused);
        return malformed ? record_damaged("refused row", key, message) : fault_memory(message);
    }
    return TALLY_OK;
}
