#include "daemon/archive/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/archive/state_file.h"
#include "shelf.h"
#include "tests/support/history.h"
#include "tests/unit/daemon/folder.h"

enum { EPOCH = SHELF_EPOCH, ENTRIES = 50 };

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

/* Leaves a state with something in it, at path; returns what it is true up to. partly: some blocks are left out. */
static struct state_reach fill(bool partly) {
    struct shelf shelf;
    struct history history;
    struct history_shape shape = {.nodes = 2, .competitions = 2, .projects = 3000, .rows_max = 300};
    shelf_open(&shelf, 10000);
    history_init(&history, shelf.entries, 31, &shape);
    history_extend(&history, ENTRIES);
    shelf_catch_up(&shelf);
    struct state_reach reach = {.complete = state_version(shelf.state), .version = state_version(shelf.state)};
    if (partly) {
        history_extend(&history, 1);
        shelf_apply(&shelf);
        shelf_store(&shelf, 1);
        reach.version++;
    }
    cr_assert_eq(state_version(shelf.state), reach.complete);
    cr_assert_gt(state_bytes(shelf.state), 100000);
    history_fini(&history);
    shelf_crash(&shelf);
    cr_assert_eq(rename(shelf.path, path), 0);
    entries_destroy(shelf.entries);
    folder_fini(&shelf.folder);
    return reach;
}

static enum error count_block(void *context, uint32_t number, const struct project_block *block) {
    (void)number;
    for (size_t i = 0; i < BLOCK_PROJECTS; i++) {
        *(uint64_t *)context += block->projects[i].code[0] != 0;
    }
    return ERROR_NONE;
}

static uint64_t count_projects(const struct state *state) {
    uint64_t count = 0;
    struct state_reach reach;
    struct fault fault = {0};
    struct state_loader loader = {.context = &count, .block = count_block};
    cr_assert_eq(state_load(state, &loader, &reach, &fault), ERROR_NONE, "%s", fault.text);
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
    struct state_reach stored = fill(true);
    struct state_reach reach;
    struct state_loader nothing = {0};
    struct state *state = open_at(EPOCH, stored.version, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    cr_assert_eq(state_version(state), stored.complete);
    cr_assert_eq(state_load(state, &nothing, &reach, &fault), ERROR_NONE);
    cr_assert_eq(reach.complete, stored.complete);
    cr_assert_eq(reach.version, stored.version);
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
    fill(false);
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
    fill(false);
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
    fill(false);
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
    struct state_reach reach = fill(true);
    cr_assert_null(open_at(EPOCH, reach.complete, &fault)); /* it is partly newer than what it is complete up to */
    cr_assert_eq(fault.error, ERROR_DAMAGED);
    cr_assert_not_null(strstr(fault.text, "journal"));
    cr_assert_not_null(strstr(fault.text, "restore"));
}

Test(state, is_refused_when_its_file_was_cut_off) {
    fill(false);
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
    fill(false);
    struct state *state = open_at(EPOCH, UINT64_MAX, &fault);
    struct state_reach reach;
    struct state_loader loader = {.sequence = refuse};
    cr_assert_eq(state_load(state, &loader, &reach, &fault), ERROR_LIMIT);
    cr_assert_eq(fault.error, ERROR_LIMIT);
    state_close(state);
}

/* ---- damage that LMDB does not see ---- */

static enum error load_anything(void *context, cell_key_t cell) {
    (void)context;
    (void)cell;
    return ERROR_NONE;
}

static enum error load_from_changed(enum table table, const void *key, size_t key_bytes, const void *value,
                                    size_t value_bytes) {
    struct state_file file;
    struct fault fault = {0};
    bool known;
    MDB_txn *transaction;
    fill(false);
    cr_assert_eq(state_file_open(&file, path, &known, &fault), ERROR_NONE);
    cr_assert_eq(mdb_txn_begin(file.env, NULL, 0, &transaction), 0);
    MDB_val wanted = state_file_value(key, key_bytes);
    MDB_val given = state_file_value(value, value_bytes);
    cr_assert_eq(value == NULL ? mdb_del(transaction, file.tables[table], &wanted, NULL)
                               : mdb_put(transaction, file.tables[table], &wanted, &given, 0),
                 0);
    cr_assert_eq(mdb_txn_commit(transaction), 0);
    state_file_close(&file);
    struct state *state = open_at(EPOCH, UINT64_MAX, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    uint64_t count = 0;
    struct state_reach reach;
    struct state_loader loader = {.context = &count, .cell = load_anything, .block = count_block};
    enum error error = state_load(state, &loader, &reach, &fault);
    state_close(state);
    return error;
}

Test(state, does_not_load_what_cannot_be) {
    const uint32_t second = 1;
    const uint64_t beyond = UINT64_MAX;
    static struct project_block block = {.version = ENTRIES + 100};
    const cell_key_t no_cell = 17;
    cr_assert_eq(load_from_changed(TABLE_CELLS, &second, sizeof second, NULL, 0), ERROR_DAMAGED);
    cr_assert_eq(load_from_changed(TABLE_CELLS, &second, sizeof second, &no_cell, sizeof no_cell), ERROR_DAMAGED);
    cr_assert_eq(load_from_changed(TABLE_BLOCKS, &second, sizeof second, &block, sizeof block), ERROR_DAMAGED);
    cr_assert_eq(load_from_changed(TABLE_BLOCKS, &second, sizeof second, &block, sizeof block - 8), ERROR_DAMAGED);
    cr_assert_eq(
        load_from_changed(TABLE_META, LAYOUT_META_COMPLETE, strlen(LAYOUT_META_COMPLETE), &beyond, sizeof beyond),
        ERROR_DAMAGED);
}
