/* bench_floor: what transport and disk cost, and no more. It stands where tallyd stands: the same configuration, the same
 * ROUTER endpoint, Hello, Welcome and Receipt, so that the very same nodes drive it; and the daemon's own journal behind it:
 * the same records, hash chain, groups, segments and syncs. What it leaves out is everything that Tally is for: it decodes
 * no row, checks none, applies none, publishes nothing and folds nothing.
 *
 *   nodes ── ROUTER ──▶ gate ══ring══▶ journal (the daemon's stage)
 *     ▲                  │  ▲              │
 *     └──── receipts ────┘  └═════ring═════┘
 *
 * Two threads of its own beside ZeroMQ's. A receipt is sent after the commit of its batch's group, as the daemon's is. */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zmq.h>

#include "bench/floor_audit.h"
#include "bench/floor_gate.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/config.h"
#include "daemon/journal/stage.h"

enum { DIRECTORY_BYTES = CONFIG_PATH_BYTES + 32 };

struct base {
    const struct config *config;
    char directory[DIRECTORY_BYTES];
    void *zmq_context;
    struct journal *journal;
    struct ring to_journal;
    struct ring to_gate;
    struct waker gate_waker;
    struct waker journal_waker;
    struct waker archive_waker; /* nobody sleeps on it: there is no archive */
    struct journal_stage *journal_stage;
    struct floor_gate *gate;
};

/* The journal's thread has already said what happened; the process must not outlive it, and nothing that was acknowledged
 * can be taken back. */
static void give_up(void *context, const struct fault *fault) {
    (void)context;
    log_event(LOG_ERROR, "stopping", "what=\"%s\"", fault->text);
    abort();
}

static enum error open_parts(struct base *base, struct fault *fault) {
    const struct config *config = base->config;
    base->gate_waker.fd = base->journal_waker.fd = base->archive_waker.fd =
        -1; /* what was never opened is not closed */
    if (waker_init(&base->gate_waker) != ERROR_NONE || waker_init(&base->journal_waker) != ERROR_NONE ||
        waker_init(&base->archive_waker) != ERROR_NONE ||
        ring_init(&base->to_journal, config->batch_slots) != ERROR_NONE ||
        ring_init(&base->to_gate, config->batch_slots) != ERROR_NONE) {
        return fault_set(fault, ERROR_MEMORY, "%s", error_text(ERROR_MEMORY));
    }
    mkdir(config->data_directory, 0700); /* there already is fine; if it cannot be made, the journal says why */
    mkdir(base->directory, 0700);
    struct journal_options journal = {.directory = base->directory,
                                      .segment_bytes = config->segment_bytes,
                                      .epoch = (uint64_t)clock_wall_ms(),
                                      .projects_max = (uint32_t)config->projects_max};
    base->journal = journal_open(&journal, fault);
    base->zmq_context = zmq_ctx_new();
    if (base->journal != NULL && base->zmq_context == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s", error_text(ERROR_MEMORY));
    }
    return fault->error;
}

static enum error start(struct base *base, struct fault *fault) {
    const struct config *config = base->config;
    struct journal_stage_options journal = {.journal = base->journal,
                                            .directory = base->directory,
                                            .in = &base->to_journal,
                                            .out = &base->to_gate,
                                            .waker = &base->journal_waker,
                                            .ledger_waker = &base->gate_waker, /* entries go straight home */
                                            .archive_waker = &base->archive_waker,
                                            .group_bytes = config->group_bytes,
                                            .disk_reserve_bytes = config->disk_reserve_bytes,
                                            .on_failure = give_up};
    base->journal_stage = journal_stage_start(&journal, fault);
    if (base->journal_stage == NULL) {
        return fault->error;
    }
    struct floor_gate_options gate = {.zmq_context = base->zmq_context,
                                      .endpoint = config->ingest_endpoint,
                                      .window = config->window,
                                      .batch_slots = config->batch_slots,
                                      .epoch = journal_epoch(base->journal),
                                      .registry = config->registry,
                                      .out = &base->to_journal,
                                      .in = &base->to_gate,
                                      .waker = &base->gate_waker,
                                      .journal_waker = &base->journal_waker};
    base->gate = floor_gate_start(&gate, fault);
    return fault->error;
}

/* The journal first, so that what it still commits gets its receipt. */
static void destroy(struct base *base) {
    journal_stage_stop(base->journal_stage);
    floor_gate_stop(base->gate);
    journal_stage_destroy(base->journal_stage);
    journal_close(base->journal);
    ring_fini(&base->to_journal);
    ring_fini(&base->to_gate);
    waker_fini(&base->gate_waker);
    waker_fini(&base->journal_waker);
    waker_fini(&base->archive_waker);
    if (base->zmq_context != NULL) {
        zmq_ctx_term(base->zmq_context);
    }
}

static int serve(struct base *base) {
    struct fault fault = {0};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (open_parts(base, &fault) == ERROR_NONE && start(base, &fault) == ERROR_NONE) {
        int signal_number;
        log_event(LOG_INFO, "ready", "ingest=%s what=\"the floor: nothing but transport and disk\"",
                  base->config->ingest_endpoint);
        sigwait(&signals, &signal_number);
    } else {
        log_event(LOG_ERROR, "stopping", "what=\"%s\"", fault.text);
    }
    destroy(base);
    return fault.error == ERROR_NONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int audit(const struct base *base) {
    struct fault fault = {0};
    struct floor_audit found = {0};
    if (floor_audit_read(base->directory, &found, &fault) != ERROR_NONE) {
        fprintf(stderr, "bench_floor: %s\n", fault.text);
        return EXIT_FAILURE;
    }
    printf("entries\t%" PRIu64 "\nrows\t%" PRIu64 "\n", found.entries, found.rows);
    return EXIT_SUCCESS;
}

static void print_help(void) {
    puts("Usage: bench_floor --config=FILE [--audit]\n"
         "Stand where tallyd stands and do nothing but receive batches, write them to the journal, sync, and "
         "acknowledge:\n"
         "what transport and disk cost. bench_ingest --contender=floor starts it and drives it.\n"
         "\n"
         "  --config=FILE  a configuration of tallyd\n"
         "  --audit        read what an earlier run left in the journal: chain, sequences, rows\n"
         "  --help         show this help\n"
         "\n"
         "TERM and INT end it.");
}

static const char *read_arguments(int argc, char **argv, bool *audit_only) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"audit", no_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'a':
            *audit_only = true;
            break;
        case 'h':
            print_help();
            exit(EXIT_SUCCESS);
        default:
            exit(64);
        }
    }
    if (path == NULL) {
        fputs("bench_floor: --config=FILE is missing\n", stderr);
        exit(64);
    }
    return path;
}

/* As tallyd: a seed for the names that libzmq gives to connections, and as many descriptors as the system allows. */
static void prepare_process(void) {
    struct rlimit descriptors;
    srand((unsigned)clock_monotonic_ns());
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &descriptors); /* as it was is fine too */
    }
}

int main(int argc, char **argv) {
    bool audit_only = false;
    const char *path = read_arguments(argc, argv, &audit_only);
    struct fault fault = {0};
    struct config *config = config_load(path, &fault);
    if (config == NULL) {
        fprintf(stderr, "bench_floor: %s\n", fault.text);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < config->registry->node_count; i++) {
        config->registry->nodes[i].number = (uint16_t)i;
    }
    prepare_process();
    struct base base = {.config = config};
    snprintf(base.directory, sizeof base.directory, "%s/journal", config->data_directory);
    int status = audit_only ? audit(&base) : serve(&base);
    config_destroy(config);
    return status;
}
