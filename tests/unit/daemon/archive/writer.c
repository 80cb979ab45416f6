/* What the agreement's histories seldom meet: captures that need many transactions, a disk that is full between two of them,
 * projects that move, receipts that are not asked for any more, times, and a stored state that is not what it was. */
#include "daemon/archive/writer.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "shelf.h"
#include "tests/support/history.h"

enum { PROJECTS_MAX = 1 << 20, PAGE_BYTES = 4096 };

static struct shelf shelf;
static struct history history;

static void init(void) {
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = 20000, .rows_max = 400};
    shelf_open(&shelf, PROJECTS_MAX);
    history_init(&history, shelf.entries, 77, &shape);
}

static void fini(void) {
    history_fini(&history);
    shelf_close(&shelf);
}

TestSuite(writer, .init = init, .fini = fini);

static void apply_all(void) {
    while (ledger_version(shelf.ledger) < entries_version(shelf.entries)) {
        shelf_apply(&shelf);
    }
}

static void capture_all(void) {
    struct capture_request request = {.blocks_max = CAPTURE_BLOCKS_MAX};
    cr_assert_eq(ledger_capture(shelf.ledger, &request, &shelf.capture), ERROR_NONE);
    cr_assert_not(shelf.capture.more);
}

static void check_stored(void) {
    struct model *model = model_create(PROJECTS_MAX);
    model_follow(model, shelf.entries, entries_version(shelf.entries));
    model_check(model, shelf.state);
    model_destroy(model);
}

static uint64_t transactions(void) {
    MDB_envinfo information;
    cr_assert_eq(mdb_env_info(state_file(shelf.state)->env, &information), 0);
    return information.me_last_txnid;
}

/* What a crash would leave now, loaded and brought up to the end of the journal, is what lived. */
static void check_crash(void) {
    uint64_t digest = ledger_digest(shelf.ledger);
    shelf_crash(&shelf);
    shelf_start(&shelf);
    apply_all();
    cr_assert_eq(ledger_digest(shelf.ledger), digest);
}

Test(writer, writes_a_capture_in_one_transaction_if_it_can) {
    history_extend(&history, 50);
    apply_all();
    uint64_t before = transactions();
    capture_all();
    cr_assert_eq(writer_write(shelf.writer, &shelf.capture, &shelf.receipts), ERROR_NONE);
    cr_assert_eq(transactions(), before + 1);
    check_stored();
}

Test(writer, writes_it_in_many_where_it_would_change_too_many_pages) {
    writer_set_pages_max(shelf.writer, 8);
    for (int round = 0; round < 3; round++) {
        history_extend(&history, 30);
        apply_all();
        uint64_t before = transactions();
        capture_all();
        cr_assert_eq(writer_write(shelf.writer, &shelf.capture, &shelf.receipts), ERROR_NONE);
        receipt_list_cut(&shelf.receipts, 0);
        cr_assert_gt(transactions(), before + 20);
        check_stored();
    }
}

/* The file may grow by ever more pages: each time a bit more of the capture fits, and whatever is there can be loaded. */
Test(writer, leaves_a_state_that_can_be_loaded_when_the_disk_is_full_between_two_transactions) {
    uint64_t parts = 0;
    history_extend(&history, 60);
    apply_all();
    for (uint64_t room = 4; state_version(shelf.state) < entries_version(shelf.entries); room += 8) {
        uint64_t before = transactions();
        writer_set_pages_max(shelf.writer, 6);
        size_t bytes = state_bytes(shelf.state) + room * PAGE_BYTES;
        cr_assert_eq(mdb_env_set_mapsize(state_file(shelf.state)->env, bytes), 0);
        capture_all();
        enum error error = writer_write(shelf.writer, &shelf.capture, &shelf.receipts);
        cr_assert(error == ERROR_NONE || error == ERROR_DISK_FULL, "%s", error_text(error));
        parts += transactions() - before;
        check_crash();
    }
    cr_assert_gt(parts, 10);
    check_stored();
}

