/* How the journal writes an entry: a header of 64 bytes, the rows that intake refused, the original body.
 * The first 8 bytes are the XXH3 hash of all that follows, and what follows begins with the hash of the entry before: LMDB
 * has no checksums of its own, and a chain shows exchange and loss as well as change. */
#ifndef TALLY_DAEMON_JOURNAL_RECORD_H
#define TALLY_DAEMON_JOURNAL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"

enum { RECORD_HEADER_BYTES = 64, RECORD_FORMAT = 1 };

/* Bytes that the entry takes. */
size_t record_bytes(const struct entry *entry);

/* Writes record_bytes to out and returns the record's hash. The entry's version is set. */
uint64_t record_write(const struct entry *entry, uint64_t previous_hash, uint8_t *out);

/* Reads and checks a record; what it points to lies in bytes.
 * hash          out: the record's hash
 * previous_hash out: the hash that it names as the one before
 * Errors: DAMAGED (wrong hash, unknown format or kind, lengths that do not add up). */
MUST_USE enum error record_read(const uint8_t *bytes, size_t size, struct entry_record *record, uint64_t *hash,
                                uint64_t *previous_hash);

#endif
