#include "daemon/archive/fold.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "daemon/archive/state_file.h"
#include "daemon/archive/window.h"
#include "model.h"
#include "tests/support/history.h"
#include "tests/unit/daemon/folder.h"

enum { EPOCH = 77, PLENTY = 1 << 20 };

struct bench {
    struct folder folder;
    char path[FOLDER_PATH_BYTES];
    struct entries *entries;
    struct history history;
    struct model *model;
    uint64_t projects_max;
    uint32_t window_projects;
    struct state *state;
    struct fold *fold;
    uint64_t full; /* times that the window was */
};

static void open_bench(struct bench *bench) {
    struct fault fault = {0};
    struct state_options options = {.path = bench->path, .epoch = EPOCH, .journal_version = UINT64_MAX};
    bench->state = state_open(&options, &fault);
    cr_assert_not_null(bench->state, "%s", fault.text);
    struct fold_options fold = {
        .state = bench->state, .projects_max = bench->projects_max, .window_projects = bench->window_projects};
    bench->fold = fold_create(&fold, &fault);
    cr_assert_not_null(bench->fold, "%s", fault.text);
    cr_assert_eq(fold_version(bench->fold), state_version(bench->state));
}

static void close_bench(struct bench *bench) {
    fold_destroy(bench->fold);
    state_close(bench->state);
}

static void bench_init(struct bench *bench, uint64_t seed, const struct history_shape *shape, uint64_t projects_max,
                       uint32_t window_projects) {
    *bench = (struct bench){.projects_max = projects_max, .window_projects = window_projects};
    printf("seed %lu\n", (unsigned long)seed);
    folder_init(&bench->folder);
    folder_join(&bench->folder, "state.mdb", bench->path);
    bench->entries = entries_create();
    history_init(&bench->history, bench->entries, seed, shape);
    bench->model = model_create(projects_max);
    open_bench(bench);
}

static void bench_fini(struct bench *bench) {
    close_bench(bench);
    history_fini(&bench->history);
    entries_destroy(bench->entries);
    model_destroy(bench->model);
    folder_fini(&bench->folder);
}

static void commit(struct bench *bench) {
    uint64_t written;
    cr_assert_eq(fold_commit(bench->fold, &written), ERROR_NONE);
    cr_assert_not(fold_pending(bench->fold));
    cr_assert_eq(state_version(bench->state), fold_version(bench->fold));
}

/* Reads all there is, with a commit where the window is full. */
static void read_all(struct bench *bench, size_t bytes_max) {
    struct entry_source source = entries_source(bench->entries);
    enum fold_progress progress;
    do {
        cr_assert_eq(fold_read(bench->fold, &source, bytes_max, &progress), ERROR_NONE);
        if (progress == FOLD_FULL) {
            cr_assert(fold_pending(bench->fold));
            commit(bench);
            bench->full++;
        }
    } while (progress != FOLD_CAUGHT_UP);
    cr_assert_eq(fold_version(bench->fold), entries_version(bench->entries));
}

static void check(struct bench *bench) {
    model_follow(bench->model, bench->entries, entries_version(bench->entries));
    model_check(bench->model, bench->state);
}

/* Commits after few and after many entries. */
static void run_history(struct bench *bench, uint64_t batches) {
    struct random random = {.state = bench->history.random.state};
    while (bench->history.batches < batches) {
        history_extend(&bench->history, 1 + random_below(&random, random_once_in(&random, 3) ? 200 : 8));
        read_all(bench, 1 + random_below(&random, 100000));
        commit(bench);
    }
}

Test(fold, equals_the_plain_model) {
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct bench bench;
        struct history_shape shape = {.nodes = 5, .competitions = 3, .projects = 400, .rows_max = 120};
        bench_init(&bench, seed, &shape, PLENTY, 0);
        for (uint64_t part = 1; part <= 3; part++) {
            run_history(&bench, part * 300);
            check(&bench);
        }
        cr_assert_gt(model_refused(bench.model, REFUSAL_PROJECT_NOT_YOURS), 100);
        cr_assert_gt(model_refused(bench.model, REFUSAL_DAY_BEFORE_LAST), 100);
        cr_assert_gt(model_unchanged(bench.model), 100);
        bench_fini(&bench);
    }
}

Test(fold, goes_on_after_a_restart_as_if_there_had_been_none) {
    struct bench bench;
    struct history_shape shape = {.nodes = 4, .competitions = 2, .projects = 300, .rows_max = 80};
    bench_init(&bench, 5, &shape, PLENTY, 0);
    for (uint64_t part = 1; part <= 20; part++) {
        run_history(&bench, part * 30);
        history_extend(&bench.history, 5);
        read_all(&bench, 4096); /* and lose it: it is not committed */
        close_bench(&bench);
        open_bench(&bench);
    }
    read_all(&bench, PLENTY);
    commit(&bench);
    check(&bench);
    bench_fini(&bench);
}

Test(fold, commits_when_its_window_is_full) {
    struct bench bench;
    struct history_shape shape = {.nodes = 3, .competitions = 1, .projects = 30000, .rows_max = 2000};
    bench_init(&bench, 6, &shape, PLENTY, BATCH_ROWS_MAX + 3000);
    history_extend(&bench.history, 100);
    read_all(&bench, PLENTY);
    commit(&bench);
    check(&bench);
    cr_assert_gt(bench.full, 5);
    bench_fini(&bench);
}

