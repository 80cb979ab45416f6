/* The writer: makes state.mdb as new as a capture. Mostly that is one synced transaction; where it would change too many
 * pages at once it is several, in an order in which each leaves a state that can be loaded:
 *
 *   receipts, texts   may be newer than the rest: who replays comes to the same
 *   the frame         with the version that it is true at (frame_writer.h)
 *   blocks            each true at its own version, with what leads to the projects
 *   "complete"        once all of the capture is there
 *
 * Archive only: one thread at a time. */
#ifndef TALLY_DAEMON_ARCHIVE_WRITER_H
#define TALLY_DAEMON_ARCHIVE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/capture.h"
#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/receipt_exchange.h"
#include "state_file.h"

struct writer;

/* What was written since the writer was made. */
struct writer_count {
    uint64_t blocks;
    uint64_t new_projects;
    uint64_t texts; /* that were not stored already */
};

/* The file is borrowed; nobody else writes it as long as there is a writer. NULL on failure with the fault filled: MEMORY,
 * DAMAGED, IO. */
struct writer *writer_create(struct state_file *file, const struct entry_source *source, struct fault *fault);

/* NULL is fine. */
void writer_destroy(struct writer *writer);

/* Lowers the bound on what one transaction changes, COMMIT_PAGES_MAX, so that tests can meet it. */
void writer_set_pages_max(struct writer *writer, size_t pages_max);

/* Makes the file true at the capture, which has all receipts up to its version beside it. Blocks for the disk. The order of
 * the capture's days changes.
 * Errors: DISK_FULL, MEMORY: part of it may be written; call it again with the same capture later, nothing else may be
 * written before. DAMAGED, or what the source says: the same, but there is no hope. IO: outcome unknown, stop. */
MUST_USE enum error writer_write(struct writer *writer, struct capture *capture, const struct receipt_list *receipts);

struct writer_count writer_count(const struct writer *writer);

/* Projects that are stored, rounded up to whole blocks. Errors: as state_file_error. */
MUST_USE enum error writer_projects(const struct writer *writer, uint64_t *projects);

#endif
