/* The demonstration: starts the four node processes, shows the totals climb, reports and verifies. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/demo/actor.h"
#include "client/cli/demo/plan.h"
#include "client/cli/demo/spreadsheet.h"
#include "client/cli/diagnostic.h"
#include "client/cli/follower.h"
#include "client/cli/interrupt.h"
#include "client/cli/recount.h"
#include "client/cli/screen.h"
#include "client/cli/sentence.h"
#include "client/cli/terminal.h"
#include "proto/money.h"

enum { TICK_MS = 50, LINE_MS = 1000, SETTLE_MS = 10000, PACE_TERMINAL_MS = 15000 };

struct demo {
    const struct arguments *arguments;
    struct connection connection;
    struct plan *plan;
    struct follower *follower;
    int interrupt;
    int64_t pace_ms;
    pid_t children[PLAN_NODES]; /* 0 = none or ended */
    struct screen screen;
    bool live;
    int64_t printed_ms;
    uint64_t printed_projects;
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* The node that --node names, or PLAN_NODES if none is named. Returns false if there is no such node. */
static bool node_named(const struct arguments *arguments, unsigned *node) {
    const char *name = arguments->text[OPTION_NODE];
    for (*node = 0; name != NULL && *node < PLAN_NODES; *node += 1) {
        if (strcmp(name, plan_nodes[*node].name) == 0) {
            return true;
        }
    }
    *node = PLAN_NODES;
    if (name != NULL) {
        diagnostic_error("demo", "the demonstration has no node '%s': it has shanghai, jiangsu, zhejiang and anhui",
                         name);
    }
    return name == NULL;
}

static int spawn_all(struct demo *demo) {
    for (unsigned node = 0; node < PLAN_NODES; node++) {
        pid_t child = actor_spawn(demo->arguments, demo->connection.competition->key, node, demo->pace_ms);
        if (child < 0) {
            diagnostic_error("demo", "cannot start a process for node %s: %s", plan_nodes[node].name, strerror(errno));
            return EX_OSERR;
        }
        demo->children[node] = child;
    }
    return EX_OK;
}

static void kill_all(struct demo *demo) {
    for (unsigned node = 0; node < PLAN_NODES; node++) {
        if (demo->children[node] > 0) {
            kill(demo->children[node], SIGTERM);
            waitpid(demo->children[node], NULL, 0);
            demo->children[node] = 0;
        }
    }
}

/* Takes note of children that have ended. Returns how many run on; code becomes the first failure. */
static size_t reap(struct demo *demo, int *code) {
    size_t running = 0;
    for (unsigned node = 0; node < PLAN_NODES; node++) {
        int status;
        if (demo->children[node] <= 0) {
            continue;
        }
        if (waitpid(demo->children[node], &status, WNOHANG) == 0) {
            running++;
            continue;
        }
        demo->children[node] = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EX_OK) {
            diagnostic_error("demo", "node %s failed", plan_nodes[node].name);
            *code = *code == EX_OK ? EXIT_NEGATIVE : *code;
        }
    }
    return running;
}

/* Without a terminal: a line now and then. */
static void print_line(struct demo *demo, bool last) {
    const struct follower_row *sum = follower_sum(demo->follower);
    int64_t now = now_ms();
    bool news = sum != NULL && sum->now.projects != demo->printed_projects;
    if (!news || (!last && now - demo->printed_ms < LINE_MS)) {
        return;
    }
    char money[MONEY_TEXT_BYTES];
    char projects[32];
    char heads[32];
    fprintf(stderr, "%s projects, %s, %s participants, version %" PRIu64 "\n",
            terminal_number((int64_t)sum->now.projects, projects), money_format_en(sum->now.contract_value, money),
            terminal_number(sum->now.participants, heads), sum->version);
    demo->printed_ms = now;
    demo->printed_projects = sum->now.projects;
}

static void show(struct demo *demo, bool last) {
    follower_update(demo->follower);
    if (!demo->live) {
        print_line(demo, last);
        return;
    }
    struct screen_view view = {.connection = &demo->connection,
                               .competition = demo->connection.competition->key,
                               .measure = BOARD_VALUE,
                               .color = terminal_colored(demo->arguments, stderr),
                               .from_zero = true};
    screen_draw(&demo->screen, &view, demo->follower);
}

/* Until every child has ended. */
static int watch_children(struct demo *demo) {
    int code = EX_OK;
    while (reap(demo, &code) > 0) {
        struct pollfd events[] = {{.fd = demo->interrupt, .events = POLLIN},
                                  {.fd = follower_descriptor(demo->follower), .events = POLLIN}};
        poll(events, 2, TICK_MS);
        if (interrupt_take(demo->interrupt) != 0) {
            return EXIT_INTERRUPTED;
        }
        show(demo, false);
    }
    return code;
}

static bool headline(const struct tally_totals *totals) {
    return totals->projects == PLAN_PROJECTS && totals->contract_value == PLAN_CONTRACT_VALUE &&
           totals->participants == PLAN_PARTICIPANTS;
}

/* The totals of the last day. Receipts come after the totals are applied, publishing a moment later: so wait for the live
 * totals to be the headline, but not for ever. */
