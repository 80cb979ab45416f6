/* The ledger against the model under long random histories: every verdict, every count, every figure, every total, and
 * totals as of random days; and that a ledger replayed, or loaded from captures that were taken a few blocks at a time while
 * it went on, is the same as one that lived through it all, bit for bit. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ledger/ledger.h"
#include "tests/support/entries.h"
#include "tests/support/history.h"
#include "tests/support/image.h"
#include "tests/support/model.h"
#include "tests/support/seed.h"

struct run {
    struct entries *entries;
    struct history history;
    struct random random;
    uint64_t projects_max;
    struct ledger *ledger;
    struct model *model;
    uint64_t followed; /* version */
    uint64_t rows;
    struct entry *entry;
    struct arena arena;
    struct model_answer *answer;
    struct snapshot snapshot;
    struct capture capture;
    struct image image;
    uint64_t partial_loads; /* from images that were not of one version */
    struct sums_map cells;  /* as the snapshots told them */
    struct sums_map days;
};

static void begin(struct run *run, uint64_t seed, const struct history_shape *shape, uint64_t projects_max) {
    *run = (struct run){.projects_max = projects_max, .random = {.state = ~seed}};
    run->entries = entries_create();
    history_init(&run->history, run->entries, seed, shape);
    run->ledger = ledger_create(projects_max);
    run->model = model_create(projects_max);
    run->entry = calloc(1, sizeof *run->entry);
    run->answer = calloc(1, sizeof *run->answer);
    cr_assert(run->ledger != NULL && run->entry != NULL && run->answer != NULL);
    arena_init(&run->arena, malloc(BATCH_ARENA_BYTES), BATCH_ARENA_BYTES);
    cr_assert_not_null(run->arena.base);
    cr_assert_eq(capture_init(&run->capture), ERROR_NONE);
    image_init(&run->image);
    sums_map_init(&run->cells);
    sums_map_init(&run->days);
}

static void end(struct run *run) {
    sums_map_fini(&run->days);
    sums_map_fini(&run->cells);
    free(run->snapshot.cells);
    free(run->snapshot.days);
    image_fini(&run->image);
    capture_fini(&run->capture);
    free(run->arena.base);
    free(run->answer);
    free(run->entry);
    model_destroy(run->model);
    ledger_destroy(run->ledger);
    history_fini(&run->history);
    entries_destroy(run->entries);
}

/* ---- living through the history ---- */

static void take_capture(struct run *run, uint32_t blocks_max) {
    struct capture_request request = {.blocks_max = blocks_max};
    cr_assert_eq(ledger_capture(run->ledger, &request, &run->capture), ERROR_NONE);
    cr_assert(run->capture.block_count <= blocks_max);
    image_take(&run->image, &run->capture);
}

/* Between entries, at random: none, a few blocks, or all there are. */
static void capture_sometimes(struct run *run) {
    if (!ledger_has_room(run->ledger, run->entry)) {
        take_capture(run, 1);
        cr_assert(ledger_has_room(run->ledger, run->entry));
    }
    if (ledger_capture_due(run->ledger) && random_once_in(&run->random, 3)) {
        bool all = random_once_in(&run->random, 20);
        take_capture(run, all ? CAPTURE_BLOCKS_MAX : 1 + (uint32_t)random_below(&run->random, 40));
    }
}

static enum error follow_entry(void *visitor, const struct entry_record *record) {
    struct run *run = visitor;
    struct entry *entry = run->entry;
    const struct model_answer *answer = run->answer;
    cr_assert_eq(entry_from_record(entry, record, &run->arena), ERROR_NONE);
    model_apply(run->model, entry, run->answer);
    capture_sometimes(run);
    ledger_apply(run->ledger, entry);
    if (entry->kind == ENTRY_BATCH) {
        for (size_t row = 0; row < entry->batch.rows; row++) {
            cr_assert_eq(entry->verdicts[row], answer->verdicts[row], "version %" PRIu64 " row %zu: %s, not %s",
                         entry->version, row, refusal_name(entry->verdicts[row]), refusal_name(answer->verdicts[row]));
        }
        run->rows += entry->batch.rows;
    }
    cr_assert_eq(entry->accepted, answer->accepted, "version %" PRIu64, entry->version);
    cr_assert_eq(entry->unchanged, answer->unchanged, "version %" PRIu64, entry->version);
    cr_assert_eq(entry->refused, answer->refused, "version %" PRIu64, entry->version);
    return ERROR_NONE;
}

