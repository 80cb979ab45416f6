/* bench_stages: where the daemon's time goes, in nanoseconds of processor time per update.
 *
 *   threads  a real tallyd at full rate: what each of its threads has used, by the kernel's own account, for each update. From
 *            a moment when everything is folded to one when everything is folded again, so that all the work that the
 *            updates cause is in it, what the archive does later too. daemon_cpu_ns is their sum, process_cpu_ns what the kernel
 *            counts for the whole process: the two must agree, or a thread was left out.
 *   steps    the same modules on one thread, step by step (steps.h): what is inside the threads. What is left of a thread when
 *            its steps are taken away is transport, waiting, waking and caches that two threads share.
 *
 * Prints thread_NAME_ns, with the share that the kernel worked for it and the time it was ready but had no processor;
 * and step_NAME_ns. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/lane.h"
#include "bench/stand.h"
#include "bench/steps.h"
#include "bench/threads.h"
#include "client/lib/clock.h"

struct settings {
    struct stand_options stand;
    double warm_up;
    double seconds;
    uint64_t group;
    uint64_t updates;
    uint64_t snapshot_updates;
    bool threads;
    bool steps;
};

/* ---- threads ---- */

/* The process's time is counted in ticks, and read a moment after that of its threads. */
static const double tick_ns = 20e6;
static const double difference_max = 0.03;

struct reading {
    struct threads threads;
    uint64_t updates;
    double process_cpu_s;
};

static bool read_all(struct reading *reading, const struct stand *stand, const struct load *load) {
    reading->updates = load_acknowledged(load);
    reading->process_cpu_s = daemon_cpu_seconds(&stand->daemon);
    return threads_read(&reading->threads, stand->daemon.pid);
}

static void print_thread(const struct thread_time *time, double updates) {
    double ticks = (double)(time->user_ticks + time->system_ticks);
    printf("thread_%s_ns\t%.2f\n", time->name, (double)time->cpu_ns / updates);
    printf("thread_%s_kernel_share\t%.2f\n", time->name, ticks > 0 ? (double)time->system_ticks / ticks : 0);
    printf("thread_%s_waited_ns\t%.2f\n", time->name, (double)time->waited_ns / updates);
}

/* Returns whether the threads' time is the process's. */
static bool print_threads(const struct reading *before, struct reading *after) {
    double updates = (double)(after->updates - before->updates);
    threads_subtract(&after->threads, &before->threads);
    for (size_t i = 0; i < after->threads.count; i++) {
        print_thread(&after->threads.list[i], updates);
    }
    double threads_ns = (double)threads_cpu_ns(&after->threads);
    double process_ns = (after->process_cpu_s - before->process_cpu_s) * 1e9;
    printf("daemon_cpu_ns\t%.2f\n", threads_ns / updates);
    printf("process_cpu_ns\t%.2f\n", process_ns / updates);
    printf("updates\t%.0f\n", updates);
    bool whole = fabs(threads_ns - process_ns) <= tick_ns + process_ns * difference_max;
    if (!whole) {
        fprintf(stderr, "bench: the threads used %.0f ns, their process %.0f\n", threads_ns, process_ns);
    }
    return whole;
}

/* Sends for some seconds, and waits for the last receipt and until all is stored. */
static bool send(const struct stand *stand, struct load *load, double seconds) {
    int64_t began_ns = clock_now_ns();
    uint64_t before = load_acknowledged(load);
    if (!load_send(load, began_ns + (int64_t)(seconds * 1e9), NULL) || !load_flush(load)) {
        return false;
    }
    fprintf(stderr, "bench: %.0f updates/s\n",
            (double)(load_acknowledged(load) - before) * 1e9 / (double)(clock_now_ns() - began_ns));
    return daemon_wait_until_stored(&stand->daemon);
}

static bool measure_threads(struct stand *stand, const struct settings *settings) {
    static struct reading before;
    static struct reading after;
    struct load *load = stand_load_open(stand, 1, NULL, NULL);
    bool sent = load != NULL && send(stand, load, settings->warm_up) && read_all(&before, stand, load) &&
                send(stand, load, settings->seconds) && read_all(&after, stand, load);
    if (sent && after.updates == before.updates) {
        fputs("bench: nothing was acknowledged in the time that counts\n", stderr);
        sent = false;
    }
    bool whole = sent && print_threads(&before, &after);
    stand_load_close(stand, &load);
    return whole;
}

