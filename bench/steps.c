#include "bench/steps.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "bench/lane.h"
#include "client/lib/clock.h"
#include "daemon/archive/state.h"
#include "daemon/archive/writer.h"
#include "daemon/base/receipt.h"
#include "daemon/base/rollup.h"
#include "daemon/base/snapshot.h"
#include "daemon/journal/journal.h"

enum { PATH_BYTES = 4096, EPOCH = 1, READ_BYTES = 4 << 20 };

#define SEGMENT_BYTES ((uint64_t)1 << 30)

struct bench {
    const struct steps_options *options;
    struct steps *steps;
    struct lane lane;
    struct journal *journal;
    struct state *state;
    struct writer *writer;
    struct capture capture;
    struct snapshot_exchange exchange;
    struct rollup *rollup;
    uint64_t since_snapshot; /* updates */
    int64_t mark_ns;         /* processor time up to which everything is charged to a step, or to none */
    bool measuring;
};

const char *step_name(enum step step) {
    static const char *const names[STEP_COUNT] = {
        [STEP_DECODE] = "decode",   [STEP_ADMIT] = "admit",     [STEP_APPEND] = "append",     [STEP_COMMIT] = "commit",
        [STEP_APPLY] = "apply",     [STEP_RECEIPT] = "receipt", [STEP_SNAPSHOT] = "snapshot", [STEP_ROLLUP] = "rollup",
        [STEP_CAPTURE] = "capture", [STEP_STORE] = "store",     [STEP_REPLAY] = "replay"};
    return names[step];
}

double steps_ns(const struct steps *steps, enum step step) {
    return steps->updates[step] > 0 ? (double)steps->cpu_ns[step] / (double)steps->updates[step] : 0;
}

static int64_t cpu_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* From here on time is charged to what comes next. */
static void begin(struct bench *bench) {
    bench->mark_ns = cpu_now_ns();
}

/* What was done since the last mark was this step, for so many updates. */
static void charge(struct bench *bench, enum step step, uint64_t updates) {
    int64_t now_ns = cpu_now_ns();
    if (bench->measuring) {
        bench->steps->cpu_ns[step] += now_ns - bench->mark_ns;
        bench->steps->updates[step] += updates;
    }
    bench->mark_ns = now_ns;
}

static bool fine(enum error error, const char *what) {
    if (error != ERROR_NONE) {
        fprintf(stderr, "bench: %s: %s\n", what, error_text(error));
    }
    return error == ERROR_NONE;
}

/* ---- the running daemon's steps ---- */

static bool write_group(struct bench *bench, size_t count, uint64_t updates) {
    begin(bench);
    for (size_t i = 0; i < count; i++) {
        if (!fine(journal_append(bench->journal, &bench->lane.slots[i].entry), "append")) {
            return false;
        }
    }
    charge(bench, STEP_APPEND, updates);
    int64_t began_ns = clock_now_ns();
    bool written = fine(journal_commit(bench->journal), "commit");
    charge(bench, STEP_COMMIT, updates);
    if (bench->measuring) {
        bench->steps->commit_elapsed_ns += clock_now_ns() - began_ns;
        bench->steps->commits++;
    }
    return written;
}

static bool take_snapshot(struct bench *bench) {
    struct snapshot *snapshot = &bench->exchange.snapshot;
    begin(bench);
    bool filled = fine(ledger_fill(bench->lane.ledger, snapshot), "snapshot");
    charge(bench, STEP_SNAPSHOT, bench->since_snapshot);
    bool rolled = filled && fine(rollup_apply(bench->rollup, snapshot), "roll-up");
    rollup_settle(bench->rollup);
    charge(bench, STEP_ROLLUP, bench->since_snapshot);
    bench->steps->snapshots += bench->measuring;
    bench->since_snapshot = 0;
    return rolled;
}

static bool put_through(struct bench *bench, size_t count) {
    struct lane *lane = &bench->lane;
    uint64_t updates = 0;
    begin(bench);
    for (size_t i = 0; i < count; i++) {
        lane_decode(&lane->slots[i]);
        size_t rows = lane->slots[i].entry.batch.rows;
        charge(bench, STEP_DECODE, rows);
        lane_admit(lane, &lane->slots[i]);
        charge(bench, STEP_ADMIT, rows);
        updates += rows;
    }
    if (!write_group(bench, count, updates)) {
        return false;
    }
    begin(bench);
    for (size_t i = 0; i < count; i++) {
        size_t rows = lane->slots[i].entry.batch.rows;
        lane_apply(lane, &lane->slots[i]);
        charge(bench, STEP_APPLY, rows);
        struct receipt receipt;
        if (!fine(receipt_from_entry(&receipt, &lane->slots[i].entry), "receipt")) {
            return false;
        }
        charge(bench, STEP_RECEIPT, rows);
    }
    bench->since_snapshot += updates;
    return bench->since_snapshot < bench->options->snapshot_updates || take_snapshot(bench);
}

/* ---- behind it ---- */

