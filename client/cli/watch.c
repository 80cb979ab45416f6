#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/board.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/diagnostic.h"
#include "client/cli/follower.h"
#include "client/cli/interrupt.h"
#include "client/cli/output.h"
#include "client/cli/screen.h"
#include "client/cli/terminal.h"
#include "proto/region.h"

enum { REDRAW_MS = 1000 };

struct watch {
    const struct arguments *arguments;
    struct connection connection; /* for names; without a competition if the daemon did not answer */
    const char *competition;
    uint32_t region;
    struct follower *follower;
    int interrupt;
    uint64_t printed; /* lines of NDJSON */
    bool stale_told;
};

/* Waits for news, a signal or the next second. Returns the signal or 0; SIGPIPE when nobody reads the output any more,
 * which would else be noticed only with the next change. */
static int wait_news(const struct watch *watch) {
    struct pollfd events[] = {{.fd = watch->interrupt, .events = POLLIN},
                              {.fd = follower_descriptor(watch->follower), .events = POLLIN},
                              {.fd = STDOUT_FILENO}};
    poll(events, 3, REDRAW_MS);
    return (events[2].revents & POLLERR) != 0 ? SIGPIPE : interrupt_take(watch->interrupt);
}

static int watch_live(struct watch *watch) {
    struct screen screen;
    screen_open(&screen, stdout);
    int code = EX_OK;
    for (int signal = 0; (signal == 0 || signal == SIGWINCH) && code == EX_OK; signal = wait_news(watch)) {
        follower_update(watch->follower);
        struct screen_view view = {.connection = &watch->connection,
                                   .competition = watch->competition,
                                   .region = watch->region,
                                   .measure = board_measure_of_name(watch->arguments->text[OPTION_BY]),
                                   .color = terminal_colored(watch->arguments, stdout)};
        code = screen_draw(&screen, &view, watch->follower) ? EX_OK : EX_IOERR;
    }
    screen_close(&screen);
    return code;
}

static void print_object(const struct watch *watch, const struct follower_row *row) {
    char name[8];
    char time[32];
    fputs("{\"competition\":", stdout);
    output_json_string(stdout, watch->competition);
    printf(",\"region\":\"%06" PRIu32 "\",\"region_name\":", row->region);
    output_json_string(stdout, connection_region_name(&watch->connection, row->region, name));
    printf(",\"time\":\"%s\",\"version\":%" PRIu64 ",\"projects\":%" PRIu64 ",\"contract_value_fen\":\"%" PRId64
           "\",\"participants\":%" PRId64 ",\"migrant_participants\":%" PRId64 "}\n",
           output_time_text((int64_t)row->time_ms, time), row->version, row->now.projects, row->now.contract_value,
           row->now.participants, row->now.migrant_participants);
}

/* Prints a row that changed. Returns whether another may follow. */
static bool print_changed(struct watch *watch, const struct follower_row *row) {
    int64_t limit = watch->arguments->number[OPTION_COUNT];
    bool limited = options_given(watch->arguments, OPTION_COUNT);
    if (limited && (int64_t)watch->printed >= limit) {
        return false;
    }
    if (row->changed) {
        print_object(watch, row);
        watch->printed++;
    }
    return !limited || (int64_t)watch->printed < limit;
}

static void tell_stale(struct watch *watch) {
    struct tally_watch_state state;
    follower_state(watch->follower, &state);
    bool stale = !state.connected && state.age_ms >= 0;
    if (stale && !watch->stale_told) {
        diagnostic_warning("watch", "stale: nothing from the daemon for %" PRId64 " s", state.age_ms / 1000);
    }
    watch->stale_told = stale;
}

static int watch_ndjson(struct watch *watch) {
    bool more = !options_given(watch->arguments, OPTION_COUNT) || watch->arguments->number[OPTION_COUNT] > 0;
    for (int signal = 0; more && signal == 0; signal = more ? wait_news(watch) : 0) {
        follower_update(watch->follower);
        const struct follower_row *sum = follower_sum(watch->follower);
        size_t count;
        const struct follower_row *rows = follower_rows(watch->follower, &count);
        for (size_t i = 0; more && i < count; i++) {
            more = print_changed(watch, &rows[i]);
        }
        more = more && (sum == NULL || print_changed(watch, sum));
        tell_stale(watch);
        if (fflush(stdout) != 0) {
            diagnostic_error("watch", "cannot write standard output: %s", strerror(errno));
            return EX_IOERR;
        }
    }
    return EX_OK;
}

