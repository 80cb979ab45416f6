/* The refused rows of a push: collected with their reasons, then written to a file that can be corrected and pushed
 * again: the same columns in the same order with the cells as they stood in the source, and the reason. */
#ifndef TALLY_CLIENT_CLI_REJECTS_H
#define TALLY_CLIENT_CLI_REJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

#include "client/cli/language.h"
#include "client/cli/reader/sheet.h"
#include "client/cli/reader/source.h"

struct rejects;

struct rejects *rejects_create(void);
void rejects_destroy(struct rejects **taken);

/* Adds a row of this source; a second reason for the same row is dropped. Returns false without memory. */
bool rejects_add(struct rejects *rejects, uint64_t row, const char *reason);

/* Adds a row that is not of this source: refused in an earlier push of the same outbox. Written after the others, made
 * anew from what is known of it. Returns false without memory. */
bool rejects_add_earlier(struct rejects *rejects, const struct tally_refused *refused, const char *reason);

/* Rows added, each once. */
size_t rejects_count(struct rejects *rejects);
size_t rejects_earlier_count(const struct rejects *rejects);

/* A reject in the order of rows, index below rejects_count; and one of an earlier push with its project code. */
const char *rejects_reason(struct rejects *rejects, size_t index, uint64_t *row);
const char *rejects_earlier_reason(const struct rejects *rejects, size_t index, const char **code);

/* Writes all to path, replacing what is there only when everything is written. Text is UTF-8, with a mark if the source
 * was anything but plain UTF-8, so that Excel opens it. competition gives categories and statuses of earlier rows their
 * keys. Returns false with errno set. */
bool rejects_write(struct rejects *rejects, const char *path, const struct source *source, const struct sheet *sheet,
                   const struct tally_competition *competition);

#endif