static void extend(struct run *run, uint64_t entries) {
    history_extend(&run->history, entries);
    struct entry_source source = entries_source(run->entries);
    while (run->followed < entries_version(run->entries)) {
        cr_assert_eq(source.read(source.context, run->followed, 1 << 20, follow_entry, run, &run->followed),
                     ERROR_NONE);
    }
    cr_assert_eq(ledger_version(run->ledger), run->followed);
}

/* What a dashboard would know: absolute figures of what changed. */
static void fold_snapshot(struct run *run) {
    cr_assert_eq(ledger_fill(run->ledger, &run->snapshot), ERROR_NONE);
    const struct snapshot *snapshot = &run->snapshot;
    cr_assert_eq(snapshot->version, run->followed);
    cr_assert_eq(snapshot->projects, model_project_count(run->model));
    for (size_t i = 0; i < snapshot->cell_count; i++) {
        cell_key_t key = snapshot->cells[i].key;
        *sums_map_at(&run->cells, model_cell_key(cell_key_competition(key), cell_key_region(key),
                                                 cell_key_category(key), cell_key_status(key))) =
            snapshot->cells[i].sums;
    }
    for (size_t i = 0; i < snapshot->day_count; i++) {
        const struct snapshot_day *day = &snapshot->days[i];
        cr_assert_eq(day->first_day, HISTORY_FIRST_DAY);
        *sums_map_at(&run->days, model_day_key(day->competition, day->region, day->day)) = day->sums;
    }
    cr_assert(!ledger_changed(run->ledger));
}

/* ---- comparing ---- */

static void check_project(const struct ledger *ledger, const struct model_project *project) {
    const struct model_state *state = &project->states[project->state_count - 1];
    struct figures figures;
    cr_assert(ledger_find(ledger, project->competition, project->code, &figures), "%s", project->code);
    cr_assert_eq(figures.contract_value, state->contract_value, "%s", project->code);
    cr_assert_eq(figures.participants, state->participants, "%s", project->code);
    cr_assert_eq(figures.migrant_participants, state->migrant_participants, "%s", project->code);
    cr_assert_eq(figures.region, state->region, "%s", project->code);
    cr_assert_eq(figures.category, state->category, "%s", project->code);
    cr_assert_eq(figures.status, state->status, "%s", project->code);
    cr_assert_eq(figures.node, project->owner, "%s", project->code);
    cr_assert_eq(figures.effective_day, project->last_day, "%s", project->code);
    cr_assert_eq(figures.text_hash == 0, project->texts == NULL, "%s", project->code);
}

static void check_projects(const struct run *run, const struct ledger *ledger) {
    cr_assert_eq(ledger_projects(ledger), model_project_count(run->model));
    for (uint64_t i = 0; i < model_project_count(run->model); i++) {
        check_project(ledger, model_project(run->model, i));
    }
    for (uint16_t node = 0; node < run->history.shape.nodes; node++) {
        cr_assert_eq(ledger_sequence(ledger, node), model_sequence(run->model, node));
    }
}

static void check_totals(const struct run *run) {
    struct sums_map cells;
    struct sums_map days;
    sums_map_init(&cells);
    sums_map_init(&days);
    model_recount(run->model, &cells, &days);
    uint64_t key = 0;
    cr_assert(sums_map_equal(&run->cells, &cells, &key), "cell %" PRIu64 " at version %" PRIu64, key, run->followed);
    cr_assert(sums_map_equal(&run->days, &days, &key), "day %" PRIu64 " at version %" PRIu64, key, run->followed);
    sums_map_fini(&days);
    sums_map_fini(&cells);
}

