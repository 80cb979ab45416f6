/* Writes the frame of a capture: what it has whole beside the projects. Definitions, cells, days, sequences, the times of
 * versions, and the version that all of it is true at. Always in one transaction, because days are absolute.
 * Archive only: one thread at a time. */
#ifndef TALLY_DAEMON_ARCHIVE_FRAME_WRITER_H
#define TALLY_DAEMON_ARCHIVE_FRAME_WRITER_H

#include <stdint.h>

#include "commit.h"
#include "daemon/base/capture.h"
#include "daemon/base/error.h"

/* sequences: those stored so far, NODES_MAX; only what differs is written. The capture's days are put in order.
 * Errors: as state_file_error. */
MUST_USE enum error frame_writer_write(struct commit *commit, struct capture *capture, const uint64_t *sequences);

#endif
