/* bench_freshness: how long after its receipt a batch shows in the totals that subscribers see.
 *
 * A receipt names the journal version at which its batch is counted. Its moment is when the node's callback has it; the
 * totals' moment is when a subscriber's callback has a region's totals of that version or a later one; same machine, same
 * clock. Totals that come before the receipt count as 0, and how many did is told. Every receipt counts with every
 * subscriber whose region it concerns; one that never shows fails the run.
 *
 *   idle  one small batch at a time, further apart than the publishing interval, so that nothing is conflated
 *   full  every node at full rate, so that what is seen is conflation, queues and the wait for a processor
 *
 * Subscriber 0 is libtally's watcher on the sum of all; the others are a crowd (crowd.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/crowd.h"
#include "bench/sightings.h"
#include "bench/stand.h"
#include "client/lib/clock.h"
#include "proto/region.h"

enum {
    HEAR_TIMEOUT_MS = 60000,
    CATCH_UP_TIMEOUT_MS = 10000,
    CATCH_UP_SLICE_MS = 20,
    LOOK_MS = 1,
    IDLE_ROWS = 16,
    IDLE_BATCHES_MAX = 1 << 16,
    IDLE_GAP_MS = 90, /* more than the publishing interval */
    IDLE_GAP_SPREAD_MS = 30,
    MESSAGE_BYTES = 256,
};

#define NS_PER_MS INT64_C(1000000)

struct settings {
    struct stand_options stand;
    const char *transport;
    uint64_t subscribers;
    double seconds;
    double warm_up;
    bool idle;
    bool full;
};

/* A batch of the idle part: where its rows lie. */
struct idle_batch {
    uint64_t version;
    uint32_t regions[IDLE_ROWS];
};

struct bench {
    struct settings settings;
    struct stand stand;
    struct sightings *sightings;
    struct tally_watcher *watcher;
    struct crowd *crowd; /* subscriber i of it is subscriber i + 1 here */
    uint32_t *regions;   /* what each subscriber follows */
    struct idle_batch *batches;
    size_t batch_count;
    uint64_t
        idle_version; /* of the last receipt of the idle part's node; written by its thread, read after its flush */
};

static void pause_ns(int64_t ns) {
    struct timespec pause = {.tv_sec = ns / (1000 * NS_PER_MS), .tv_nsec = ns % (1000 * NS_PER_MS)};
    nanosleep(&pause, NULL);
}

/* ---- subscribers ---- */

static void on_watched(void *context, const struct tally_watch_region *region) {
    struct bench *bench = context;
    sightings_totals(bench->sightings, 0, region->version, clock_now_ns());
}

static void on_totals(void *context, size_t subscriber, uint32_t region, uint64_t version, int64_t now_ns) {
    struct bench *bench = context;
    /* Who follows everything gets one version's totals in one piece, the sum of all in any place of it. */
    if (subscriber > 0 || region == REGION_ALL) {
        sightings_totals(bench->sightings, subscriber + 1, version, now_ns);
    }
}

static bool open_subscribers(struct bench *bench) {
    static const char *const whole[] = {"000000"};
    struct tally_watcher_options watcher = {.endpoint = bench->stand.daemon.totals,
                                            .competition = BENCH_COMPETITION,
                                            .prefixes = whole,
                                            .prefix_count = 1,
                                            .on_totals = on_watched,
                                            .context = bench};
    char message[MESSAGE_BYTES];
    if (tally_watcher_open(&watcher, &bench->watcher, message) != TALLY_OK) {
        fprintf(stderr, "bench: %s\n", message);
        return false;
    }
    struct crowd_options crowd = {.endpoint = bench->stand.daemon.totals,
                                  .competition = BENCH_COMPETITION,
                                  .workload = &bench->stand.workload,
                                  .subscribers = bench->settings.subscribers - 1,
                                  .on_totals = on_totals,
                                  .context = bench};
    bench->crowd = crowd_open(&crowd, HEAR_TIMEOUT_MS);
    for (size_t i = 1; i < bench->settings.subscribers && bench->crowd != NULL; i++) {
        bench->regions[i] = crowd_region(bench->crowd, i - 1);
    }
    return bench->crowd != NULL;
}

static void close_subscribers(struct bench *bench) {
    tally_watcher_close(&bench->watcher);
    crowd_close(&bench->crowd);
}

/* Whether every subscriber has seen the version, those left out whom it does not concern (NULL: it concerns all). If not,
 * *behind is one who has not. */
static bool all_saw(struct bench *bench, uint64_t version, sightings_concerns *concerns, size_t *behind) {
    for (; *behind < bench->settings.subscribers; (*behind)++) {
        bool concerned = concerns == NULL || concerns(bench, version, *behind);
        if (concerned && sightings_seen(bench->sightings, *behind) < version) {
            return false;
        }
    }
    return true;
}

/* ---- figures ---- */

static void print_ms(const char *part, const char *name, int64_t ns) {
    printf("freshness_%s%s_ms\t%.3f\n", part, name, (double)ns / 1e6);
}

