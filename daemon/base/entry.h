/* An entry: what flows through the daemon and what the journal keeps. A batch, or a definition (a competition or a node
 * that later entries name by number).
 *
 *   intake  takes a free entry, receives into it, decodes, judges each row, pushes it to the journal;
 *   journal makes it durable, gives it its version, pushes it to the ledger;
 *   ledger  applies it, adds its own verdicts and the counts, pushes it back to intake;
 *   intake  sends the receipt from it and frees it.
 *
 * One thread holds an entry at a time; the ring that it passes through hands it over. There is a fixed number of entries:
 * when all are under way, intake stops reading, and that is the daemon's back pressure. */
#ifndef TALLY_DAEMON_BASE_ENTRY_H
#define TALLY_DAEMON_BASE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "proto/batch.h"
#include "proto/day.h"

enum entry_kind {
    ENTRY_BATCH = 1,         /* body: the original bytes of the Batch message */
    ENTRY_BATCH_REFUSED = 2, /* a batch refused as a whole: uses up its sequence, no body */
    ENTRY_COMPETITION = 3,   /* body: a definition */
    ENTRY_NODE = 4,          /* body: a definition */
};

/* What a competition's or a node's number means, from this entry on. A later definition of the same number replaces it; its
 * key and first_day stay, statuses are only added, and one that is there keeps whether it counts (numbering checks that). */
struct definition {
    uint16_t number;
    char key[COMPETITION_KEY_BYTES_MAX + 1]; /* competition key or node name */
    uint16_t statuses;                       /* competition: bit s set = status s exists */
    uint16_t counts;                         /* competition: bit s set = status s counts in the totals */
    uint16_t first_day;                      /* competition: rows before it are refused */
};

_Static_assert(NODE_NAME_BYTES_MAX <= COMPETITION_KEY_BYTES_MAX, "a definition's key holds either");

/* A row that intake refused: kept in the journal, so that a replay need not judge again. */
struct entry_refusal {
    uint16_t row;
    uint16_t code;
};

/* An entry as the journal keeps it: what a reader sees. Pointers are valid for the time of the visit. */
struct entry_record {
    uint64_t version;
    enum entry_kind kind;
    uint16_t node;        /* number; batches only */
    uint16_t competition; /* number; batches only */
    uint16_t batch_code;  /* ENTRY_BATCH_REFUSED: why */
    uint32_t rows;        /* batches only */
    uint64_t sequence;    /* batches only */
    int64_t wall_ms;      /* when intake took it */
    uint16_t day;         /* day of receipt: what effective_day 0 means */
    size_t refusal_count;
    const struct entry_refusal *refusals; /* rows in ascending order, each once */
    const uint8_t *body;
    size_t body_bytes;
};

struct entry {
    /* Written by intake (or by a reader that replays), then read by all. */
    enum entry_kind kind;
    uint16_t node;
    uint16_t competition;
    uint16_t batch_code;
    uint16_t day;
    uint64_t sequence;
    int64_t wall_ms;
    const uint8_t *body;
    size_t body_bytes;
    struct batch batch; /* columns, decoded from body; rows is set for every batch */
    struct definition definition;
    uint32_t refused_by_intake; /* rows whose verdict intake set */
    int64_t value_offered;      /* sum of the contract values of the others, fen; intake's own */

    /* Written by the journal. */
    uint64_t version;

    /* Written by the ledger. */
    uint32_t accepted;
    uint32_t unchanged;
    uint32_t refused;  /* rows with a verdict, by intake or ledger */
    int64_t value_sum; /* batches that were not refused: of all projects of the competition, fen */

    /* Written by intake, then by the ledger: an enum refusal for each row, 0 = accepted. */
    uint8_t verdicts[BATCH_ROWS_MAX];
};

/* Packs a definition as the body of its entry: DEFINITION_BYTES, little endian. */
enum { DEFINITION_BYTES = 48 };
void definition_encode(const struct definition *definition, uint8_t *out);
bool definition_equal(const struct definition *a, const struct definition *b);
MUST_USE enum error definition_decode(const uint8_t *bytes, size_t size, struct definition *definition);

/* Makes an entry from what the journal kept, ready to be applied: decodes its body into the arena (which is reset first)
 * and sets the verdicts of the rows that intake had refused. The body is not copied.
 * Errors: DAMAGED if the body does not decode although its checksum was right. */
MUST_USE enum error entry_from_record(struct entry *entry, const struct entry_record *record, struct arena *arena);

/* The effective day of a row: its own, or the day of receipt. The row was judged: the day fits. */
static inline uint16_t entry_row_day(const struct batch *batch, uint16_t day_of_receipt, size_t row) {
    const uint32_t *days = batch->effective_day;
    return days != NULL && days[row] != 0 ? (uint16_t)days[row] : day_of_receipt;
}

/* A hash of the texts and dates that the row carries, never 0; 0 if its batch has no such column. */
uint32_t entry_text_hash(const struct entry *entry, size_t row);

/* Visits one record; a result other than ERROR_NONE ends the reading with it. */
typedef enum error entry_visit(void *visitor, const struct entry_record *record);

/* Where entries come from, for those that read behind the journal: archive, recovery, verification.
 * read visits every durable entry after after_version in order, until about bytes_max bytes of bodies have been visited,
 * and sets *last_version to the last one visited (after_version if there was none). Checks each checksum.
 * May be called from any thread, one call for each source object at a time. Does not block writers.
 * Errors: DAMAGED, IO, MEMORY, or what visit returned. */
struct entry_source {
    void *context;
    enum error (*read)(void *context, uint64_t after_version, size_t bytes_max, entry_visit *visit, void *visitor,
                       uint64_t *last_version);
};

#endif
