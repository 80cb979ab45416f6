/* The archive and the ledger share nothing but the journal and the rules: after the same entries both must say the same, and
 * a ledger that is loaded from the stored state must be the one that lived through all of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/archive/fold.h"
#include "daemon/ledger/ledger.h"
#include "tests/support/history.h"
#include "tests/unit/daemon/folder.h"

struct living {
    struct ledger *ledger;
    struct entry entry;
    struct arena arena;
    uint8_t memory[BATCH_ARENA_BYTES];
};

static enum error live(void *context, const struct entry_record *record) {
    struct living *living = context;
    cr_assert_eq(entry_from_record(&living->entry, record, &living->arena), ERROR_NONE);
    ledger_apply(living->ledger, &living->entry);
    return ERROR_NONE;
}

static void live_through(struct living *living, struct entries *entries) {
    struct entry_source source = entries_source(entries);
    uint64_t reached = ledger_version(living->ledger);
    while (reached < entries_version(entries)) {
        cr_assert_eq(source.read(source.context, reached, SIZE_MAX, live, living, &reached), ERROR_NONE);
    }
}

static struct living *living_create(uint64_t projects_max) {
    struct living *living = calloc(1, sizeof *living);
    living->ledger = ledger_create(projects_max);
    cr_assert_not_null(living->ledger);
    arena_init(&living->arena, living->memory, sizeof living->memory);
    return living;
}

static void living_destroy(struct living *living) {
    ledger_destroy(living->ledger);
    free(living);
}

static enum error load_definition(void *context, enum entry_kind kind, const struct definition *definition) {
    return ledger_load_definition(context, kind, definition);
}

static enum error load_cell(void *context, cell_key_t cell) {
    return ledger_load_cell(context, cell);
}

static enum error load_project(void *context, uint16_t competition, const char *code, const struct figures *figures) {
    return ledger_load_project(context, competition, code, figures);
}

static enum error load_day(void *context, uint16_t competition, uint32_t region, uint16_t day,
                           const struct sums *sums) {
    return ledger_load_day(context, competition, region, day, sums);
}

static enum error load_sequence(void *context, uint16_t node, uint64_t sequence) {
    ledger_load_sequence(context, node, sequence);
    return ERROR_NONE;
}

static void load(struct ledger *ledger, const struct state *state) {
    struct state_loader loader = {.context = ledger,
                                  .definition = load_definition,
                                  .cell = load_cell,
                                  .project = load_project,
                                  .day = load_day,
                                  .sequence = load_sequence};
    struct fault fault = {0};
    uint64_t version;
    cr_assert_eq(state_load(state, &loader, &version, &fault), ERROR_NONE, "%s", fault.text);
    ledger_resume_at(ledger, version);
}

static void fold_all(struct fold *fold, struct entries *entries) {
    struct entry_source source = entries_source(entries);
    enum fold_progress progress;
    uint64_t written;
    do {
        cr_assert_eq(fold_read(fold, &source, 1 << 20, &progress), ERROR_NONE);
        cr_assert_eq(fold_commit(fold, &written), ERROR_NONE);
    } while (progress != FOLD_CAUGHT_UP);
}

static void compare(uint64_t seed, const struct history_shape *shape, uint64_t projects_max) {
    printf("seed %lu\n", (unsigned long)seed);
    struct folder folder;
    char path[FOLDER_PATH_BYTES];
    folder_init(&folder);
    struct fault fault = {0};
    struct state_options options = {
        .path = folder_join(&folder, "state.mdb", path), .epoch = 1, .journal_version = UINT64_MAX};
    struct state *state = state_open(&options, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    struct fold_options fold_options = {.state = state, .projects_max = projects_max};
    struct fold *fold = fold_create(&fold_options, &fault);
    struct entries *entries = entries_create();
    struct history history;
    history_init(&history, entries, seed, shape);
    struct living *uninterrupted = living_create(projects_max);
    for (size_t part = 0; part < 6; part++) {
        history_extend(&history, 60);
        fold_all(fold, entries);
        live_through(uninterrupted, entries);
        struct living *recovered = living_create(projects_max);
        load(recovered->ledger, state);
        cr_assert_eq(ledger_version(recovered->ledger), ledger_version(uninterrupted->ledger));
        cr_assert_eq(ledger_projects(recovered->ledger), ledger_projects(uninterrupted->ledger));
        cr_assert_eq(ledger_digest(recovered->ledger), ledger_digest(uninterrupted->ledger));
        history_extend(&history, 20);
        live_through(uninterrupted, entries);
        live_through(recovered, entries);
        cr_assert_eq(ledger_digest(recovered->ledger), ledger_digest(uninterrupted->ledger));
        living_destroy(recovered);
    }
    living_destroy(uninterrupted);
    history_fini(&history);
    entries_destroy(entries);
    fold_destroy(fold);
    state_close(state);
    folder_fini(&folder);
}

Test(agreement, a_loaded_ledger_is_the_one_that_lived_through_it) {
    compare(1, &(struct history_shape){.nodes = 4, .competitions = 3, .projects = 2000, .rows_max = 500}, 1 << 20);
}

Test(agreement, also_where_projects_are_refused_for_want_of_room) {
    compare(2, &(struct history_shape){.nodes = 4, .competitions = 2, .projects = 2000, .rows_max = 500}, 1500);
}

Test(agreement, also_where_sums_would_not_fit) {
    compare(3,
            &(struct history_shape){
                .nodes = 2, .competitions = 1, .projects = 6000, .rows_max = 1000, .value_max = CONTRACT_VALUE_FEN_MAX},
            1 << 20);
}
