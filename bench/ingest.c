/* bench_ingest: how fast a real tallyd takes in updates, durably and acknowledged; or the floor in its place (floor.c).
 *
 * Starts the contender in a fresh folder, lets N nodes report M projects once (the load), then random ones of them: some
 * seconds to warm up, then some that count (the measure), each in batches of R rows with a window of W batches, through
 * libtally and real sockets. An update counts when its receipt came. At the end what was acknowledged is looked for: tallyd
 * recounts everything from zero, the floor's journal is read; a run that does not verify does not count. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/daemon.h"
#include "bench/load.h"
#include "bench/stretch.h"
#include "client/lib/clock.h"

enum { START_TIMEOUT_MS = 30000 };

struct settings {
    struct daemon_options daemon;
    struct stretch_options stretch;
    size_t projects;
    uint32_t rows;
    uint32_t window;
    uint64_t seed;
    bool keep;
};

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

static void print_ledger(const struct daemon *daemon, size_t projects) {
    uint64_t bytes;
    if (daemon_counter(daemon, "ledger_bytes", &bytes)) {
        printf("ledger_bytes_per_project\t%.1f\n", (double)bytes / (double)projects);
    }
}

static void print_stretch(const struct stretch *stretch, const struct daemon *daemon) {
    const char *name = daemon->contender == CONTENDER_FLOOR ? "floor" : "ingest";
    double millions = (double)stretch->updates / 1e6;
    printf("%s_updates_per_s\t%.0f\n", name, stretch->updates_per_s);
    printf("%s_slice_min\t%.0f\n", name, stretch->slice_min);
    printf("%s_slice_max\t%.0f\n", name, stretch->slice_max);
    printf("daemon_cpu_s_per_million\t%.3f\n", stretch->daemon_cpu_s / millions);
    printf("generator_cpu_s_per_million\t%.3f\n", stretch->generator_cpu_s / millions);
    printf("daemon_resident_mib\t%.0f\n", (double)daemon_resident_bytes(daemon) / 1048576.0);
    printf("ack_p50_ms\t%.3f\n", stretch_latency_ms(stretch, 0.5));
    printf("ack_p99_ms\t%.3f\n", stretch_latency_ms(stretch, 0.99));
    printf("ack_p999_ms\t%.3f\n", stretch_latency_ms(stretch, 0.999));
    printf("ack_max_ms\t%.3f\n", (double)stretch->latencies.maximum / 1e6);
    printf("batches\t%llu\n", (unsigned long long)stretch->latencies.count);
}

/* Against a running contender: load, measure, look for what was acknowledged. Returns whether it counts; stops it. */
static bool run(const struct settings *settings, struct daemon *daemon, const struct workload *workload) {
    static struct stretch stretch;
    struct load_options options = {.endpoint = daemon->ingest,
                                   .competition = BENCH_COMPETITION,
                                   .workload = workload,
                                   .nodes = settings->daemon.nodes,
                                   .rows = settings->rows,
                                   .window = settings->window,
                                   .seed = settings->seed};
    struct load *load = load_open(&options);
    bool fine = load != NULL && fill(load) && stretch_run(load, daemon, &settings->stretch, &stretch);
    uint64_t rows = fine ? load_acknowledged(load) : 0;
    load_close(&load);
    if (!fine) {
        daemon_stop(daemon);
        return false;
    }
    print_stretch(&stretch, daemon);
    print_ledger(daemon, settings->projects);
    fflush(stdout);
    return daemon_finish(daemon, rows);
}

