#include "scene.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/ledger/ledger.h"

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
    struct capture_request request = {.blocks_max = scene->blocks_max};
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

/* Applies entries to the ledger and stores what it captures, if it is to be stored. */
static void replay(struct scene *scene, struct ledger *ledger, size_t bytes_max) {
    struct replay replay = {.scene = scene, .ledger = ledger, .entry = malloc(sizeof *replay.entry)};
    void *memory = malloc(BATCH_ARENA_BYTES);
    cr_assert(ledger != NULL && replay.entry != NULL && memory != NULL);
    cr_assert_eq(capture_init(&replay.capture), ERROR_NONE);
    arena_init(&replay.arena, memory, BATCH_ARENA_BYTES);
    struct entry_source source = entries_source(scene->entries);
    uint64_t last = 0;
    cr_assert_eq(source.read(source.context, 0, bytes_max, replay_one, &replay, &last), ERROR_NONE);
    capture_fini(&replay.capture);
    free(replay.entry);
    free(memory);
}

static void roll_up_live(struct scene *scene) {
    struct ledger *ledger = ledger_create(SCENE_PROJECTS_MAX);
    replay(scene, ledger, SIZE_MAX);
    cr_assert_eq(ledger_version(ledger), entries_version(scene->entries));
    struct snapshot snapshot = {0};
    cr_assert_eq(ledger_fill(ledger, &snapshot), ERROR_NONE);
    cr_assert_eq(rollup_apply(scene->live, &snapshot), ERROR_NONE);
    free(snapshot.cells);
    free(snapshot.days);
    ledger_destroy(ledger);
}

struct ledger *scene_replay(struct scene *scene, size_t bytes_max) {
    struct ledger *ledger = ledger_create(SCENE_PROJECTS_MAX);
    scene->stored_until = 0;
    replay(scene, ledger, bytes_max);
    return ledger;
}

/* ---- the stored state ---- */

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

/* ---- the verification ---- */

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

struct verification_options scene_options(struct scene *scene) {
    return (struct verification_options){.journal = entries_source(scene->entries),
                                         .projects_max = SCENE_PROJECTS_MAX,
                                         .context = scene,
                                         .load_stored = load_stored,
                                         .capture = capture};
}

void scene_open(struct scene *scene, const struct scene_plan *plan) {
    *scene = (struct scene){.blocks_max = plan->blocks_max != 0 ? plan->blocks_max : 8};
    struct history_shape shape = {.nodes = 3,
                                  .competitions = 2,
                                  .projects = plan->projects != 0 ? plan->projects : 500,
                                  .rows_max = plan->rows_max != 0 ? plan->rows_max : 40};
    image_init(&scene->stored);
    scene->entries = entries_create();
    history_init(&scene->history, scene->entries, 20211028, &shape);
    history_extend(&scene->history, plan->batches);
    scene->stored_until = entries_version(scene->entries) - plan->behind;
    scene->live = rollup_create();
    roll_up_live(scene);
    struct verification_options options = scene_options(scene);
    struct fault fault = {0};
    scene->verification = verification_start(&options, &fault);
    cr_assert_not_null(scene->verification, "%s", fault.text);
    scene->source = verification_source(scene->verification);
}

void scene_close(struct scene *scene) {
    verification_destroy(scene->verification);
    rollup_destroy(scene->live);
    history_fini(&scene->history);
    entries_destroy(scene->entries);
    image_fini(&scene->stored);
}

struct verification_progress scene_wait(struct scene *scene) {
    struct verification_progress progress;
    int64_t end_ns = clock_monotonic_ns() + SCENE_DEADLINE_MS * INT64_C(1000000);
    do {
        cr_assert_gt(clock_left_ms(end_ns), 0, "no result");
        scene->source.read(scene->source.context, &progress);
    } while (progress.state == VERIFICATION_RUNNING);
    return progress;
}

struct verification_progress scene_verify(struct scene *scene) {
    scene->source.start(scene->source.context);
    return scene_wait(scene);
}

void scene_expect(const struct verification_progress *progress, enum verification_state state, const char *text) {
    cr_assert_eq(progress->state, state, "state %d: %s", (int)progress->state, progress->text);
    cr_assert_not_null(strstr(progress->text, text), "%s", progress->text);
    cr_assert_geq(progress->finished_ms, progress->started_ms);
}

void scene_expect_different(struct scene *scene, const char *text) {
    struct verification_progress progress = scene_verify(scene);
    scene_expect(&progress, VERIFICATION_DIFFERENT, text);
}

void scene_expect_equal(struct scene *scene) {
    struct verification_progress progress = scene_verify(scene);
    scene_expect(&progress, VERIFICATION_EQUAL, "equal");
}
