/* Gives the projects of a parcel back, row by row: for rows that were waiting when the program ended, and for rows that
 * were refused. */
#ifndef TALLY_LIB_READER_H
#define TALLY_LIB_READER_H

#include <stdbool.h>

#include "parcel.h"
#include "tally/tally.h"

struct reader;

/* Reads parcel, which must outlive the reader. NULL without memory and, with malformed set, when the body is not a
 * batch of as many rows as the parcel says. */
struct reader *reader_create(const struct parcel *parcel, bool *malformed);

/* NULL is fine. */
void reader_destroy(struct reader *reader);

/* The key of the competition that the rows belong to; lives as long as the reader. */
const char *reader_competition(const struct reader *reader);

/* The next row, false after the last. What project points to lives until the next call; absent texts are NULL. */
bool reader_next(struct reader *reader, struct tally_project *project);

#endif
