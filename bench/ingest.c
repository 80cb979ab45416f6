/* bench_ingest: how fast a real tallyd takes in updates, durably and acknowledged.
 *
 * Starts a tallyd of its own in a fresh folder, lets N nodes report M projects once (the load), then random ones of them for
 * S seconds (the measure), each in batches of R rows with a window of W batches, through libtally and real sockets. An
 * update counts when its receipt came: committed, synced and applied. At the end the daemon recounts everything from zero;
 * a run whose totals do not verify does not count. */
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "histogram.h"
#include "workload.h"

enum { BATCH_ROWS_MOST = 8192, START_TIMEOUT_MS = 30000, IDLE_WAIT_MS = 50 };

struct settings {
    struct daemon_options daemon;
    size_t projects;
    uint32_t rows;
    uint32_t window;
    double seconds;
    uint64_t seed;
};

struct sender {
    struct tally_node *node;
    struct workload_sender workload;
    struct tally_project *rows;
    size_t filled; /* rows that wait for room */
    bool ordered_done;

    /* Written by the node's thread, read by main: rows with a receipt; latencies only after the node is closed. */
    _Atomic uint64_t acknowledged;
    atomic_bool *measuring;
    struct histogram latencies;
    int wake; /* eventfd */
};

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void on_receipt(void *context, const struct tally_receipt *receipt) {
    struct sender *sender = context;
    atomic_fetch_add_explicit(&sender->acknowledged, receipt->accepted, memory_order_relaxed);
    if (atomic_load_explicit(sender->measuring, memory_order_relaxed)) {
        histogram_add(&sender->latencies, receipt->round_trip_ns);
    }
    uint64_t one = 1;
    ssize_t ignored = write(sender->wake, &one, sizeof one);
    (void)ignored;
}

static uint64_t acknowledged_sum(struct sender *senders, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += atomic_load_explicit(&senders[i].acknowledged, memory_order_relaxed);
    }
    return sum;
}

static void wait_for_receipt(int wake) {
    struct pollfd item = {.fd = wake, .events = POLLIN};
    uint64_t count;
    if (poll(&item, 1, IDLE_WAIT_MS) > 0) {
        ssize_t ignored = read(wake, &count, sizeof count);
        (void)ignored;
    }
}

/* Offers one batch. Returns whether the node took it, or false with *done set when there is nothing to give. */
static bool offer(struct sender *sender, const struct settings *settings, bool in_order, bool *done) {
    if (sender->filled == 0 && in_order) {
        sender->filled = workload_fill_in_order(&sender->workload, sender->rows, settings->rows);
        if (sender->filled == 0) {
            *done = true;
            return false;
        }
    } else if (sender->filled == 0) {
        workload_fill_random(&sender->workload, sender->rows, settings->rows);
        sender->filled = settings->rows;
    }
    enum tally_error error = tally_node_put(sender->node, BENCH_COMPETITION, sender->rows, sender->filled, false);
    if (error == TALLY_OUTBOX_FULL) {
        return false;
    }
    if (error != TALLY_OK) {
        char message[256];
        tally_node_message(sender->node, message, sizeof message);
        fprintf(stderr, "bench: put: %s: %s\n", tally_error_text(error), message);
        exit(EXIT_FAILURE);
    }
    sender->filled = 0;
    return true;
}

/* Sends until the deadline (random) or until every project was sent (in order). */
static void send_all(struct sender *senders, const struct settings *settings, bool in_order, int64_t deadline_ns) {
    for (;;) {
        bool any = false;
        size_t done = 0;
        for (size_t i = 0; i < settings->daemon.nodes; i++) {
            bool finished = false;
            any |= offer(&senders[i], settings, in_order, &finished);
            done += finished;
        }
        if (in_order ? done == settings->daemon.nodes : now_ns() >= deadline_ns) {
            return;
        }
        if (!any) {
            wait_for_receipt(senders[0].wake);
        }
    }
}

