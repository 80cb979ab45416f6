/* Looks up stored projects, one short read transaction for each question. Any thread. */
#ifndef TALLY_DAEMON_ARCHIVE_LOOKUP_H
#define TALLY_DAEMON_ARCHIVE_LOOKUP_H

#include "daemon/base/stored.h"
#include "state_file.h"

/* Valid as long as the file is open. */
struct stored_source lookup_source(struct state_file *file);

#endif
