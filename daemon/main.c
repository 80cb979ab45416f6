/* tallyd: takes in project enrolment updates, stores them durably, keeps and publishes the totals. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "daemon/base/log.h"
#include "pipeline.h"

enum { WARNING_MS = 60 * 60 * 1000 };

#define DEFAULT_CONFIG "/etc/tally/tallyd.conf"

struct arguments {
    const char *config_path;
    bool check_only;
};

/* What a stage's thread tells main when the daemon must stop: the first one is kept. */
struct failure {
    int fd;            /* eventfd; written by any thread, read by main */
    atomic_flag taken; /* set by the thread that fills fault */
    struct fault fault;
};

static void print_help(FILE *out) {
    fputs(
        "Usage: tallyd [OPTION]...\n"
        "Take in project enrolment updates, store them durably, keep and publish the totals.\n"
        "\n"
        "  -c, --config=FILE   the configuration; default " DEFAULT_CONFIG "\n"
        "      --check-config  check the configuration and the competitions, then exit\n"
        "  -h, --help          show this help\n"
        "  -V, --version       show the version\n"
        "\n"
        "Signals: HUP reads the configuration again (competitions and nodes); TERM and INT stop when everything taken\n"
        "in is durable, acknowledged and published.\n"
        "\n"
        "Exit status: 0 stopped as asked; 64 wrong usage; 65 stored data is damaged; 69 an endpoint cannot be bound;\n"
        "71 out of memory; 74 the disk failed; 75 another tallyd uses the data directory, or the end came before\n"
        "everything taken in was durable and told (nothing acknowledged is lost); 78 wrong configuration.\n",
        out);
}

/* Returns -1 to go on, or the exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments) {
    enum { OPTION_CHECK = 256 };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check-config", no_argument, NULL, OPTION_CHECK},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    *arguments = (struct arguments){.config_path = DEFAULT_CONFIG};
    int option;
    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            arguments->config_path = optarg;
            break;
        case OPTION_CHECK:
            arguments->check_only = true;
            break;
        case 'h':
            print_help(stdout);
            return EX_OK;
        case 'V':
            puts("tallyd " TALLY_VERSION);
            return EX_OK;
        default:
            fputs("Try 'tallyd --help'.\n", stderr);
            return EX_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "tallyd: %s: takes no arguments besides options\nTry 'tallyd --help'.\n", argv[optind]);
        return EX_USAGE;
    }
    return -1;
}

static int status_of(enum error error) {
    static const int statuses[] = {
        [ERROR_NONE] = EX_OK,         [ERROR_MEMORY] = EX_OSERR,    [ERROR_IO] = EX_IOERR,
        [ERROR_DISK_FULL] = EX_IOERR, [ERROR_DAMAGED] = EX_DATAERR, [ERROR_CONFIGURATION] = EX_CONFIG,
        [ERROR_BUSY] = EX_TEMPFAIL,   [ERROR_LIMIT] = EX_CONFIG,    [ERROR_NETWORK] = EX_UNAVAILABLE,
    };
    return statuses[error];
}

static int give_up(const struct fault *fault) {
    log_event(LOG_ERROR, "stopping", "error=\"%s\" what=\"%s\"", error_text(fault->error), fault->text);
    return status_of(fault->error);
}

/* Signals are read from a descriptor: blocked before any thread is there, so that no thread is ever interrupted by one. */
static int open_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* libzmq names connections with rand(): seeded, so that no peer can guess another's name and claim it first, which libzmq
 * 4.3.4 answers with an abort. And every connection is a descriptor: as many as the system allows. */
static void prepare_process(void) {
    unsigned seed;
    if (getrandom(&seed, sizeof seed, 0) == sizeof seed) {
        srand(seed);
    }
    struct rlimit descriptors;
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &descriptors); /* as it was is fine too */
    }
}

static void note_failure(void *context, const struct fault *fault) {
    struct failure *failure = context;
    if (!atomic_flag_test_and_set_explicit(&failure->taken, memory_order_relaxed)) {
        failure->fault = *fault;
        uint64_t one = 1;
        ssize_t ignored = write(failure->fd, &one, sizeof one); /* main reads the fault after this wakes it */
        (void)ignored;
    }
}

