/* One competition file: what projects enrol in, as data. docs/competitions.md tells how to write one.
 * Thread: main (document.h). */
#ifndef TALLY_DAEMON_COMPETITION_H
#define TALLY_DAEMON_COMPETITION_H

#include "daemon/base/error.h"
#include "daemon/base/registry.h"

#define COMPETITION_FILE_ENDING ".conf"

/* Reads and checks the file into competition; its number is NUMBER_NONE. After an error the content is of no use.
 * Errors: CONFIGURATION with file and line, IO, MEMORY; the fault is filled. */
MUST_USE enum error competition_load(const char *path, struct competition *competition, struct fault *fault);

/* Whether next may replace current while projects of it are counted: the first day, and what codes stand for and
 * count, stay. path is next's file, for the text. Errors: CONFIGURATION; the fault is filled. */
MUST_USE enum error competition_check_change(const struct competition *current, const struct competition *next,
                                             const char *path, struct fault *fault);

#endif
