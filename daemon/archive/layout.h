/* How state.mdb is laid out: its tables, their keys and values. Keys are big endian, so that LMDB's order is the natural
 * one; values are little endian, as they lie in memory.
 *
 *   meta         "format", "epoch", "version"               -> a number of 8 bytes
 *   definitions  kind, number                               -> DEFINITION_BYTES, sum of the competition's contract values
 *   projects     competition, code                          -> struct layout_project
 *   texts        competition, code                          -> two dates, two lengths, name, contractor
 *   regions      competition, region, code                  -> nothing: the order in which projects are listed
 *   days         competition, region, day                   -> struct sums: what the day changed in the totals that count
 *   cells        competition, region, category, status      -> nothing: every cell that a project was ever in
 *   nodes        node                                       -> highest sequence
 *   receipts     node, sequence                             -> struct layout_receipt, refused rows
 *
 * Figures and texts are apart because most updates change figures only, and a fold that rewrites small values dirties
 * fewer pages. */
#ifndef TALLY_DAEMON_ARCHIVE_LAYOUT_H
#define TALLY_DAEMON_ARCHIVE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/cube.h"
#include "daemon/base/entry.h"
#include "daemon/base/figures.h"
#include "daemon/base/receipt.h"

enum { LAYOUT_FORMAT = 1 };

enum table {
    TABLE_META = 0,
    TABLE_DEFINITIONS,
    TABLE_PROJECTS,
    TABLE_TEXTS,
    TABLE_REGIONS,
    TABLE_DAYS,
    TABLE_CELLS,
    TABLE_NODES,
    TABLE_RECEIPTS,
    TABLE_COUNT,
};

/* Table names, for LMDB. */
extern const char *const layout_table_names[TABLE_COUNT];

#define LAYOUT_META_FORMAT "format"
#define LAYOUT_META_EPOCH "epoch"
#define LAYOUT_META_VERSION "version"

enum {
    LAYOUT_PROJECT_KEY_BYTES_MAX = 2 + PROJECT_CODE_BYTES_MAX,
    LAYOUT_REGION_KEY_BYTES_MAX = 2 + 4 + PROJECT_CODE_BYTES_MAX,
    LAYOUT_KEY_BYTES_MAX = LAYOUT_REGION_KEY_BYTES_MAX,
    LAYOUT_DEFINITION_BYTES = DEFINITION_BYTES + 8,
};

/* A key while it is made or taken apart. */
struct layout_key {
    uint8_t bytes[LAYOUT_KEY_BYTES_MAX];
    size_t size;
};

void layout_definition_key(struct layout_key *key, enum entry_kind kind, uint16_t number);
void layout_project_key(struct layout_key *key, uint16_t competition, const void *code, size_t code_bytes);
void layout_region_key(struct layout_key *key, uint16_t competition, uint32_t region, const void *code,
                       size_t code_bytes);
void layout_day_key(struct layout_key *key, uint16_t competition, uint32_t region, uint16_t day);
void layout_cell_key(struct layout_key *key, cell_key_t cell);
void layout_node_key(struct layout_key *key, uint16_t node);
void layout_receipt_key(struct layout_key *key, uint16_t node, uint64_t sequence);

/* The other way round. Each returns whether the bytes are such a key. code has PROJECT_CODE_BYTES_MAX + 1 bytes. */
bool layout_read_definition_key(const uint8_t *bytes, size_t size, enum entry_kind *kind, uint16_t *number);
bool layout_read_project_key(const uint8_t *bytes, size_t size, uint16_t *competition, char *code);
bool layout_read_region_key(const uint8_t *bytes, size_t size, uint16_t *competition, uint32_t *region, char *code);
bool layout_read_day_key(const uint8_t *bytes, size_t size, uint16_t *competition, uint32_t *region, uint16_t *day);
bool layout_read_cell_key(const uint8_t *bytes, size_t size, cell_key_t *cell);
bool layout_read_node_key(const uint8_t *bytes, size_t size, uint16_t *node);
bool layout_read_receipt_key(const uint8_t *bytes, size_t size, uint16_t *node, uint64_t *sequence);

struct layout_project {
    int64_t contract_value;
    uint64_t updated_version;
    int64_t updated_ms;
    uint32_t participants;
    uint32_t migrant_participants;
    uint32_t region;
    uint32_t text_hash;
    uint16_t node;
    uint16_t effective_day;
    uint8_t category;
    uint8_t status;
    uint8_t zero[2];
};

_Static_assert(sizeof(struct layout_project) == 48, "a stored project has no gaps");

void layout_project_set(struct layout_project *value, const struct figures *figures, uint64_t updated_version,
                        int64_t updated_ms);
void layout_project_figures(const struct layout_project *value, struct figures *figures);

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
