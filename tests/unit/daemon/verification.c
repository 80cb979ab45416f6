#include "daemon/verification.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/ledger/ledger.h"
#include "tests/support/entries.h"
#include "tests/support/history.h"

enum { PROJECTS = 500, PROJECTS_MAX = 1 << 16, DEADLINE_MS = 20000 };

struct stored {
    uint16_t competition;
    struct figures figures;
};

/* A journal with a random history, the live roll-up of all of it, and the stored projects as of an earlier version. */
struct scene {
    struct entries *entries;
    struct history history;
    struct rollup *live;
    struct stored *stored;
    size_t stored_count;
    uint64_t stored_version;
    enum error stored_error;
    enum error capture_error;
    atomic_int captures;
    struct verification *verification;
    struct verification_source source;
};

/* ---- the live side, made by a ledger of its own ---- */

struct replay {
    struct scene *scene;
    struct ledger *ledger;
    struct entry *entry;
    struct arena arena;
};

/* Every code that the history draws from, in both spellings. */
static void store_projects(struct scene *scene, const struct ledger *ledger) {
    for (uint16_t competition = 0; competition < scene->history.shape.competitions; competition++) {
        for (unsigned project = 0; project < PROJECTS; project++) {
            char code[PROJECT_CODE_BYTES_MAX + 1];
            snprintf(code, sizeof code, project % 5 == 0 ? "%05u" : "2101-330106-04-01-%06u", project);
            struct stored stored = {.competition = competition};
            if (ledger_find(ledger, competition, code, &stored.figures)) {
                scene->stored[scene->stored_count++] = stored;
            }
        }
    }
    cr_assert_eq(scene->stored_count, ledger_projects(ledger), "every stored project must be known by its code");
}

static enum error replay_one(void *visitor, const struct entry_record *record) {
    struct replay *replay = visitor;
    cr_assert_eq(entry_from_record(replay->entry, record, &replay->arena), ERROR_NONE);
    ledger_apply(replay->ledger, replay->entry);
    if (record->version == replay->scene->stored_version) {
        store_projects(replay->scene, replay->ledger);
    }
    return ERROR_NONE;
}

static void roll_up_live(struct scene *scene) {
    struct replay replay = {
        .scene = scene, .ledger = ledger_create(PROJECTS_MAX), .entry = malloc(sizeof *replay.entry)};
    void *memory = malloc(BATCH_ARENA_BYTES);
    arena_init(&replay.arena, memory, BATCH_ARENA_BYTES);
    struct entry_source source = entries_source(scene->entries);
    uint64_t last = 0;
    cr_assert_eq(source.read(source.context, 0, SIZE_MAX, replay_one, &replay, &last), ERROR_NONE);
    cr_assert_eq(last, entries_version(scene->entries));
    struct snapshot snapshot = {0};
    cr_assert_eq(ledger_fill(replay.ledger, &snapshot), ERROR_NONE);
    cr_assert_eq(rollup_apply(scene->live, &snapshot), ERROR_NONE);
    free(snapshot.cells);
    free(snapshot.days);
    ledger_destroy(replay.ledger);
    free(replay.entry);
    free(memory);
}

static enum error recount_stored(void *context, verification_visit *visit, void *visitor, uint64_t *version) {
    struct scene *scene = context;
    *version = scene->stored_version;
    enum error error = scene->stored_error;
    for (size_t i = 0; i < scene->stored_count && error == ERROR_NONE; i++) {
        error = visit(visitor, scene->stored[i].competition, &scene->stored[i].figures);
    }
    return error;
}

static enum error capture(void *context, struct rollup *into, uint64_t version_least, int timeout_ms) {
    struct scene *scene = context;
    (void)timeout_ms;
    atomic_fetch_add(&scene->captures, 1);
    if (scene->capture_error != ERROR_NONE || rollup_version(scene->live) < version_least) {
        return ERROR_BUSY;
    }
    rollup_copy(into, scene->live);
    return ERROR_NONE;
}

