/* bench_reading: what reading costs, and what it takes from those who write.
 *
 *   inside     a snapshot and readings of it, by the daemon's own modules in this process (rollup_cost.h)
 *   questions  the query endpoint of a daemon that does nothing else (questions.h)
 *   alternated in one daemon's life, at full rate, by turns: nobody reads; readers on a schedule and subscribers; the same
 *              readers without a pause and subscribers; readers on a schedule and subscribers that only count what comes
 *              (plain_crowd.h), as if they worked on machines of their own. Who reads connects before and leaves after each
 *
 * Everything runs on this machine: what reading costs the readers themselves counts against the ingest too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/crowd.h"
#include "bench/plain_crowd.h"
#include "bench/questions.h"
#include "bench/readers.h"
#include "bench/rollup_cost.h"
#include "bench/stand.h"
#include "bench/stretch.h"
#include "client/lib/clock.h"

enum { HEAR_TIMEOUT_MS = 60000, ROUNDS_MAX = 1000, SNAPSHOTS = 200, READINGS = 1000000, INSIDE_PROJECTS_MAX = 1000000 };

/* Who reads during a stretch. */
enum audience_kind { AUDIENCE_NONE = 0, AUDIENCE_PACED, AUDIENCE_UNPACED, AUDIENCE_PLAIN, AUDIENCES };

struct settings {
    struct stand_options stand;
    const char *transport;
    uint64_t readers;
    uint64_t subscribers;
    uint64_t rounds;
    double asks_per_s;
    double seconds;
    double warm_up;
};

/* All stretches with one audience. */
struct outcome {
    double updates_per_s[ROUNDS_MAX];
    double daemon_cpu_s;
    double generator_cpu_s; /* nodes, readers and subscribers */
    uint64_t updates;
    double seconds; /* with the audience there, before and after the stretches too */
    uint64_t messages;
    struct readers_result readers;
};

struct bench {
    struct settings settings;
    struct stand stand;
    struct load *load;
    struct outcome outcomes[AUDIENCES];
};

static const char *const audience_names[AUDIENCES] = {"alone", "with_readers", "with_unpaced_readers",
                                                      "with_plain_readers"};

/* ---- inside ---- */

static bool measure_inside(const struct settings *settings) {
    uint64_t projects = settings->stand.projects < INSIDE_PROJECTS_MAX ? settings->stand.projects : INSIDE_PROJECTS_MAX;
    struct rollup_cost cost = {0};
    struct rollup_cost_options options = {.projects = projects,
                                          .rows = (uint32_t)settings->stand.rows,
                                          .snapshots = SNAPSHOTS,
                                          .readings = READINGS,
                                          .seed = settings->stand.seed};
    if (!rollup_cost_measure(&options, &cost)) {
        return false;
    }
    printf("rollup_regions\t%zu\n", cost.regions);
    printf("snapshot_cells\t%zu\n", cost.cells);
    printf("snapshot_take_us\t%.2f\n", cost.snapshot_us);
    printf("snapshot_fold_us\t%.2f\n", cost.fold_us);
    printf("rollup_copy_us\t%.1f\n", cost.copy_us);
    printf("read_totals_ns\t%.1f\n", cost.totals_ns);
    printf("read_totals_with_cells_ns\t%.1f\n", cost.totals_all_ns);
    return true;
}

/* ---- questions ---- */

static bool measure_questions(struct bench *bench) {
    static struct histogram latencies;
    double pipelined_us = 0;
    double seconds = bench->settings.seconds;
    if (!questions_one_by_one(&bench->stand.daemon, &bench->stand.workload, seconds, &latencies) ||
        !questions_pipelined(&bench->stand.daemon, &bench->stand.workload, seconds, &pipelined_us)) {
        return false;
    }
    printf("question_p50_us\t%.1f\n", (double)histogram_percentile(&latencies, 0.5) / 1e3);
    printf("question_p99_us\t%.1f\n", (double)histogram_percentile(&latencies, 0.99) / 1e3);
    printf("question_max_us\t%.1f\n", (double)latencies.maximum / 1e3);
    printf("question_pipelined_us\t%.2f\n", pipelined_us);
    return true;
}

/* ---- alternated ---- */

