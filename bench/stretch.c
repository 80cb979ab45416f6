#include "bench/stretch.h"

#include <string.h>
#include <sys/resource.h>

#include "client/lib/clock.h"

/* What has been counted up to now. */
struct reading {
    int64_t time_ns;
    uint64_t updates;
    double daemon_cpu_s;
    double generator_cpu_s;
};

static double own_cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct reading read_all(const struct load *load, const struct daemon *daemon) {
    return (struct reading){.time_ns = clock_now_ns(),
                            .updates = load_acknowledged(load),
                            .daemon_cpu_s = daemon_cpu_seconds(daemon),
                            .generator_cpu_s = own_cpu_s()};
}

static void take_slice(struct stretch *stretch, double updates_per_s) {
    stretch->slice_min =
        stretch->slice_min == 0 || updates_per_s < stretch->slice_min ? updates_per_s : stretch->slice_min;
    stretch->slice_max = updates_per_s > stretch->slice_max ? updates_per_s : stretch->slice_max;
}

/* Second by second. The last one, when it is not a whole one, is no slice, unless it is the only one. */
static bool send_slices(struct load *load, double seconds, struct stretch *stretch) {
    int64_t began_ns = clock_now_ns();
    int64_t end_ns = began_ns + (int64_t)(seconds * 1e9);
    uint64_t before = load_acknowledged(load);
    while (began_ns < end_ns) {
        int64_t due_ns = began_ns + 1000000000 < end_ns ? began_ns + 1000000000 : end_ns;
        if (!load_send(load, due_ns, NULL)) {
            return false;
        }
        int64_t now_ns = clock_now_ns();
        uint64_t after = load_acknowledged(load);
        if (now_ns - began_ns >= 1000000000 || stretch->slice_max == 0) {
            take_slice(stretch, (double)(after - before) / (double)(now_ns - began_ns) * 1e9);
        }
        began_ns = now_ns;
        before = after;
    }
    return true;
}

static bool send_all(struct load *load, const struct stretch_options *options, double seconds,
                     struct stretch *stretch) {
    if (options->updates_per_s > 0) {
        return load_pace(load, options->updates_per_s, clock_now_ns() + (int64_t)(seconds * 1e9));
    }
    return send_slices(load, seconds, stretch);
}

static bool warm_up(struct load *load, const struct stretch_options *options) {
    struct stretch forgotten = {0};
    return options->warm_up_s <= 0 || send_all(load, options, options->warm_up_s, &forgotten);
}

/* With a schedule, every batch that was due counts, so the end is when the last has its receipt. */
bool stretch_run(struct load *load, const struct daemon *daemon, const struct stretch_options *options,
                 struct stretch *stretch) {
    bool scheduled = options->updates_per_s > 0;
    memset(stretch, 0, sizeof *stretch);
    if (!warm_up(load, options) || (scheduled && !load_flush(load))) {
        return false;
    }
    load_measure(load, true);
    struct reading before = read_all(load, daemon);
    bool sent = send_all(load, options, options->seconds, stretch) && (!scheduled || load_flush(load));
    struct reading after = read_all(load, daemon);
    load_measure(load, false);
    if (!sent || !load_flush(load)) {
        return false;
    }
    load_latencies(load, &stretch->latencies);
    stretch->updates = after.updates - before.updates;
    stretch->seconds = (double)(after.time_ns - before.time_ns) / 1e9;
    stretch->updates_per_s = (double)stretch->updates / stretch->seconds;
    stretch->daemon_cpu_s = after.daemon_cpu_s - before.daemon_cpu_s;
    stretch->generator_cpu_s = after.generator_cpu_s - before.generator_cpu_s;
    if (scheduled) {
        stretch->slice_min = stretch->slice_max = stretch->updates_per_s;
    }
    return true;
}