/* Returns whether every receipt was seen by everybody. */
static bool print_result(const char *part, const struct sightings_result *result) {
    const struct histogram *freshness = &result->freshness;
    print_ms(part, "p50", histogram_percentile(freshness, 0.5));
    print_ms(part, "p99", histogram_percentile(freshness, 0.99));
    print_ms(part, "p999", histogram_percentile(freshness, 0.999));
    print_ms(part, "max", freshness->maximum);
    printf("freshness_%ssamples\t%" PRIu64 "\n", part, freshness->count);
    printf("freshness_%searly_share\t%.4f\n", part,
           freshness->count > 0 ? (double)result->early / (double)freshness->count : 0.0);
    printf("freshness_%smissing\t%" PRIu64 "\n", part, result->missing);
    return result->missing == 0 && freshness->count > 0;
}

/* ---- idle ---- */

static bool concerns(void *context, uint64_t version, size_t subscriber) {
    const struct bench *bench = context;
    size_t low = 0;
    size_t high = bench->batch_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bench->batches[middle].version < version) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == bench->batch_count || bench->batches[low].version != version) {
        return false;
    }
    for (size_t i = 0; i < IDLE_ROWS; i++) {
        if (region_within(bench->batches[low].regions[i], bench->regions[subscriber])) {
            return true;
        }
    }
    return false;
}

static void on_idle_receipt(void *context, const struct tally_receipt *receipt) {
    struct bench *bench = context;
    sightings_receipt(bench->sightings, receipt->version, clock_now_ns());
    bench->idle_version = receipt->version;
}

/* Until all whom the batch concerns have seen it. */
static bool wait_until_seen(struct bench *bench, uint64_t version) {
    int64_t end_ns = clock_now_ns() + CATCH_UP_TIMEOUT_MS * NS_PER_MS;
    size_t behind = 0;
    while (!all_saw(bench, version, concerns, &behind)) {
        if (clock_now_ns() > end_ns) {
            fprintf(stderr, "bench: subscriber %zu does not see version %" PRIu64 "\n", behind, version);
            return false;
        }
        pause_ns(LOOK_MS * NS_PER_MS);
    }
    return true;
}

/* Sends one batch and waits for its receipt and until it shows wherever it must. */
static bool send_one(struct bench *bench, struct tally_node *node, struct workload_sender *sender) {
    struct tally_project rows[IDLE_ROWS];
    struct idle_batch *batch = &bench->batches[bench->batch_count];
    workload_fill_random(sender, rows, IDLE_ROWS);
    for (size_t i = 0; i < IDLE_ROWS; i++) {
        batch->regions[i] = rows[i].region;
    }
    if (tally_node_put(node, BENCH_COMPETITION, rows, IDLE_ROWS, true) != TALLY_OK ||
        tally_node_flush(node, CATCH_UP_TIMEOUT_MS) != TALLY_OK) {
        char message[MESSAGE_BYTES];
        tally_node_message(node, message, sizeof message);
        fprintf(stderr, "bench: %s\n", message);
        return false;
    }
    batch->version = bench->idle_version;
    bench->batch_count++;
    bench->stand.acknowledged += IDLE_ROWS;
    return wait_until_seen(bench, batch->version);
}

static bool send_idle(struct bench *bench, struct tally_node *node) {
    struct workload_sender sender;
    workload_sender_init(&sender, &bench->stand.workload, bench->settings.stand.nodes, 0,
                         bench->settings.stand.seed + 1);
    unsigned dice = (unsigned)bench->settings.stand.seed;
    int64_t end_ns = clock_now_ns() + (int64_t)(bench->settings.seconds * 1e9);
    while (clock_now_ns() < end_ns && bench->batch_count < IDLE_BATCHES_MAX) {
        int64_t gap_us = IDLE_GAP_MS * 1000 + rand_r(&dice) % (IDLE_GAP_SPREAD_MS * 1000);
        pause_ns(gap_us * 1000);
        if (!send_one(bench, node, &sender)) {
            return false;
        }
    }
    return true;
}

static bool measure_idle(struct bench *bench) {
    struct tally_node_options options = {.endpoint = bench->stand.daemon.ingest,
                                         .node = "node-0000",
                                         .batch_rows = IDLE_ROWS,
                                         .on_receipt = on_idle_receipt,
                                         .context = bench};
    struct tally_node *node;
    static struct sightings_result result;
    if (tally_node_open(&options, &node, NULL) != TALLY_OK) {
        fputs("bench: the node cannot be opened\n", stderr);
        return false;
    }
    int64_t began_ns = clock_now_ns();
    bool fine = send_idle(bench, node);
    int64_t ended_ns = clock_now_ns();
    tally_node_close(&node);
    close_subscribers(bench); /* nobody notes anything any more */
    sightings_sum_up(bench->sightings, began_ns, ended_ns, concerns, bench, &result);
    return print_result("idle_", &result) && fine;
}

/* ---- full ---- */

static void on_receipt(void *context, size_t node, const struct tally_receipt *receipt) {
    struct bench *bench = context;
    (void)node;
    sightings_receipt(bench->sightings, receipt->version, clock_now_ns());
}

