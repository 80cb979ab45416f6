#include "bench/peers/peer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/histogram.h"
#include "bench/workload.h"
#include "daemon/base/clock.h"

/* The last state sent of each project. Projects are divided among connections, so no two threads touch the same. */
struct known {
    int64_t contract_value;
    int64_t participants;
    int64_t migrant_participants;
    uint32_t batch; /* that it was last seen in, of its connection; 0 = never */
    uint8_t category;
    uint8_t status;
};

struct run {
    const struct peer *peer;
    const struct peer_settings *settings;
    struct workload workload;
    struct known *known;
    atomic_bool failed;
    bool in_order;
    int64_t began_ns;
    int64_t deadline_ns;
};

/* Owned by the thread of its connection while a phase runs, else by main. */
struct connection {
    struct run *run;
    void *handle;
    struct workload_sender workload;
    struct tally_project *rows;
    uint32_t batches;
    struct {
        int64_t sent_ns;
        size_t updates;
    } under_way[PEER_WINDOW_MAX]; /* oldest first */
    size_t under_way_count;

    /* Of the present phase. */
    uint64_t acknowledged;
    int64_t ended_ns;
    struct histogram latencies;
};

/* Keeps the last row of each project, notes it as known, and returns how many rows are left. */
static size_t keep_last(struct connection *connection, size_t count) {
    struct run *run = connection->run;
    struct tally_project *rows = connection->rows;
    size_t first = count;
    connection->batches++;
    while (count > 0) {
        const struct tally_project *row = &rows[--count];
        struct known *known = &run->known[workload_number(&run->workload, row)];
        if (known->batch != connection->batches) {
            *known = (struct known){row->contract_value, row->participants,      row->migrant_participants,
                                    connection->batches, (uint8_t)row->category, (uint8_t)row->status};
            rows[--first] = *row;
        }
    }
    return first;
}

static bool await_oldest(struct connection *connection) {
    if (!connection->run->peer->await(connection->handle)) {
        return false;
    }
    connection->ended_ns = clock_monotonic_ns();
    connection->acknowledged += connection->under_way[0].updates;
    histogram_add(&connection->latencies, connection->ended_ns - connection->under_way[0].sent_ns);
    connection->under_way_count--;
    memmove(&connection->under_way[0], &connection->under_way[1],
            connection->under_way_count * sizeof connection->under_way[0]);
    return true;
}

/* Sends one batch. *more becomes false when there is nothing left to send in order. */
static bool send_one(struct connection *connection, bool *more) {
    struct run *run = connection->run;
    size_t count = run->settings->rows;
    if (run->in_order) {
        count = workload_fill_in_order(&connection->workload, connection->rows, count);
    } else {
        workload_fill_random(&connection->workload, connection->rows, count);
    }
    *more = count > 0;
    if (count == 0) {
        return true;
    }
    size_t first = keep_last(connection, count);
    connection->under_way[connection->under_way_count].sent_ns = clock_monotonic_ns();
    connection->under_way[connection->under_way_count++].updates = count;
    return run->peer->submit(connection->handle, &connection->rows[first], count - first);
}

static bool send_all(struct connection *connection) {
    struct run *run = connection->run;
    bool more = true;
    while (more && (run->in_order || clock_monotonic_ns() < run->deadline_ns) &&
           !atomic_load_explicit(&run->failed, memory_order_relaxed)) {
        if (connection->under_way_count == run->settings->window && !await_oldest(connection)) {
            return false;
        }
        if (!send_one(connection, &more)) {
            return false;
        }
    }
    while (connection->under_way_count > 0) {
        if (!await_oldest(connection)) {
            return false;
        }
    }
    return true;
}

static void *connection_main(void *argument) {
    struct connection *connection = argument;
    connection->acknowledged = 0;
    connection->ended_ns = connection->run->began_ns + 1;
    connection->latencies = (struct histogram){0};
    if (!send_all(connection)) {
        atomic_store_explicit(&connection->run->failed, true, memory_order_relaxed);
    }
    return NULL;
}

/* Lets all connections send: in order until everything was sent, or random updates for some seconds. Returns updates a
 * second, of each connection over its own time; 0 on failure. */
static double phase(struct run *run, struct connection *connections, bool in_order, double seconds) {
    pthread_t threads[PEER_CONNECTIONS_MAX];
    size_t started = 0;
    run->in_order = in_order;
    run->began_ns = clock_monotonic_ns();
    run->deadline_ns = run->began_ns + (int64_t)(seconds * 1e9);
    while (started < run->settings->connections &&
           pthread_create(&threads[started], NULL, connection_main, &connections[started]) == 0) {
        started++;
    }
    double rate = 0;
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        rate += (double)connections[i].acknowledged * 1e9 / (double)(connections[i].ended_ns - run->began_ns);
    }
    return started == run->settings->connections && !atomic_load(&run->failed) ? rate : 0;
}