static bool flush_all(struct sender *senders, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (tally_node_flush(senders[i].node, -1) != TALLY_OK) {
            return false;
        }
    }
    return true;
}

static bool open_senders(struct sender *senders, const struct settings *settings, const struct daemon *daemon,
                         const struct workload *workload, atomic_bool *measuring, int wake) {
    for (size_t i = 0; i < settings->daemon.nodes; i++) {
        struct sender *sender = &senders[i];
        char name[32];
        char message[256];
        snprintf(name, sizeof name, "node-%04zu", i);
        workload_sender_init(&sender->workload, workload, settings->daemon.nodes, i, settings->seed);
        sender->rows = malloc(settings->rows * sizeof *sender->rows);
        sender->measuring = measuring;
        sender->wake = wake;
        struct tally_node_options options = {
            .endpoint = daemon->ingest,
            .node = name,
            .batch_rows = settings->rows,
            .window = settings->window,
            .outbox_bytes_max = (uint64_t)(settings->window + 1) * settings->rows * 64,
            .on_receipt = on_receipt,
            .context = sender,
        };
        if (sender->rows == NULL || tally_node_open(&options, &sender->node, message) != TALLY_OK) {
            fprintf(stderr, "bench: %s: %s\n", name, message);
            return false;
        }
    }
    return true;
}

static void close_senders(struct sender *senders, size_t count) {
    for (size_t i = 0; i < count; i++) {
        tally_node_close(&senders[i].node);
        free(senders[i].rows);
    }
}

static void print_latencies(const struct sender *senders, size_t count) {
    static struct histogram all;
    for (size_t i = 0; i < count; i++) {
        histogram_merge(&all, &senders[i].latencies);
    }
    printf("ack_p50_ms\t%.3f\n", (double)histogram_percentile(&all, 0.5) / 1e6);
    printf("ack_p99_ms\t%.3f\n", (double)histogram_percentile(&all, 0.99) / 1e6);
    printf("ack_p999_ms\t%.3f\n", (double)histogram_percentile(&all, 0.999) / 1e6);
    printf("ack_max_ms\t%.3f\n", (double)all.maximum / 1e6);
    printf("batches\t%llu\n", (unsigned long long)all.count);
}

/* The load and the measure. Returns whether all went well. */
static bool run(struct sender *senders, const struct settings *settings, const struct daemon *daemon,
                atomic_bool *measuring) {
    size_t nodes = settings->daemon.nodes;
    int64_t began_ns = now_ns();
    send_all(senders, settings, true, 0);
    if (!flush_all(senders, nodes)) {
        return false;
    }
    double load_seconds = (double)(now_ns() - began_ns) / 1e9;
    uint64_t before = acknowledged_sum(senders, nodes);
    printf("load_updates_per_s\t%.0f\n", (double)before / load_seconds);
    fprintf(stderr, "loaded %llu projects in %.1f s\n", (unsigned long long)before, load_seconds);

    atomic_store(measuring, true);
    double cpu_before = daemon_cpu_seconds(daemon);
    began_ns = now_ns();
    send_all(senders, settings, false, began_ns + (int64_t)(settings->seconds * 1e9));
    uint64_t updates = acknowledged_sum(senders, nodes) - before;
    double seconds = (double)(now_ns() - began_ns) / 1e9;
    double cpu_seconds = daemon_cpu_seconds(daemon) - cpu_before;
    atomic_store(measuring, false);
    printf("ingest_updates_per_s\t%.0f\n", (double)updates / seconds);
    printf("daemon_cpu_s_per_million\t%.3f\n", cpu_seconds / ((double)updates / 1e6));
    printf("daemon_resident_mib\t%.0f\n", (double)daemon_resident_bytes(daemon) / 1048576.0);
    return flush_all(senders, nodes);
}