/* Goes on until every subscriber has seen what was received up to now: its region changes again sooner or later. */
static bool send_until_seen(struct bench *bench, struct load *load) {
    uint64_t version = sightings_received(bench->sightings);
    int64_t end_ns = clock_now_ns() + CATCH_UP_TIMEOUT_MS * NS_PER_MS;
    size_t behind = 0;
    while (!all_saw(bench, version, NULL, &behind)) {
        if (clock_now_ns() > end_ns) {
            fprintf(stderr, "bench: subscriber %zu does not see version %" PRIu64 "\n", behind, version);
            return false;
        }
        if (!load_send(load, clock_now_ns() + CATCH_UP_SLICE_MS * NS_PER_MS, NULL)) {
            return false;
        }
    }
    return true;
}

/* A batch of thousands of rows concerns every region, give or take a county now and then; that such a county is not sent
 * again counts against us. */
static bool measure_full(struct bench *bench) {
    static struct sightings_result result;
    struct load *load = stand_load_open(&bench->stand, 1, on_receipt, bench);
    bool fine = load != NULL && load_send(load, clock_now_ns() + (int64_t)(bench->settings.warm_up * 1e9), NULL);
    if (!fine) {
        stand_load_close(&bench->stand, &load);
        return false;
    }
    uint64_t before = load_acknowledged(load);
    uint64_t messages = crowd_messages(bench->crowd);
    int64_t began_ns = clock_now_ns();
    fine = load_send(load, began_ns + (int64_t)(bench->settings.seconds * 1e9), NULL);
    int64_t ended_ns = clock_now_ns();
    double seconds = (double)(ended_ns - began_ns) / 1e9;
    printf("ingest_updates_per_s\t%.0f\n", (double)(load_acknowledged(load) - before) / seconds);
    printf("totals_messages_per_s\t%.0f\n", (double)(crowd_messages(bench->crowd) - messages) / seconds);
    fine = fine && send_until_seen(bench, load) && load_flush(load);
    stand_load_close(&bench->stand, &load);
    close_subscribers(bench);
    sightings_sum_up(bench->sightings, began_ns, ended_ns, NULL, NULL, &result);
    return print_result("", &result) && fine;
}

/* ---- the program ---- */

static bool measure(struct bench *bench) {
    const struct settings *settings = &bench->settings;
    bool fine = stand_fill(&bench->stand);
    printf("subscribers\t%" PRIu64 "\n", settings->subscribers);
    fine = fine && (!settings->idle || (open_subscribers(bench) && measure_idle(bench)));
    return fine && (!settings->full || (open_subscribers(bench) && measure_full(bench)));
}

static int read_arguments(int argc, char **argv, struct settings *settings) {
    const struct argument table[] = {
        {"subscribers", "N", "subscribers of the totals endpoint", ARGUMENT_NUMBER, &settings->subscribers, 1,
         CROWD_SUBSCRIBERS_MAX},
        {"seconds", "S", "length of each part", ARGUMENT_REAL, &settings->seconds, 0.1, 86400},
        {"warm-up", "S", "full rate before it is measured", ARGUMENT_REAL, &settings->warm_up, 0, 86400},
        {"idle", NULL, "only the idle part: one small batch at a time", ARGUMENT_FLAG, &settings->idle, 0, 0},
        {"full", NULL, "only the part at full rate", ARGUMENT_FLAG, &settings->full, 0, 0},
        {"transport", "NAME", "of subscribers: ipc, a unix socket, or tcp", ARGUMENT_TEXT, &settings->transport, 0, 0},
        STAND_ARGUMENTS(&settings->stand),
    };
    int status = arguments_read(argc, argv, "Measure how long after its receipt a batch shows to subscribers.", table,
                                sizeof table / sizeof table[0]);
    if (!settings->idle && !settings->full) {
        settings->idle = settings->full = true;
    }
    if (status < 0 && !transport_read(settings->transport, &settings->stand.totals_transport)) {
        status = 64;
    }
    return status;
}

int main(int argc, char **argv) {
    static struct bench bench = {
        .settings = {
            .stand = STAND_DEFAULTS("freshness"), .transport = "ipc", .subscribers = 1, .seconds = 10, .warm_up = 1}};
    int status = read_arguments(argc, argv, &bench.settings);
    if (status >= 0) {
        return status;
    }
    bench.sightings = sightings_create(bench.settings.subscribers);
    bench.regions = calloc(bench.settings.subscribers, sizeof *bench.regions);
    bench.batches = calloc(IDLE_BATCHES_MAX, sizeof *bench.batches);
    if (bench.sightings == NULL || bench.regions == NULL || bench.batches == NULL) {
        fputs("bench: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    if (!stand_open(&bench.stand, &bench.settings.stand)) {
        return EXIT_FAILURE;
    }
    bool fine = measure(&bench);
    close_subscribers(&bench);
    status = stand_close(&bench.stand, fine);
    sightings_destroy(bench.sightings);
    free(bench.regions);
    free(bench.batches);
    return status;
}
