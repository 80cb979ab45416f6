/* What stands in a diskbox under one key: a checksum that knows the key, then a parcel, or a refused row. LMDB itself has
 * no checksums. Numbers are in this machine's byte order. */
#ifndef TALLY_LIB_RECORD_H
#define TALLY_LIB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outbox.h"

/* The table that a record stands in, for messages, such as "batch". */
typedef const char *record_kind_t;

/* OUTBOX_DAMAGED, with the sentence that says where. */
TALLY_MUST_USE enum tally_error record_damaged(record_kind_t kind, uint64_t key, char *message);

/* Whether the checksum is right, and how many rows a sound record of a parcel says it has. */
bool record_sound(uint64_t key, const void *record, size_t size);
uint32_t record_rows(const void *record, size_t size);

size_t record_parcel_bytes(const struct parcel *parcel);
void record_pack_parcel(uint64_t key, const struct parcel *parcel, uint8_t *record);
TALLY_MUST_USE enum tally_error record_unpack_parcel(record_kind_t kind, uint64_t key, const void *record, size_t size,
                                                     struct parcel **parcel, char *message);

size_t record_refused_bytes(const struct refused *refused);
void record_pack_refused(uint64_t key, const struct refused *refused, uint8_t *record);
TALLY_MUST_USE enum tally_error record_unpack_refused(uint64_t key, const void *record, size_t size,
                                                      struct refused *refused, char *message);

#endif
