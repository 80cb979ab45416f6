/* Log lines on stderr: time, level, a stable id, then key=value pairs. Lines tell of edges (became full, came back), not
 * of states; what repeats is limited and counted. Any thread; a line is one write. */
#ifndef TALLY_DAEMON_BASE_LOG_H
#define TALLY_DAEMON_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG = 0, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Lines below this level are dropped. INFO until set. */
void log_set_level(enum log_level level);

/* log_event(LOG_INFO, "journal-segment-opened", "first_version=%" PRIu64 " bytes=%zu", ...). Values with spaces go in
 * quotes: key="%s". */
void log_event(enum log_level level, const char *id, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* At most one line each interval_ns of now_ns (monotonic); the next line tells how many were left out. Each limit is used
 * by one thread. */
struct log_limit {
    int64_t next_ns;
    uint64_t left_out;
};

void log_event_limited(struct log_limit *limit, int64_t now_ns, int64_t interval_ns, enum log_level level,
                       const char *id, const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