static void print_help(void) {
    puts("Usage: bench_ingest [OPTION]...\n"
         "Measure how fast a tallyd takes in updates, durably and acknowledged.\n"
         "\n"
         "  --contender=NAME  tallyd, or floor: nothing but transport and disk (default tallyd)\n"
         "  --nodes=N         nodes that report at once, at most 1024 (default 4)\n"
         "  --projects=N      projects (default 1000000)\n"
         "  --rows=N          rows a batch, at most 8192 (default 4096)\n"
         "  --window=N        batches on their way for each node, at most 32 (default: 32 for all nodes together, but\n"
         "                    2 for each)\n"
         "  --rate=N          updates a second, on a schedule; latencies then count from when a batch was due\n"
         "                    (default: as fast as receipts come)\n"
         "  --warm-up=S       seconds before the measure (default 2)\n"
         "  --seconds=S       length of the measure (default 10)\n"
         "  --seed=N          of the random updates (default 1)\n"
         "  --tallyd=PATH     the program (default: that of this build)\n"
         "  --directory=DIR   folder for the run (default: bench-ingest)\n"
         "  --keep            do not remove what the run left there\n"
         "  --port=N          first of three TCP ports on loopback (default 7801)\n"
         "  --help            show this help");
}

static bool usable(const struct settings *settings) {
    return settings->daemon.nodes >= 1 && settings->daemon.nodes <= LOAD_NODES_MAX &&
           settings->projects >= settings->daemon.nodes && settings->rows >= 1 && settings->rows <= LOAD_ROWS_MAX &&
           settings->window <= LOAD_WINDOW_MAX && settings->stretch.seconds > 0 && settings->stretch.warm_up_s >= 0 &&
           settings->stretch.updates_per_s >= 0;
}

static void take_option(int option, struct settings *settings) {
    switch (option) {
    case 'c':
        if (!contender_read(optarg, &settings->daemon.contender)) {
            fprintf(stderr, "bench_ingest: --contender is tallyd or floor, not '%s'\n", optarg);
            exit(64);
        }
        break;
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
    case 'a':
        settings->stretch.updates_per_s = strtod(optarg, NULL);
        break;
    case 'u':
        settings->stretch.warm_up_s = strtod(optarg, NULL);
        break;
    case 's':
        settings->stretch.seconds = strtod(optarg, NULL);
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
    case 'k':
        settings->keep = true;
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

static void read_arguments(int argc, char **argv, struct settings *settings) {
    static const struct option options[] = {{"contender", required_argument, NULL, 'c'},
                                            {"nodes", required_argument, NULL, 'n'},
                                            {"projects", required_argument, NULL, 'm'},
                                            {"rows", required_argument, NULL, 'r'},
                                            {"window", required_argument, NULL, 'w'},
                                            {"rate", required_argument, NULL, 'a'},
                                            {"warm-up", required_argument, NULL, 'u'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'e'},
                                            {"tallyd", required_argument, NULL, 't'},
                                            {"directory", required_argument, NULL, 'd'},
                                            {"keep", no_argument, NULL, 'k'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        take_option(option, settings);
    }
    if (optind < argc || !usable(settings)) {
        fputs("bench_ingest: 1 to 1024 nodes, at least as many projects, 1 to 8192 rows, a window of at most 32\n",
              stderr);
        exit(64);
    }
    if (settings->daemon.program == NULL) {
        settings->daemon.program = settings->daemon.contender == CONTENDER_FLOOR ? BENCH_FLOOR : BENCH_TALLYD;
    }
    settings->daemon.projects_max = settings->projects + 1024;
}

int main(int argc, char **argv) {
    struct settings settings = {.daemon = {.directory = "bench-ingest", .fresh = true, .nodes = 4, .port = 7801},
                                .stretch = {.warm_up_s = 2, .seconds = 10},
                                .projects = 1000000,
                                .rows = 4096,
                                .seed = 1};
    read_arguments(argc, argv, &settings);
    struct workload workload;
    if (!workload_init(&workload, settings.projects, settings.seed)) {
        fputs("bench_ingest: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    struct daemon daemon;
    bool started = daemon_start(&daemon, &settings.daemon, START_TIMEOUT_MS);
    bool verified = started && run(&settings, &daemon, &workload);
    if (started) {
        printf("verified\t%s\n", verified ? "yes" : "no");
    }
    if (started && !settings.keep) {
        daemon_remove(&daemon);
    }
    workload_fini(&workload);
    return verified ? EXIT_SUCCESS : EXIT_FAILURE;
}
