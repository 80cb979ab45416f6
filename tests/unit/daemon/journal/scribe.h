/* Entries for tests of the journal: what entry v holds follows from v alone, so that a reader can tell whether what it got
 * is what was written. Memory running out ends the test program. */
#ifndef TALLY_TESTS_UNIT_DAEMON_JOURNAL_SCRIBE_H
#define TALLY_TESTS_UNIT_DAEMON_JOURNAL_SCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/journal/journal.h"

enum { SCRIBE_GROUP_MAX = 64, SCRIBE_BODY_BYTES_MAX = 20000 };

struct scribe {
    struct entry *entries; /* SCRIBE_GROUP_MAX, for the group under way */
    uint8_t *bodies;
    uint8_t *rejected; /* scratch of scribe_matches */
    struct entry *expected;
};

void scribe_init(struct scribe *scribe);
void scribe_fini(struct scribe *scribe);

/* Fills the entry as version says, without setting its version. Uses the body of place, below SCRIBE_GROUP_MAX. */
struct entry *scribe_entry(struct scribe *scribe, size_t place, uint64_t version);

/* Whether a record is what scribe_entry fills for its version. */
bool scribe_matches(struct scribe *scribe, const struct entry_record *record);

/* Appends and commits entries up to version `last`, `group` at a time. Returns the first error. */
enum error scribe_write(struct scribe *scribe, struct journal *journal, uint64_t last, size_t group);

/* Reads everything after a version, about bytes_max at a time. *version is the last that was read and right. Returns the
 * reading's error; LIMIT if an entry came that was never written. */
enum error scribe_read(struct scribe *scribe, struct journal *journal, size_t bytes_max, uint64_t *version);

#endif
