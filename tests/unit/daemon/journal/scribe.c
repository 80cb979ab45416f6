#include "scribe.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

static void *must(void *memory) {
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void scribe_init(struct scribe *scribe) {
    scribe->entries = must(calloc(SCRIBE_GROUP_MAX, sizeof *scribe->entries));
    scribe->bodies = must(malloc((size_t)SCRIBE_GROUP_MAX * SCRIBE_BODY_BYTES_MAX));
    scribe->rejected = must(malloc(SCRIBE_BODY_BYTES_MAX));
    scribe->expected = must(calloc(1, sizeof *scribe->expected));
}

void scribe_fini(struct scribe *scribe) {
    free(scribe->entries);
    free(scribe->bodies);
    free(scribe->rejected);
    free(scribe->expected);
}

/* Mostly bodies of a page or two, some tiny, some long enough for overflow pages. */
static size_t body_bytes_of(struct random *random) {
    uint64_t roll = random_below(random, 10);
    return random_below(random, roll < 2 ? 64 : roll < 8 ? 6000 : SCRIBE_BODY_BYTES_MAX);
}

static void set_verdicts(struct entry *entry, struct random *random) {
    memset(entry->verdicts, 0, sizeof entry->verdicts);
    entry->refused_by_intake = 0;
    for (size_t row = 0; row < entry->batch.rows; row++) {
        if (random_once_in(random, 10)) {
            entry->verdicts[row] = (uint8_t)(1 + random_below(random, 21));
            entry->refused_by_intake++;
        }
    }
}

static void fill(struct entry *entry, uint8_t *body, uint64_t version) {
    struct random random = {.state = version * 7919};
    entry->kind = version % 9 == 0 ? ENTRY_BATCH_REFUSED : version % 7 == 0 ? ENTRY_NODE : ENTRY_BATCH;
    entry->node = (uint16_t)random_next(&random);
    entry->competition = (uint16_t)random_next(&random);
    entry->batch_code = (uint16_t)random_next(&random);
    entry->day = (uint16_t)random_next(&random);
    entry->sequence = random_next(&random);
    entry->wall_ms = (int64_t)random_next(&random);
    entry->batch.rows = entry->kind == ENTRY_BATCH ? 1 + random_below(&random, 300) : 0;
    set_verdicts(entry, &random);
    entry->body = body;
    entry->body_bytes = entry->kind == ENTRY_BATCH_REFUSED ? 0 : body_bytes_of(&random);
    for (size_t i = 0; i < entry->body_bytes; i++) {
        body[i] = (uint8_t)random_next(&random);
    }
}

struct entry *scribe_entry(struct scribe *scribe, size_t place, uint64_t version) {
    fill(&scribe->entries[place], scribe->bodies + place * SCRIBE_BODY_BYTES_MAX, version);
    return &scribe->entries[place];
}

static bool refusals_match(const struct entry *entry, const struct entry_record *record) {
    size_t found = 0;
    for (size_t row = 0; row < entry->batch.rows; row++) {
        if (entry->verdicts[row] == 0) {
            continue;
        }
        if (found == record->refusal_count || record->refusals[found].row != row ||
            record->refusals[found].code != entry->verdicts[row]) {
            return false;
        }
        found++;
    }
    return found == record->refusal_count;
}

bool scribe_matches(struct scribe *scribe, const struct entry_record *record) {
    struct entry *entry = scribe->expected;
    fill(entry, scribe->rejected, record->version);
    return record->kind == entry->kind && record->node == entry->node && record->competition == entry->competition &&
           record->batch_code == entry->batch_code && record->day == entry->day &&
           record->sequence == entry->sequence && record->wall_ms == entry->wall_ms &&
           record->rows == entry->batch.rows && refusals_match(entry, record) &&
           record->body_bytes == entry->body_bytes && memcmp(record->body, entry->body, entry->body_bytes) == 0;
}

enum error scribe_write(struct scribe *scribe, struct journal *journal, uint64_t last, size_t group) {
    while (journal_version(journal) < last) {
        uint64_t next = journal_version(journal) + 1;
        for (size_t i = 0; i < group && next <= last; i++, next++) {
            enum error error = journal_append(journal, scribe_entry(scribe, i, next));
            if (error != ERROR_NONE) {
                return error;
            }
        }
        enum error error = journal_commit(journal);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    return ERROR_NONE;
}

struct reader {
    struct scribe *scribe;
    uint64_t version;
};

static enum error visit(void *visitor, const struct entry_record *record) {
    struct reader *reader = visitor;
    if (record->version != reader->version + 1 || !scribe_matches(reader->scribe, record)) {
        return ERROR_LIMIT;
    }
    reader->version++;
    return ERROR_NONE;
}

enum error scribe_read(struct scribe *scribe, struct journal *journal, size_t bytes_max, uint64_t *version) {
    struct entry_source source = journal_source(journal);
    struct reader reader = {.scribe = scribe, .version = *version};
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && *version < journal_version(journal)) {
        uint64_t last;
        error = source.read(source.context, *version, bytes_max, visit, &reader, &last);
        if (last != reader.version || (error == ERROR_NONE && last == *version)) {
            return ERROR_LIMIT;
        }
        *version = last;
    }
    return error;
}
