/* The outbox on disk: one LMDB environment in a directory of its own, default flags only, so that what was committed
 * survives power loss. One process at a time. LMDB has no checksums: every record carries one.
 *
 *   DIRECTORY/lock             held (flock) while open
 *   DIRECTORY/outbox.mdb       made aside, synced, then renamed: it is whole or not there
 *     batches   number -> checksum, parcel
 *     waiting   1, 2 ... -> checksum, parcel
 *     refused   1, 2 ... -> checksum, code, text, parcel of one row
 *     meta      "format", "node", "numbers" */
#ifndef TALLY_LIB_DISKBOX_H
#define TALLY_LIB_DISKBOX_H

#include "outbox.h"

/* directory is made if missing (mode 0700; its parent must exist). node: the outbox belongs to this node for ever.
 * bytes_max bounds the address space that is set aside, with room to spare; the caller sees to the limit itself.
 * Reads and checks every record. Errors  INVALID (another node's), OUTBOX_BUSY, OUTBOX_DAMAGED, DISK, MEMORY. */
TALLY_MUST_USE enum tally_error diskbox_open(const char *directory, const char *node, uint64_t bytes_max,
                                             struct outbox **outbox, char *message);

#endif
