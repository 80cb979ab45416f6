/* The most important promise of the archive: a ledger that is loaded from the stored state, whenever it was left, and catches
 * up with the journal is the one that never stopped, bit for bit. Random histories; captures of a few blocks at random moments,
 * while entries come and while they are replayed; crashes after any transaction, also between those of one capture; many
 * lives of the same state. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/archive/receipt_writer.h"
#include "daemon/archive/text_writer.h"
#include "model.h"
#include "shelf.h"
#include "tests/support/history.h"
#include "tests/support/seed.h"

struct run {
    struct shelf shelf;  /* lives, crashes, comes back */
    struct shelf always; /* never crashes */
    struct history history;
    struct random random;
    uint32_t blocks_limit; /* captures hold fewer blocks */
    uint64_t captures;
    uint64_t partial_loads; /* of states that were not of one version */
    uint64_t replayed;      /* entries up to a version that the state had partly seen */
    uint64_t cuts;          /* captures of which a part was written before the crash */
    uint64_t early;         /* crashes after receipts and texts alone were written */
};

static void begin(struct run *run, uint64_t seed, const struct history_shape *shape, uint64_t projects_max) {
    *run = (struct run){.random = {.state = seed ^ 0x5eed}};
    shelf_open(&run->shelf, projects_max);
    shelf_open(&run->always, projects_max);
    shelf_crash(&run->always);
    entries_destroy(run->always.entries);
    run->always.entries = run->shelf.entries;
    shelf_start(&run->always);
    history_init(&run->history, run->shelf.entries, seed, shape);
}

static void end(struct run *run) {
    history_fini(&run->history);
    run->always.entries = entries_create();
    shelf_close(&run->always);
    shelf_close(&run->shelf);
}

/* ---- crashes ---- */

static void capture(struct run *run) {
    struct capture_request request = {.blocks_max = 1 + (uint32_t)random_below(&run->random, run->blocks_limit)};
    cr_assert_eq(ledger_capture(run->shelf.ledger, &request, &run->shelf.capture), ERROR_NONE);
}

/* Where many pages change, the writer needs several transactions: the frame and some of the blocks, then the other blocks and
 * "complete". Leaves what the first ones leave. */
static void write_part(struct run *run) {
    struct shelf *shelf = &run->shelf;
    capture(run);
    shelf->capture.block_count = (uint32_t)random_below(&run->random, shelf->capture.block_count + 1);
    shelf->capture.complete_version = state_version(shelf->state);
    cr_assert_eq(writer_write(shelf->writer, &shelf->capture, &shelf->receipts), ERROR_NONE);
    run->cuts++;
}

/* Before all else the writer stores receipts and texts, which are then newer than the rest. */
static void write_receipts_and_texts(struct run *run) {
    struct shelf *shelf = &run->shelf;
    struct entry_source source = entries_source(shelf->entries);
    struct text_writer texts;
    struct commit commit;
    static uint8_t bytes[LAYOUT_RECEIPT_BYTES_MAX];
    size_t receipts_done = 0;
    size_t texts_done = 0;
    uint64_t written = 0;
    capture(run);
    cr_assert_eq(text_writer_init(&texts, &source), ERROR_NONE);
    cr_assert_eq(commit_begin(&commit, state_file(shelf->state)), ERROR_NONE);
    cr_assert_eq(receipt_writer_write(&commit, &shelf->receipts, shelf->capture.sequences, bytes, &receipts_done),
                 ERROR_NONE);
    cr_assert_eq(text_writer_write(&texts, &commit, &shelf->capture, &texts_done, &written), ERROR_NONE);
    cr_assert_eq(commit_end(&commit), ERROR_NONE);
    cr_assert_eq(receipts_done, shelf->receipts.count);
    cr_assert_eq(texts_done, shelf->capture.text_count);
    text_writer_fini(&texts);
    run->early++;
}

static void crash(struct run *run) {
    bool due = ledger_capture_due(run->shelf.ledger);
    switch (due ? random_below(&run->random, 3) : 0) {
    case 0:
        break; /* after the last commit, with what has come since */
    case 1:
        write_part(run);
        break;
    default:
        write_receipts_and_texts(run);
        break;
    }
    shelf_crash(&run->shelf);
    shelf_start(&run->shelf);
    run->partial_loads += run->shelf.loaded.complete < run->shelf.loaded.version;
    run->replayed += run->shelf.loaded.version - run->shelf.loaded.complete;
}

/* ---- life ---- */