Test(fold, refuses_one_project_more_than_the_bound) {
    struct bench bench;
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = 400, .rows_max = 100};
    bench_init(&bench, 7, &shape, 333, 0);
    for (uint64_t part = 1; part <= 5; part++) {
        run_history(&bench, part * 50);
        close_bench(&bench);
        open_bench(&bench);
    }
    check(&bench);
    cr_assert_eq(model_projects(bench.model), 333);
    cr_assert_gt(model_refused(bench.model, REFUSAL_TOTALS_FULL), 100);
    bench_fini(&bench);
}

Test(fold, refuses_contract_values_beyond_the_sum_that_totals_can_hold) {
    struct bench bench;
    struct history_shape shape = {
        .nodes = 2, .competitions = 1, .projects = 6000, .rows_max = 1000, .value_max = CONTRACT_VALUE_FEN_MAX};
    bench_init(&bench, 8, &shape, PLENTY, 0);
    for (uint64_t part = 1; part <= 4; part++) {
        run_history(&bench, part * 20);
        close_bench(&bench);
        open_bench(&bench);
    }
    check(&bench);
    cr_assert_gt(model_refused(bench.model, REFUSAL_TOTALS_FULL), 100);
    bench_fini(&bench);
}

Test(fold, keeps_the_last_receipts_of_each_node) {
    struct bench bench;
    struct history_shape shape = {.nodes = 9, .competitions = 1, .projects = 50, .rows_max = 10};
    bench_init(&bench, 9, &shape, PLENTY, 0);
    for (uint64_t part = 0; part < 60; part++) {
        history_extend(&bench.history, 1 + part * 3);
        read_all(&bench, PLENTY);
        commit(&bench);
        check(&bench);
    }
    bench_fini(&bench);
}

Test(fold, says_what_it_wrote) {
    struct bench bench;
    struct history_shape shape = {.nodes = 1, .competitions = 1, .projects = 100, .rows_max = 1};
    bench_init(&bench, 10, &shape, PLENTY, 0);
    struct entries_row row = {.code = "A-1", .region = 330106, .contract_value = 5};
    struct entries_batch batch = {.day = 18800, .rows = &row, .count = 1, .columns = ENTRIES_NAME};
    uint64_t written;
    entries_add_batch(bench.entries, &batch);
    read_all(&bench, PLENTY);
    cr_assert_eq(fold_commit(bench.fold, &written), ERROR_NONE);
    cr_assert_eq(written, 1);
    entries_add_batch(bench.entries, &batch); /* the same again: nothing to write but the receipt */
    read_all(&bench, PLENTY);
    cr_assert(fold_pending(bench.fold));
    cr_assert_eq(fold_commit(bench.fold, &written), ERROR_NONE);
    cr_assert_eq(written, 0);
    check(&bench);
    bench_fini(&bench);
}

/* A map that is too small stands in for a disk that is full: both make LMDB give up in the middle of a transaction. */
Test(fold, loses_nothing_when_a_commit_finds_no_room) {
    struct bench bench;
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = 5000, .rows_max = 500};
    bench_init(&bench, 13, &shape, PLENTY, 0);
    run_history(&bench, 20);
    uint64_t before = state_version(bench.state);
    history_extend(&bench.history, 200);
    read_all(&bench, PLENTY);
    MDB_env *env = state_file(bench.state)->env;
    uint64_t written;
    size_t failures = 0;
    for (size_t bytes = state_bytes(bench.state); fold_pending(bench.fold); bytes += 256 << 10) {
        cr_assert_eq(mdb_env_set_mapsize(env, bytes), 0);
        enum error error = fold_commit(bench.fold, &written);
        if (error != ERROR_NONE) {
            cr_assert_eq(error, ERROR_DISK_FULL);
            cr_assert_eq(state_version(bench.state), before);
            failures++;
        }
    }
    cr_assert_gt(failures, 2);
    check(&bench);
    bench_fini(&bench);
}

static void expect_damage(struct bench *bench) {
    struct entry_source source = entries_source(bench->entries);
    enum fold_progress progress;
    uint64_t before = state_version(bench->state);
    enum error error;
    do {
        error = fold_read(bench->fold, &source, PLENTY, &progress);
    } while (error == ERROR_NONE && progress != FOLD_CAUGHT_UP);
    cr_assert_eq(error, ERROR_DAMAGED);
    cr_assert_eq(state_version(bench->state), before);
}

Test(fold, finds_a_batch_of_a_node_or_a_competition_that_is_not_defined) {
    struct history_shape shape = {.nodes = 1, .competitions = 1, .projects = 1, .rows_max = 1};
    struct entries_row row = {.code = "A-1", .region = 330106};
    struct entries_batch batches[] = {{.node = 1, .rows = &row, .count = 1},
                                      {.competition = 1, .rows = &row, .count = 1},
                                      {.competition = UINT16_MAX, .rows = &row, .count = 1}};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        struct bench bench;
        bench_init(&bench, 11, &shape, PLENTY, 0);
        entries_add_batch(bench.entries, &batches[i]);
        expect_damage(&bench);
        bench_fini(&bench);
    }
}

Test(fold, passes_on_what_the_source_fails_with) {
    struct bench bench;
    struct history_shape shape = {.nodes = 1, .competitions = 1, .projects = 10, .rows_max = 5};
    bench_init(&bench, 12, &shape, PLENTY, 0);
    history_extend(&bench.history, 10);
    entries_fail_from(bench.entries, 8, ERROR_IO);
    struct entry_source source = entries_source(bench.entries);
    enum fold_progress progress;
    cr_assert_eq(fold_read(bench.fold, &source, PLENTY, &progress), ERROR_IO);
    cr_assert_eq(fold_version(bench.fold), 7);
    bench_fini(&bench);
}