Test(writer, goes_on_with_the_same_capture_once_there_is_space) {
    MDB_env *env = state_file(shelf.state)->env;
    history_extend(&history, 60);
    apply_all();
    writer_set_pages_max(shelf.writer, 6);
    capture_all();
    size_t tries = 0;
    enum error error = ERROR_DISK_FULL;
    for (; error == ERROR_DISK_FULL; tries++) {
        cr_assert_eq(state_version(shelf.state), 0);
        cr_assert_eq(mdb_env_set_mapsize(env, state_bytes(shelf.state) + (8 + tries) * PAGE_BYTES), 0);
        error = writer_write(shelf.writer, &shelf.capture, &shelf.receipts);
    }
    cr_assert_eq(error, ERROR_NONE);
    cr_assert_gt(tries, 5);
    cr_assert_gt(writer_count(shelf.writer).new_projects, 3000);
    cr_assert_eq(writer_count(shelf.writer).new_projects, ledger_projects(shelf.ledger));
    check_stored();
}

/* ---- projects that move ---- */

enum { MOVING = 300 };

static void report(uint32_t region, int64_t wall_ms) {
    static char codes[MOVING][16];
    struct entries_row rows[MOVING];
    for (uint32_t i = 0; i < MOVING; i++) {
        snprintf(codes[i], sizeof codes[i], "moving-%" PRIu32, i);
        rows[i] = (struct entries_row){.code = codes[i], .region = region + i % 2, .status = 1, .name = codes[i]};
    }
    entries_add_batch(
        shelf.entries,
        &(struct entries_batch){
            .day = HISTORY_FIRST_DAY, .wall_ms = wall_ms, .columns = ENTRIES_NAME, .rows = rows, .count = MOVING});
}

static void count_one(void *visitor, const struct stored_project *project) {
    *(uint64_t *)visitor += strcmp(project->name, project->code) == 0;
}

static uint64_t in_region(uint32_t region) {
    struct stored_source source = state_source(shelf.state);
    uint64_t count = 0;
    uint64_t version;
    cr_assert_eq(source.list(source.context, 0, region, 0, "", 10 * MOVING, count_one, &count, &version), ERROR_NONE);
    return count;
}

Test(writer, lists_projects_where_they_are_now) {
    report(330101, 1);
    shelf_catch_up(&shelf);
    cr_assert(in_region(330101) == MOVING / 2 && in_region(330102) == MOVING / 2);
    report(330102, 2);
    shelf_catch_up(&shelf);
    cr_assert(in_region(330101) == 0 && in_region(330102) == MOVING / 2 && in_region(330103) == MOVING / 2);
    report(310000, 3);
    report(330102, 4);
    shelf_catch_up(&shelf);
    cr_assert(in_region(310000) == 0 && in_region(330100) == MOVING, "who came back has not moved");
    check_stored();
}

/* ---- texts ---- */

Test(writer, does_not_write_texts_that_are_stored_already) {
    report(330101, 1);
    shelf_catch_up(&shelf);
    uint64_t written = writer_count(shelf.writer).texts;
    cr_assert_eq(written, MOVING);
    for (size_t i = 0; i < MOVING; i++) {
        cr_assert_leq(i, UINT16_MAX);
        shelf.capture.texts[i] =
            (struct text_change){.version = entries_version(shelf.entries), .project = (uint32_t)i, .row = (uint16_t)i};
    }
    shelf.capture.text_count = MOVING;
    shelf.capture.block_count = 0;
    shelf.capture.first_cell = shelf.capture.cell_count;
    cr_assert_eq(writer_write(shelf.writer, &shelf.capture, &shelf.receipts), ERROR_NONE);
    cr_assert_eq(writer_count(shelf.writer).texts, written);
}