static int settle(struct demo *demo, struct tally_totals *totals) {
    const char *key = demo->connection.competition->key;
    int64_t start_ms = now_ms();
    for (;;) {
        struct tally_totals_answer *now = NULL;
        struct tally_totals_answer *then = NULL;
        enum tally_error error = tally_query_totals(demo->connection.query, key, 0, 0, &now);
        error =
            error == TALLY_OK ? tally_query_totals(demo->connection.query, key, 0, demo->plan->last_day, &then) : error;
        bool reached = error == TALLY_OK && headline(&now->totals) && headline(&then->totals);
        *totals = then != NULL ? then->totals : (struct tally_totals){0};
        tally_answer_free(now);
        tally_answer_free(then);
        if (error != TALLY_OK) {
            return connection_failure(&demo->connection, error);
        }
        show(demo, reached);
        if (reached || now_ms() - start_ms > SETTLE_MS) {
            return reached ? EX_OK : EXIT_NEGATIVE;
        }
        struct pollfd wake = {.fd = demo->interrupt, .events = POLLIN};
        poll(&wake, 1, TICK_MS);
        if (interrupt_take(demo->interrupt) != 0) {
            return EXIT_INTERRUPTED;
        }
    }
}

static void report(const struct demo *demo, const struct tally_totals *totals) {
    const struct tally_competition *competition = demo->connection.competition;
    char buffer[SENTENCE_BYTES];
    struct sentence sentence = {.day = demo->plan->last_day, .place = competition->place_zh, .totals = *totals};
    printf("演示数据,并非真实项目 · synthetic data, not real projects (seed %s)\n", demo->arguments->text[OPTION_SEED]);
    puts(sentence_write(&sentence, LANGUAGE_ZH, buffer));
    sentence.place = competition->place_en;
    puts(sentence_write(&sentence, LANGUAGE_EN, buffer));
    fflush(stdout);
}

/* What the daemon holds before the first row goes out. */
static int tell_before(struct demo *demo) {
    struct tally_totals_answer *answer = NULL;
    enum tally_error error =
        tally_query_totals(demo->connection.query, demo->connection.competition->key, 0, 0, &answer);
    if (error != TALLY_OK) {
        return connection_failure(&demo->connection, error);
    }
    if (headline(&answer->totals)) {
        diagnostic_warning("demo", "the daemon holds the demonstration's totals already: they will stay as they are");
    } else if (answer->totals.projects > 0) {
        diagnostic_warning("demo",
                           "the daemon holds %" PRIu64 " projects already: unless they are this demonstration's, "
                           "the totals cannot come out right",
                           answer->totals.projects);
    }
    tally_answer_free(answer);
    return EX_OK;
}

static int conclude(struct demo *demo) {
    struct tally_totals totals;
    int code = settle(demo, &totals);
    if (demo->live) {
        screen_close(&demo->screen);
        demo->live = false;
    }
    if (code != EX_OK && code != EXIT_NEGATIVE) {
        return code;
    }
    report(demo, &totals);
    if (code != EX_OK) {
        diagnostic_error("demo", "the totals are not 780 projects, 941.0 billion yuan and 600,000 participants: the "
                                 "daemon holds other projects (another seed?); use a daemon without data");
    }
    int verdict = recount_run(&demo->connection, demo->interrupt, -1);
    return code != EX_OK ? code : verdict;
}

static int stage(struct demo *demo) {
    int code = tell_before(demo);
    demo->live = terminal_live(stderr);
    code = code == EX_OK ? follower_open(demo->arguments, demo->connection.competition->key, 0, &demo->follower) : code;
    if (code != EX_OK) {
        demo->live = false;
        return code;
    }
    if (demo->live) {
        screen_open_inline(&demo->screen, stderr);
    }
    code = spawn_all(demo);
    code = code == EX_OK ? watch_children(demo) : code;
    kill_all(demo);
    code = code == EX_OK ? conclude(demo) : code;
    if (demo->live) {
        screen_close(&demo->screen);
    }
    if (code == EXIT_INTERRUPTED) {
        diagnostic_error("demo", "interrupted: what was pushed stays; run it again to complete it");
    }
    return code;
}

static int run(struct demo *demo, unsigned node) {
    const struct arguments *arguments = demo->arguments;
    const char *file = arguments->text[OPTION_WRITE];
    char message[PLAN_MESSAGE_BYTES];
    int code = connection_open_competition(arguments, &demo->connection);
    if (code != EX_OK) {
        return code;
    }
    demo->plan = plan_create((uint64_t)arguments->number[OPTION_SEED], demo->connection.competition, message);
    if (demo->plan == NULL) {
        diagnostic_error("demo", "%s", message);
        return EX_DATAERR;
    }
    if (file != NULL) {
        if (!spreadsheet_write(demo->plan, demo->connection.competition, node, file)) {
            diagnostic_error("demo", "%s: cannot write: %s", file, strerror(errno));
            return EX_CANTCREAT;
        }
        return EX_OK;
    }
    if (node < PLAN_NODES) {
        return actor_run(arguments, demo->connection.competition->key, demo->plan, node, demo->pace_ms,
                         demo->interrupt);
    }
    return stage(demo);
}

int demo_run(const struct arguments *arguments) {
    unsigned node;
    if (!node_named(arguments, &node)) {
        return EX_USAGE;
    }
    struct demo demo = {.arguments = arguments, .interrupt = interrupt_open(false)};
    demo.pace_ms = options_given(arguments, OPTION_PACE) ? arguments->number[OPTION_PACE]
                   : terminal_live(stderr)               ? PACE_TERMINAL_MS
                                                         : 0;
    int code = run(&demo, node);
    plan_destroy(&demo.plan);
    follower_close(&demo.follower);
    connection_close(&demo.connection);
    interrupt_close(demo.interrupt);
    return code;
}