/* The old configuration stays unless everything in the new one is right. */
static void reload(struct pipeline *pipeline, struct config **config) {
    struct fault fault = {0};
    struct config *next = config_load((*config)->path, &fault);
    if (next == NULL || config_check_change(*config, next, &fault) != ERROR_NONE ||
        pipeline_reload(pipeline, next, &fault) != ERROR_NONE) {
        log_event(LOG_ERROR, "reload-refused", "what=\"%s\" now=\"the old configuration stays\"", fault.text);
        config_destroy(next);
        return;
    }
    log_set_level(next->log_level);
    log_event(LOG_INFO, "reloaded", "competitions=%zu nodes=%zu", next->registry->competition_count,
              next->registry->node_count);
    /* The pipeline goes on with the settings that it was opened with: only the registry is new. */
    registry_release((*config)->registry);
    (*config)->registry = registry_hold(next->registry);
    (*config)->log_level = next->log_level;
    config_destroy(next);
}

/* Said again each hour: whoever chose this should not forget it. */
static void warn_of_openness(const struct config *config) {
    if (config->open_to_all) {
        log_event(LOG_WARNING, "open-to-all", "ingest=%s what=\"whoever reaches it can speak for any node; make keys\"",
                  config->ingest_endpoint);
    }
}

/* Returns the exit status when it is time to stop; *failed says that it is because of a failure. */
static int wait_for_the_end(struct pipeline *pipeline, struct config **config, int signals, struct failure *failure,
                            bool *failed) {
    struct pollfd items[] = {{.fd = signals, .events = POLLIN}, {.fd = failure->fd, .events = POLLIN}};
    for (;;) {
        warn_of_openness(*config); /* whatever woke us: signals are rare */
        if (poll(items, 2, (*config)->open_to_all ? WARNING_MS : -1) < 0 && errno != EINTR) {
            return EX_OSERR;
        }
        if ((items[1].revents & POLLIN) != 0) {
            *failed = true;
            return give_up(&failure->fault);
        }
        struct signalfd_siginfo signal_read;
        if ((items[0].revents & POLLIN) == 0 || read(signals, &signal_read, sizeof signal_read) < 0) {
            continue;
        }
        if (signal_read.ssi_signo != SIGHUP) {
            log_event(LOG_INFO, "draining", "signal=%s", strsignal((int)signal_read.ssi_signo));
            return EX_OK;
        }
        reload(pipeline, config);
    }
}

static const char *keys_word(const struct config *config) {
    if (config->keyed) {
        return "required";
    }
    return config->open_to_all ? "none, and open to others" : "none, this machine only";
}

static int serve(struct config **config, int signals, struct failure *failure) {
    struct fault fault = {0};
    struct pipeline *pipeline = pipeline_open(*config, note_failure, failure, &fault);
    if (pipeline == NULL || pipeline_recover(pipeline, &fault) != ERROR_NONE ||
        pipeline_start(pipeline, &fault) != ERROR_NONE) {
        int status = give_up(&fault);
        pipeline_destroy(pipeline);
        return status;
    }
    log_event(LOG_INFO, "ready", "ingest=%s totals=%s query=%s keys=\"%s\"", (*config)->ingest_endpoint,
              (*config)->totals_endpoint, (*config)->query_endpoint, keys_word(*config));
    bool failed = false;
    int status = wait_for_the_end(pipeline, config, signals, failure, &failed);
    bool drained = !failed && pipeline_drain(pipeline);
    pipeline_stop(pipeline);
    pipeline_destroy(pipeline);
    if (!failed && failure->fault.error != ERROR_NONE) { /* while it drained; its thread has ended */
        status = give_up(&failure->fault);
    } else if (!failed && !drained) {
        status = EX_TEMPFAIL;
    }
    log_event(LOG_INFO, "stopped", "status=%d drained=%s", status, drained ? "yes" : "no");
    return status;
}

int main(int argc, char **argv) {
    struct arguments arguments;
    int status = parse_arguments(argc, argv, &arguments);
    if (status >= 0) {
        return status;
    }
    struct fault fault = {0};
    struct config *config = config_load(arguments.config_path, &fault);
    if (config == NULL) {
        fprintf(stderr, "tallyd: %s\n", fault.text);
        return status_of(fault.error);
    }
    if (arguments.check_only) {
        printf("%s: fine: %zu competitions, %zu nodes\n", config->path, config->registry->competition_count,
               config->registry->node_count);
        config_destroy(config);
        return EX_OK;
    }
    log_set_level(config->log_level);
    prepare_process();
    struct failure failure = {.fd = eventfd(0, EFD_CLOEXEC), .taken = ATOMIC_FLAG_INIT};
    int signals = open_signals();
    status = signals < 0 || failure.fd < 0 ? EX_OSERR : serve(&config, signals, &failure);
    config_destroy(config);
    return status;
}
