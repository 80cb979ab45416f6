/* Everything that the daemon counts, declared once: name, unit, sentence. Counters start at 0 with the process.
 * Each is added to by any thread and read by any thread: relaxed, a reader sees each counter a moment late. */
#ifndef TALLY_DAEMON_BASE_COUNTER_H
#define TALLY_DAEMON_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* X(constant, name, sentence) */
#define COUNTER_TABLE(X) \
    X(ACCESS_ADMITTED, "access_admitted", "Connections let in by their key.") \
    X(ACCESS_REFUSED, "access_refused", "Connections turned away because of their key.") \
    X(INTAKE_MESSAGES, "intake_messages", "Messages that came in on the ingest endpoint.") \
    X(INTAKE_BYTES, "intake_bytes", "Bytes of their bodies.") \
    X(INTAKE_BATCHES, "intake_batches", "Batches taken in.") \
    X(INTAKE_HELLOS, "intake_hellos", "Sessions begun.") \
    X(INTAKE_PAUSES, "intake_pauses", "Times that intake stopped reading because every batch slot was in use.") \
    X(INTAKE_BUSY_ANSWERS, "intake_busy_answers", "Batches answered with Busy.") \
    X(INTAKE_REWINDS, "intake_rewinds", "Batches answered with Rewind.") \
    X(INTAKE_BATCHES_DROPPED, "intake_batches_dropped", \
      "Batches dropped because they were duplicates or followed a gap.") \
    X(INTAKE_ANSWERS_UNSENT, "intake_answers_unsent", \
      "Answers that could not be sent because the peer was gone or full.") \
    X(JOURNAL_GROUPS, "journal_groups", "Group commits to the journal.") \
    X(JOURNAL_ENTRIES, "journal_entries", "Entries committed to the journal.") \
    X(JOURNAL_BYTES, "journal_bytes", "Bytes of their bodies.") \
    X(JOURNAL_COMMIT_US, "journal_commit_us", "Microseconds spent in commits.") \
    X(JOURNAL_COMMIT_US_MAX, "journal_commit_us_max", "The longest of them.") \
    X(JOURNAL_DISK_FULL, "journal_disk_full", "Times that the disk was found full.") \
    X(LEDGER_ROWS_ACCEPTED, "ledger_rows_accepted", "Rows counted in.") \
    X(LEDGER_ROWS_UNCHANGED, "ledger_rows_unchanged", "Rows among them that said what was known.") \
    X(LEDGER_ROWS_REFUSED, "ledger_rows_refused", "Rows refused, by intake or by the ledger.") \
    X(LEDGER_SNAPSHOTS, "ledger_snapshots", "Snapshots handed to the publisher.") \
    X(LEDGER_CAPTURES, "ledger_captures", "Captures handed to the archive.") \
    X(LEDGER_BYTES, "ledger_bytes", "Bytes of memory that the ledger's tables take up.") \
    X(PUBLISH_MESSAGES, "publish_messages", "Totals published.") \
    X(PUBLISH_SUBSCRIPTIONS, "publish_subscriptions", "New subscriptions that came in.") \
    X(PUBLISH_SUBSCRIPTIONS_REFUSED, "publish_subscriptions_refused", \
      "Subscriptions left out because the table is full.") \
    X(QUERY_QUESTIONS, "query_questions", "Questions answered.") \
    X(QUERY_REFUSALS, "query_refusals", "Questions refused.") \
    X(QUERY_ANSWERS_UNSENT, "query_answers_unsent", \
      "Answers that could not be sent because the peer was gone or full.") \
    X(ARCHIVE_FOLDS, "archive_folds", "Captures written to the stored state.") \
    X(ARCHIVE_ENTRIES, "archive_entries", "Entries of which everything is stored.") \
    X(ARCHIVE_BLOCKS_WRITTEN, "archive_blocks_written", "Blocks of neighbouring projects written.") \
    X(ARCHIVE_TEXTS_WRITTEN, "archive_texts_written", "Projects whose texts were written.") \
    X(ARCHIVE_FOLD_US, "archive_fold_us", "Microseconds spent in writing.")

enum counter {
#define X(constant, name, sentence) COUNTER_##constant,
    COUNTER_TABLE(X)
#undef X
        COUNTER_COUNT,
};

extern _Atomic uint64_t counter_values[COUNTER_COUNT];

static inline void counter_add(enum counter counter, uint64_t amount) {
    atomic_fetch_add_explicit(&counter_values[counter], amount, memory_order_relaxed);
}

static inline uint64_t counter_read(enum counter counter) {
    return atomic_load_explicit(&counter_values[counter], memory_order_relaxed);
}

/* For what goes up and down. Called by one thread for each counter. */
static inline void counter_set(enum counter counter, uint64_t value) {
    atomic_store_explicit(&counter_values[counter], value, memory_order_relaxed);
}

/* Keeps the largest value. Called by one thread for each counter. */
static inline void counter_maximum(enum counter counter, uint64_t value) {
    if (value > counter_read(counter)) {
        atomic_store_explicit(&counter_values[counter], value, memory_order_relaxed);
    }
}

const char *counter_name(enum counter counter);
const char *counter_sentence(enum counter counter);

/* Refusals by code, as told to nodes: code is below REFUSAL_CODE_LIMIT. */
void counter_refused(unsigned code, uint64_t amount);
uint64_t counter_refused_read(unsigned code);

#endif