static void check_random_days(struct run *run, size_t count) {
    const struct history_shape *shape = &run->history.shape;
    for (size_t i = 0; i < count; i++) {
        uint16_t competition = (uint16_t)random_below(&run->random, shape->competitions);
        uint32_t region = history_regions[random_below(&run->random, HISTORY_REGIONS)];
        uint16_t span = (uint16_t)(shape->day_span + run->history.batches / 3 + 2);
        uint16_t day = (uint16_t)(HISTORY_FIRST_DAY + random_below(&run->random, span));
        struct sums running = {0};
        for (uint16_t at = HISTORY_FIRST_DAY; at <= day; at++) {
            struct sums changed = sums_map_get(&run->days, model_day_key(competition, region, at));
            sums_merge(&running, &changed);
        }
        struct sums then = model_as_of(run->model, competition, region, day);
        cr_assert(sums_equal(&running, &then), "competition %u region %u day %u", competition, region, day);
    }
}

static void check_all(struct run *run) {
    fold_snapshot(run);
    check_projects(run, run->ledger);
    check_totals(run);
    check_random_days(run, 40);
}

/* ---- other ways to the same state ---- */

static enum error replay_entry(void *visitor, const struct entry_record *record) {
    struct run *run = visitor;
    cr_assert_eq(entry_from_record(run->entry, record, &run->arena), ERROR_NONE);
    if (!ledger_has_room(run->ledger, run->entry)) {
        struct capture_request request = {.blocks_max = 1};
        struct capture *kept_by_nobody = calloc(1, sizeof *kept_by_nobody);
        cr_assert(kept_by_nobody != NULL && capture_init(kept_by_nobody) == ERROR_NONE);
        cr_assert_eq(ledger_capture(run->ledger, &request, kept_by_nobody), ERROR_NONE);
        capture_fini(kept_by_nobody);
        free(kept_by_nobody);
    }
    ledger_apply(run->ledger, run->entry);
    return ERROR_NONE;
}

/* Applies what comes after the ledger's version. */
static void replay_into(const struct run *run, struct ledger *ledger) {
    struct run other = *run;
    other.ledger = ledger;
    arena_init(&other.arena, run->arena.base, run->arena.size);
    struct entry_source source = entries_source(run->entries);
    uint64_t version = ledger_version(ledger);
    while (version < run->followed) {
        cr_assert_eq(source.read(source.context, version, 1 << 16, replay_entry, &other, &version), ERROR_NONE);
    }
}

static struct ledger *replay(const struct run *run) {
    struct ledger *ledger = ledger_create(run->projects_max);
    cr_assert_not_null(ledger);
    replay_into(run, ledger);
    return ledger;
}

/* From the image as it is, then the rest of the history. */
static struct ledger *load(struct run *run) {
    struct ledger *ledger = ledger_create(run->projects_max);
    cr_assert_not_null(ledger);
    image_load(&run->image, ledger);
    run->partial_loads += run->image.complete_version < run->image.version;
    replay_into(run, ledger);
    return ledger;
}

static void check_blocks_equal(const struct ledger *a, const struct ledger *b) {
    for (uint32_t number = 0; number <= block_of((uint32_t)ledger_projects(a)); number++) {
        struct project_block left;
        struct project_block right;
        ledger_read_block(a, number, &left);
        ledger_read_block(b, number, &right);
        cr_assert_arr_eq(&left, &right, sizeof left, "block %u", number);
    }
}

static void check_same_after_load(struct run *run) {
    struct ledger *loaded = load(run);
    cr_assert_eq(ledger_digest(loaded), ledger_digest(run->ledger));
    check_projects(run, loaded);
    check_blocks_equal(loaded, run->ledger);
    ledger_destroy(loaded);
}

static void check_same_after_replay_and_load(struct run *run) {
    struct ledger *replayed = replay(run);
    cr_assert_eq(ledger_digest(replayed), ledger_digest(run->ledger));
    cr_assert_eq(ledger_version(replayed), run->followed);
    ledger_destroy(replayed);
    check_same_after_load(run);
}

