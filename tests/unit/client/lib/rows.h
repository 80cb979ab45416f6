/* Projects for the tests of libtally: figures that depend on a number, so that each row can be recognised. */
#ifndef TALLY_TEST_ROWS_H
#define TALLY_TEST_ROWS_H

#include "tally/tally.h"

#define ROWS_COMPETITION "csj-2021"

/* Project number i without texts; tag is i. The code lives until the program ends (for i below 100,000). */
struct tally_project rows_project(unsigned i);

/* A new empty directory, or a path in it, for an outbox. Static storage, one for each call, at most 16 calls. */
const char *rows_directory(void);

/* Removes these directories with what is in them. */
void rows_remove_directories(void);

#endif
