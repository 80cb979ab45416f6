/* The archive's thread among its neighbours, as a plain program so that it also runs under TSan: it stores what a ledger
 * captures that goes on beside it, makes room when the ledger waits, stores what a stop finds, and tells of failures. */
#include "daemon/archive/archive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/archive/state_file.h"
#include "daemon/base/check.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "stage_rig.h"

enum { PROJECTS_MAX = 1 << 20 };

static const struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = 5000, .rows_max = 200};

static void visit_nothing(void *visitor, const struct stored_project *project) {
    *(uint64_t *)visitor += project->figures.region > 0;
}

/* Asks the state while it is written: versions of answers never go back. */
struct asking {
    struct stored_source source;
    atomic_bool done;
    uint64_t answers;
};

static void *ask(void *context) {
    struct asking *asking = context;
    uint64_t last = 0;
    while (!atomic_load(&asking->done)) {
        uint64_t version = 0;
        uint64_t seen = 0;
        CHECK(asking->source.list(asking->source.context, 0, 330000, 0, "", 100, visit_nothing, &seen, &version) ==
              ERROR_NONE);
        CHECK(version >= last);
        last = version;
        asking->answers++;
    }
    return NULL;
}

static void stores_what_a_ledger_captures_that_goes_on(void) {
    struct rig rig;
    struct history history;
    rig_open(&rig, PROJECTS_MAX);
    history_init(&history, rig.entries, 41, &shape);
    rig_start(&rig);
    struct asking asking = {.source = state_source(rig.state)};
    pthread_t asker;
    CHECK(pthread_create(&asker, NULL, ask, &asking) == 0);
    for (int round = 0; round < 30; round++) {
        history_extend(&history, 20);
        rig_feed(&rig);
        if (round % 10 == 9) {
            rig_wait_until_stored(&rig);
        }
    }
    atomic_store(&asking.done, true);
    pthread_join(asker, NULL);
    CHECK(asking.answers > 0);
    CHECK(rig_stop(&rig) == entries_version(rig.entries));
    CHECK(rig_state_agrees(&rig));
    CHECK(counter_read(COUNTER_ARCHIVE_FOLDS) >= 3);
    CHECK(counter_read(COUNTER_ARCHIVE_ENTRIES) == entries_version(rig.entries));
    CHECK(counter_read(COUNTER_ARCHIVE_BLOCKS_WRITTEN) >= 10000 / BLOCK_PROJECTS / 2);
    CHECK(counter_read(COUNTER_ARCHIVE_TEXTS_WRITTEN) > 0);
    CHECK(atomic_load(&rig.failures) == 0);
    history_fini(&history);
    rig_close(&rig);
}

static void stores_what_a_stop_finds_and_goes_on_from_there(void) {
    struct rig rig;
    struct history history;
    rig_open(&rig, PROJECTS_MAX);
    history_init(&history, rig.entries, 42, &shape);
    for (int round = 0; round < 6; round++) {
        rig_start(&rig);
        history_extend(&history, 100);
        rig_feed(&rig);
        CHECK(rig_stop(&rig) == entries_version(rig.entries));
        CHECK(rig_state_agrees(&rig));
        if (round % 2 == 1) {
            rig_recover(&rig);
        }
    }
    history_fini(&history);
    rig_close(&rig);
}

/* Each batch gives so many projects names that they never had: the list of what was not captured is soon full. */
static void add_names(struct entries *entries, uint32_t batches) {
    static char names[BATCH_ROWS_MAX][24];
    static char codes[BATCH_ROWS_MAX][24];
    static struct entries_row rows[BATCH_ROWS_MAX];
    for (uint32_t batch = 0; batch < batches; batch++) {
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            snprintf(names[i], sizeof names[i], "%" PRIu32 " of %" PRIu32, i, batch);
            snprintf(codes[i], sizeof codes[i], "p-%" PRIu32, i);
            rows[i] = (struct entries_row){.code = codes[i], .region = 330106, .status = 1, .name = names[i]};
        }
        entries_add_batch(entries, &(struct entries_batch){.day = HISTORY_FIRST_DAY,
                                                           .wall_ms = 1000 + batch,
                                                           .columns = ENTRIES_NAME,
                                                           .rows = rows,
                                                           .count = BATCH_ROWS_MAX});
    }
}

