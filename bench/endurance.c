/* bench_endurance: minutes at full rate; does anything creep?
 *
 * Random updates of a loaded daemon as fast as receipts come. Each second a line goes to a table of tab-separated values: what
 * was acknowledged, how long it took, how far the archive is behind, how large files and memory are. At the end straight lines
 * are laid through them (the first minute left out, or the first third of a short run), and words say whether they are flat.
 * The journal keeps everything, so that the disk must hold it all: the run ends early, and does not count, before the disk is
 * full. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "bench/histogram.h"
#include "bench/pump.h"
#include "bench/stand.h"
#include "bench/trend.h"
#include "client/lib/clock.h"

enum { SECONDS_MAX = 86400, SETTLING_S = 60, FORESEE_AFTER_S = 10 };

#define NS_PER_S INT64_C(1000000000)
#define MIB 1048576.0
#define GIB 1073741824.0

struct settings {
    struct stand_options stand;
    double minutes;
    double reserve_gib;
    const char *output;
};

/* One second of the run. Numbers as the table has them. */
enum column {
    COLUMN_SECONDS, /* since the start */
    COLUMN_UPDATES, /* acknowledged, a second */
    COLUMN_ACK_P50_MS,
    COLUMN_ACK_P99_MS,
    COLUMN_ACK_MAX_MS,
    COLUMN_LAG, /* versions that are durable and not folded yet */
    COLUMN_JOURNAL_BYTES,
    COLUMN_STATE_BYTES,
    COLUMN_RESIDENT_BYTES, /* with the mapped files' pages: grows with each segment of the journal, falls with the next */
    COLUMN_OWN_BYTES,      /* without */
    COLUMNS,
};

static const char *const column_names[COLUMNS] = {
    "seconds",      "updates_per_s", "ack_p50_ms",  "ack_p99_ms",     "ack_max_ms",
    "lag_versions", "journal_bytes", "state_bytes", "resident_bytes", "own_bytes",
};

struct bench {
    struct settings settings;
    struct stand stand;
    struct load *load;
    struct tally_query *query;
    FILE *output;
    double *columns[COLUMNS]; /* SECONDS_MAX values each */
    size_t count;

    pthread_mutex_t mutex; /* over round_trips: the nodes' threads add, main takes */
    struct histogram round_trips;
};

/* ---- sending ---- */

static void on_receipt(void *context, size_t node, const struct tally_receipt *receipt) {
    struct bench *bench = context;
    (void)node;
    pthread_mutex_lock(&bench->mutex);
    histogram_add(&bench->round_trips, receipt->round_trip_ns);
    pthread_mutex_unlock(&bench->mutex);
}

static void take_round_trips(struct bench *bench, struct histogram *into) {
    pthread_mutex_lock(&bench->mutex);
    *into = bench->round_trips;
    memset(&bench->round_trips, 0, sizeof bench->round_trips);
    pthread_mutex_unlock(&bench->mutex);
}

/* ---- sampling ---- */

static bool read_status(struct bench *bench, double *row) {
    struct tally_status_answer *status;
    if (tally_query_status(bench->query, &status) != TALLY_OK) {
        fprintf(stderr, "bench: status: %s\n", tally_query_message(bench->query));
        return false;
    }
    row[COLUMN_LAG] = (double)(status->version_durable - status->version_folded);
    row[COLUMN_JOURNAL_BYTES] = (double)status->journal_bytes;
    row[COLUMN_STATE_BYTES] = (double)status->state_bytes;
    row[COLUMN_RESIDENT_BYTES] = (double)daemon_resident_bytes(&bench->stand.daemon);
    row[COLUMN_OWN_BYTES] = (double)daemon_own_bytes(&bench->stand.daemon);
    tally_answer_free(status);
    return true;
}

static void write_row(struct bench *bench, const double *row) {
    for (size_t i = 0; i < COLUMNS; i++) {
        bench->columns[i][bench->count] = row[i];
        bool time_or_latency = i == COLUMN_SECONDS || (i >= COLUMN_ACK_P50_MS && i <= COLUMN_ACK_MAX_MS);
        fprintf(bench->output, time_or_latency ? "%s%.3f" : "%s%.0f", i > 0 ? "\t" : "", row[i]);
    }
    fputc('\n', bench->output);
    fflush(bench->output);
    bench->count++;
}

/* Tells early when the disk will not hold the whole run. */
static void foresee(const struct bench *bench, double free_gib) {
    double minutes = bench->columns[COLUMN_SECONDS][bench->count - 1] / 60;
    double gib_per_min = bench->columns[COLUMN_JOURNAL_BYTES][bench->count - 1] / GIB / minutes;
    double minutes_left = (free_gib - bench->settings.reserve_gib) / gib_per_min;
    if (minutes + minutes_left < bench->settings.minutes) {
        fprintf(
            stderr,
            "bench: the journal grows by %.1f GiB a minute and %.1f GiB are free: this run will end, and not count, "
            "after about %.1f minutes\n",
            gib_per_min, free_gib, minutes + minutes_left);
    }
}

