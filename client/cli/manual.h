/* The manual page tally(1), written from the table of commands when the program is built. */
#ifndef TALLY_CLIENT_CLI_MANUAL_H
#define TALLY_CLIENT_CLI_MANUAL_H

#include <stdio.h>

/* roff with man macros. */
void manual_print(FILE *out);

#endif