static bool run_stretch(struct bench *bench, struct outcome *outcome, size_t round) {
    static struct stretch stretch;
    struct stretch_options options = {.warm_up_s = bench->settings.warm_up, .seconds = bench->settings.seconds};
    stretch = (struct stretch){0};
    if (!stretch_run(bench->load, &bench->stand.daemon, &options, &stretch)) {
        return false;
    }
    outcome->updates_per_s[round] = stretch.updates_per_s;
    outcome->updates += stretch.updates;
    outcome->daemon_cpu_s += stretch.daemon_cpu_s;
    outcome->generator_cpu_s += stretch.generator_cpu_s;
    return true;
}

/* Subscribers of either kind. */
struct subscribers {
    struct crowd *crowd;
    struct plain_crowd *plain;
};

static bool open_subscribers(const struct bench *bench, enum audience_kind kind, struct subscribers *subscribers) {
    struct crowd_options options = {.endpoint = bench->stand.daemon.totals,
                                    .competition = BENCH_COMPETITION,
                                    .workload = &bench->stand.workload,
                                    .subscribers = bench->settings.subscribers};
    *subscribers = (struct subscribers){0};
    if (kind == AUDIENCE_PLAIN) {
        subscribers->plain = plain_crowd_open(&options, HEAR_TIMEOUT_MS);
    } else {
        subscribers->crowd = crowd_open(&options, HEAR_TIMEOUT_MS);
    }
    return subscribers->plain != NULL || subscribers->crowd != NULL;
}

static uint64_t count_messages(const struct subscribers *subscribers) {
    return subscribers->plain != NULL ? plain_crowd_messages(subscribers->plain) : crowd_messages(subscribers->crowd);
}

static bool run_with_audience(struct bench *bench, enum audience_kind kind, size_t round) {
    struct outcome *outcome = &bench->outcomes[kind];
    struct readers_options options = {.endpoint = bench->stand.daemon.query,
                                      .competition = BENCH_COMPETITION,
                                      .workload = &bench->stand.workload,
                                      .count = bench->settings.readers,
                                      .per_s = kind == AUDIENCE_UNPACED ? 0 : bench->settings.asks_per_s};
    struct subscribers subscribers;
    if (!open_subscribers(bench, kind, &subscribers)) {
        return false;
    }
    uint64_t messages = count_messages(&subscribers);
    int64_t began_ns = clock_now_ns();
    struct readers *readers = readers_open(&options);
    bool fine = readers != NULL && run_stretch(bench, outcome, round);
    outcome->messages += count_messages(&subscribers) - messages;
    readers_close(&readers, &outcome->readers);
    outcome->seconds += (double)(clock_now_ns() - began_ns) / 1e9;
    crowd_close(&subscribers.crowd);
    plain_crowd_close(&subscribers.plain);
    return fine;
}

/* Each round begins with another audience, so that what drifts hits all. */
static bool alternate(struct bench *bench) {
    for (size_t i = 0; i < bench->settings.rounds * AUDIENCES; i++) {
        size_t round = i / AUDIENCES;
        enum audience_kind kind = (enum audience_kind)((i + round) % AUDIENCES);
        struct outcome *outcome = &bench->outcomes[kind];
        bool fine = kind == AUDIENCE_NONE ? run_stretch(bench, outcome, round) : run_with_audience(bench, kind, round);
        if (!fine) {
            return false;
        }
        fprintf(stderr, "bench: round %zu, %s: %.0f updates/s\n", round + 1, audience_names[kind],
                outcome->updates_per_s[round]);
    }
    return true;
}

/* ---- figures ---- */