/* Whether there is disk left for another second. */
static bool disk_suffices(const struct bench *bench) {
    struct statvfs disk;
    if (statvfs(bench->stand.daemon.directory, &disk) != 0) {
        fprintf(stderr, "bench: %s: %s\n", bench->stand.daemon.directory, strerror(errno));
        return false;
    }
    double free_gib = (double)disk.f_bavail * (double)disk.f_frsize / GIB;
    if (bench->count == FORESEE_AFTER_S) {
        foresee(bench, free_gib);
    }
    if (free_gib >= bench->settings.reserve_gib) {
        return true;
    }
    fprintf(stderr,
            "bench: stopped after %zu s: only %.1f GiB are left on the disk of %s. The journal keeps every batch and "
            "nothing "
            "removes its old segments yet; free some space, measure for fewer minutes, or use another --directory.\n",
            bench->count, free_gib, bench->stand.daemon.directory);
    return false;
}

static void sleep_until(int64_t wake_ns) {
    struct timespec wake = {.tv_sec = wake_ns / NS_PER_S, .tv_nsec = wake_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR) {
    }
}

/* One row a second until the end. Returns whether the end was reached. */
static bool sample(struct bench *bench, const struct pump *pump, int64_t began_ns) {
    static struct histogram round_trips;
    size_t seconds = (size_t)(bench->settings.minutes * 60 + 0.5);
    uint64_t updates = load_acknowledged(bench->load);
    int64_t last_ns = began_ns;
    while (bench->count < seconds) {
        sleep_until(began_ns + (int64_t)(bench->count + 1) * NS_PER_S);
        double row[COLUMNS];
        take_round_trips(bench, &round_trips);
        uint64_t updates_now = load_acknowledged(bench->load);
        int64_t now_ns = clock_now_ns();
        row[COLUMN_SECONDS] = (double)(now_ns - began_ns) / 1e9;
        row[COLUMN_UPDATES] = (double)(updates_now - updates) / ((double)(now_ns - last_ns) / 1e9);
        row[COLUMN_ACK_P50_MS] = (double)histogram_percentile(&round_trips, 0.5) / 1e6;
        row[COLUMN_ACK_P99_MS] = (double)histogram_percentile(&round_trips, 0.99) / 1e6;
        row[COLUMN_ACK_MAX_MS] = (double)round_trips.maximum / 1e6;
        updates = updates_now;
        last_ns = now_ns;
        if (!pump_runs(pump) || !read_status(bench, row)) {
            return false;
        }
        write_row(bench, row);
        if (!disk_suffices(bench)) {
            return false;
        }
    }
    return true;
}

/* ---- figures ---- */

static double highest(const double *values, size_t count) {
    double most = count > 0 ? values[0] : 0;
    for (size_t i = 1; i < count; i++) {
        most = values[i] > most ? values[i] : most;
    }
    return most;
}

static double lowest(const double *values, size_t count) {
    double least = count > 0 ? values[0] : 0;
    for (size_t i = 1; i < count; i++) {
        least = values[i] < least ? values[i] : least;
    }
    return least;
}

/* The mean, the slope for a minute and the words of a column after the settling, divided by unit. */
static void print_trend(const struct bench *bench, size_t settling, enum column column, const char *name,
                        const char *unit_name, double unit) {
    static double minutes[SECONDS_MAX];
    size_t count = bench->count - settling;
    for (size_t i = 0; i < count; i++) {
        minutes[i] = bench->columns[COLUMN_SECONDS][settling + i] / 60;
    }
    struct trend trend = trend_fit(minutes, bench->columns[column] + settling, count);
    printf("endurance_%s_mean_%s\t%.3f\n", name, unit_name, trend.mean / unit);
    printf("endurance_%s_slope_%s_per_min\t%.4f\n", name, unit_name, trend.slope / unit);
    printf("endurance_%s_verdict\t%s\n", name, trend_verdict(&trend));
    fprintf(stderr, "bench: %s: %.3f %s, %+.4f a minute (standard error %.4f): %s\n", name, trend.mean / unit,
            unit_name, trend.slope / unit, trend.slope_error / unit, trend_verdict(&trend));
}

