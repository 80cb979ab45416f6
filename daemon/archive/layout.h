/* How state.mdb is laid out: its tables, their keys and values. Keys are big endian, so that LMDB's order is the natural
 * one, or where they are one number, marked #, that number as it lies in memory (MDB_INTEGERKEY). Values are little endian,
 * as they lie in memory. LMDB aligns neither keys nor values to more than 2 bytes: copy them.
 *
 *   meta         "format", "epoch", "version", "complete"   -> a number of 8 bytes
 *   definitions  kind, number                               -> DEFINITION_BYTES
 *   cells        # number of the cell, 4 bytes              -> its cell_key_t; from 0, without gaps
 *   blocks       # number of the block, 4 bytes             -> struct project_block; from 0, without gaps
 *   numbers      competition, code                          -> number of the project, 4 bytes
 *   regions      competition, region, code                  -> number of the project: the order in which they are listed
 *   texts        # number of the project, 4 bytes           -> two dates, two lengths, name, contractor
 *   days         competition, region, day                   -> struct sums: what the day changed in the totals that count
 *   nodes        node                                       -> highest sequence
 *   receipts     node, sequence                             -> struct layout_receipt, refused rows
 *   times        # version, 8 bytes                         -> when its entry was taken, ms since 1970
 *
 * "version" and "complete" are those of struct state_reach: definitions, cells, texts, days, nodes and receipts are true at
 * version (texts and receipts may be newer, which does no harm: who replays comes to the same); each block is true at its
 * own version, which is not above it.
 * Projects have the numbers that the journal gives them, so that neighbours came together and a block that changed is
 * written as a whole; where a project is, numbers tells by its code.
 * Texts are apart because most updates change figures only.
 * times has one version about each second, and always the newest. A project's last change was taken at the time of the first
 * of them that is not below its updated_version, or up to about a second before. */
#ifndef TALLY_DAEMON_ARCHIVE_LAYOUT_H
#define TALLY_DAEMON_ARCHIVE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/entry.h"
#include "daemon/base/figures.h"
#include "daemon/base/project.h"
#include "daemon/base/receipt.h"

enum { LAYOUT_FORMAT = 2 };

enum table {
    TABLE_META = 0,
    TABLE_DEFINITIONS,
    TABLE_CELLS,
    TABLE_BLOCKS,
    TABLE_NUMBERS,
    TABLE_REGIONS,
    TABLE_TEXTS,
    TABLE_DAYS,
    TABLE_NODES,
    TABLE_RECEIPTS,
    TABLE_TIMES,
    TABLE_COUNT,
};

/* Table names, for LMDB, and whether their keys are numbers. */
extern const char *const layout_table_names[TABLE_COUNT];
extern const bool layout_table_numbered[TABLE_COUNT];

#define LAYOUT_META_FORMAT "format"
#define LAYOUT_META_EPOCH "epoch"
#define LAYOUT_META_VERSION "version"
#define LAYOUT_META_COMPLETE "complete"

enum {
    LAYOUT_REGION_KEY_BYTES_MAX = 2 + 4 + PROJECT_CODE_BYTES_MAX,
    LAYOUT_KEY_BYTES_MAX = LAYOUT_REGION_KEY_BYTES_MAX,
};

/* A key while it is made or taken apart. */
struct layout_key {
    uint8_t bytes[LAYOUT_KEY_BYTES_MAX];
    size_t size;
};

void layout_definition_key(struct layout_key *key, enum entry_kind kind, uint16_t number);
void layout_number_key(struct layout_key *key, uint16_t competition, const void *code, size_t code_bytes);
void layout_region_key(struct layout_key *key, uint16_t competition, uint32_t region, const void *code,
                       size_t code_bytes);
void layout_day_key(struct layout_key *key, uint16_t competition, uint32_t region, uint16_t day);
void layout_node_key(struct layout_key *key, uint16_t node);
void layout_receipt_key(struct layout_key *key, uint16_t node, uint64_t sequence);

/* The other way round. Each returns whether the bytes are such a key. code has PROJECT_CODE_BYTES_MAX + 1 bytes. */
bool layout_read_definition_key(const uint8_t *bytes, size_t size, enum entry_kind *kind, uint16_t *number);
bool layout_read_region_key(const uint8_t *bytes, size_t size, uint16_t *competition, uint32_t *region, char *code);
bool layout_read_day_key(const uint8_t *bytes, size_t size, uint16_t *competition, uint32_t *region, uint16_t *day);
bool layout_read_node_key(const uint8_t *bytes, size_t size, uint16_t *node);
bool layout_read_receipt_key(const uint8_t *bytes, size_t size, uint16_t *node, uint64_t *sequence);

/* Reads a number of 4 bytes: a key marked #, or a value. Returns whether it is one. */
bool layout_read_number(const void *bytes, size_t size, uint32_t *number);

/* Reads a cell's key. Returns whether it is one. */
bool layout_read_cell(const void *bytes, size_t size, cell_key_t *cell);

/* Bytes of a record's code, which is filled up with NUL; 0 = there is no such project. */
size_t layout_code_bytes(const struct project_record *record);

/* The figures of a project that lies in a cell. */
void layout_figures(const struct project_record *record, cell_key_t cell, struct figures *figures);

/* The texts and dates of one project. name and contractor need not end with NUL. */
struct layout_texts {
    uint32_t start_day;
    uint32_t completion_day;
    const char *name;
    const char *contractor;
    uint8_t name_bytes;
    uint8_t contractor_bytes;
};

enum { LAYOUT_TEXTS_BYTES_MAX = 4 + 4 + 1 + 1 + 2 * TEXT_BYTES_MAX };

/* Returns how many bytes were written to out. */
size_t layout_texts_write(const struct layout_texts *texts, uint8_t *out);

/* Fills texts with pointers into bytes. Returns whether the lengths add up. */
bool layout_texts_read(const uint8_t *bytes, size_t size, struct layout_texts *texts);

struct layout_receipt {
    uint64_t version;
    uint32_t rows;
    uint32_t accepted;
    uint32_t unchanged;
    uint32_t refusal_count; /* as many struct entry_refusal follow */
    uint16_t batch_code;
    uint8_t zero[6];
};

_Static_assert(sizeof(struct layout_receipt) == 32, "a stored receipt has no gaps");

enum { LAYOUT_RECEIPT_BYTES_MAX = 32 + BATCH_ROWS_MAX * 4 };

/* Returns how many bytes were written to out. */
size_t layout_receipt_write(const struct receipt *receipt, uint8_t *out);

/* Copies the refusals to the BATCH_ROWS_MAX at refusals, and points to them. Returns whether the bytes are a receipt. */
bool layout_receipt_read(const uint8_t *bytes, size_t size, uint64_t sequence, struct receipt *receipt,
                         struct entry_refusal *refusals);

#endif
