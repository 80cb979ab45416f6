/* The options of a benchmark, from one table: reading, bounds and --help. Main thread, before anything else. */
#ifndef TALLY_BENCH_ARGUMENTS_H
#define TALLY_BENCH_ARGUMENTS_H

#include <stddef.h>

enum argument_kind {
    ARGUMENT_NUMBER, /* uint64_t */
    ARGUMENT_REAL,   /* double */
    ARGUMENT_TEXT,   /* const char *, which points into argv */
    ARGUMENT_FLAG,   /* bool; takes no value */
};

enum { ARGUMENTS_MAX = 40 };

struct argument {
    const char *name;
    const char *value; /* what --help calls the value; NULL for a flag */
    const char *help;  /* one line */
    enum argument_kind kind;
    void *to; /* of the kind's type; holds the default */
    double least;
    double most; /* bounds of numbers, both included */
};

/* Reads the command line into what the table points to. summary: what the program does, a few lines for --help.
 * Returns -1 to go on, or the status to exit with: after --help, or with 64 after it has said what is wrong. */
int arguments_read(int argc, char **argv, const char *summary, const struct argument *table, size_t count);

#endif