static bool open_connections(struct run *run, struct connection *connections) {
    const struct peer_settings *settings = run->settings;
    for (size_t i = 0; i < settings->connections; i++) {
        connections[i].run = run;
        workload_sender_init(&connections[i].workload, &run->workload, settings->connections, i, settings->seed);
        connections[i].rows = malloc(settings->rows * sizeof *connections[i].rows);
        connections[i].handle = run->peer->connect(run->peer->context, i);
        if (connections[i].rows == NULL || connections[i].handle == NULL) {
            return false;
        }
    }
    return true;
}

static void close_connections(const struct run *run, struct connection *connections) {
    for (size_t i = 0; i < run->settings->connections; i++) {
        if (connections[i].handle != NULL) {
            run->peer->disconnect(connections[i].handle);
        }
        free(connections[i].rows);
    }
}

static void print_figures(const struct run *run, const struct connection *connections, double rate, double cpu_s) {
    static struct histogram all;
    const char *name = run->peer->name;
    char prefix[64];
    uint64_t updates = 0;
    for (size_t i = 0; i < run->settings->connections; i++) {
        histogram_merge(&all, &connections[i].latencies);
        updates += connections[i].acknowledged;
    }
    printf("%s_updates_per_s\t%.0f\n", name, rate);
    printf("%s_cpu_s_per_million\t%.3f\n", name, cpu_s / ((double)updates / 1e6));
    snprintf(prefix, sizeof prefix, "%s_ack", name);
    histogram_print_ms(&all, prefix);
    printf("%s_batches\t%llu\n", name, (unsigned long long)all.count);
    printf("%s_rows\t%llu\n", name, (unsigned long long)run->settings->rows);
}

static bool all_phases(struct run *run, struct connection *connections) {
    const struct peer_settings *settings = run->settings;
    double rate = phase(run, connections, true, 0);
    if (rate <= 0) {
        return false;
    }
    printf("%s_load_updates_per_s\t%.0f\n", run->peer->name, rate);
    fprintf(stderr, "loaded %llu projects at %.0f a second\n", (unsigned long long)settings->projects, rate);
    if (settings->warm_up_s > 0 && phase(run, connections, false, settings->warm_up_s) <= 0) {
        return false;
    }
    double cpu_s = server_cpu_seconds(run->peer->server);
    rate = phase(run, connections, false, settings->seconds);
    if (rate <= 0) {
        return false;
    }
    print_figures(run, connections, rate, server_cpu_seconds(run->peer->server) - cpu_s);
    return true;
}

static bool add_known(const struct run *run, struct cells *sent) {
    for (size_t i = 0; i < run->settings->projects; i++) {
        const struct known *known = &run->known[i];
        struct cell cell = {run->workload.list[i].region, known->category, known->status};
        struct figures figures = {1, known->contract_value, known->participants, known->migrant_participants};
        if (!cells_add(sent, &cell, &figures)) {
            return false;
        }
    }
    return true;
}

static bool measure(const struct peer *peer, const struct peer_settings *settings, struct cells *sent) {
    struct run run = {.peer = peer, .settings = settings};
    struct connection *connections = calloc(settings->connections, sizeof *connections);
    run.known = calloc(settings->projects, sizeof *run.known);
    bool fine =
        connections != NULL && run.known != NULL && workload_init(&run.workload, settings->projects, settings->seed);
    if (!fine) {
        fputs("bench: out of memory\n", stderr);
    } else {
        fine = open_connections(&run, connections) && all_phases(&run, connections) && add_known(&run, sent);
        close_connections(&run, connections);
        workload_fini(&run.workload);
    }
    free(run.known);
    free(connections);
    return fine;
}

static bool verify(const struct peer *peer, size_t connections, const struct cells *sent) {
    struct cells *totals = cells_create();
    struct cells *recount = cells_create();
    bool equal = totals != NULL && recount != NULL && peer->read_back(peer->context, connections, totals, recount) &&
                 cells_equal(recount, "recount", sent, "sent") && cells_equal(totals, "totals", sent, "sent");
    if (equal) {
        fprintf(stderr, "verify: equal: the totals, the recount of %lld projects, and what was sent\n",
                (long long)cells_sum(recount).projects);
    }
    cells_destroy(totals);
    cells_destroy(recount);
    return equal;
}

bool peer_run(const struct peer *peer, const struct peer_settings *settings) {
    struct cells *sent = cells_create();
    bool verified = sent != NULL && measure(peer, settings, sent) && verify(peer, settings->connections, sent);
    printf("verified\t%s\n", verified ? "yes" : "no");
    cells_destroy(sent);
    return verified;
}
