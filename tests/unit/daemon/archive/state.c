#include "daemon/archive/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/archive/fold.h"
#include "daemon/archive/state_file.h"
#include "tests/support/history.h"
#include "tests/unit/daemon/folder.h"

enum { EPOCH = 5, ENTRIES = 50 };

static struct folder folder;
static char path[FOLDER_PATH_BYTES];

static void make_folder(void) {
    folder_init(&folder);
    folder_join(&folder, "state.mdb", path);
}

static void remove_folder(void) {
    folder_fini(&folder);
}

TestSuite(state, .init = make_folder, .fini = remove_folder);

static struct state *open_at(uint64_t epoch, uint64_t journal_version, struct fault *fault) {
    struct state_options options = {.path = path, .epoch = epoch, .journal_version = journal_version};
    return state_open(&options, fault);
}

/* Leaves a state with something in it; returns its version. */
static uint64_t fill(void) {
    struct fault fault = {0};
    struct state *state = open_at(EPOCH, UINT64_MAX, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    struct fold_options options = {.state = state, .projects_max = 10000};
    struct fold *fold = fold_create(&options, &fault);
    struct entries *entries = entries_create();
    struct history history;
    struct history_shape shape = {.nodes = 2, .competitions = 2, .projects = 3000, .rows_max = 300};
    history_init(&history, entries, 31, &shape);
    history_extend(&history, ENTRIES);
    struct entry_source source = entries_source(entries);
    enum fold_progress progress;
    uint64_t written;
    cr_assert_eq(fold_read(fold, &source, SIZE_MAX, &progress), ERROR_NONE);
    cr_assert_eq(fold_commit(fold, &written), ERROR_NONE);
    uint64_t version = state_version(state);
    cr_assert_gt(state_bytes(state), 100000);
    history_fini(&history);
    entries_destroy(entries);
    fold_destroy(fold);
    state_close(state);
    return version;
}

static enum error count_project(void *context, uint16_t competition, const char *code, const struct figures *figures) {
    (void)competition;
    (void)code;
    (void)figures;
    *(uint64_t *)context += 1;
    return ERROR_NONE;
}

static uint64_t count_projects(const struct state *state) {
    uint64_t count = 0;
    uint64_t version;
    struct fault fault = {0};
    struct state_loader loader = {.context = &count, .project = count_project};
    cr_assert_eq(state_load(state, &loader, &version, &fault), ERROR_NONE, "%s", fault.text);
    return count;
}

Test(state, is_made_empty_where_there_is_none) {
    struct fault fault = {0};
    struct state *state = open_at(EPOCH, 0, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    cr_assert_eq(state_version(state), 0);
    cr_assert_eq(count_projects(state), 0);
    state_close(state);
}

Test(state, is_what_was_committed_when_opened_again) {
    struct fault fault = {0};
    uint64_t version = fill();
    struct state *state = open_at(EPOCH, version, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    cr_assert_eq(state_version(state), version);
    cr_assert_gt(count_projects(state), 1000);
    state_close(state);
}

Test(state, does_not_mind_a_file_that_a_crash_left_while_it_was_made) {
    struct fault fault = {0};
    const char rubbish[1000] = "the beginning of a file that was never finished";
    folder_write_bytes(&folder, "state.mdb.new", rubbish, sizeof rubbish);
    struct state *state = open_at(EPOCH, 0, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    state_close(state);
    char aside[FOLDER_PATH_BYTES];
    cr_assert_neq(access(folder_join(&folder, "state.mdb.new", aside), F_OK), 0);
}

Test(state, starts_empty_when_it_is_of_another_epoch) {
    struct fault fault = {0};
    fill();
    struct state *state = open_at(EPOCH + 1, 3, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    cr_assert_eq(state_version(state), 0);
    cr_assert_eq(count_projects(state), 0);
    state_close(state);
    state = open_at(EPOCH + 1, 3, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    state_close(state);
}

/* The journal was lost and made anew: what the state holds may be the last copy. */
Test(state, is_not_replaced_for_a_new_and_empty_journal) {
    struct fault fault = {0};
    fill();
    cr_assert_null(open_at(EPOCH + 1, 0, &fault));
    cr_assert_eq(fault.error, ERROR_DAMAGED);
    cr_assert_not_null(strstr(fault.text, "begin anew"));
    fault = (struct fault){0};
    struct state *state = open_at(EPOCH, UINT64_MAX, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    cr_assert_gt(count_projects(state), 0);
    state_close(state);
}

Test(state, starts_empty_when_it_is_of_another_format) {
    fill();
    struct state_file file;
    struct fault fault = {0};
    bool known;
    MDB_txn *transaction;
    cr_assert_eq(state_file_open(&file, path, &known, &fault), ERROR_NONE);
    cr_assert_eq(mdb_txn_begin(file.env, NULL, 0, &transaction), 0);
    cr_assert_eq(state_file_put_number(&file, transaction, LAYOUT_META_FORMAT, LAYOUT_FORMAT + 1), 0);
    cr_assert_eq(mdb_txn_commit(transaction), 0);
    state_file_close(&file);
    struct state *state = open_at(EPOCH, UINT64_MAX, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    cr_assert_eq(state_version(state), 0);
    state_close(state);
}

Test(state, is_refused_when_the_journal_has_lost_its_end) {
    struct fault fault = {0};
    uint64_t version = fill();
    cr_assert_null(open_at(EPOCH, version - 1, &fault));
    cr_assert_eq(fault.error, ERROR_DAMAGED);
    cr_assert_not_null(strstr(fault.text, "journal"));
    cr_assert_not_null(strstr(fault.text, "restore"));
}

Test(state, is_refused_when_its_file_was_cut_off) {
    fill();
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    const off_t sizes[] = {status.st_size - 4096, status.st_size / 2, 8192, 4096, 100, 1, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct fault fault = {0};
        cr_assert_eq(truncate(path, sizes[i]), 0);
        cr_assert_null(open_at(EPOCH, UINT64_MAX, &fault));
        cr_assert_eq(fault.error, ERROR_DAMAGED, "%jd", (intmax_t)sizes[i]);
        cr_assert_not_null(strstr(fault.text, "remove it"));
    }
}

Test(state, is_refused_when_it_is_something_else) {
    struct fault fault = {0};
    static const char rubbish[20000] = "not a state";
    folder_write_bytes(&folder, "state.mdb", rubbish, sizeof rubbish);
    cr_assert_null(open_at(EPOCH, UINT64_MAX, &fault));
    cr_assert_eq(fault.error, ERROR_DAMAGED);
}

Test(state, cannot_be_made_in_a_folder_that_is_not_there) {
    struct fault fault = {0};
    folder_join(&folder, "nowhere/state.mdb", path);
    cr_assert_null(open_at(EPOCH, 0, &fault));
    cr_assert_eq(fault.error, ERROR_IO);
}

static enum error refuse(void *context, uint16_t node, uint64_t sequence) {
    (void)context;
    (void)node;
    (void)sequence;
    return ERROR_LIMIT;
}

Test(state, ends_loading_with_the_error_of_a_callback) {
    struct fault fault = {0};
    fill();
    struct state *state = open_at(EPOCH, UINT64_MAX, &fault);
    uint64_t version;
    struct state_loader loader = {.sequence = refuse};
    cr_assert_eq(state_load(state, &loader, &version, &fault), ERROR_LIMIT);
    cr_assert_eq(fault.error, ERROR_LIMIT);
    state_close(state);
}