/* behind: entries by which the stored state is behind the live totals. */
static void open_scene(struct scene *scene, uint64_t batches, uint64_t behind) {
    memset(scene, 0, sizeof *scene);
    scene->entries = entries_create();
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = PROJECTS, .rows_max = 40};
    history_init(&scene->history, scene->entries, 20211028, &shape);
    history_extend(&scene->history, batches);
    scene->stored = calloc(2 * PROJECTS, sizeof *scene->stored);
    scene->stored_version = entries_version(scene->entries) - behind;
    scene->live = rollup_create();
    roll_up_live(scene);
    struct verification_options options = {.journal = entries_source(scene->entries),
                                           .projects_max = PROJECTS_MAX,
                                           .context = scene,
                                           .recount_stored = recount_stored,
                                           .capture = capture};
    struct fault fault = {0};
    scene->verification = verification_start(&options, &fault);
    cr_assert_not_null(scene->verification, "%s", fault.text);
    scene->source = verification_source(scene->verification);
}

static void close_scene(struct scene *scene) {
    verification_destroy(scene->verification);
    rollup_destroy(scene->live);
    history_fini(&scene->history);
    entries_destroy(scene->entries);
    free(scene->stored);
}

static struct verification_progress wait_for_result(struct scene *scene) {
    struct verification_progress progress;
    int64_t end_ns = clock_monotonic_ns() + DEADLINE_MS * INT64_C(1000000);
    do {
        cr_assert_gt(clock_left_ms(end_ns), 0, "no result");
        scene->source.read(scene->source.context, &progress);
    } while (progress.state == VERIFICATION_RUNNING);
    return progress;
}

static struct verification_progress verify(struct scene *scene) {
    scene->source.start(scene->source.context);
    return wait_for_result(scene);
}

static void expect(const struct verification_progress *progress, enum verification_state state, const char *text) {
    cr_assert_eq(progress->state, state, "state %d: %s", (int)progress->state, progress->text);
    cr_assert_not_null(strstr(progress->text, text), "%s", progress->text);
    cr_assert_geq(progress->finished_ms, progress->started_ms);
}

Test(verification, says_nothing_before_it_is_asked) {
    struct scene scene;
    open_scene(&scene, 5, 0);
    struct verification_progress progress;
    scene.source.read(scene.source.context, &progress);
    cr_assert_eq(progress.state, VERIFICATION_NONE);
    close_scene(&scene);
}

Test(verification, is_equal_when_all_three_agree_and_can_be_asked_again) {
    struct scene scene;
    open_scene(&scene, 300, 17);
    for (int times = 0; times < 3; times++) {
        struct verification_progress progress = verify(&scene);
        expect(&progress, VERIFICATION_EQUAL, "equal to the live totals, and to the stored state as of");
        cr_assert_eq(progress.entries, entries_version(scene.entries));
        cr_assert_eq(progress.entries_expected, progress.entries);
        cr_assert_eq(progress.version, rollup_version(scene.live));
        cr_assert_eq(progress.projects, rollup_projects(scene.live));
    }
    close_scene(&scene);
}

Test(verification, goes_only_as_far_as_the_live_totals_went) {
    struct scene scene;
    open_scene(&scene, 100, 0);
    history_extend(&scene.history, 100);
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_EQUAL, "equal");
    cr_assert_eq(progress.entries, rollup_version(scene.live));
    close_scene(&scene);
}

Test(verification, nothing_stored_yet_is_fine) {
    struct scene scene;
    open_scene(&scene, 30, 0);
    scene.stored_version = scene.stored_count = 0;
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_EQUAL, "the stored state as of 0");
    close_scene(&scene);
}

Test(verification, an_empty_journal_is_fine) {
    struct scene scene;
    open_scene(&scene, 0, 0);
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_EQUAL, "0 projects in 0 competitions");
    close_scene(&scene);
}

Test(verification, finds_a_live_total_that_is_wrong) {
    struct scene scene;
    open_scene(&scene, 200, 3);
    struct rollup_tables tables = rollup_tables(scene.live);
    tables.sums->cells[tables.sums->count / 2].sums.contract_value += 1;
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_DIFFERENT, "the totals of competition");
    tables.sums->cells[tables.sums->count / 2].sums.contract_value -= 1;
    progress = verify(&scene);
    expect(&progress, VERIFICATION_EQUAL, "equal");
    close_scene(&scene);
}

