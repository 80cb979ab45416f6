/* The outbox of a node without one: batches wait in memory, and end with the program. */
#ifndef TALLY_LIB_MEMBOX_H
#define TALLY_LIB_MEMBOX_H

#include "outbox.h"

/* NULL without memory. Close with outbox_close. */
struct outbox *membox_open(void);

#endif
