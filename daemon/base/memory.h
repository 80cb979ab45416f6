/* Address space that becomes memory as it is touched: tables with a bound grow in place, without copying and without an
 * allocation on the hot path. All of it reads as zero until written. */
#ifndef TALLY_DAEMON_BASE_MEMORY_H
#define TALLY_DAEMON_BASE_MEMORY_H

#include <stddef.h>

/* NULL if there is no address space. */
void *memory_reserve(size_t bytes);

/* The same bytes as were reserved; NULL is fine. */
void memory_release(void *memory, size_t bytes);

/* Asks for huge pages beneath, for tables that are read all over: fewer TLB misses. Only a wish. */
void memory_prefer_huge(void *memory, size_t bytes);

#endif