/* Without the archive's help the ledger would come no further than TEXT_CHANGES_MAX. */
static void makes_room_for_texts_when_the_ledger_waits(void) {
    struct rig rig;
    struct history history;
    rig_open(&rig, PROJECTS_MAX);
    history_init(&history, rig.entries, 43, &shape);
    rig_start(&rig);
    uint64_t written = counter_read(COUNTER_ARCHIVE_TEXTS_WRITTEN);
    uint32_t batches = 3 * TEXT_CHANGES_MAX / BATCH_ROWS_MAX;
    add_names(rig.entries, batches);
    rig_feed(&rig);
    CHECK(rig_stop(&rig) == entries_version(rig.entries));
    CHECK(counter_read(COUNTER_ARCHIVE_TEXTS_WRITTEN) - written == (uint64_t)batches * BATCH_ROWS_MAX);
    CHECK(rig_state_agrees(&rig));
    history_fini(&history);
    rig_close(&rig);
}

static bool failed(void *context) {
    return atomic_load(&((struct rig *)context)->failures) > 0;
}

/* Entries whose texts it needs cannot be read: it stops writing, and a stop does not begin again. */
static void tells_of_a_journal_that_cannot_be_read(void) {
    struct rig rig;
    struct history history;
    rig_open(&rig, PROJECTS_MAX);
    history_init(&history, rig.entries, 44, &shape);
    rig_start(&rig);
    rig_feed(&rig);
    rig_wait_until_stored(&rig);
    uint64_t stored = state_version(rig.state);
    atomic_store(&rig.journal_error, ERROR_DAMAGED);
    history_extend(&history, 50);
    rig_feed(&rig);
    rig_wait(failed, &rig);
    CHECK(atomic_load(&rig.failure) == ERROR_DAMAGED);
    CHECK(rig_stop(&rig) == stored);
    CHECK(atomic_load(&rig.failures) == 1);
    CHECK(rig_state_agrees(&rig));
    history_fini(&history);
    rig_close(&rig);
}

static bool receipts_wanted(void *context) {
    return atomic_load(&((struct rig *)context)->receipts.holder) == RECEIPTS_WANTED;
}

/* The ledger gives a capture once: what a stop interrupts is not left out of the rest. */
static void stores_the_capture_that_it_holds_when_it_is_stopped(void) {
    struct rig rig;
    struct history history;
    rig_open(&rig, PROJECTS_MAX);
    history_init(&history, rig.entries, 46, &shape);
    atomic_store(&rig.receipts_held, true);
    rig_start(&rig);
    history_extend(&history, 100);
    rig_feed(&rig);
    rig_wait(receipts_wanted, &rig);
    history_extend(&history, 1);
    rig_feed(&rig);
    CHECK(state_version(rig.state) == 0);
    CHECK(rig_stop(&rig) == entries_version(rig.entries));
    CHECK(rig_state_agrees(&rig));
    history_fini(&history);
    rig_close(&rig);
}

static bool held(void *context) {
    const struct rig *rig = context;
    return atomic_load(&rig->captures.holder) == CAPTURE_OFFERED &&
           atomic_load(&rig->receipts.holder) == RECEIPTS_OFFERED;
}

/* A state that may not grow is as good as a full disk. What was captured then is lost to the ledger: a later capture must not
 * be written without it. */
static void keeps_what_it_holds_while_the_disk_is_full(void) {
    struct rig rig;
    struct history history;
    rig_open(&rig, PROJECTS_MAX);
    history_init(&history, rig.entries, 45, &shape);
    CHECK(mdb_env_set_mapsize(state_file(rig.state)->env, state_bytes(rig.state)) == 0);
    rig_start(&rig);
    history_extend(&history, 100);
    rig_feed(&rig);
    rig_wait(held, &rig);
    history_extend(&history, 100);
    rig_feed(&rig);
    CHECK(rig_stop(&rig) == 0);
    CHECK(atomic_load(&rig.failures) == 0);
    CHECK(rig_state_agrees(&rig));
    rig_recover(&rig);
    rig_start(&rig);
    rig_feed(&rig);
    CHECK(rig_stop(&rig) == entries_version(rig.entries));
    CHECK(rig_state_agrees(&rig));
    history_fini(&history);
    rig_close(&rig);
}

int main(void) {
    log_set_level((enum log_level)(LOG_ERROR + 1));
    stores_what_a_ledger_captures_that_goes_on();
    stores_what_a_stop_finds_and_goes_on_from_there();
    makes_room_for_texts_when_the_ledger_waits();
    tells_of_a_journal_that_cannot_be_read();
    stores_the_capture_that_it_holds_when_it_is_stopped();
    keeps_what_it_holds_while_the_disk_is_full();
    puts("archive thread: 6 tests passed");
    return 0;
}
