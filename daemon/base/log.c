#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { LINE_BYTES = 1024 };

/* Written by main when it reads the configuration, read by all: relaxed, a line more or less at the change is fine. */
static atomic_int level_min = LOG_INFO;

void log_set_level(enum log_level level) {
    atomic_store_explicit(&level_min, (int)level, memory_order_relaxed);
}

/* Appends what fits and returns the new length. */
static size_t append(char *line, size_t length, const char *format, va_list arguments) {
    int wrote = vsnprintf(line + length, LINE_BYTES - length, format, arguments);
    size_t space = LINE_BYTES - 1 - length;
    return wrote < 0 ? length : length + ((size_t)wrote < space ? (size_t)wrote : space);
}

static size_t begin(char *line, enum log_level level, const char *id) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    int64_t now_ms = clock_wall_ms();
    time_t seconds = now_ms / 1000;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(line, LINE_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    int wrote = snprintf(line + length, LINE_BYTES - length, ".%03dZ %s %s ", (int)(now_ms % 1000), names[level], id);
    return length + (size_t)wrote;
}

/* Whatever a value holds, a line stays one line. */
static void blank_controls(char *line, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F) {
            line[i] = '?';
        }
    }
}

/* One write, so that lines of several threads do not mix. Nothing can be done about a stderr that fails. */
static void end(char *line, size_t length) {
    blank_controls(line, length);
    line[length] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, length + 1);
    (void)ignored;
}

void log_event(enum log_level level, const char *id, const char *format, ...) {
    if ((int)level < atomic_load_explicit(&level_min, memory_order_relaxed)) {
        return;
    }
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    size_t length = append(line, begin(line, level, id), format, arguments);
    va_end(arguments);
    end(line, length);
}

void log_event_limited(struct log_limit *limit, int64_t now_ns, int64_t interval_ns, enum log_level level,
                       const char *id, const char *format, ...) {
    if (now_ns < limit->next_ns) {
        limit->left_out++;
        return;
    }
    if ((int)level < atomic_load_explicit(&level_min, memory_order_relaxed)) {
        return;
    }
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    size_t length = append(line, begin(line, level, id), format, arguments);
    va_end(arguments);
    if (limit->left_out > 0) {
        int wrote = snprintf(line + length, LINE_BYTES - length, " left_out=%" PRIu64, limit->left_out);
        length = length + (size_t)wrote < LINE_BYTES ? length + (size_t)wrote : LINE_BYTES - 1;
    }
    end(line, length);
    limit->next_ns = now_ns + interval_ns;
    limit->left_out = 0;
}