static void check_same(const struct run *run) {
    const struct ledger *ledger = run->shelf.ledger;
    const struct ledger *always = run->always.ledger;
    cr_assert_eq(ledger_version(ledger), ledger_version(always));
    cr_assert_eq(ledger_projects(ledger), ledger_projects(always));
    for (uint32_t number = 0; number <= block_of((uint32_t)ledger_projects(always)); number++) {
        struct project_block one;
        struct project_block other;
        ledger_read_block(ledger, number, &one);
        ledger_read_block(always, number, &other);
        cr_assert_eq(memcmp(&one, &other, sizeof one), 0, "block %u", number);
    }
    for (uint16_t i = 0; i < COMPETITIONS_MAX; i++) {
        cr_assert_eq(ledger_value_sum(ledger, i), ledger_value_sum(always, i));
    }
    cr_assert_eq(ledger_digest(ledger), ledger_digest(always));
}

/* To the end of the journal, with captures on the way. */
static void live_on(struct run *run) {
    struct shelf *shelf = &run->shelf;
    while (ledger_version(shelf->ledger) < entries_version(shelf->entries)) {
        shelf_apply(shelf);
        if (ledger_capture_due(shelf->ledger) && random_once_in(&run->random, 3)) {
            bool all = random_once_in(&run->random, 20);
            shelf_store(shelf, all ? CAPTURE_BLOCKS_MAX : 1 + (uint32_t)random_below(&run->random, run->blocks_limit));
            run->captures++;
        }
    }
    while (ledger_version(run->always.ledger) < entries_version(shelf->entries)) {
        shelf_apply(&run->always);
    }
}

/* One life of the daemon: it comes back, catches up, and must be the one that never stopped; it goes on, and crashes again. */
static void live(struct run *run) {
    live_on(run);
    check_same(run);
    history_extend(&run->history, 1 + random_below(&run->random, 60));
    live_on(run);
    check_same(run);
    if (random_once_in(&run->random, 8)) {
        shelf_catch_up(&run->shelf);
    }
    if (random_once_in(&run->random, 2)) { /* else there is more to replay */
        history_extend(&run->history, 1 + random_below(&run->random, 20));
    }
    crash(run);
}

static void check_stored(struct run *run, uint64_t projects_max) {
    struct model *model = model_create(projects_max);
    shelf_catch_up(&run->shelf);
    model_follow(model, run->shelf.entries, entries_version(run->shelf.entries));
    model_check(model, run->shelf.state);
    model_destroy(model);
}

static void live_many_times(uint64_t seed, const struct history_shape *shape, uint64_t projects_max, int lives) {
    struct run run;
    begin(&run, seed_of("agreement", seed), shape, projects_max);
    run.blocks_limit = shape->projects < 2000 ? shape->projects / 50 : 40;
    for (int i = 0; i < lives; i++) {
        live(&run);
        if (i % 10 == 9) {
            check_stored(&run, projects_max);
        }
    }
    check_stored(&run, projects_max);
    cr_assert_gt(run.captures, (uint64_t)lives * 5);
    cr_assert_gt(run.partial_loads, (uint64_t)lives / 3);
    cr_assert_gt(run.replayed, (uint64_t)lives * 2);
    cr_assert(run.cuts > 1 && run.early > 1);
    end(&run);
}

Test(agreement, a_ledger_that_crashed_is_the_one_that_never_stopped) {
    live_many_times(1, &(struct history_shape){.nodes = 4, .competitions = 3, .projects = 2000, .rows_max = 300},
                    1 << 20, 40);
}

Test(agreement, also_where_projects_are_refused_for_want_of_room) {
    live_many_times(2, &(struct history_shape){.nodes = 4, .competitions = 2, .projects = 2000, .rows_max = 300}, 1500,
                    30);
}

Test(agreement, also_where_few_projects_change_all_the_time) {
    live_many_times(3, &(struct history_shape){.nodes = 2, .competitions = 1, .projects = 100, .rows_max = 50}, 1 << 10,
                    30);
}

Test(agreement, also_while_most_projects_are_new) {
    live_many_times(4, &(struct history_shape){.nodes = 3, .competitions = 2, .projects = 100000, .rows_max = 400},
                    1 << 18, 30);
}

/* After a restart no entry need come for what was left partly stored to be stored as a whole. */
Test(agreement, a_state_becomes_complete_without_another_entry) {
    struct run run;
    int partly = 0;
    begin(&run, seed_of("agreement", 5),
          &(struct history_shape){.nodes = 2, .competitions = 1, .projects = 600, .rows_max = 60}, 1 << 16);
    run.blocks_limit = 4;
    for (int i = 0; i < 40; i++) {
        history_extend(&run.history, 1 + random_below(&run.random, 20));
        live_on(&run);
        shelf_crash(&run.shelf);
        shelf_start(&run.shelf);
        bool whole = run.shelf.loaded.version == entries_version(run.shelf.entries);
        partly += whole && run.shelf.loaded.complete < run.shelf.loaded.version;
        shelf_catch_up(&run.shelf);
        check_same(&run);
    }
    cr_assert_gt(partly, 5);
    end(&run);
}