/* A round through all blocks that changed. The receipts, one for each batch, are left out. */
static bool store_all(struct bench *bench, uint64_t updates) {
    const struct capture_request request = {.blocks_max = CAPTURE_BLOCKS_MAX};
    const struct receipt_list no_receipts = {0};
    begin(bench);
    while (ledger_capture_due(bench->lane.ledger)) {
        bool taken = fine(ledger_capture(bench->lane.ledger, &request, &bench->capture), "capture");
        charge(bench, STEP_CAPTURE, 0);
        if (!taken || !fine(writer_write(bench->writer, &bench->capture, &no_receipts), "store")) {
            return false;
        }
        charge(bench, STEP_STORE, 0);
    }
    bench->steps->updates[STEP_CAPTURE] += updates;
    bench->steps->updates[STEP_STORE] += updates;
    bool whole = state_version(bench->state) == journal_version(bench->journal);
    if (!whole) {
        fputs("bench: the stored state is not as far as the journal\n", stderr);
    }
    return whole;
}

/* A second ledger, from the journal. */
struct replay {
    struct ledger *ledger;
    struct arena arena;
    struct entry entry;
    uint64_t updates;
};

static enum error replay_entry(void *visitor, const struct entry_record *record) {
    struct replay *replay = visitor;
    enum error error = entry_from_record(&replay->entry, record, &replay->arena);
    if (error == ERROR_NONE) {
        ledger_apply(replay->ledger, &replay->entry);
        replay->updates += record->rows;
    }
    return error;
}

/* The lane is done with: its arenas are free. */
static bool replay_all(struct bench *bench) {
    static struct replay replay;
    struct entry_source source = journal_source(bench->journal);
    uint64_t version = 0;
    enum error error = ERROR_NONE;
    replay = (struct replay){.ledger = ledger_create(bench->options->projects)};
    arena_init(&replay.arena, bench->lane.arenas, BATCH_ARENA_BYTES);
    if (replay.ledger == NULL) {
        return fine(ERROR_MEMORY, "replay");
    }
    begin(bench);
    while (error == ERROR_NONE && version < journal_version(bench->journal)) {
        error = source.read(source.context, version, READ_BYTES, replay_entry, &replay, &version);
    }
    charge(bench, STEP_REPLAY, replay.updates);
    bool equal = ledger_digest(replay.ledger) == ledger_digest(bench->lane.ledger);
    ledger_destroy(replay.ledger);
    if (error == ERROR_NONE && !equal) {
        fputs("bench: a replay of the journal comes to other totals\n", stderr);
    }
    return fine(error, "replay") && equal;
}

/* ---- the run ---- */

static bool open_storage(struct bench *bench) {
    char journal_path[PATH_BYTES];
    char state_path[PATH_BYTES];
    struct fault fault = {0};
    snprintf(journal_path, sizeof journal_path, "%s/journal", bench->options->directory);
    snprintf(state_path, sizeof state_path, "%s/state.mdb", bench->options->directory);
    uint32_t projects = (uint32_t)bench->options->projects;
    struct journal_options journal = {
        .directory = journal_path, .segment_bytes = SEGMENT_BYTES, .epoch = EPOCH, .projects_max = projects};
    struct state_options state = {.path = state_path, .epoch = EPOCH};
    mkdir(journal_path, 0700);
    bench->journal = journal_open(&journal, &fault);
    bench->state = bench->journal != NULL ? state_open(&state, &fault) : NULL;
    if (bench->state != NULL) {
        struct entry_source source = journal_source(bench->journal);
        bench->writer = writer_create(state_file(bench->state), &source, &fault);
    }
    if (bench->writer == NULL) {
        fprintf(stderr, "bench: %s\n", fault.text);
    }
    return bench->writer != NULL;
}

static bool define(struct bench *bench) {
    for (size_t i = 0; i < LANE_DEFINITIONS; i++) {
        if (!fine(journal_append(bench->journal, &bench->lane.definitions[i]), "append")) {
            return false;
        }
    }
    return fine(journal_commit(bench->journal), "commit");
}

static bool load(struct bench *bench) {
    size_t count;
    while ((count = lane_fill_in_order(&bench->lane)) > 0) {
        if (!put_through(bench, count)) {
            return false;
        }
    }
    return take_snapshot(bench) && store_all(bench, 0);
}

static bool measure(struct bench *bench) {
    uint64_t updates = 0;
    bench->measuring = true;
    while (updates < bench->options->updates) {
        if (!put_through(bench, lane_fill_random(&bench->lane))) {
            return false;
        }
        updates += (uint64_t)bench->options->group * bench->options->rows;
    }
    return store_all(bench, updates) && replay_all(bench);
}

bool steps_run(const struct steps_options *options, struct steps *steps) {
    static struct bench bench;
    struct lane_options lane = {
        .projects = options->projects, .rows = options->rows, .slots = options->group, .seed = options->seed};
    *steps = (struct steps){0};
    bench = (struct bench){.options = options, .steps = steps, .rollup = rollup_create()};
    snapshot_init(&bench.exchange);
    bool made = bench.rollup != NULL && capture_init(&bench.capture) == ERROR_NONE && lane_init(&bench.lane, &lane);
    if (!made) {
        fine(ERROR_MEMORY, "lane");
    }
    bool right = made && open_storage(&bench) && define(&bench) && load(&bench) && measure(&bench);
    writer_destroy(bench.writer);
    state_close(bench.state);
    journal_close(bench.journal);
    snapshot_fini(&bench.exchange);
    rollup_destroy(bench.rollup);
    if (made) {
        capture_fini(&bench.capture);
        lane_fini(&bench.lane);
    }
    return right;
}