Test(verification, finds_a_live_day_that_is_wrong) {
    struct scene scene;
    open_scene(&scene, 200, 3);
    struct rollup_tables tables = rollup_tables(scene.live);
    size_t row = tables.leaf_days->curves[1].day_high;
    tables.leaf_days->days[CURVE_DAYS_MAX + row].participants -= 1;
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_DIFFERENT, "what days changed of competition");
    close_scene(&scene);
}

Test(verification, finds_a_stored_project_that_is_wrong_missing_or_too_many) {
    struct scene scene;
    open_scene(&scene, 200, 40);
    struct figures *figures = &scene.stored[scene.stored_count / 2].figures;
    figures->migrant_participants += 1;
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_DIFFERENT, "in the stored state");
    figures->migrant_participants -= 1;

    uint32_t region = figures->region;
    figures->region = 310230;
    progress = verify(&scene);
    expect(&progress, VERIFICATION_DIFFERENT, "the sums of the projects");
    figures->region = region;

    scene.stored_count--;
    progress = verify(&scene);
    expect(&progress, VERIFICATION_DIFFERENT, "the sums of the projects");
    scene.stored_count++;

    scene.stored[scene.stored_count] = scene.stored[0];
    scene.stored_count++;
    progress = verify(&scene);
    expect(&progress, VERIFICATION_DIFFERENT, "the sums of the projects");
    close_scene(&scene);
}

Test(verification, a_damaged_journal_is_a_failure_not_a_difference) {
    struct scene scene;
    open_scene(&scene, 200, 0);
    entries_fail_from(scene.entries, 77, ERROR_DAMAGED);
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_FAILED, "the journal cannot be replayed after entry 76: stored data is damaged");
    close_scene(&scene);
}

Test(verification, a_stored_state_that_cannot_be_read_is_a_failure) {
    struct scene scene;
    open_scene(&scene, 20, 0);
    scene.stored_error = ERROR_IO;
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_FAILED, "the stored state cannot be read");
    cr_assert_eq(progress.entries, 0);
    close_scene(&scene);
}

Test(verification, live_totals_that_never_come_are_a_failure) {
    struct scene scene;
    open_scene(&scene, 20, 0);
    scene.capture_error = ERROR_BUSY;
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_FAILED, "the live totals did not reach version");
    cr_assert_gt(atomic_load(&scene.captures), 1);
    close_scene(&scene);
}

/* The journal of the test never ends a read by itself while it is held back, so that the stop comes in the middle. */
static enum error slow_read(void *context, uint64_t after_version, size_t bytes_max, entry_visit *visit, void *visitor,
                            uint64_t *last_version) {
    struct scene *scene = context;
    (void)after_version;
    (void)bytes_max;
    struct entry_source source = entries_source(scene->entries);
    atomic_store(&scene->captures, -1); /* tells the test that the replay has begun */
    for (;;) {
        uint64_t ignored = 0;
        enum error error = source.read(source.context, 0, 1, visit, visitor, &ignored);
        if (error == ERROR_BUSY) {
            *last_version = ignored;
            return error;
        }
    }
}

Test(verification, a_stop_in_the_middle_does_not_wait_for_the_end) {
    struct scene scene;
    open_scene(&scene, 20, 0);
    verification_destroy(scene.verification);
    struct verification_options options = {.journal = {.context = &scene, .read = slow_read},
                                           .projects_max = PROJECTS_MAX,
                                           .context = &scene,
                                           .recount_stored = recount_stored,
                                           .capture = capture};
    struct fault fault = {0};
    scene.verification = verification_start(&options, &fault);
    scene.source = verification_source(scene.verification);
    scene.source.start(scene.source.context);
    int64_t end_ns = clock_monotonic_ns() + DEADLINE_MS * INT64_C(1000000);
    while (atomic_load(&scene.captures) != -1) {
        cr_assert_gt(clock_left_ms(end_ns), 0);
    }
    close_scene(&scene);
}

Test(verification, nothing_begins_after_the_stop) {
    struct scene scene;
    open_scene(&scene, 5, 0);
    verification_stop(scene.verification);
    struct verification_progress progress = verify(&scene);
    cr_assert_eq(progress.state, VERIFICATION_NONE);
    close_scene(&scene);
}
