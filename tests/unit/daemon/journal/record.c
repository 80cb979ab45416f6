#include "daemon/journal/record.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "scribe.h"

static uint8_t *write_record(const struct entry *entry, uint64_t previous_hash, uint64_t *hash) {
    uint8_t *bytes = malloc(record_bytes(entry));
    cr_assert_not_null(bytes);
    *hash = record_write(entry, previous_hash, bytes);
    return bytes;
}

Test(record, what_is_written_is_read_back) {
    struct scribe scribe;
    scribe_init(&scribe);
    for (uint64_t version = 1; version < 300; version++) {
        struct entry *entry = scribe_entry(&scribe, 0, version);
        entry->version = version;
        uint64_t written;
        uint8_t *bytes = write_record(entry, version * 31, &written);
        struct entry_record record;
        uint64_t hash;
        uint64_t previous;
        cr_assert_eq(record_read(bytes, record_bytes(entry), &record, &hash, &previous), ERROR_NONE);
        cr_assert(record.version == version && hash == written && previous == version * 31);
        cr_assert(scribe_matches(&scribe, &record), "version %lu", version);
        free(bytes);
    }
    scribe_fini(&scribe);
}

Test(record, its_hash_covers_the_one_before) {
    struct scribe scribe;
    scribe_init(&scribe);
    struct entry *entry = scribe_entry(&scribe, 0, 1);
    entry->version = 1;
    uint64_t one;
    uint64_t other;
    free(write_record(entry, 1, &one));
    free(write_record(entry, 2, &other));
    cr_assert_neq(one, other);
    scribe_fini(&scribe);
}

/* The record lies in a piece of the heap of its size, so that a sanitizer sees a step beyond it. */
Test(record, any_changed_bit_and_any_other_length_is_damage) {
    struct scribe scribe;
    scribe_init(&scribe);
    uint64_t version = 1;
    struct entry *entry = scribe_entry(&scribe, 0, version);
    while (entry->refused_by_intake == 0 || entry->body_bytes == 0 || entry->body_bytes > 500) {
        entry = scribe_entry(&scribe, 0, ++version);
    }
    entry->version = version;
    uint64_t hash;
    uint64_t previous;
    uint8_t *bytes = write_record(entry, 5, &hash);
    size_t size = record_bytes(entry);
    struct entry_record record;
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(record_read(bytes, size, &record, &hash, &previous), ERROR_DAMAGED, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *shorter = malloc(cut);
        memcpy(shorter, bytes, cut);
        cr_assert_eq(record_read(shorter, cut, &record, &hash, &previous), ERROR_DAMAGED, "%zu bytes", cut);
        free(shorter);
    }
    uint8_t *longer = calloc(1, size + 1);
    memcpy(longer, bytes, size);
    cr_assert_eq(record_read(longer, size + 1, &record, &hash, &previous), ERROR_DAMAGED);
    cr_assert_eq(record_read(bytes, size, &record, &hash, &previous), ERROR_NONE);
    free(longer);
    free(bytes);
    scribe_fini(&scribe);
}
