/* A journal in memory, for tests of what reads behind the journal: entries are added, and read through entry_source as from
 * the real one. One thread may add while another reads. Memory running out ends the test program. */
#ifndef TALLY_TESTS_SUPPORT_ENTRIES_H
#define TALLY_TESTS_SUPPORT_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"

struct entries;

struct entries *entries_create(void);
void entries_destroy(struct entries *entries);

/* Each returns the version of the new entry. */
uint64_t entries_define(struct entries *entries, enum entry_kind kind, const struct definition *definition);

struct entries_row {
    const char *code;
    uint32_t region;
    uint32_t category;
    uint32_t status;
    int64_t contract_value; /* fen */
    int64_t participants;
    int64_t migrant_participants;
    uint32_t effective_day; /* this and the next four are sent only if the batch has the column */
    const char *name;
    const char *contractor;
    uint32_t start_day;
    uint32_t completion_day;
};

/* Columns that a batch may leave out. */
enum entries_column {
    ENTRIES_EFFECTIVE_DAY = 1,
    ENTRIES_NAME = 2,
    ENTRIES_CONTRACTOR = 4,
    ENTRIES_START_DAY = 8,
    ENTRIES_COMPLETION_DAY = 16,
    ENTRIES_ALL_COLUMNS = 31,
};

struct entries_batch {
    uint16_t node;
    uint16_t competition;
    uint16_t day; /* of receipt */
    int64_t wall_ms;
    unsigned columns; /* bits of enum entries_column */
    const struct entries_row *rows;
    size_t count;                         /* up to BATCH_ROWS_MAX */
    const struct entry_refusal *refusals; /* rows that intake refused, ascending */
    size_t refusal_count;
};

/* The sequence is the node's next. */
uint64_t entries_add_batch(struct entries *entries, const struct entries_batch *added);

/* A batch that was refused as a whole; it uses up the node's next sequence. */
uint64_t entries_add_refused(struct entries *entries, uint16_t node, uint32_t rows, uint16_t batch_code);

/* The version of the last entry; 0 if there is none. */
uint64_t entries_version(struct entries *entries);

/* The source, up to whatever has been added. Valid as long as the entries. */
struct entry_source entries_source(struct entries *entries);

/* For tests of what readers do then: from this version on, reading fails with the error. 0 = no failure. */
void entries_fail_from(struct entries *entries, uint64_t version, enum error error);

#endif
