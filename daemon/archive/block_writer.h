/* Writes captured blocks of projects, and what leads to a project: by its code, and by its region. What is new or has moved
 * shows when a block is compared with the stored one; it is sorted first, so that LMDB goes through each page once.
 * Archive only: one thread at a time. */
#ifndef TALLY_DAEMON_ARCHIVE_BLOCK_WRITER_H
#define TALLY_DAEMON_ARCHIVE_BLOCK_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "commit.h"
#include "daemon/base/capture.h"
#include "daemon/base/error.h"

/* A project that is new, or lies in another region than it was stored with. */
struct placement {
    uint64_t prefix; /* sorts like the key that is sorted by, as far as it goes */
    const struct project_record *project;
    uint32_t number;
    uint32_t region;
    uint32_t old_region; /* 0 = it is new */
};

struct block_writer {
    cell_key_t *cells; /* of every cell, by number */
    uint32_t cell_count;
    struct placement *placements;
    size_t placement_count;
};

/* Loads the cells. Errors: MEMORY, DAMAGED, IO. */
MUST_USE enum error block_writer_init(struct block_writer *writer, const struct state_file *file);

/* Zeroed is fine. */
void block_writer_fini(struct block_writer *writer);

/* Takes up the capture's new cells: before its blocks are written. Again does no harm. */
void block_writer_learn(struct block_writer *writer, const struct capture *capture);

/* Writes the capture's blocks from *done on until all are or the transaction is full, and moves *done on. new_projects is
 * raised by how many were not stored before. Errors: as state_file_error; DAMAGED also when a stored block is not what it was. */
MUST_USE enum error block_writer_write(struct block_writer *writer, struct commit *commit,
                                       const struct capture *capture, uint32_t *done, uint64_t *new_projects);

#endif