static int compare(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts them. */
static double median_of(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void print_rates(const struct outcome *outcome, const char *name, size_t rounds) {
    double rates[ROUNDS_MAX];
    memcpy(rates, outcome->updates_per_s, rounds * sizeof *rates);
    printf("ingest_%s_updates_per_s\t%.0f\n", name, median_of(rates, rounds));
    printf("ingest_%s_updates_per_s_min\t%.0f\n", name, rates[0]);
    printf("ingest_%s_updates_per_s_max\t%.0f\n", name, rates[rounds - 1]);
    printf("daemon_cpu_s_per_million_%s\t%.3f\n", name, outcome->daemon_cpu_s / ((double)outcome->updates / 1e6));
    printf("generator_cpu_s_per_million_%s\t%.3f\n", name, outcome->generator_cpu_s / ((double)outcome->updates / 1e6));
}

/* Each round's rate with the audience through its rate without: what disturbs the machine for longer than a round disturbs
 * both. */
static void print_ratio(const struct bench *bench, enum audience_kind kind, const char *name) {
    double ratios[ROUNDS_MAX];
    size_t rounds = bench->settings.rounds;
    for (size_t i = 0; i < rounds; i++) {
        ratios[i] = bench->outcomes[kind].updates_per_s[i] / bench->outcomes[AUDIENCE_NONE].updates_per_s[i];
    }
    printf("%s\t%.3f\n", name, median_of(ratios, rounds));
}

static void print_audience(const struct outcome *outcome, const char *name) {
    const struct readers_result *readers = &outcome->readers;
    printf("answers_per_s_%s\t%.0f\n", name, (double)readers->answers / outcome->seconds);
    printf("answer_p50_ms_%s\t%.3f\n", name, (double)histogram_percentile(&readers->latencies, 0.5) / 1e6);
    printf("answer_p99_ms_%s\t%.3f\n", name, (double)histogram_percentile(&readers->latencies, 0.99) / 1e6);
    printf("totals_messages_per_s_%s\t%.0f\n", name, (double)outcome->messages / outcome->seconds);
}

/* Returns whether every question was answered. */
static bool print_figures(struct bench *bench) {
    bool answered = true;
    printf("readers\t%" PRIu64 "\n", bench->settings.readers);
    printf("subscribers\t%" PRIu64 "\n", bench->settings.subscribers);
    printf("asks_per_s_of_each\t%g\n", bench->settings.asks_per_s);
    for (size_t i = 0; i < AUDIENCES; i++) {
        print_rates(&bench->outcomes[i], audience_names[i], bench->settings.rounds);
        if (i != AUDIENCE_NONE) {
            print_audience(&bench->outcomes[i], audience_names[i]);
            answered = answered && bench->outcomes[i].readers.failures == 0;
        }
    }
    print_ratio(bench, AUDIENCE_PLAIN, "readers_vs_alone");
    print_ratio(bench, AUDIENCE_PACED, "libzmq_readers_vs_alone");
    print_ratio(bench, AUDIENCE_UNPACED, "unpaced_readers_vs_alone");
    return answered;
}

/* ---- the program ---- */

static bool run(struct bench *bench) {
    if (!measure_inside(&bench->settings) || !stand_fill(&bench->stand) || !measure_questions(bench)) {
        return false;
    }
    bench->load = stand_load_open(&bench->stand, 1, NULL, NULL);
    bool fine = bench->load != NULL && alternate(bench) && print_figures(bench);
    stand_load_close(&bench->stand, &bench->load);
    return fine;
}

static int read_arguments(int argc, char **argv, struct settings *settings) {
    const struct argument table[] = {
        {"readers", "N", "clients that ask for totals", ARGUMENT_NUMBER, &settings->readers, 0, READERS_MAX},
        {"asks", "N", "questions of each in a second, when paced", ARGUMENT_REAL, &settings->asks_per_s, 0.01, 1e6},
        {"subscribers", "N", "subscribers of the totals endpoint", ARGUMENT_NUMBER, &settings->subscribers, 0,
         CROWD_SUBSCRIBERS_MAX},
        {"rounds", "N", "times that each audience has its turn", ARGUMENT_NUMBER, &settings->rounds, 1, ROUNDS_MAX},
        {"seconds", "S", "length of each stretch", ARGUMENT_REAL, &settings->seconds, 0.1, 86400},
        {"warm-up", "S", "full rate before each stretch", ARGUMENT_REAL, &settings->warm_up, 0, 86400},
        {"transport", "NAME", "of subscribers: ipc, a unix socket, or tcp", ARGUMENT_TEXT, &settings->transport, 0, 0},
        STAND_ARGUMENTS(&settings->stand),
    };
    int status = arguments_read(argc, argv, "Measure what reading totals costs, and what it takes from the ingest.",
                                table, sizeof table / sizeof table[0]);
    if (status < 0 && !transport_read(settings->transport, &settings->stand.totals_transport)) {
        status = 64;
    }
    return status;
}

int main(int argc, char **argv) {
    static struct bench bench = {.settings = {.stand = STAND_DEFAULTS("reading"),
                                              .transport = "ipc",
                                              .readers = 16,
                                              .subscribers = 1000,
                                              .rounds = 5,
                                              .asks_per_s = 10,
                                              .seconds = 3,
                                              .warm_up = 0.5}};
    int status = read_arguments(argc, argv, &bench.settings);
    if (status >= 0) {
        return status;
    }
    if (!stand_open(&bench.stand, &bench.settings.stand)) {
        return EXIT_FAILURE;
    }
    return stand_close(&bench.stand, run(&bench));
}
