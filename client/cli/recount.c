#include "recount.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "client/cli/commands.h"
#include "client/cli/diagnostic.h"
#include "client/cli/interrupt.h"
#include "client/cli/terminal.h"

enum { POLL_INTERVAL_MS = 100 };

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int print(const struct connection *connection, const struct tally_verification_answer *answer) {
    enum language language = connection->arguments->language;
    bool equal = strcmp(answer->state, "equal") == 0;
    int64_t took_ms = (int64_t)(answer->finished_ms - answer->started_ms);
    const char *verdict = equal                                     ? language_pick(language, "equal", "一致")
                          : strcmp(answer->state, "different") == 0 ? language_pick(language, "different", "不一致")
                                                                    : language_pick(language, "failed", "失败");
    printf(language_pick(language,
                         "%s: recounted %" PRIu64 " entries and %" PRIu64 " projects at version %" PRIu64 " in %" PRId64
                         ".%03" PRId64 " s: %s\n",
                         "%s:重新汇总 %" PRIu64 " 条记录、%" PRIu64 " 个项目,版本 %" PRIu64 ",用时 %" PRId64
                         ".%03" PRId64 " 秒:%s\n"),
           verdict, answer->entries, answer->projects, answer->version, took_ms / 1000, took_ms % 1000, answer->text);
    return equal ? EX_OK : EXIT_NEGATIVE;
}

static void draw(const struct tally_verification_answer *answer) {
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " entries", answer->entries, answer->entries_expected);
    terminal_bar_draw(answer->entries, answer->entries_expected, text);
}

int recount_run(const struct connection *connection, int interrupt, int64_t timeout_ms) {
    const char *command = connection->arguments->command->name;
    int64_t start_ms = now_ms();
    for (bool first = true;; first = false) {
        struct tally_verification_answer *answer = NULL;
        enum tally_error error = tally_query_verify(connection->query, first, &answer);
        if (error != TALLY_OK) {
            terminal_bar_clear();
            return connection_failure(connection, error);
        }
        if (strcmp(answer->state, "running") != 0 && !(first && strcmp(answer->state, "none") == 0)) {
            terminal_bar_clear();
            int code = print(connection, answer);
            tally_answer_free(answer);
            return code;
        }
        draw(answer);
        tally_answer_free(answer);
        struct pollfd wake = {.fd = interrupt, .events = POLLIN};
        poll(&wake, 1, POLL_INTERVAL_MS);
        if (interrupt_take(interrupt) != 0) {
            terminal_bar_clear();
            diagnostic_error(command, "interrupted; the daemon goes on recounting: ask again with 'tally verify'");
            return EXIT_INTERRUPTED;
        }
        if (timeout_ms >= 0 && now_ms() - start_ms > timeout_ms) {
            terminal_bar_clear();
            diagnostic_error(command, "the recount is not finished yet: ask again with 'tally verify'");
            return EX_TEMPFAIL;
        }
    }
}
