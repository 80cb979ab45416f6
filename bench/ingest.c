/* bench_ingest: how fast a real tallyd takes in updates, durably and acknowledged; or the floor in its place (floor.c).
 *
 * Starts the contender in a fresh folder, lets N nodes report M projects once (the load), then random ones of them: some
 * seconds to warm up, then some that count (the measure), each in batches of R rows with a window of W batches, through
 * libtally and real sockets. An update counts when its receipt came. At the end what was acknowledged is looked for: tallyd
 * recounts everything from zero, the floor's journal is read; a run that does not verify does not count. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/stand.h"
#include "bench/stretch.h"

struct settings {
    struct stand_options stand;
    struct stretch_options stretch;
    const char *contender;
    uint64_t settle;
};

static void print_ledger(const struct daemon *daemon, uint64_t projects) {
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
    histogram_print_ms(&stretch->latencies, "ack");
    printf("batches\t%llu\n", (unsigned long long)stretch->latencies.count);
}

static bool measure(struct stand *stand, const struct stretch_options *options) {
    static struct stretch stretch;
    struct load *load = stand_load_open(stand, 1, NULL, NULL);
    bool measured = load != NULL && stretch_run(load, &stand->daemon, options, &stretch);
    stand_load_close(stand, &load);
    if (measured) {
        print_stretch(&stretch, &stand->daemon);
        print_ledger(&stand->daemon, stand->options.projects);
    }
    return measured;
}

/* The floor stores nothing beside its journal. */
static bool settle(const struct stand *stand, const struct settings *settings) {
    return settings->settle == 0 || settings->stand.contender == CONTENDER_FLOOR ||
           daemon_wait_until_stored(&stand->daemon);
}

/* Returns -1 to go on, or the status to exit with. */
static int read_arguments(int argc, char **argv, struct settings *settings) {
    const struct argument table[] = {
        {"contender", "NAME", "tallyd, or floor: nothing but transport and disk", ARGUMENT_TEXT, &settings->contender,
         0, 0},
        {"rate", "N", "updates/s on a schedule; 0: as fast as receipts come", ARGUMENT_REAL,
         &settings->stretch.updates_per_s, 0, 1e9},
        {"warm-up", "S", "seconds before the measure", ARGUMENT_REAL, &settings->stretch.warm_up_s, 0, 3600},
        {"seconds", "S", "length of the measure", ARGUMENT_REAL, &settings->stretch.seconds, 0.01, 86400},
        {"settle", "N", "1: wait before the measure until the load is stored; 0: do not", ARGUMENT_NUMBER,
         &settings->settle, 0, 1},
        STAND_ARGUMENTS(&settings->stand)};
    int status = arguments_read(argc, argv,
                                "Measure how fast a tallyd takes in updates, durably and acknowledged.\n"
                                "On a schedule, latencies count from when a batch was due.",
                                table, sizeof table / sizeof table[0]);
    if (status < 0 && !contender_read(settings->contender, &settings->stand.contender)) {
        fprintf(stderr, "bench_ingest: --contender=%s: must be tallyd or floor\n", settings->contender);
        status = 64;
    }
    if (status < 0 && settings->stand.contender == CONTENDER_FLOOR) {
        settings->stand.tallyd = BENCH_FLOOR;
    }
    return status;
}

int main(int argc, char **argv) {
    struct settings settings = {.stand = STAND_DEFAULTS("ingest"),
                                .stretch = {.warm_up_s = 2, .seconds = 10},
                                .settle = 1,
                                .contender = "tallyd"};
    struct stand stand;
    int status = read_arguments(argc, argv, &settings);
    if (status >= 0) {
        return status;
    }
    if (!stand_open(&stand, &settings.stand)) {
        return EXIT_FAILURE;
    }
    return stand_close(&stand, stand_fill(&stand) && settle(&stand, &settings) && measure(&stand, &settings.stretch));
}
