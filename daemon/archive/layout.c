#include "layout.h"

#include <string.h>

#include "daemon/base/check.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are written as they lie in memory");
_Static_assert(sizeof(struct sums) == 32, "stored sums have no gaps");
_Static_assert(sizeof(struct entry_refusal) == 4, "stored refusals have no gaps");

const char *const layout_table_names[TABLE_COUNT] = {
    [TABLE_META] = "meta",       [TABLE_DEFINITIONS] = "definitions",
    [TABLE_CELLS] = "cells",     [TABLE_BLOCKS] = "blocks",
    [TABLE_NUMBERS] = "numbers", [TABLE_REGIONS] = "regions",
    [TABLE_TEXTS] = "texts",     [TABLE_DAYS] = "days",
    [TABLE_NODES] = "nodes",     [TABLE_RECEIPTS] = "receipts",
    [TABLE_TIMES] = "times",
};

const bool layout_table_numbered[TABLE_COUNT] = {
    [TABLE_CELLS] = true,
    [TABLE_BLOCKS] = true,
    [TABLE_TEXTS] = true,
    [TABLE_TIMES] = true,
};

/* ---- keys ---- */

static void add_number(struct layout_key *key, uint64_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        key->bytes[key->size++] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
    }
}

static void add_code(struct layout_key *key, const void *code, size_t code_bytes) {
    CHECK(code_bytes <= PROJECT_CODE_BYTES_MAX);
    memcpy(key->bytes + key->size, code, code_bytes);
    key->size += code_bytes;
}

void layout_definition_key(struct layout_key *key, enum entry_kind kind, uint16_t number) {
    key->size = 0;
    add_number(key, (uint64_t)kind, 1);
    add_number(key, number, 2);
}

void layout_number_key(struct layout_key *key, uint16_t competition, const void *code, size_t code_bytes) {
    key->size = 0;
    add_number(key, competition, 2);
    add_code(key, code, code_bytes);
}

void layout_region_key(struct layout_key *key, uint16_t competition, uint32_t region, const void *code,
                       size_t code_bytes) {
    key->size = 0;
    add_number(key, competition, 2);
    add_number(key, region, 4);
    add_code(key, code, code_bytes);
}

void layout_day_key(struct layout_key *key, uint16_t competition, uint32_t region, uint16_t day) {
    key->size = 0;
    add_number(key, competition, 2);
    add_number(key, region, 4);
    add_number(key, day, 2);
}

void layout_node_key(struct layout_key *key, uint16_t node) {
    key->size = 0;
    add_number(key, node, 2);
}

void layout_receipt_key(struct layout_key *key, uint16_t node, uint64_t sequence) {
    key->size = 0;
    add_number(key, node, 2);
    add_number(key, sequence, 8);
}

