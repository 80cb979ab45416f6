#include "bench/readers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/crowd.h"
#include "client/lib/clock.h"

enum { FAILURE_BYTES = 256 };

#define NS_PER_S INT64_C(1000000000)

struct one_reader {
    struct readers *readers;
    size_t number;
    pthread_t thread;
    bool started;
    struct tally_query *query;

    /* The thread's; read by who closes, when it has ended. */
    uint64_t version; /* of the last answer: must not go back */
    uint64_t answers;
    uint64_t failures;
    char failure[FAILURE_BYTES]; /* the first */
    struct histogram latencies;
};

struct readers {
    struct readers_options options;
    atomic_bool stop; /* written by who closes, read by the threads */
    struct one_reader list[];
};

static void note_failure(struct one_reader *reader, const char *text) {
    if (reader->failures++ == 0) {
        snprintf(reader->failure, sizeof reader->failure, "%s", text);
    }
}

static void ask(struct one_reader *reader, uint64_t turn) {
    const struct readers_options *options = &reader->readers->options;
    struct tally_totals_answer *answer;
    uint32_t region = crowd_choose(options->workload, turn);
    int64_t began_ns = clock_now_ns();
    if (tally_query_totals(reader->query, options->competition, region, 0, &answer) != TALLY_OK) {
        note_failure(reader, tally_query_message(reader->query));
        return;
    }
    histogram_add(&reader->latencies, clock_now_ns() - began_ns);
    reader->answers++;
    if (answer->version < reader->version) {
        note_failure(reader, "the version went back");
    }
    reader->version = answer->version;
    tally_answer_free(answer);
}

static void sleep_until(int64_t wake_ns) {
    struct timespec wake = {.tv_sec = wake_ns / NS_PER_S, .tv_nsec = wake_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR) {
    }
}

/* On a schedule, each reader at its own moment, so that they do not come in step. */
static void *run(void *context) {
    struct one_reader *reader = context;
    const struct readers_options *options = &reader->readers->options;
    int64_t interval_ns = options->per_s > 0 ? (int64_t)(1e9 / options->per_s) : 0;
    int64_t due_ns = clock_now_ns() + interval_ns * (int64_t)reader->number / (int64_t)options->count;
    for (uint64_t turn = reader->number; !atomic_load_explicit(&reader->readers->stop, memory_order_relaxed); turn++) {
        if (interval_ns > 0) {
            sleep_until(due_ns);
            due_ns += interval_ns;
        }
        ask(reader, turn);
    }
    return NULL;
}

static bool start_one(struct readers *readers, size_t number) {
    struct one_reader *reader = &readers->list[number];
    struct tally_query_options options = {.endpoint = readers->options.endpoint};
    reader->readers = readers;
    reader->number = number;
    reader->started = tally_query_open(&options, &reader->query, NULL) == TALLY_OK &&
                      pthread_create(&reader->thread, NULL, run, reader) == 0;
    return reader->started;
}

struct readers *readers_open(const struct readers_options *options) {
    struct readers *readers = calloc(1, sizeof *readers + options->count * sizeof readers->list[0]);
    bool fine = readers != NULL;
    if (fine) {
        readers->options = *options;
    }
    for (size_t i = 0; i < options->count && fine; i++) {
        fine = start_one(readers, i);
    }
    if (!fine) {
        static struct readers_result ignored;
        fputs("bench: the readers cannot be started\n", stderr);
        readers_close(&readers, &ignored);
    }
    return readers;
}

static void add(const struct one_reader *reader, struct readers_result *result) {
    if (reader->failures > 0 && result->failures == 0) {
        fprintf(stderr, "bench: reader %zu: %s\n", reader->number, reader->failure);
    }
    result->answers += reader->answers;
    result->failures += reader->failures;
    histogram_merge(&result->latencies, &reader->latencies);
}

void readers_close(struct readers **readers, struct readers_result *result) {
    if (readers == NULL || *readers == NULL) {
        return;
    }
    atomic_store_explicit(&(*readers)->stop, true, memory_order_relaxed);
    for (size_t i = 0; i < (*readers)->options.count; i++) {
        struct one_reader *reader = &(*readers)->list[i];
        if (reader->started) {
            pthread_join(reader->thread, NULL);
            add(reader, result);
        }
        tally_query_close(&reader->query);
    }
    free(*readers);
    *readers = NULL;
}
