#include "record.h"

#include <string.h>
#include <xxhash.h>

#include "daemon/base/check.h"

/* The layout on disk. Numbers are little endian, as is every machine that this runs on. */
struct record_header {
    uint64_t hash; /* of everything after it */
    uint64_t previous_hash;
    uint64_t version;
    uint64_t sequence;
    int64_t wall_ms;
    uint32_t rows;
    uint32_t refusal_count;
    uint32_t body_bytes;
    uint16_t node;
    uint16_t competition;
    uint16_t batch_code;
    uint16_t day;
    uint8_t format;
    uint8_t kind;
    uint8_t zero[2];
};

_Static_assert(sizeof(struct record_header) == RECORD_HEADER_BYTES, "the header has no gaps");
_Static_assert(sizeof(struct entry_refusal) == 4, "a refusal has no gaps");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the journal is written as it lies in memory");

enum { HASHED_FROM = sizeof(uint64_t) };

size_t record_bytes(const struct entry *entry) {
    return RECORD_HEADER_BYTES + entry->refused_by_intake * sizeof(struct entry_refusal) + entry->body_bytes;
}

static void write_refusals(const struct entry *entry, uint8_t *out) {
    uint32_t written = 0;
    for (size_t row = 0; written < entry->refused_by_intake; row++) {
        CHECK(row < entry->batch.rows);
        if (entry->verdicts[row] != REFUSAL_NONE) {
            struct entry_refusal refusal = {.row = (uint16_t)row, .code = entry->verdicts[row]};
            memcpy(out + written * sizeof refusal, &refusal, sizeof refusal);
            written++;
        }
    }
}

uint64_t record_write(const struct entry *entry, uint64_t previous_hash, uint8_t *out) {
    struct record_header header = {
        .previous_hash = previous_hash,
        .version = entry->version,
        .sequence = entry->sequence,
        .wall_ms = entry->wall_ms,
        .rows = (uint32_t)entry->batch.rows,
        .refusal_count = entry->refused_by_intake,
        .body_bytes = (uint32_t)entry->body_bytes,
        .node = entry->node,
        .competition = entry->competition,
        .batch_code = entry->batch_code,
        .day = entry->day,
        .format = RECORD_FORMAT,
        .kind = (uint8_t)entry->kind,
    };
    size_t refusal_bytes = header.refusal_count * sizeof(struct entry_refusal);
    memcpy(out, &header, sizeof header);
    write_refusals(entry, out + sizeof header);
    if (entry->body_bytes > 0) {
        memcpy(out + sizeof header + refusal_bytes, entry->body, entry->body_bytes);
    }
    header.hash = XXH3_64bits(out + HASHED_FROM, record_bytes(entry) - HASHED_FROM);
    memcpy(out, &header.hash, sizeof header.hash);
    return header.hash;
}

static bool kind_known(uint8_t kind) {
    return kind >= ENTRY_BATCH && kind <= ENTRY_NODE;
}

enum error record_read(const uint8_t *bytes, size_t size, struct entry_record *record, uint64_t *hash,
                       uint64_t *previous_hash) {
    struct record_header header;
    if (size < sizeof header) {
        return ERROR_DAMAGED;
    }
    memcpy(&header, bytes, sizeof header);
    size_t refusal_bytes = (size_t)header.refusal_count * sizeof(struct entry_refusal);
    if (header.hash != XXH3_64bits(bytes + HASHED_FROM, size - HASHED_FROM) || header.format != RECORD_FORMAT ||
        !kind_known(header.kind) || sizeof header + refusal_bytes + header.body_bytes != size) {
        return ERROR_DAMAGED;
    }
    *record = (struct entry_record){
        .version = header.version,
        .kind = (enum entry_kind)header.kind,
        .node = header.node,
        .competition = header.competition,
        .batch_code = header.batch_code,
        .rows = header.rows,
        .sequence = header.sequence,
        .wall_ms = header.wall_ms,
        .day = header.day,
        .refusal_count = header.refusal_count,
        .refusals = (const struct entry_refusal *)(const void *)(bytes + sizeof header),
        .body = bytes + sizeof header + refusal_bytes,
        .body_bytes = header.body_bytes,
    };
    *hash = header.hash;
    *previous_hash = header.previous_hash;
    return ERROR_NONE;
}
