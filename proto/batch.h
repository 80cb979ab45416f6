/* A batch as columns, and its way to and from the bytes of the wire: the one codec of both ends.
 * Row i of every column belongs to the same project; optional columns are NULL or as long as the others. */
#ifndef TALLY_PROTO_BATCH_H
#define TALLY_PROTO_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "limits.h"
#include "refusal.h"

struct batch {
    uint64_t sequence;
    const char *competition;
    size_t rows;
    const uint8_t *code; /* all codes, one after the other */
    size_t code_bytes_sum;
    const uint32_t *code_bytes; /* the length of each; adds up to code_bytes_sum (checked by batch_decode) */
    const uint32_t *region;
    const uint32_t *category;
    const uint32_t *status;
    const int64_t *contract_value; /* fen */
    const int64_t *participants;   /* heads */
    const int64_t *migrant_participants;
    const uint32_t *effective_day; /* optional */
    char *const *name;             /* optional, as are the next three */
    char *const *contractor;
    const uint32_t *start_day;
    const uint32_t *completion_day;
};

/* Whether the rows say anything about names, contractors or dates. */
static inline bool batch_has_texts(const struct batch *batch) {
    return batch->name != NULL || batch->contractor != NULL || batch->start_day != NULL ||
           batch->completion_day != NULL;
}

/* Enough for the largest batch within the limits: 8,192 rows of figures (90 bytes a row) and 1 MiB of text, with what
 * protobuf-c notes of each text while it unpacks. */
enum { BATCH_ARENA_BYTES = 4 << 20 };

/* Unpacks a Batch body. The columns point into the arena and into bytes, and live as long as both.
 * The result is REFUSAL_NONE; or BODY_TOO_LARGE or BODY_MALFORMED, and batch is untouched; or a batch code
 * (COLUMNS_UNEVEN, TOO_MANY_ROWS, BATCH_EMPTY): then sequence, competition and rows are set and no column may be read.
 * The values in the rows are not checked. About 10 ns a row, or 27 if it is not plain (proto/plain_batch.h). */
enum refusal batch_decode(const void *bytes, size_t size, struct arena *arena, struct batch *batch);

/* Bytes that batch_encode will write. */
size_t batch_encoded_bytes(const struct batch *batch);

/* Packs; out has room for batch_encoded_bytes. The sequence, unless it is 0 and left out, comes first, at a fixed place.
 * About 20 ns a row. */
void batch_encode(const struct batch *batch, uint8_t *out);

/* The sequence in bytes that batch_encode wrote, without decoding them; 0 if they are too few or begin otherwise. */
uint64_t batch_sequence(const uint8_t *bytes, size_t size);

/* Changes the sequence in bytes that batch_encode wrote: an outbox numbers batches again when the daemon was set back. */
void batch_set_sequence(uint8_t *bytes, size_t size, uint64_t sequence);

#endif