static void print_figures(const struct bench *bench, double seconds, uint64_t updates) {
    size_t settling = bench->count / 3 < SETTLING_S ? bench->count / 3 : SETTLING_S;
    size_t count = bench->count - settling;
    size_t last = bench->count - 1;
    double *const *columns = bench->columns;
    double journal_bytes = columns[COLUMN_JOURNAL_BYTES][last] - columns[COLUMN_JOURNAL_BYTES][0];
    double counted = 0;
    for (size_t i = 1; i <= last; i++) {
        counted += columns[COLUMN_UPDATES][i] * (columns[COLUMN_SECONDS][i] - columns[COLUMN_SECONDS][i - 1]);
    }
    printf("endurance_minutes\t%.2f\n", seconds / 60);
    printf("endurance_updates_per_s\t%.0f\n", (double)updates / seconds);
    printf("endurance_updates_per_s_min\t%.0f\n", lowest(columns[COLUMN_UPDATES] + settling, count));
    printf("endurance_updates_per_s_max\t%.0f\n", highest(columns[COLUMN_UPDATES] + settling, count));
    printf("endurance_ack_max_ms\t%.3f\n", highest(columns[COLUMN_ACK_MAX_MS] + settling, count));
    printf("endurance_lag_max_versions\t%.0f\n", highest(columns[COLUMN_LAG], bench->count));
    printf("endurance_state_max_mib\t%.1f\n", highest(columns[COLUMN_STATE_BYTES], bench->count) / MIB);
    printf("endurance_journal_mib\t%.0f\n", columns[COLUMN_JOURNAL_BYTES][last] / MIB);
    printf("endurance_journal_bytes_per_update\t%.2f\n", counted > 0 ? journal_bytes / counted : 0);
    print_trend(bench, settling, COLUMN_UPDATES, "rate", "updates_per_s", 1);
    print_trend(bench, settling, COLUMN_ACK_P99_MS, "latency", "ms", 1);
    print_trend(bench, settling, COLUMN_RESIDENT_BYTES, "resident", "mib", MIB);
    print_trend(bench, settling, COLUMN_OWN_BYTES, "memory", "mib", MIB);
    print_trend(bench, settling, COLUMN_STATE_BYTES, "state", "mib", MIB);
    print_trend(bench, settling, COLUMN_LAG, "lag", "versions", 1);
}

/* ---- the program ---- */

/* Returns whether it went on for as long as asked. */
static bool endure(struct bench *bench) {
    struct pump pump;
    bench->load = stand_load_open(&bench->stand, 1, on_receipt, bench);
    if (bench->load == NULL || !pump_start(&pump, bench->load)) {
        return false;
    }
    int64_t began_ns = clock_now_ns();
    bool complete = sample(bench, &pump, began_ns);
    uint64_t updates = load_acknowledged(bench->load);
    double seconds = (double)(clock_now_ns() - began_ns) / 1e9;
    bool flushed = pump_stop(&pump);
    if (bench->count > 0) {
        print_figures(bench, seconds, updates);
    }
    printf("endurance_complete\t%s\n", complete ? "yes" : "no");
    return complete && flushed;
}

static bool prepare(struct bench *bench) {
    for (size_t i = 0; i < COLUMNS; i++) {
        bench->columns[i] = calloc(SECONDS_MAX, sizeof *bench->columns[i]);
        if (bench->columns[i] == NULL) {
            fputs("bench: out of memory\n", stderr);
            return false;
        }
    }
    bench->output = fopen(bench->settings.output, "w");
    if (bench->output == NULL) {
        fprintf(stderr, "bench: %s: %s\n", bench->settings.output, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        fprintf(bench->output, "%s%s", i > 0 ? "\t" : "", column_names[i]);
    }
    fputc('\n', bench->output);
    return true;
}

static bool run(struct bench *bench) {
    struct tally_query_options options = {.endpoint = bench->stand.daemon.query};
    bool fine = stand_fill(&bench->stand) && tally_query_open(&options, &bench->query, NULL) == TALLY_OK;
    bool complete = fine && endure(bench);
    tally_query_close(&bench->query);
    stand_load_close(&bench->stand, &bench->load);
    return complete;
}

static int read_arguments(int argc, char **argv, struct settings *settings) {
    const struct argument table[] = {
        {"minutes", "M", "how long", ARGUMENT_REAL, &settings->minutes, 0.05, SECONDS_MAX / 60.0},
        {"output", "FILE", "the table, a line a second", ARGUMENT_TEXT, &settings->output, 0, 0},
        {"reserve-gib", "G", "stop when less is free on the disk", ARGUMENT_REAL, &settings->reserve_gib, 0.1, 1e6},
        STAND_ARGUMENTS(&settings->stand),
    };
    return arguments_read(argc, argv, "Send at full rate for minutes, and see whether latency, memory or files creep.",
                          table, sizeof table / sizeof table[0]);
}

int main(int argc, char **argv) {
    static struct bench bench = {.settings = {.stand = STAND_DEFAULTS("endurance"),
                                              .minutes = 10,
                                              .reserve_gib = 5,
                                              .output = "bench-endurance.tsv"},
                                 .mutex = PTHREAD_MUTEX_INITIALIZER};
    int status = read_arguments(argc, argv, &bench.settings);
    if (status >= 0) {
        return status;
    }
    if (!prepare(&bench) || !stand_open(&bench.stand, &bench.settings.stand)) {
        return EXIT_FAILURE;
    }
    status = stand_close(&bench.stand, run(&bench));
    bool written = fclose(bench.output) == 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        free(bench.columns[i]);
    }
    return written ? status : EXIT_FAILURE;
}