static void print_help(void) {
    puts("Usage: bench_ingest [OPTION]...\n"
         "Measure how fast a tallyd takes in updates, durably and acknowledged.\n"
         "\n"
         "  --nodes=N        nodes that report at once (default 4)\n"
         "  --projects=N     projects (default 1000000)\n"
         "  --rows=N         rows a batch, at most 8192 (default 4096)\n"
         "  --window=N       batches on their way for each node (default 8)\n"
         "  --seconds=S      length of the measure (default 10)\n"
         "  --seed=N         of the random updates (default 1)\n"
         "  --tallyd=PATH    the program (default: daemon/tallyd of this build)\n"
         "  --directory=DIR  folder for the run, emptied first (default: bench-ingest)\n"
         "  --port=N         first of three TCP ports on loopback (default 7801)\n"
         "  --help           show this help");
}

static void read_arguments(int argc, char **argv, struct settings *settings) {
    static const struct option options[] = {{"nodes", required_argument, NULL, 'n'},
                                            {"projects", required_argument, NULL, 'm'},
                                            {"rows", required_argument, NULL, 'r'},
                                            {"window", required_argument, NULL, 'w'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'e'},
                                            {"tallyd", required_argument, NULL, 't'},
                                            {"directory", required_argument, NULL, 'd'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'n':
            settings->daemon.nodes = strtoul(optarg, NULL, 10);
            break;
        case 'm':
            settings->projects = strtoul(optarg, NULL, 10);
            break;
        case 'r':
            settings->rows = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'w':
            settings->window = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 's':
            settings->seconds = strtod(optarg, NULL);
            break;
        case 'e':
            settings->seed = strtoull(optarg, NULL, 10);
            break;
        case 't':
            settings->daemon.program = optarg;
            break;
        case 'd':
            settings->daemon.directory = optarg;
            break;
        case 'p':
            settings->daemon.port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'h':
            print_help();
            exit(EXIT_SUCCESS);
        default:
            exit(64);
        }
    }
    bool usable = settings->daemon.nodes >= 1 && settings->daemon.nodes <= 1024 &&
                  settings->projects >= settings->daemon.nodes && settings->rows >= 1 &&
                  settings->rows <= BATCH_ROWS_MOST && settings->window >= 1 && settings->window <= 32 &&
                  settings->seconds > 0;
    if (!usable) {
        fputs("bench_ingest: 1 to 1024 nodes, at least as many projects, 1 to 8192 rows, a window of 1 to 32\n",
              stderr);
        exit(64);
    }
    settings->daemon.projects_max = settings->projects + 1024;
}

int main(int argc, char **argv) {
    struct settings settings = {
        .daemon = {.program = BENCH_TALLYD, .directory = "bench-ingest", .fresh = true, .nodes = 4, .port = 7801},
        .projects = 1000000,
        .rows = 4096,
        .window = 8,
        .seconds = 10,
        .seed = 1};
    read_arguments(argc, argv, &settings);
    struct workload workload;
    struct sender *senders = calloc(settings.daemon.nodes, sizeof *senders);
    if (senders == NULL || !workload_init(&workload, settings.projects, settings.seed)) {
        fputs("bench_ingest: out of memory\n", stderr);
        free(senders);
        return EXIT_FAILURE;
    }
    struct daemon daemon;
    if (!daemon_start(&daemon, &settings.daemon, START_TIMEOUT_MS)) {
        workload_fini(&workload);
        free(senders);
        return EXIT_FAILURE;
    }
    atomic_bool measuring = false;
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool fine = open_senders(senders, &settings, &daemon, &workload, &measuring, wake) &&
                run(senders, &settings, &daemon, &measuring);
    close_senders(senders, settings.daemon.nodes);
    if (fine) {
        print_latencies(senders, settings.daemon.nodes);
    }
    bool verified = fine && daemon_verify(&daemon);
    printf("verified\t%s\n", verified ? "yes" : "no");
    int status = daemon_stop(&daemon);
    workload_fini(&workload);
    free(senders);
    return verified && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