/* The regions below; where that is a single city, as in municipalities, its counties. */
static enum tally_error ask_children(const struct watch *watch, struct tally_regions_answer **regions) {
    struct tally_query *query = watch->connection.query;
    enum tally_error error = tally_query_regions(query, watch->competition, watch->region, 0, regions);
    if (error != TALLY_OK || (*regions)->count != 1 || region_level(watch->region) != REGION_LEVEL_PROVINCE) {
        return error;
    }
    uint32_t city = (*regions)->regions[0].region;
    tally_answer_free(*regions);
    *regions = NULL;
    return tally_query_regions(query, watch->competition, city, 0, regions);
}

static bool print_board(const struct watch *watch, const struct tally_totals_answer *totals,
                        const struct tally_regions_answer *regions) {
    struct board_row *rows = calloc(regions->count + 1, sizeof *rows);
    char(*names)[8] = calloc(regions->count + 1, sizeof *names);
    bool fine = rows != NULL && names != NULL;
    for (size_t i = 0; fine && i < regions->count; i++) {
        const struct tally_region_totals *region = &regions->regions[i];
        rows[i] = (struct board_row){.name = connection_region_name(&watch->connection, region->region, names[i]),
                                     .now = region->totals,
                                     .start = region->totals};
    }
    struct board_row sum = {.name = language_pick(watch->arguments->language, "total", "合计"),
                            .now = totals->totals,
                            .start = totals->totals};
    char title[8];
    struct board board = {.title = connection_region_name(&watch->connection, watch->region, title),
                          .rows = rows,
                          .count = regions->count,
                          .sum = &sum,
                          .version = totals->version,
                          .fresh = true,
                          .measure = board_measure_of_name(watch->arguments->text[OPTION_BY]),
                          .language = watch->arguments->language,
                          .color = terminal_colored(watch->arguments, stdout),
                          .columns = terminal_size_of(STDOUT_FILENO).columns,
                          .lines = INT16_MAX};
    if (fine) {
        board_rank(rows, board.count, board.measure);
        board_print(stdout, &board);
    }
    free(names);
    free(rows);
    return fine;
}

/* One table from the query endpoint: complete at once, unlike what a subscription brings bit by bit. */
static int print_once(const struct watch *watch) {
    struct tally_totals_answer *totals = NULL;
    struct tally_regions_answer *regions = NULL;
    enum tally_error error = tally_query_totals(watch->connection.query, watch->competition, watch->region, 0, &totals);
    error = error == TALLY_OK ? ask_children(watch, &regions) : error;
    int code = error != TALLY_OK                     ? connection_failure(&watch->connection, error)
               : print_board(watch, totals, regions) ? EX_OK
                                                     : EX_OSERR;
    tally_answer_free(regions);
    tally_answer_free(totals);
    return code;
}

/* Asks which competition and what it is called; goes on without if its key is given and only following is wanted. */
static int prepare(struct watch *watch) {
    const struct arguments *arguments = watch->arguments;
    watch->competition = arguments->text[OPTION_COMPETITION];
    watch->region = (uint32_t)arguments->number[OPTION_REGION];
    int code = connection_open_competition(arguments, &watch->connection);
    if (code == EX_UNAVAILABLE && watch->competition != NULL && !options_given(arguments, OPTION_ONCE)) {
        return EX_OK;
    }
    if (code == EX_OK) {
        watch->competition = watch->connection.competition->key;
    }
    return code;
}

int watch_run(const struct arguments *arguments) {
    bool live = terminal_live(stdout);
    struct watch watch = {.arguments = arguments, .interrupt = interrupt_open(live)};
    int code = prepare(&watch);
    if (code == EX_OK && options_given(arguments, OPTION_ONCE)) {
        code = print_once(&watch);
    } else if (code == EX_OK) {
        code = follower_open(arguments, watch.competition, watch.region, &watch.follower);
        code = code != EX_OK ? code : live ? watch_live(&watch) : watch_ndjson(&watch);
    }
    follower_close(&watch.follower);
    connection_close(&watch.connection);
    interrupt_close(watch.interrupt);
    return code;
}
