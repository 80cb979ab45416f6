/* What went wrong, as an error and a sentence for people. Any thread: nothing is shared. */
#ifndef TALLY_LIB_FAULT_H
#define TALLY_LIB_FAULT_H

#include "tally/tally.h"

enum { FAULT_MESSAGE_BYTES = 256 }; /* with the end; a longer sentence is cut */

/* Writes the sentence to message (FAULT_MESSAGE_BYTES, may be NULL) and returns error, so that a failing function can
 * end with it. */
TALLY_MUST_USE __attribute__((format(printf, 3, 4))) enum tally_error fault_set(char *message, enum tally_error error,
                                                                                const char *format, ...);

/* MEMORY, with the sentence for it. */
TALLY_MUST_USE enum tally_error fault_memory(char *message);

#endif
