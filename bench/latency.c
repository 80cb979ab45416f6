/* bench_latency: how long an acknowledgement takes.
 *
 * Idle: one node sends one small batch, waits for its receipt, sends the next. By turns of a tenth of a second, bare LMDB
 * commits of as many bytes are made on the same disk, because that is the least that a durable acknowledgement can cost, and
 * because disks have moods.
 *
 * Half load: the full rate is measured for a moment; then batches come on a schedule at half of it, each counted from when it
 * was due. With rows a batch as in bench_ingest, and with batches of 512. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/stand.h"
#include "bench/stretch.h"
#include "client/lib/clock.h"
#include "daemon/journal/record.h"

enum { IDLE_WARM_UP_BATCHES = 50, HALF_SMALL_ROWS = 512, PREFIX_BYTES = 64 };

static const int64_t turn_ns = INT64_C(100000000);

struct settings {
    struct stand_options stand;
    const char *mode;
    double seconds;
    double full_seconds;
    uint64_t idle_rows;
};

/* ---- idle ---- */

struct idle {
    struct load *load;
    struct bare *bare;
    struct histogram acknowledgements;
    struct histogram commits;
};

static bool send_some(struct load *load, size_t batches) {
    for (size_t i = 0; i < batches; i++) {
        if (!load_send_one(load)) {
            return false;
        }
    }
    return true;
}

/* What the daemon writes for one of the batches: asked of it while it takes some to warm up. */
static bool learn_record_bytes(const struct daemon *daemon, struct load *load, size_t *bytes) {
    uint64_t bytes_before;
    uint64_t bytes_after;
    uint64_t entries_before;
    uint64_t entries_after;
    bool learned = send_some(load, 1) && daemon_counter(daemon, "journal_bytes", &bytes_before) &&
                   daemon_counter(daemon, "journal_entries", &entries_before) &&
                   send_some(load, IDLE_WARM_UP_BATCHES) && daemon_counter(daemon, "journal_bytes", &bytes_after) &&
                   daemon_counter(daemon, "journal_entries", &entries_after) && entries_after > entries_before;
    if (learned) {
        *bytes = (size_t)((bytes_after - bytes_before) / (entries_after - entries_before)) + RECORD_HEADER_BYTES;
    }
    return learned;
}

static bool take_turns(struct idle *idle, int64_t end_ns) {
    while (clock_now_ns() < end_ns) {
        int64_t turn_end_ns = clock_now_ns() + turn_ns;
        while (clock_now_ns() < turn_end_ns) {
            if (!load_send_one(idle->load)) {
                return false;
            }
        }
        turn_end_ns = clock_now_ns() + turn_ns;
        while (clock_now_ns() < turn_end_ns) {
            int64_t commit_ns;
            if (!bare_commit(idle->bare, &commit_ns)) {
                return false;
            }
            histogram_add(&idle->commits, commit_ns);
        }
    }
    return true;
}

static void print_idle(const struct idle *idle, const struct settings *settings, size_t record_bytes) {
    double ack = (double)histogram_percentile(&idle->acknowledgements, 0.5);
    double commit = (double)histogram_percentile(&idle->commits, 0.5);
    histogram_print_ms(&idle->acknowledgements, "idle_ack");
    histogram_print_ms(&idle->commits, "commit");
    printf("idle_ack_vs_commit\t%.3f\n", ack / commit);
    printf("idle_rows\t%" PRIu64 "\n", settings->idle_rows);
    printf("idle_record_bytes\t%zu\n", record_bytes);
    printf("idle_batches\t%" PRIu64 "\n", idle->acknowledgements.count);
    printf("idle_commits\t%" PRIu64 "\n", idle->commits.count);
}

static bool measure_idle(struct stand *stand, const struct settings *settings) {
    static struct idle idle;
    char path[BENCH_PATH_BYTES * 2];
    size_t record_bytes = 0;
    snprintf(path, sizeof path, "%s/data/bare.mdb", stand->daemon.directory);
    idle.load = stand_load_open_rows(stand, 1, (uint32_t)settings->idle_rows);
    bool fine = idle.load != NULL && learn_record_bytes(&stand->daemon, idle.load, &record_bytes);
    idle.bare = fine ? bare_open(path, record_bytes) : NULL;
    fine = idle.bare != NULL;
    if (fine) {
        fprintf(stderr, "bench: idle: batches of %zu bytes, beside bare commits of as many\n", record_bytes);
        load_measure(idle.load, true);
        fine = take_turns(&idle, clock_now_ns() + (int64_t)(settings->seconds * 1e9)) && load_flush(idle.load);
        load_latencies(idle.load, &idle.acknowledgements);
    }
    bare_close(idle.bare);
    stand_load_close(stand, &idle.load);
    if (fine) {
        print_idle(&idle, settings, record_bytes);
    }
    return fine;
}

