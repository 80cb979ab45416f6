#include "actor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/diagnostic.h"
#include "client/cli/interrupt.h"
#include "client/cli/outbox_path.h"
#include "proto/refusal.h"

enum { TICK_MS = 20, SLICE_MS = 100, CHUNK_ROWS = 256 };

struct actor_state {
    const struct arguments *arguments;
    const char *name;
    struct tally_node *node;
    int interrupt;
    int64_t start_ms;
    size_t unexpected; /* refusals that should not be */
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int fail(const struct actor_state *state, enum tally_error error) {
    char message[512];
    tally_node_message(state->node, message, sizeof message);
    diagnostic_error("demo", "%s: %s", state->name, message[0] != '\0' ? message : tally_error_text(error));
    return connection_exit_code(error);
}

/* The day up to which the story is told by now. */
static uint32_t day_due(const struct plan *plan, int64_t elapsed_ms, int64_t pace_ms) {
    if (elapsed_ms >= pace_ms) {
        return plan->last_day;
    }
    return plan->first_day + (uint32_t)((plan->last_day - plan->first_day + 1) * elapsed_ms / pace_ms);
}

/* Puts the node's updates from *next on that are due. */
static int put_due(struct actor_state *state, const char *competition, const struct plan *plan, unsigned node,
                   uint32_t day, size_t *next) {
    struct tally_project chunk[CHUNK_ROWS];
    size_t count = 0;
    while (*next < plan->count && plan->updates[*next].project.effective_day <= day && count < CHUNK_ROWS) {
        const struct plan_update *update = &plan->updates[*next];
        if (update->node == node) {
            chunk[count] = update->project;
            chunk[count++].tag = *next;
        }
        *next += 1;
    }
    enum tally_error error = count > 0 ? tally_node_put(state->node, competition, chunk, count, true) : TALLY_OK;
    return error == TALLY_OK ? EX_OK : fail(state, error);
}

static int tell(struct actor_state *state, const char *competition, const struct plan *plan, unsigned node,
                int64_t pace_ms) {
    size_t next = 0;
    int code = EX_OK;
    while (next < plan->count && code == EX_OK) {
        size_t before = next;
        code = put_due(state, competition, plan, node, day_due(plan, now_ms() - state->start_ms, pace_ms), &next);
        struct pollfd wake = {.fd = state->interrupt, .events = POLLIN};
        if (next == before) {
            poll(&wake, 1, TICK_MS);
        }
        if (interrupt_take(state->interrupt) != 0) {
            return EXIT_INTERRUPTED;
        }
    }
    return code;
}

static int wait_receipts(struct actor_state *state, int64_t pace_ms) {
    bool limited = options_given(state->arguments, OPTION_TIMEOUT);
    int64_t limit_ms = pace_ms + state->arguments->number[OPTION_TIMEOUT];
    for (;;) {
        enum tally_error error = tally_node_flush(state->node, SLICE_MS);
        if (error != TALLY_TIMEOUT) {
            return error == TALLY_OK ? EX_OK : fail(state, error);
        }
        if (interrupt_take(state->interrupt) != 0) {
            return EXIT_INTERRUPTED;
        }
        if (limited && now_ms() - state->start_ms > limit_ms) {
            diagnostic_error("demo", "%s: not all receipts came in time: is the daemon well?", state->name);
            return EX_TEMPFAIL;
        }
    }
}

static bool take_refused(void *context, const struct tally_refused *refused) {
    struct actor_state *state = context;
    if (refused->code != REFUSAL_DAY_BEFORE_LAST) {
        state->unexpected++;
        diagnostic_error("demo", "%s: project %s is refused: %s: %s", state->name, refused->project.code, refused->name,
                         refused->text);
    }
    return true;
}

static int open_node(struct actor_state *state, char **outbox) {
    const char *directory = state->arguments->text[OPTION_OUTBOX];
    char message[256] = "";
    if (directory != NULL && (asprintf(outbox, "%s/%s", directory, state->name) < 0 || *outbox == NULL ||
                              !outbox_path_make_parents(*outbox))) {
        diagnostic_error("demo", "%s: cannot make the outbox: %s", directory, strerror(errno));
        return EX_CANTCREAT;
    }
    struct tally_node_options options = {
        .endpoint = state->arguments->text[OPTION_INGEST], .node = state->name, .outbox = *outbox};
    enum tally_error error = tally_node_open(&options, &state->node, message);
    if (error != TALLY_OK) {
        diagnostic_error("demo", "%s: %s", state->name, message[0] != '\0' ? message : tally_error_text(error));
        return connection_exit_code(error);
    }
    return EX_OK;
}

int actor_run(const struct arguments *arguments, const char *competition, const struct plan *plan, unsigned node,
              int64_t pace_ms, int interrupt) {
    struct actor_state state = {
        .arguments = arguments, .name = plan_nodes[node].name, .interrupt = interrupt, .start_ms = now_ms()};
    char *outbox = NULL;
    int code = open_node(&state, &outbox);
    code = code == EX_OK ? tell(&state, competition, plan, node, pace_ms) : code;
    code = code == EX_OK ? wait_receipts(&state, pace_ms) : code;
    if (code == EX_OK) {
        enum tally_error error = tally_node_take_refused(state.node, take_refused, &state, NULL);
        code = error != TALLY_OK ? fail(&state, error) : state.unexpected > 0 ? EXIT_NEGATIVE : EX_OK;
    }
    tally_node_close(&state.node);
    free(outbox);
    return code;
}

/* The child between fork and exec: only what may be called there. */
static void become(char *const *argv) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execv("/proc/self/exe", argv);
    _exit(EX_OSERR);
}

pid_t actor_spawn(const struct arguments *arguments, const char *competition, unsigned node, int64_t pace_ms) {
    char pace[32];
    snprintf(pace, sizeof pace, "%" PRId64 ".%03" PRId64, pace_ms / 1000, pace_ms % 1000);
    const struct {
        const char *name;
        const char *value;
    } options[] = {{"--node", plan_nodes[node].name},
                   {"--competition", competition},
                   {"--pace", pace},
                   {"--seed", arguments->text[OPTION_SEED]},
                   {"--ingest", arguments->text[OPTION_INGEST]},
                   {"--query", arguments->text[OPTION_QUERY]},
                   {"--outbox", arguments->text[OPTION_OUTBOX]},
                   {"--timeout", arguments->text[OPTION_TIMEOUT]}};
    enum { OPTION_PAIRS = sizeof options / sizeof options[0] };
    const char *argv[2 + 2 * OPTION_PAIRS + 1] = {"tally", "demo"};
    size_t count = 2;
    for (size_t i = 0; i < OPTION_PAIRS; i++) {
        if (options[i].value != NULL) {
            argv[count++] = options[i].name;
            argv[count++] = options[i].value;
        }
    }
    pid_t child = fork();
    if (child == 0) {
        become((char *const *)(uintptr_t)argv);
    }
    return child;
}