Test(writer, ends_with_the_error_of_the_journal) {
    report(330101, 1);
    apply_all();
    capture_all();
    entries_fail_from(shelf.entries, entries_version(shelf.entries), ERROR_IO);
    cr_assert_eq(writer_write(shelf.writer, &shelf.capture, &shelf.receipts), ERROR_IO);
    entries_fail_from(shelf.entries, 0, ERROR_NONE);
    shelf.capture.texts[MOVING - 1].version++; /* of which the journal has no entry */
    cr_assert_eq(writer_write(shelf.writer, &shelf.capture, &shelf.receipts), ERROR_DAMAGED);
    shelf.capture.texts[MOVING - 1].version--;
    shelf.capture.texts[MOVING - 1].row = MOVING; /* of which the entry has no row */
    cr_assert_eq(writer_write(shelf.writer, &shelf.capture, &shelf.receipts), ERROR_DAMAGED);
    cr_assert_eq(state_version(shelf.state), 0);
    cr_assert_eq(in_region(REGION_ALL), 0);
}

/* ---- times ---- */

static size_t read_times(uint64_t *versions, size_t most) {
    const struct state_file *file = state_file(shelf.state);
    MDB_txn *transaction;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    size_t count = 0;
    cr_assert_eq(mdb_txn_begin(file->env, NULL, MDB_RDONLY, &transaction), 0);
    cr_assert_eq(state_file_open_cursor(file, transaction, TABLE_TIMES, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
        cr_assert_lt(count, most);
        memcpy(&versions[count++], key.mv_data, sizeof *versions);
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
    return count;
}

Test(writer, keeps_one_time_a_second_and_the_newest) {
    const int64_t walls_ms[] = {5000, 5300, 5600, 5999, 6100, 6200, 6300, 90000, 90001};
    const size_t kept[] = {0, 4, 7,
                           8}; /* 6100 is the first a second after 5000; 90000 was the newest when 90001 came */
    uint64_t versions[16];
    for (size_t i = 0; i < sizeof walls_ms / sizeof walls_ms[0]; i++) {
        report(330101, walls_ms[i]);
        apply_all();
        shelf_store(&shelf, CAPTURE_BLOCKS_MAX);
    }
    size_t count = read_times(versions, 16);
    uint64_t first = entries_version(shelf.entries) - sizeof walls_ms / sizeof walls_ms[0] + 1;
    cr_assert_eq(count, sizeof kept / sizeof kept[0], "%zu", count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(versions[i], first + kept[i], "%zu: %" PRIu64, i, versions[i] - first);
    }
}

/* ---- a stored state that is not what it was ---- */

static void spoil_first_block(size_t offset) {
    const struct state_file *file = state_file(shelf.state);
    MDB_txn *transaction;
    uint32_t number = 0;
    MDB_val key = state_file_value(&number, sizeof number);
    MDB_val value;
    struct project_block block;
    cr_assert_eq(mdb_txn_begin(file->env, NULL, 0, &transaction), 0);
    cr_assert_eq(mdb_get(transaction, file->tables[TABLE_BLOCKS], &key, &value), 0);
    memcpy(&block, value.mv_data, sizeof block);
    ((uint8_t *)&block)[offset] ^= 1;
    value = state_file_value(&block, sizeof block);
    cr_assert_eq(mdb_put(transaction, file->tables[TABLE_BLOCKS], &key, &value, 0), 0);
    cr_assert_eq(mdb_txn_commit(transaction), 0);
}

Test(writer, tells_of_a_stored_project_that_became_another) {
    report(330101, 1);
    shelf_catch_up(&shelf);
    spoil_first_block(offsetof(struct project_block, projects[3].code[2]));
    report(330102, 2);
    apply_all();
    capture_all();
    cr_assert_eq(writer_write(shelf.writer, &shelf.capture, &shelf.receipts), ERROR_DAMAGED);
}

/* ---- receipts ---- */

Test(writer, leaves_out_receipts_that_nobody_will_ask_for) {
    for (int i = 0; i < 3 * WINDOW_BATCHES_MAX; i++) {
        report(330101 + (uint32_t)i % 2, i);
    }
    apply_all();
    cr_assert_eq(shelf.receipts.count, 3 * WINDOW_BATCHES_MAX);
    shelf_store(&shelf, CAPTURE_BLOCKS_MAX);
    check_stored();
    report(330101, 1);
    shelf_catch_up(&shelf);
    check_stored();
}
