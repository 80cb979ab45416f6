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
#include "tests/support/image.h"

enum { PROJECTS = 500, PROJECTS_MAX = 1 << 16, DEADLINE_MS = 20000 };

/* A journal with a random history, the live roll-up of all of it, and a stored state that was captured a few blocks at a
 * time until some entries before the end. */
struct scene {
    struct entries *entries;
    struct history history;
    struct rollup *live;
    struct image stored;
    uint64_t stored_until;
    uint32_t blocks_max; /* of a capture */
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
    struct capture capture;
};

/* As the archive would, after every entry, so that some blocks did not change between two captures. */
static void store(struct replay *replay) {
    struct scene *scene = replay->scene;
    struct capture_request request = {.blocks_max = scene->blocks_max, .new_projects_max = UINT32_MAX};
    if (ledger_version(replay->ledger) <= scene->stored_until) {
        cr_assert_eq(ledger_capture(replay->ledger, &request, &replay->capture), ERROR_NONE);
        image_take(&scene->stored, &replay->capture);
    }
}

static enum error replay_one(void *visitor, const struct entry_record *record) {
    struct replay *replay = visitor;
    cr_assert_eq(entry_from_record(replay->entry, record, &replay->arena), ERROR_NONE);
    ledger_apply(replay->ledger, replay->entry);
    store(replay);
    return ERROR_NONE;
}

static void roll_up_live(struct scene *scene) {
    struct replay replay = {
        .scene = scene, .ledger = ledger_create(PROJECTS_MAX), .entry = malloc(sizeof *replay.entry)};
    void *memory = malloc(BATCH_ARENA_BYTES);
    cr_assert_eq(capture_init(&replay.capture), ERROR_NONE);
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
    capture_fini(&replay.capture);
    free(replay.entry);
    free(memory);
}

static enum error load_definitions(const struct image *stored, const struct state_loader *loader) {
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < COMPETITIONS_MAX && error == ERROR_NONE; i++) {
        if (stored->defined_competition[i]) {
            error = loader->definition(loader->context, ENTRY_COMPETITION, &stored->competitions[i]);
        }
    }
    for (size_t i = 0; i < NODES_MAX && error == ERROR_NONE; i++) {
        if (stored->defined_node[i]) {
            error = loader->definition(loader->context, ENTRY_NODE, &stored->nodes[i]);
        }
    }
    return error;
}

static enum error load_days(const struct image *stored, const struct state_loader *loader) {
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < stored->days.capacity && error == ERROR_NONE; i++) {
        const struct sums_place *place = &stored->days.places[i];
        if (place->used) {
            error = loader->day(loader->context, (uint16_t)(place->key >> 48), (uint32_t)(place->key >> 16),
                                (uint16_t)place->key, &place->sums);
        }
    }
    return error;
}