/* A loaded ledger takes the place of the one that lived: its first snapshot tells everything, and it goes on alike. */
static void go_on_loaded(struct run *run, uint64_t entries) {
    struct ledger *lived = run->ledger;
    uint64_t from = run->followed;
    run->ledger = load(run);
    sums_map_fini(&run->cells);
    sums_map_fini(&run->days);
    sums_map_init(&run->cells);
    sums_map_init(&run->days);
    check_all(run);
    extend(run, entries);
    check_all(run);
    struct run other = *run;
    other.ledger = lived;
    arena_init(&other.arena, run->arena.base, run->arena.size);
    struct entry_source source = entries_source(run->entries);
    while (from < run->followed) {
        cr_assert_eq(source.read(source.context, from, 1 << 20, replay_entry, &other, &from), ERROR_NONE);
    }
    cr_assert_eq(ledger_digest(lived), ledger_digest(run->ledger));
    ledger_destroy(lived);
}

/* ---- histories ---- */

Test(agreement, over_a_million_updates) {
    struct run run;
    begin(&run, seed_of("agreement", 41),
          &(struct history_shape){.nodes = 7, .competitions = 3, .projects = 12000, .rows_max = 900}, 1 << 20);
    while (run.rows < 1000000) {
        extend(&run, 50 + random_below(&run.random, 200));
        if (random_once_in(&run.random, 3)) {
            check_all(&run);
            check_same_after_load(&run);
        } else if (random_once_in(&run.random, 2)) {
            fold_snapshot(&run);
        }
    }
    check_all(&run);
    check_same_after_replay_and_load(&run);
    go_on_loaded(&run, 100);
    cr_assert_gt(run.partial_loads, 1);
    cr_assert_gt(run.image.texts, 1000);
    cr_assert_gt(model_accepted(run.model), run.rows / 10);
    cr_assert_gt(model_unchanged(run.model), 1000);
    cr_assert_gt(model_refused(run.model, REFUSAL_PROJECT_NOT_YOURS), 10000);
    cr_assert_gt(model_refused(run.model, REFUSAL_DAY_BEFORE_LAST), 10000);
    cr_assert_gt(model_refused(run.model, REFUSAL_REGION_UNKNOWN), 1000);
    cr_assert_eq(model_refused(run.model, REFUSAL_TOTALS_FULL), 0);
    fprintf(stderr, "agreement: %" PRIu64 " rows, %" PRIu64 " accepted, %" PRIu64 " unchanged, %" PRIu64 " projects\n",
            run.rows, model_accepted(run.model), model_unchanged(run.model), model_project_count(run.model));
    end(&run);
}

/* Few projects and large batches: most rows follow another of the same project in the same batch. */
Test(agreement, with_many_rows_of_one_project_in_a_batch) {
    struct run run;
    begin(&run, seed_of("agreement", 42),
          &(struct history_shape){.nodes = 3, .competitions = 2, .projects = 40, .rows_max = BATCH_ROWS_MAX}, 1 << 10);
    for (int i = 0; i < 5; i++) {
        extend(&run, 8);
        check_all(&run);
    }
    check_same_after_replay_and_load(&run);
    end(&run);
}

Test(agreement, with_a_full_table_of_projects) {
    struct run run;
    begin(&run, seed_of("agreement", 43),
          &(struct history_shape){.nodes = 4, .competitions = 2, .projects = 8000, .rows_max = 500}, 3000);
    for (int i = 0; i < 10; i++) {
        extend(&run, 40);
        check_all(&run);
    }
    cr_assert_eq(model_project_count(run.model), 3000);
    cr_assert_gt(model_refused(run.model, REFUSAL_TOTALS_FULL), 1000);
    check_same_after_replay_and_load(&run);
    go_on_loaded(&run, 40);
    end(&run);
}

/* Captured blocks then end in the middle of what is known, at several versions. */
Test(agreement, loaded_at_any_moment_while_projects_are_still_coming) {
    struct run run;
    begin(&run, seed_of("agreement", 45),
          &(struct history_shape){.nodes = 4, .competitions = 2, .projects = 50000, .rows_max = 400}, 1 << 17);
    for (int i = 0; i < 60; i++) {
        extend(&run, 3);
        check_same_after_load(&run);
    }
    cr_assert_gt(run.partial_loads, 20);
    go_on_loaded(&run, 20);
    end(&run);
}
