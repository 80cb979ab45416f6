#include "bench/stand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/interrupt.h"
#include "client/lib/clock.h"

enum { START_TIMEOUT_MS = 60000, PROJECTS_SPARE = 1024 };

bool stand_open(struct stand *stand, const struct stand_options *options) {
    *stand = (struct stand){.options = *options};
    stand->daemon_options = (struct daemon_options){.contender = options->contender,
                                                    .program = options->tallyd,
                                                    .directory = options->directory,
                                                    .fresh = true,
                                                    .nodes = options->nodes,
                                                    .port = (uint16_t)options->port,
                                                    .totals_transport = options->totals_transport,
                                                    .projects_max = options->projects + PROJECTS_SPARE};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!interrupt_watch(&stand->daemon, options->keep)) {
        fputs("bench: no thread to be had\n", stderr);
        return false;
    }
    if (!workload_init(&stand->workload, options->projects, options->seed)) {
        fputs("bench: out of memory\n", stderr);
        return false;
    }
    if (!daemon_start(&stand->daemon, &stand->daemon_options, START_TIMEOUT_MS)) {
        workload_fini(&stand->workload);
        return false;
    }
    return true;
}

int stand_close(struct stand *stand, bool fine) {
    bool verified = fine && daemon_finish(&stand->daemon, stand->acknowledged);
    printf("verified\t%s\n", verified ? "yes" : "no");
    daemon_kill(&stand->daemon); /* if it was not finished */
    if (!stand->options.keep) {
        daemon_remove(&stand->daemon);
    }
    workload_fini(&stand->workload);
    return verified ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct load_options load_options_of(const struct stand *stand, uint64_t turn) {
    return (struct load_options){.endpoint = stand->daemon.ingest,
                                 .competition = BENCH_COMPETITION,
                                 .workload = &stand->workload,
                                 .nodes = stand->options.nodes,
                                 .rows = (uint32_t)stand->options.rows,
                                 .window = (uint32_t)stand->options.window,
                                 .seed = stand->options.seed + turn};
}

struct load *stand_load_open(const struct stand *stand, uint64_t turn, load_receipt *on_receipt, void *context) {
    struct load_options options = load_options_of(stand, turn);
    options.on_receipt = on_receipt;
    options.context = context;
    return load_open(&options);
}

struct load *stand_load_open_rows(const struct stand *stand, uint64_t turn, uint32_t rows) {
    struct load_options options = load_options_of(stand, turn);
    options.rows = rows;
    return load_open(&options);
}

void stand_load_close(struct stand *stand, struct load **load) {
    if (load != NULL && *load != NULL) {
        stand->acknowledged += load_acknowledged(*load);
        load_close(load);
    }
}

bool stand_fill(struct stand *stand) {
    struct load *load = stand_load_open(stand, 0, NULL, NULL);
    int64_t began_ns = clock_now_ns();
    bool filled = load != NULL && load_fill(load);
    double seconds = (double)(clock_now_ns() - began_ns) / 1e9;
    if (filled) {
        printf("load_updates_per_s\t%.0f\n", (double)load_acknowledged(load) / seconds);
        fprintf(stderr, "bench: %" PRIu64 " projects reported in %.1f s\n", load_acknowledged(load), seconds);
    }
    stand_load_close(stand, &load);
    return filled;
}