/* ---- half load ---- */

static bool measure_half(struct stand *stand, const struct settings *settings, uint32_t rows, const char *name) {
    static struct stretch full;
    static struct stretch half;
    char ack_name[PREFIX_BYTES];
    struct stretch_options options = {.warm_up_s = settings->full_seconds / 3, .seconds = settings->full_seconds};
    struct load *load = stand_load_open_rows(stand, rows, rows);
    bool fine = load != NULL && stretch_run(load, &stand->daemon, &options, &full);
    if (fine) {
        fprintf(stderr, "bench: %u rows a batch: full rate %.0f updates/s; half of it follows\n", rows,
                full.updates_per_s);
        options = (struct stretch_options){
            .warm_up_s = settings->seconds / 10, .seconds = settings->seconds, .updates_per_s = full.updates_per_s / 2};
        /* Else it is shown how the archive catches up with the load and the full rate. */
        fine = daemon_wait_until_stored(&stand->daemon) && stretch_run(load, &stand->daemon, &options, &half);
    }
    stand_load_close(stand, &load);
    if (fine) {
        snprintf(ack_name, sizeof ack_name, "%s_ack", name);
        histogram_print_ms(&half.latencies, ack_name);
        printf("%s_full_updates_per_s\t%.0f\n", name, full.updates_per_s);
        printf("%s_updates_per_s\t%.0f\n", name, half.updates_per_s);
        printf("%s_batches\t%" PRIu64 "\n", name, half.latencies.count);
    }
    return fine;
}

/* ---- the whole ---- */

static bool measure(struct stand *stand, const struct settings *settings) {
    bool idle = strcmp(settings->mode, "half") != 0;
    bool half = strcmp(settings->mode, "idle") != 0;
    return (!idle || measure_idle(stand, settings)) &&
           (!half || (measure_half(stand, settings, (uint32_t)stand->options.rows, "half_load") &&
                      measure_half(stand, settings, HALF_SMALL_ROWS, "half_load_512")));
}

/* Returns -1 to go on, or the status to exit with. */
static int read_arguments(int argc, char **argv, struct settings *settings) {
    const struct argument table[] = {
        {"mode", "NAME", "idle, half or all", ARGUMENT_TEXT, &settings->mode, 0, 0},
        {"seconds", "S", "length of each measure", ARGUMENT_REAL, &settings->seconds, 0.01, 86400},
        {"full-seconds", "S", "length of what finds the full rate", ARGUMENT_REAL, &settings->full_seconds, 0.01, 3600},
        {"idle-rows", "N", "rows of a batch when idle", ARGUMENT_NUMBER, &settings->idle_rows, 1, LOAD_ROWS_MAX},
        STAND_ARGUMENTS(&settings->stand)};
    int status = arguments_read(argc, argv,
                                "Measure how long acknowledgements take: of one small batch at a time beside a bare\n"
                                "LMDB commit, and at half of the full rate.",
                                table, sizeof table / sizeof table[0]);
    const char *mode = settings->mode;
    if (status < 0 && strcmp(mode, "idle") != 0 && strcmp(mode, "half") != 0 && strcmp(mode, "all") != 0) {
        fprintf(stderr, "bench_latency: --mode=%s: must be idle, half or all\n", mode);
        status = 64;
    }
    return status;
}

int main(int argc, char **argv) {
    struct settings settings = {
        .stand = STAND_DEFAULTS("latency"), .mode = "all", .seconds = 10, .full_seconds = 3, .idle_rows = 16};
    struct stand stand;
    int status = read_arguments(argc, argv, &settings);
    if (status >= 0) {
        return status;
    }
    if (!stand_open(&stand, &settings.stand)) {
        return EXIT_FAILURE;
    }
    return stand_close(&stand, stand_fill(&stand) && measure(&stand, &settings));
}
