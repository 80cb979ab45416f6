/* The live table: regions ranked by a measure, with bars, what changed since the start, their sum, and how fresh all of
 * it is. Only prints: what moves the cursor is the caller's. */
#ifndef TALLY_CLIENT_CLI_BOARD_H
#define TALLY_CLIENT_CLI_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tally/tally.h>

#include "client/cli/language.h"

enum board_measure { BOARD_PROJECTS = 0, BOARD_VALUE, BOARD_PARTICIPANTS };

struct board_row {
    const char *name;
    struct tally_totals now;
    struct tally_totals start;
};

struct board {
    const char *title;
    const struct board_row *rows; /* ranked by board_rank */
    size_t count;
    const struct board_row *sum; /* or NULL: nothing known yet */
    uint64_t version;
    bool fresh;     /* heard of the daemon lately */
    int64_t age_ms; /* since then; -1 = never */
    enum board_measure measure;
    enum language language;
    bool color;
    bool clear_lines; /* end each line with "clear to the end of the line" */
    int columns;      /* of the terminal */
    int lines;        /* at most so many are printed; rows that do not fit are counted */
};

/* What an option calls it. */
enum board_measure board_measure_of_name(const char *name);

/* Highest first; equals keep their order. */
void board_rank(struct board_row *rows, size_t count, enum board_measure measure);

/* Returns how many lines it printed. */
int board_print(FILE *out, const struct board *board);

#endif
