/* Text files that people write: read whole, checked to be UTF-8, comments blanked out. Any thread. */
#ifndef TALLY_DAEMON_TEXT_FILE_H
#define TALLY_DAEMON_TEXT_FILE_H

#include "daemon/base/error.h"

enum { TEXT_FILE_BYTES_MAX = 4 << 20 };

/* The file as one string, without a byte order mark, every comment (# and // to the end of the line, slash-star to
 * star-slash) overwritten with spaces so that lines stay where they are. A text in quotes must end on its line, a
 * brace must have its partner. Memory: the caller's, to free. NULL on failure, with the fault filled: CONFIGURATION
 * (cannot be opened, too large, not UTF-8, something is not closed), IO, MEMORY. */
char *text_file_read(const char *path, struct fault *fault);

#endif
