/* bench_ingest: how fast a real tallyd takes in updates, durably and acknowledged.
 *
 * Starts a tallyd of its own in a fresh folder, lets N nodes report M projects once (the load), then random ones of them for
 * S seconds (the measure), each in batches of R rows with a window of W batches, through libtally and real sockets. An
 * update counts when its receipt came: committed, synced and applied. At the end the daemon recounts everything from zero;
 * a run whose totals do not verify does not count. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/daemon.h"
#include "bench/load.h"
#include "client/lib/clock.h"

enum { START_TIMEOUT_MS = 30000 };

struct settings {
    struct daemon_options daemon;
    size_t projects;
    uint32_t rows;
    uint32_t window;
    double seconds;
    uint64_t seed;
};

static void print_latencies(const struct load *load) {
    static struct histogram all;
    load_latencies(load, &all);
    printf("ack_p50_ms\t%.3f\n", (double)histogram_percentile(&all, 0.5) / 1e6);
    printf("ack_p99_ms\t%.3f\n", (double)histogram_percentile(&all, 0.99) / 1e6);
    printf("ack_p999_ms\t%.3f\n", (double)histogram_percentile(&all, 0.999) / 1e6);
    printf("ack_max_ms\t%.3f\n", (double)all.maximum / 1e6);
    printf("batches\t%llu\n", (unsigned long long)all.count);
}

static bool fill(struct load *load) {
    int64_t began_ns = clock_now_ns();
    if (!load_fill(load)) {
        return false;
    }
    double seconds = (double)(clock_now_ns() - began_ns) / 1e9;
    uint64_t updates = load_acknowledged(load);
    printf("load_updates_per_s\t%.0f\n", (double)updates / seconds);
    fprintf(stderr, "loaded %llu projects in %.1f s\n", (unsigned long long)updates, seconds);
    return true;
}

/* Random updates for a while. Returns whether all went well; nothing is on its way then. */
static bool measure(struct load *load, double seconds_wanted, const struct daemon *daemon) {
    load_measure(load, true);
    double cpu_before = daemon_cpu_seconds(daemon);
    uint64_t before = load_acknowledged(load);
    int64_t began_ns = clock_now_ns();
    bool sent = load_send(load, began_ns + (int64_t)(seconds_wanted * 1e9), NULL);
    uint64_t updates = load_acknowledged(load) - before;
    double seconds = (double)(clock_now_ns() - began_ns) / 1e9;
    double cpu_seconds = daemon_cpu_seconds(daemon) - cpu_before;
    load_measure(load, false);
    printf("ingest_updates_per_s\t%.0f\n", (double)updates / seconds);
    printf("daemon_cpu_s_per_million\t%.3f\n", cpu_seconds / ((double)updates / 1e6));
    printf("daemon_resident_mib\t%.0f\n", (double)daemon_resident_bytes(daemon) / 1048576.0);
    return sent && load_flush(load);
}

/* Against a running daemon: load, measure, recount. Returns whether it counts. */
static bool run(const struct settings *settings, const struct daemon *daemon, const struct workload *workload) {
    struct load_options options = {.endpoint = daemon->ingest,
                                   .competition = BENCH_COMPETITION,
                                   .workload = workload,
                                   .nodes = settings->daemon.nodes,
                                   .rows = settings->rows,
                                   .window = settings->window,
                                   .seed = settings->seed};
    struct load *load = load_open(&options);
    bool fine = load != NULL && fill(load) && measure(load, settings->seconds, daemon);
    if (fine) {
        print_latencies(load);
    }
    load_close(&load);
    return fine && daemon_verify(daemon);
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
    bool usable = settings->daemon.nodes >= 1 && settings->daemon.nodes <= LOAD_NODES_MAX &&
                  settings->projects >= settings->daemon.nodes && settings->rows >= 1 &&
                  settings->rows <= LOAD_ROWS_MAX && settings->window >= 1 && settings->window <= LOAD_WINDOW_MAX &&
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
    struct daemon daemon;
    if (!workload_init(&workload, settings.projects, settings.seed)) {
        fputs("bench_ingest: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    if (!daemon_start(&daemon, &settings.daemon, START_TIMEOUT_MS)) {
        workload_fini(&workload);
        return EXIT_FAILURE;
    }
    bool verified = run(&settings, &daemon, &workload);
    printf("verified\t%s\n", verified ? "yes" : "no");
    int status = daemon_stop(&daemon);
    workload_fini(&workload);
    return verified && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
