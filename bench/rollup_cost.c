#include "bench/rollup_cost.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/lane.h"
#include "client/lib/clock.h"
#include "daemon/base/rollup.h"
#include "daemon/base/snapshot.h"
#include "daemon/base/totals.h"

enum { COPIES = 4 };

struct desk {
    const struct rollup_cost_options *options;
    struct lane lane;
    struct rollup *rollup;
    struct snapshot_exchange exchange;
    struct totals totals;
};

static void fill_lane(struct lane *lane) {
    size_t filled;
    while ((filled = lane_fill_in_order(lane)) > 0) {
        for (size_t i = 0; i < filled; i++) {
            lane_decode(&lane->slots[i]);
            lane_admit(lane, &lane->slots[i]);
            lane_apply(lane, &lane->slots[i]);
        }
    }
}

static void apply_random(struct lane *lane) {
    lane_fill_random(lane);
    lane_decode(&lane->slots[0]);
    lane_admit(lane, &lane->slots[0]);
    lane_apply(lane, &lane->slots[0]);
}

/* Takes a snapshot and folds it; adds the nanoseconds of both. */
static bool publish(struct desk *desk, int64_t *snapshot_ns, int64_t *fold_ns) {
    int64_t began_ns = clock_now_ns();
    bool fine = ledger_fill(desk->lane.ledger, &desk->exchange.snapshot) == ERROR_NONE;
    int64_t filled_ns = clock_now_ns();
    fine = fine && rollup_apply(desk->rollup, &desk->exchange.snapshot) == ERROR_NONE;
    rollup_settle(desk->rollup);
    *snapshot_ns += filled_ns - began_ns;
    *fold_ns += clock_now_ns() - filled_ns;
    return fine;
}

static bool measure_snapshots(struct desk *desk, struct rollup_cost *cost) {
    int64_t snapshot_ns = 0;
    int64_t fold_ns = 0;
    size_t cells = 0;
    for (size_t i = 0; i < desk->options->snapshots; i++) {
        apply_random(&desk->lane);
        if (!publish(desk, &snapshot_ns, &fold_ns)) {
            return false;
        }
        cells += desk->exchange.snapshot.cell_count;
    }
    double count = (double)desk->options->snapshots;
    cost->cells = (size_t)((double)cells / count);
    cost->snapshot_us = (double)snapshot_ns / count / 1e3;
    cost->fold_us = (double)fold_ns / count / 1e3;
    return true;
}

/* Into fresh roll-ups, as each recount has one; making them is not counted. */
static bool measure_copies(const struct desk *desk, struct rollup_cost *cost) {
    int64_t copy_ns = 0;
    for (int i = 0; i < COPIES; i++) {
        struct rollup *copy = rollup_create();
        if (copy == NULL) {
            return false;
        }
        int64_t began_ns = clock_now_ns();
        rollup_copy(copy, desk->rollup);
        copy_ns += clock_now_ns() - began_ns;
        rollup_destroy(copy);
    }
    cost->copy_us = (double)copy_ns / COPIES / 1e3;
    return true;
}

/* By turns each region, found by its code; the sum of what was read is a result, so that no reading can be left out. */
static int64_t read_totals(const struct desk *desk, double *ns) {
    const struct competition *competition = &desk->lane.competition;
    uint32_t regions = rollup_region_count(desk->rollup);
    int64_t heads = 0;
    int64_t began_ns = clock_now_ns();
    for (size_t i = 0; i < desk->options->readings; i++) {
        uint32_t code = rollup_region(desk->rollup, (uint32_t)(i % regions)).region;
        uint32_t number = rollup_find(desk->rollup, competition->number, code);
        heads += rollup_totals(desk->rollup, number, competition->counts).participants;
    }
    *ns = (double)(clock_now_ns() - began_ns) / (double)desk->options->readings;
    return heads;
}

static int64_t read_all_cells(struct desk *desk, double *ns) {
    uint32_t regions = rollup_region_count(desk->rollup);
    int64_t heads = 0;
    int64_t began_ns = clock_now_ns();
    for (size_t i = 0; i < desk->options->readings; i++) {
        uint32_t code = rollup_region(desk->rollup, (uint32_t)(i % regions)).region;
        totals_fill(&desk->totals, desk->rollup, &desk->lane.competition, code);
        heads += desk->totals.message.participants;
    }
    *ns = (double)(clock_now_ns() - began_ns) / (double)desk->options->readings;
    return heads;
}

static bool measure(struct desk *desk, struct rollup_cost *cost) {
    int64_t ignored = 0;
    fill_lane(&desk->lane);
    if (!publish(desk, &ignored, &ignored) || !measure_snapshots(desk, cost) || !measure_copies(desk, cost)) {
        return false;
    }
    cost->regions = rollup_region_count(desk->rollup);
    int64_t heads = read_totals(desk, &cost->totals_ns);
    int64_t heads_of_cells = read_all_cells(desk, &cost->totals_all_ns);
    if (heads != heads_of_cells || rollup_projects(desk->rollup) != desk->options->projects) {
        fprintf(stderr, "bench: %" PRId64 " heads in totals, %" PRId64 " in their cells; %" PRIu64 " projects\n", heads,
                heads_of_cells, rollup_projects(desk->rollup));
        return false;
    }
    return true;
}

bool rollup_cost_measure(const struct rollup_cost_options *options, struct rollup_cost *cost) {
    struct desk *desk = calloc(1, sizeof *desk);
    struct lane_options lane = {
        .projects = options->projects, .rows = options->rows, .slots = 1, .seed = options->seed};
    bool measured = false;
    if (desk == NULL || !lane_init(&desk->lane, &lane)) {
        fputs("bench: out of memory\n", stderr);
        free(desk);
        return false;
    }
    desk->options = options;
    snapshot_init(&desk->exchange);
    desk->rollup = rollup_create();
    measured = desk->rollup != NULL && measure(desk, cost);
    if (!measured) {
        fputs("bench: what reading costs inside cannot be measured\n", stderr);
    }
    rollup_destroy(desk->rollup);
    snapshot_fini(&desk->exchange);
    lane_fini(&desk->lane);
    free(desk);
    return measured;
}