/* As state_load would. */
static enum error load_stored(void *context, const struct state_loader *loader, struct state_reach *reach) {
    const struct scene *scene = context;
    const struct image *stored = &scene->stored;
    *reach = (struct state_reach){.complete = stored->complete_version, .version = stored->version};
    enum error error = scene->stored_error != ERROR_NONE ? scene->stored_error : load_definitions(stored, loader);
    for (uint32_t i = 0; i < stored->cell_count && error == ERROR_NONE; i++) {
        error = loader->cell(loader->context, stored->cells[i]);
    }
    for (uint32_t i = 0; i < stored->block_count && error == ERROR_NONE; i++) {
        if (stored->blocks[i].version != 0) {
            error = loader->block(loader->context, i, &stored->blocks[i]);
        }
    }
    error = error == ERROR_NONE ? load_days(stored, loader) : error;
    for (uint16_t i = 0; i < NODES_MAX && error == ERROR_NONE; i++) {
        error = stored->sequences[i] == 0 ? ERROR_NONE : loader->sequence(loader->context, i, stored->sequences[i]);
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
static void open_scene_of(struct scene *scene, uint64_t batches, uint64_t behind, uint32_t blocks_max) {
    memset(scene, 0, sizeof *scene);
    scene->blocks_max = blocks_max;
    image_init(&scene->stored);
    scene->entries = entries_create();
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = PROJECTS, .rows_max = 40};
    history_init(&scene->history, scene->entries, 20211028, &shape);
    history_extend(&scene->history, batches);
    scene->stored_until = entries_version(scene->entries) - behind;
    scene->live = rollup_create();
    roll_up_live(scene);
    struct verification_options options = {.journal = entries_source(scene->entries),
                                           .projects_max = PROJECTS_MAX,
                                           .context = scene,
                                           .load_stored = load_stored,
                                           .capture = capture};
    struct fault fault = {0};
    scene->verification = verification_start(&options, &fault);
    cr_assert_not_null(scene->verification, "%s", fault.text);
    scene->source = verification_source(scene->verification);
}

static void open_scene(struct scene *scene, uint64_t batches, uint64_t behind) {
    open_scene_of(scene, batches, behind, 8);
}

static void close_scene(struct scene *scene) {
    verification_destroy(scene->verification);
    rollup_destroy(scene->live);
    history_fini(&scene->history);
    entries_destroy(scene->entries);
    image_fini(&scene->stored);
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
    open_scene(&scene, 30, 30 + 3 + 2); /* definitions come first */
    cr_assert_eq(scene.stored.version, 0);
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
    tables.leaf_days->days[row * tables.leaf_days->limit + 1].participants -= 1;
    struct verification_progress progress = verify(&scene);
    expect(&progress, VERIFICATION_DIFFERENT, "what days changed of competition");
    close_scene(&scene);
}

/* ---- a stored state that is wrong ---- */

static void expect_difference(struct scene *scene, const char *text) {
    struct verification_progress progress = verify(scene);
    expect(&progress, VERIFICATION_DIFFERENT, text);
}

static void expect_equal(struct scene *scene) {
    struct verification_progress progress = verify(scene);
    expect(&progress, VERIFICATION_EQUAL, "equal");
}

Test(verification, compares_blocks_of_several_versions) {
    struct scene scene;
    open_scene(&scene, 300, 17);
    const struct image *stored = &scene.stored;
    cr_assert_lt(stored->complete_version, stored->version, "the last round must not have come to its end");
    bool newer = false;
    bool older = false;
    for (uint32_t i = 0; i < stored->block_count; i++) {
        newer = newer || stored->blocks[i].version > stored->complete_version;
        older = older || stored->blocks[i].version < stored->complete_version;
    }
    cr_assert(newer && older);
    expect_equal(&scene);
    close_scene(&scene);
}

/* Each block in turn, whether or not it was stored before the state was complete. */
Test(verification, finds_a_stored_project_that_is_wrong_in_any_block) {
    struct scene scene;
    open_scene(&scene, 200, 40);
    for (uint32_t i = 0; i < scene.stored.block_count; i++) {
        char text[64];
        snprintf(text, sizeof text, "block %u of the stored projects (from project code ", i);
        struct project_record *project = &scene.stored.blocks[i].projects[0];
        project->migrant_participants ^= 1;
        expect_difference(&scene, text);
        project->migrant_participants ^= 1;
    }
    expect_equal(&scene);
    close_scene(&scene);
}

Test(verification, finds_a_block_that_was_not_written_again_when_it_changed) {
    struct scene scene;
    open_scene_of(&scene, 200, 0, CAPTURE_BLOCKS_MAX);
    struct project_block *block = &scene.stored.blocks[1];
    cr_assert_eq(scene.stored.complete_version, scene.stored.version);
    struct ledger *earlier = ledger_create(PROJECTS_MAX);
    struct replay replay = {.scene = &scene, .ledger = earlier, .entry = malloc(sizeof *replay.entry)};
    void *memory = malloc(BATCH_ARENA_BYTES);
    arena_init(&replay.arena, memory, BATCH_ARENA_BYTES);
    scene.stored_until = 0;
    struct entry_source source = entries_source(scene.entries);
    uint64_t last = 0;
    cr_assert_eq(source.read(source.context, 0, 1 << 14, replay_one, &replay, &last), ERROR_NONE);
    cr_assert(ledger_projects(earlier) > 2 * BLOCK_PROJECTS && last < scene.stored.version);
    ledger_read_block(earlier, 1, block); /* it was like this once, at the version that it says */
    expect_difference(&scene, "block 1 of the stored projects");
    ledger_destroy(earlier);
    free(replay.entry);
    free(memory);
    close_scene(&scene);
}

Test(verification, finds_a_block_that_is_missing_or_too_many) {
    struct scene scene;
    open_scene_of(&scene, 200, 5, CAPTURE_BLOCKS_MAX);
    struct image *stored = &scene.stored;
    cr_assert_gt(stored->block_count, 4);
    uint64_t version = stored->blocks[3].version;
    stored->blocks[3].version = 0;
    expect_difference(&scene, "block 3 of the stored projects (from project code ");
    stored->blocks[3].version = version;
    stored->block_count--;
    expect_difference(&scene, "is missing");
    stored->block_count++;
    stored->blocks = realloc(stored->blocks, (stored->block_count + 1) * sizeof *stored->blocks);
    stored->blocks[stored->block_count] = stored->blocks[0];
    stored->block_count++;
    expect_difference(&scene, "of which the journal has none");
    stored->block_count--;
    expect_equal(&scene);
    close_scene(&scene);
}

Test(verification, finds_what_else_is_wrong_in_the_stored_state) {
    struct scene scene;
    open_scene(&scene, 200, 5);
    struct image *stored = &scene.stored;
    stored->cells[1] ^= 1;
    expect_difference(&scene, "the cells in the stored state");
    stored->cells[1] ^= 1;
    stored->cell_count--;
    expect_difference(&scene, "the cells in the stored state");
    stored->cell_count++;
    uint64_t day = (uint64_t)1 << 48 | (uint64_t)330106 << 16 | (HISTORY_FIRST_DAY + 70);
    sums_map_at(&stored->days, day)->participants += 1;
    expect_difference(&scene, "what days changed in the stored state");
    sums_map_at(&stored->days, day)->participants -= 1;
    stored->competitions[1].counts ^= 1;
    expect_difference(&scene, "the definitions in the stored state");
    stored->competitions[1].counts ^= 1;
    stored->sequences[2] += 1;
    expect_difference(&scene, "the nodes' sequences in the stored state");
    stored->sequences[2] -= 1;
    expect_equal(&scene);
    close_scene(&scene);
}

/* ---- what fails ---- */

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
                                           .load_stored = load_stored,
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