static uint64_t number_at(const uint8_t *bytes, size_t size) {
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static bool code_at(const uint8_t *bytes, size_t size, size_t offset, char *code) {
    if (size < offset || size - offset > PROJECT_CODE_BYTES_MAX) {
        return false;
    }
    memcpy(code, bytes + offset, size - offset);
    code[size - offset] = '\0';
    return true;
}

bool layout_read_definition_key(const uint8_t *bytes, size_t size, enum entry_kind *kind, uint16_t *number) {
    if (size != 3 || (bytes[0] != ENTRY_COMPETITION && bytes[0] != ENTRY_NODE)) {
        return false;
    }
    *kind = (enum entry_kind)bytes[0];
    *number = (uint16_t)number_at(bytes + 1, 2);
    return *number < (*kind == ENTRY_COMPETITION ? (int)COMPETITIONS_MAX : (int)NODES_MAX);
}

bool layout_read_region_key(const uint8_t *bytes, size_t size, uint16_t *competition, uint32_t *region, char *code) {
    if (!code_at(bytes, size, 6, code)) {
        return false;
    }
    *competition = (uint16_t)number_at(bytes, 2);
    *region = (uint32_t)number_at(bytes + 2, 4);
    return *competition < COMPETITIONS_MAX;
}

bool layout_read_day_key(const uint8_t *bytes, size_t size, uint16_t *competition, uint32_t *region, uint16_t *day) {
    if (size != 8) {
        return false;
    }
    *competition = (uint16_t)number_at(bytes, 2);
    *region = (uint32_t)number_at(bytes + 2, 4);
    *day = (uint16_t)number_at(bytes + 6, 2);
    return *competition < COMPETITIONS_MAX;
}

bool layout_read_node_key(const uint8_t *bytes, size_t size, uint16_t *node) {
    if (size != 2) {
        return false;
    }
    *node = (uint16_t)number_at(bytes, 2);
    return *node < NODES_MAX;
}

bool layout_read_receipt_key(const uint8_t *bytes, size_t size, uint16_t *node, uint64_t *sequence) {
    if (size != 10) {
        return false;
    }
    *node = (uint16_t)number_at(bytes, 2);
    *sequence = number_at(bytes + 2, 8);
    return *node < NODES_MAX;
}

/* ---- values ---- */

bool layout_read_number(const void *bytes, size_t size, uint32_t *number) {
    if (size != sizeof *number) {
        return false;
    }
    memcpy(number, bytes, sizeof *number);
    return true;
}

bool layout_read_cell(const void *bytes, size_t size, cell_key_t *cell) {
    if (size != sizeof *cell) {
        return false;
    }
    memcpy(cell, bytes, sizeof *cell);
    return *cell >> 63 == 1 && cell_key_competition(*cell) < COMPETITIONS_MAX;
}

size_t layout_code_bytes(const struct project_record *record) {
    return strnlen((const char *)record->code, sizeof record->code);
}

void layout_figures(const struct project_record *record, cell_key_t cell, struct figures *figures) {
    *figures = (struct figures){.contract_value = (int64_t)record->contract_value,
                                .participants = (uint32_t)record->participants,
                                .migrant_participants = (uint32_t)record->migrant_participants,
                                .region = cell_key_region(cell),
                                .node = record->node,
                                .effective_day = record->effective_day,
                                .category = cell_key_category(cell),
                                .status = cell_key_status(cell),
                                .text_hash = record->text_hash};
}

enum { TEXTS_FIXED_BYTES = 10 };

size_t layout_texts_write(const struct layout_texts *texts, uint8_t *out) {
    memcpy(out, &texts->start_day, 4);
    memcpy(out + 4, &texts->completion_day, 4);
    out[8] = texts->name_bytes;
    out[9] = texts->contractor_bytes;
    size_t size = TEXTS_FIXED_BYTES;
    if (texts->name_bytes > 0) {
        memcpy(out + size, texts->name, texts->name_bytes);
        size += texts->name_bytes;
    }
    if (texts->contractor_bytes > 0) {
        memcpy(out + size, texts->contractor, texts->contractor_bytes);
        size += texts->contractor_bytes;
    }
    return size;
}

bool layout_texts_read(const uint8_t *bytes, size_t size, struct layout_texts *texts) {
    if (size < TEXTS_FIXED_BYTES || size != (size_t)TEXTS_FIXED_BYTES + bytes[8] + bytes[9]) {
        return false;
    }
    memcpy(&texts->start_day, bytes, 4);
    memcpy(&texts->completion_day, bytes + 4, 4);
    texts->name_bytes = bytes[8];
    texts->contractor_bytes = bytes[9];
    texts->name = (const char *)bytes + TEXTS_FIXED_BYTES;
    texts->contractor = texts->name + texts->name_bytes;
    return true;
}

size_t layout_receipt_write(const struct receipt *receipt, uint8_t *out) {
    struct layout_receipt value = {.version = receipt->version,
                                   .rows = receipt->rows,
                                   .accepted = receipt->accepted,
                                   .unchanged = receipt->unchanged,
                                   .refusal_count = receipt->refusal_count,
                                   .batch_code = receipt->batch_code};
    CHECK(receipt->refusal_count <= BATCH_ROWS_MAX);
    memcpy(out, &value, sizeof value);
    size_t refusal_bytes = receipt->refusal_count * sizeof *receipt->refusals;
    if (refusal_bytes > 0) {
        memcpy(out + sizeof value, receipt->refusals, refusal_bytes);
    }
    return sizeof value + refusal_bytes;
}

bool layout_receipt_read(const uint8_t *bytes, size_t size, uint64_t sequence, struct receipt *receipt,
                         struct entry_refusal *refusals) {
    struct layout_receipt value;
    if (size < sizeof value) {
        return false;
    }
    memcpy(&value, bytes, sizeof value);
    if (value.refusal_count > BATCH_ROWS_MAX || size != sizeof value + value.refusal_count * sizeof *refusals) {
        return false;
    }
    memcpy(refusals, bytes + sizeof value, size - sizeof value);
    *receipt = (struct receipt){.sequence = sequence,
                                .version = value.version,
                                .rows = value.rows,
                                .accepted = value.accepted,
                                .unchanged = value.unchanged,
                                .batch_code = value.batch_code,
                                .refusal_count = value.refusal_count,
                                .refusals = value.refusal_count > 0 ? refusals : NULL};
    return true;
}