/* ---- steps ---- */

static void print_steps(const struct steps *steps) {
    double sum = 0;
    for (enum step step = 0; step < STEP_COUNT; step++) {
        printf("step_%s_ns\t%.2f\n", step_name(step), steps_ns(steps, step));
        sum += step == STEP_REPLAY ? 0 : steps_ns(steps, step);
    }
    printf("steps_ns\t%.2f\n", sum);
    printf("step_commit_elapsed_ms\t%.3f\n", (double)steps->commit_elapsed_ns / 1e6 / (double)steps->commits);
    if (steps->snapshots > 0) {
        double each = (double)steps->updates[STEP_SNAPSHOT] / (double)steps->snapshots / 1000;
        printf("step_snapshot_each_us\t%.1f\n", steps_ns(steps, STEP_SNAPSHOT) * each);
        printf("step_rollup_each_us\t%.1f\n", steps_ns(steps, STEP_ROLLUP) * each);
    }
}

/* In the folder that the daemon of the other part will have. */
static bool measure_steps(const struct settings *settings) {
    static struct steps steps;
    struct daemon place = {0};
    char data[BENCH_PATH_BYTES + sizeof "/data"];
    snprintf(place.directory, sizeof place.directory, "%s", settings->stand.directory);
    snprintf(data, sizeof data, "%s/data", place.directory);
    daemon_remove(&place);
    if ((mkdir(place.directory, 0755) != 0 && errno != EEXIST) || mkdir(data, 0700) != 0) {
        fprintf(stderr, "bench: %s: %s\n", data, strerror(errno));
        return false;
    }
    struct steps_options options = {.directory = data,
                                    .projects = settings->stand.projects,
                                    .rows = (uint32_t)settings->stand.rows,
                                    .group = settings->group,
                                    .updates = settings->updates,
                                    .snapshot_updates = settings->snapshot_updates,
                                    .seed = settings->stand.seed};
    bool right = steps_run(&options, &steps);
    daemon_remove(&place);
    if (right) {
        print_steps(&steps);
    }
    return right;
}

/* ---- the run ---- */

static int measure(const struct settings *settings) {
    static struct stand stand;
    if (settings->steps && !measure_steps(settings)) {
        puts("verified\tno");
        return EXIT_FAILURE;
    }
    if (!settings->threads) {
        puts("verified\tyes"); /* by steps_run */
        return EXIT_SUCCESS;
    }
    if (!stand_open(&stand, &settings->stand)) {
        return EXIT_FAILURE;
    }
    return stand_close(&stand, stand_fill(&stand) && measure_threads(&stand, settings));
}

int main(int argc, char **argv) {
    struct settings settings = {.stand = STAND_DEFAULTS("stages"),
                                .warm_up = 2,
                                .seconds = 10,
                                .group = 16,
                                .updates = 4000000,
                                .snapshot_updates = 131072};
    const struct argument table[] = {
        {"threads", NULL, "only the daemon's threads", ARGUMENT_FLAG, &settings.threads, 0, 0},
        {"steps", NULL, "only the steps on one thread", ARGUMENT_FLAG, &settings.steps, 0, 0},
        {"warm-up", "S", "seconds before the threads are measured", ARGUMENT_REAL, &settings.warm_up, 0, 3600},
        {"seconds", "S", "for which they are measured", ARGUMENT_REAL, &settings.seconds, 0.01, 86400},
        {"group", "N", "batches of a commit, of the steps", ARGUMENT_NUMBER, &settings.group, 1, LANE_SLOTS_MAX},
        {"updates", "N", "that the steps are measured with", ARGUMENT_NUMBER, &settings.updates, 1, 1e9},
        {"snapshot-updates", "N", "between two snapshots of the steps", ARGUMENT_NUMBER, &settings.snapshot_updates, 1,
         1e9},
        STAND_ARGUMENTS(&settings.stand)};
    int status =
        arguments_read(argc, argv,
                       "Measure where the daemon's time goes: by its threads, at full rate, and by the steps of its\n"
                       "work on one thread; nanoseconds of processor time per update.",
                       table, sizeof table / sizeof table[0]);
    if (status >= 0) {
        return status;
    }
    if (!settings.threads && !settings.steps) {
        settings.threads = settings.steps = true;
    }
    return measure(&settings);
}
