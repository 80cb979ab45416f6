#include "daemon/base/log.h"

#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CAPTURE_BYTES = 1 << 16 };

/* What is written to stderr between begin and end. */
struct capture {
    FILE *file;
    int stderr_before;
    char text[CAPTURE_BYTES];
};

static void begin(struct capture *capture) {
    capture->file = tmpfile();
    cr_assert_not_null(capture->file);
    capture->stderr_before = dup(STDERR_FILENO);
    cr_assert_geq(dup2(fileno(capture->file), STDERR_FILENO), 0);
}

static const char *end(struct capture *capture) {
    cr_assert_geq(dup2(capture->stderr_before, STDERR_FILENO), 0);
    close(capture->stderr_before);
    rewind(capture->file);
    size_t size = fread(capture->text, 1, CAPTURE_BYTES - 1, capture->file);
    capture->text[size] = '\0';
    fclose(capture->file);
    return capture->text;
}

static bool matches(const char *text, const char *pattern) {
    regex_t regex;
    cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static size_t count_lines(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

Test(log, a_line_is_time_level_id_and_pairs) {
    struct capture capture;
    begin(&capture);
    log_event(LOG_WARNING, "disk-full", "directory=\"%s\" free_bytes=%d", "/x y", 5);
    const char *text = end(&capture);
    cr_assert(matches(text, "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z warning disk-full "
                            "directory=\"/x y\" free_bytes=5\n$"),
              "%s", text);
}

Test(log, lines_below_the_level_are_dropped) {
    struct capture capture;
    begin(&capture);
    log_event(LOG_DEBUG, "one", "a=1");
    log_event(LOG_INFO, "two", "a=1");
    log_set_level(LOG_ERROR);
    log_event(LOG_WARNING, "three", "a=1");
    log_event(LOG_ERROR, "four", "a=1");
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "five", "a=1");
    const char *text = end(&capture);
    cr_assert_eq(count_lines(text), 3);
    cr_assert(strstr(text, " two ") != NULL && strstr(text, " four ") != NULL && strstr(text, " five ") != NULL);
}

Test(log, a_line_that_is_too_long_is_cut_and_still_one_line) {
    struct capture capture;
    begin(&capture);
    log_event(LOG_INFO, "long", "a=%05000d", 1);
    struct log_limit limit = {.left_out = 12345};
    log_event_limited(&limit, 10, 5, LOG_INFO, "long", "a=%05000d", 1);
    const char *text = end(&capture);
    cr_assert_eq(count_lines(text), 2);
    cr_assert_leq(strlen(text), 2 * 1024);
    cr_assert_eq(text[strlen(text) - 1], '\n');
}

Test(log, repeats_are_limited_and_counted) {
    struct capture capture;
    struct log_limit limit = {0};
    begin(&capture);
    for (int64_t now_ns = 0; now_ns < 100; now_ns++) {
        log_event_limited(&limit, now_ns, 40, LOG_INFO, "often", "now=%d", (int)now_ns);
    }
    const char *text = end(&capture);
    cr_assert_eq(count_lines(text), 3);
    cr_assert(matches(text, "often now=0\n.*often now=40 left_out=39\n.*often now=80 left_out=39\n"), "%s", text);
    cr_assert_eq(limit.left_out, 19);
}

Test(log, each_limit_counts_for_itself) {
    struct capture capture;
    struct log_limit one = {0};
    struct log_limit other = {0};
    begin(&capture);
    log_event_limited(&one, 0, 100, LOG_INFO, "one", "a=1");
    log_event_limited(&other, 0, 100, LOG_INFO, "other", "a=1");
    log_event_limited(&one, 1, 100, LOG_INFO, "one", "a=2");
    const char *text = end(&capture);
    cr_assert_eq(count_lines(text), 2);
    cr_assert(one.left_out == 1 && other.left_out == 0);
}
