/* Assertions that stay on in release: for programmers' errors only, never for input, I/O or memory.
 * A failed check prints where and what, and aborts: what is durable stays durable, and recovery starts from it. */
#ifndef TALLY_DAEMON_BASE_CHECK_H
#define TALLY_DAEMON_BASE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) \
    do { \
        if (__builtin_expect(!(condition), 0)) { \
            fprintf(stderr, "%s:%d: %s: check failed: %s\n", __FILE__, __LINE__, __func__, #condition); \
            abort(); \
        } \
    } while (0)

#endif
