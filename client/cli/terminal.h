/* What a terminal shows: widths of text in columns, colour, size, a progress bar. */
#ifndef TALLY_CLIENT_CLI_TERMINAL_H
#define TALLY_CLIENT_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct arguments;

struct terminal_size {
    int columns;
    int lines;
};

/* Makes wcwidth know UTF-8 in every locale. Once, before the other functions. */
void terminal_init(void);

/* Columns that UTF-8 text takes: two for a Chinese character. Bytes that are not UTF-8 and control characters take one. */
int terminal_text_width(const char *text);

/* Prints text in exactly columns columns: cut with … or filled with spaces, on the left if right is true. */
void terminal_print_padded(FILE *out, const char *text, int columns, bool right);

/* Whether out should be coloured: --color, NO_COLOR, TERM=dumb, and whether it is a terminal. */
bool terminal_colored(const struct arguments *arguments, FILE *out);

/* Whether out is a terminal that understands cursor movements. */
bool terminal_live(FILE *out);

/* The size of the terminal behind descriptor; 80 by 24 where there is none. */
struct terminal_size terminal_size_of(int descriptor);

/* Draws a progress bar on stderr in place of the last one, with a text after it. total 0 = not known. Does nothing if
 * stderr is no terminal. */
void terminal_bar_draw(uint64_t done, uint64_t total, const char *text);

/* Takes the bar away, so that lines can be printed. */
void terminal_bar_clear(void);

/* "600,000". buffer has 32 bytes. Returns buffer. */
char *terminal_number(int64_t number, char *buffer);

/* "1.5 MiB". buffer has 32 bytes. Returns buffer. */
char *terminal_bytes(uint64_t bytes, char *buffer);

#endif
