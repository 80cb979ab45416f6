/* A faster way to read those batches that almost all are: packed by libtally, or alike. A plain batch has each field at most
 * once, in the order of their numbers, numeric columns packed, no texts, and no number that takes more bytes than what it may
 * say needs. Everything else is left to protobuf-c, which also decides what is wrong with it.
 * Why: protobuf-c takes 27 ns a row, this 10 (bench_stages), of some 150 that the daemon needs to take an update in. */
#ifndef TALLY_PROTO_PLAIN_BATCH_H
#define TALLY_PROTO_PLAIN_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "batch.h"

/* Reads a batch if it is plain, has at most BATCH_ROWS_MAX rows and the arena has room. The columns point into the arena, but
 * for code, which points into bytes. What protobuf-c would read is the same. Otherwise returns false: neither batch nor arena
 * have changed. */
bool plain_batch_read(const uint8_t *bytes, size_t size, struct arena *arena, struct batch *batch);

#endif
