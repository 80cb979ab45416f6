/* Writes the texts that changed. A capture says in which row of which entry they are; they are read from the journal, and
 * merged with what is stored: a column that the batch left out leaves the text as it was.
 * Archive only: one thread at a time. */
#ifndef TALLY_DAEMON_ARCHIVE_TEXT_WRITER_H
#define TALLY_DAEMON_ARCHIVE_TEXT_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "commit.h"
#include "daemon/base/capture.h"
#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "proto/arena.h"

struct text_writer {
    struct entry_source source;
    struct arena arena; /* what an entry is decoded into */
    uint8_t *arena_memory;
};

/* Errors: MEMORY. */
MUST_USE enum error text_writer_init(struct text_writer *writer, const struct entry_source *source);

/* Zeroed is fine. */
void text_writer_fini(struct text_writer *writer);

/* Writes the capture's texts from *done on until all are or the transaction is full, and moves *done on, by whole entries.
 * written is raised by how many were not stored already. Errors: as state_file_error and the source's; DAMAGED also when the
 * journal does not have what the capture says. */
MUST_USE enum error text_writer_write(struct text_writer *writer, struct commit *commit, const struct capture *capture,
                                      size_t *done, uint64_t *written);

#endif
