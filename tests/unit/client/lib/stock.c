#include "client/lib/stock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/diskbox.h"
#include "client/lib/membox.h"
#include "client/lib/reader.h"
#include "disk_fault.h"
#include "rows.h"

enum { ROWS_MAX = 10, BYTES_MAX = 64 << 20 };

TestSuite(stock, .fini = rows_remove_directories);

static char message[FAULT_MESSAGE_BYTES];

static struct stock *stock_on(struct outbox *outbox, bool durable, uint64_t bytes_max) {
    struct stock *stock = NULL;
    cr_assert_eq(stock_create(outbox, ROWS_MAX, bytes_max, durable, &stock, message), TALLY_OK, "%s", message);
    return stock;
}

static enum tally_error put(struct stock *stock, const struct tally_project *projects, size_t count, bool *wake) {
    uint64_t bytes = 0;
    cr_assert_eq(stock_weigh(stock, ROWS_COMPETITION, projects, count, &bytes, message), TALLY_OK, "%s", message);
    return stock_put(stock, ROWS_COMPETITION, projects, count, bytes, 1000, wake, message);
}

static bool put_rows(struct stock *stock, unsigned first, unsigned last) {
    struct tally_project projects[100];
    bool wake = false;
    for (unsigned i = first; i <= last; i++) {
        projects[i - first] = rows_project(i);
    }
    cr_assert_eq(put(stock, projects, last - first + 1, &wake), TALLY_OK, "%s", message);
    return wake;
}

static uint64_t last_of(struct outbox *outbox) {
    return atomic_load(&outbox->last);
}

/* Batch number has these rows, known by their tags. */
static void assert_batch(struct outbox *outbox, uint64_t number, uint64_t first, uint64_t last) {
    struct parcel *parcel = NULL;
    cr_assert_eq(outbox_read(outbox, number, 1, &parcel, message), TALLY_OK, "%s", message);
    cr_assert_eq(parcel->rows, last - first + 1);
    for (uint64_t i = first; i <= last; i++) {
        cr_assert_eq(parcel->tag[i - first], i);
    }
    parcel_release(&parcel);
}

static void small_puts_share_a_batch(struct outbox *outbox, bool durable) {
    struct stock *stock = stock_on(outbox, durable, BYTES_MAX);
    cr_assert_eq(stock_waiting_since(stock), 0);
    cr_assert(put_rows(stock, 1, 1), "the courier has to know of the first row");
    cr_assert_eq(stock_waiting_since(stock), 1000);
    cr_assert(!put_rows(stock, 2, 4));
    cr_assert_eq(last_of(outbox), 0);
    cr_assert_eq(stock_seal(stock, message), TALLY_OK);
    cr_assert_eq(stock_waiting_since(stock), 0);
    cr_assert_eq(last_of(outbox), 1);
    assert_batch(outbox, 1, 1, 4);
    cr_assert_eq(stock_seal(stock, message), TALLY_OK);
    cr_assert_eq(last_of(outbox), 1, "there is nothing to seal");
    stock_destroy(stock);
    outbox_close(&outbox);
}

Test(stock, small_puts_share_a_batch_in_memory) {
    small_puts_share_a_batch(membox_open(), false);
}

Test(stock, small_puts_share_a_batch_on_disk) {
    struct outbox *outbox = NULL;
    cr_assert_eq(diskbox_open(rows_directory(), "zhejiang", BYTES_MAX, &outbox, message), TALLY_OK);
    small_puts_share_a_batch(outbox, true);
}

static void large_puts_are_cut_into_batches(struct outbox *outbox, bool durable) {
    struct stock *stock = stock_on(outbox, durable, BYTES_MAX);
    put_rows(stock, 1, 4);
    cr_assert(put_rows(stock, 5, 27));
    cr_assert_eq(last_of(outbox), 2);
    assert_batch(outbox, 1, 1, 10);
    assert_batch(outbox, 2, 11, 20);
    cr_assert_neq(stock_waiting_since(stock), 0);
    put_rows(stock, 28, 30);
    assert_batch(outbox, 3, 21, 30);
    cr_assert_eq(stock_waiting_since(stock), 0, "a full batch does not linger");
    stock_destroy(stock);
    outbox_close(&outbox);
}

Test(stock, large_puts_are_cut_into_batches_in_memory) {
    large_puts_are_cut_into_batches(membox_open(), false);
}

Test(stock, large_puts_are_cut_into_batches_on_disk) {
    struct outbox *outbox = NULL;
    cr_assert_eq(diskbox_open(rows_directory(), "zhejiang", BYTES_MAX, &outbox, message), TALLY_OK);
    large_puts_are_cut_into_batches(outbox, true);
}

Test(stock, keeps_the_order_of_rows_that_cannot_share_a_batch) {
    struct outbox *outbox = membox_open();
    struct stock *stock = stock_on(outbox, false, BYTES_MAX);
    struct tally_project projects[6];
    bool wake = false;
    for (unsigned i = 0; i < 6; i++) {
        projects[i] = rows_project(i);
        projects[i].name = i == 2 || i == 3 ? "named" : NULL;
    }
    cr_assert_eq(put(stock, projects, 6, &wake), TALLY_OK);
    cr_assert_eq(stock_seal(stock, message), TALLY_OK);
    assert_batch(outbox, 1, 0, 1);
    assert_batch(outbox, 2, 2, 3);
    assert_batch(outbox, 3, 4, 5);
    stock_destroy(stock);
    outbox_close(&outbox);
}

Test(stock, another_competition_is_another_batch) {
    struct outbox *outbox = membox_open();
    struct stock *stock = stock_on(outbox, false, BYTES_MAX);
    struct tally_project project = rows_project(3);
    uint64_t bytes = 0;
    bool wake = false;
    put_rows(stock, 1, 2);
    cr_assert_eq(stock_weigh(stock, "other", &project, 1, &bytes, message), TALLY_OK);
    cr_assert_eq(stock_put(stock, "other", &project, 1, bytes, 1000, &wake, message), TALLY_OK);
    cr_assert(wake);
    cr_assert_eq(stock_seal(stock, message), TALLY_OK);
    assert_batch(outbox, 1, 1, 2);
    assert_batch(outbox, 2, 3, 3);
    stock_destroy(stock);
    outbox_close(&outbox);
}

Test(stock, takes_waiting_rows_up_again) {
    const char *directory = rows_directory();
    struct outbox *outbox = NULL;
    cr_assert_eq(diskbox_open(directory, "zhejiang", BYTES_MAX, &outbox, message), TALLY_OK);
    struct stock *stock = stock_on(outbox, true, BYTES_MAX);
    put_rows(stock, 1, 2);
    put_rows(stock, 3, 14);
    put_rows(stock, 15, 16);
    stock_destroy(stock);
    outbox_close(&outbox);
    cr_assert_eq(diskbox_open(directory, "zhejiang", BYTES_MAX, &outbox, message), TALLY_OK);
    cr_assert_eq(outbox->content.rows, 16);
    stock = stock_on(outbox, true, BYTES_MAX);
    assert_batch(outbox, 1, 1, 10);
    assert_batch(outbox, 2, 11, 16);
    put_rows(stock, 17, 17);
    cr_assert_eq(stock_seal(stock, message), TALLY_OK);
    assert_batch(outbox, 3, 17, 17);
    stock_destroy(stock);
    outbox_close(&outbox);
}

Test(stock, a_put_that_fails_leaves_nothing_behind) {
    struct outbox *outbox = NULL;
    struct tally_project *projects = calloc(20000, sizeof *projects);
    bool wake = false;
    for (unsigned i = 0; i < 20000; i++) {
        projects[i] = rows_project(100 + i);
    }
    cr_assert_eq(diskbox_open(rows_directory(), "zhejiang", BYTES_MAX, &outbox, message), TALLY_OK);
    struct stock *stock = stock_on(outbox, true, BYTES_MAX);
    put_rows(stock, 1, 3);
    disk_fault_set(DISK_FAULT_FULL);
    cr_assert_eq(put(stock, projects, 20000, &wake), TALLY_DISK);
    disk_fault_set(DISK_FAULT_NONE);
    cr_assert_eq(last_of(outbox), 0);
    put_rows(stock, 4, 6);
    cr_assert_eq(stock_seal(stock, message), TALLY_OK);
    assert_batch(outbox, 1, 1, 6);
    stock_destroy(stock);
    outbox_close(&outbox);
    free(projects);
}

Test(stock, is_full_at_its_limit_and_has_room_again_after_settling) {
    struct outbox *outbox = membox_open();
    struct stock *stock = stock_on(outbox, false, 10000);
    struct tally_project projects[10];
    struct settlement settlement = {.number = 1, .batch_code = 64};
    bool wake = false;
    size_t puts = 0;
    for (unsigned i = 0; i < 10; i++) {
        projects[i] = rows_project(i);
    }
    while (put(stock, projects, 10, &wake) == TALLY_OK) {
        puts++;
        cr_assert_lt(puts, 100);
    }
    cr_assert_gt(puts, 8);
    cr_assert_leq(atomic_load(&outbox->bytes), 10000);
    cr_assert(!stock_blocked(stock, 1000));
    settlement.batch_code = 0;
    cr_assert_eq(outbox_settle(outbox, &settlement, 1, message), TALLY_OK);
    settlement.number = 2;
    cr_assert_eq(outbox_settle(outbox, &settlement, 1, message), TALLY_OK);
    cr_assert_eq(put(stock, projects, 10, &wake), TALLY_OK);
    settlement.batch_code = 64;
    for (uint64_t number = 3; number <= puts; number++) {
        settlement.number = number;
        cr_assert_eq(outbox_settle(outbox, &settlement, 1, message), TALLY_OK);
    }
    cr_assert(stock_blocked(stock, 1000), "refused rows stay until they are taken");
    stock_destroy(stock);
    outbox_close(&outbox);
}

static void assert_invalid(struct tally_project project, const char *why) {
    struct outbox *outbox = membox_open();
    struct stock *stock = stock_on(outbox, false, BYTES_MAX);
    struct tally_project projects[2] = {rows_project(1), project};
    uint64_t bytes = 0;
    cr_assert_eq(stock_weigh(stock, ROWS_COMPETITION, projects, 2, &bytes, message), TALLY_INVALID);
    cr_assert_not_null(strstr(message, "row 1"), "%s", message);
    cr_assert_not_null(strstr(message, why), "%s", message);
    stock_destroy(stock);
    outbox_close(&outbox);
}

Test(stock, says_which_row_cannot_be_packed_and_why) {
    char code[300];
    char text[5000];
    struct tally_project project = rows_project(2);
    memset(code, 'c', sizeof code - 1);
    memset(text, 't', sizeof text - 1);
    code[sizeof code - 1] = '\0';
    text[sizeof text - 1] = '\0';
    project.code = NULL;
    assert_invalid(project, "no project code");
    project.code = code;
    assert_invalid(project, "longer than 255");
    project = rows_project(2);
    project.name = text;
    assert_invalid(project, "name is longer");
    project.name = "\xb5\xd8\xcc\xfa";
    assert_invalid(project, "name is not UTF-8");
    project.name = "";
    project.contractor = "\xff";
    assert_invalid(project, "contractor is not UTF-8");
}

Test(stock, wants_a_competition_and_a_put_within_its_limit) {
    struct outbox *outbox = membox_open();
    struct stock *stock = stock_on(outbox, false, 1000);
    struct tally_project projects[50];
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 50; i++) {
        projects[i] = rows_project(i);
    }
    cr_assert_eq(stock_weigh(stock, NULL, projects, 1, &bytes, message), TALLY_INVALID);
    cr_assert_eq(stock_weigh(stock, "", projects, 1, &bytes, message), TALLY_INVALID);
    cr_assert_eq(stock_weigh(stock, "Not A Key", projects, 1, &bytes, message), TALLY_INVALID);
    cr_assert_eq(stock_weigh(stock, ROWS_COMPETITION, projects, 50, &bytes, message), TALLY_INVALID);
    cr_assert_not_null(strstr(message, "put fewer"));
    cr_assert_eq(stock_weigh(stock, ROWS_COMPETITION, projects, 2, &bytes, message), TALLY_OK);
    stock_destroy(stock);
    outbox_close(&outbox);
}

Test(stock, follows_a_daemon_that_takes_fewer_rows) {
    struct outbox *outbox = membox_open();
    struct stock *stock = stock_on(outbox, false, BYTES_MAX);
    stock_limit_rows(stock, 4);
    stock_limit_rows(stock, 8192);
    stock_limit_rows(stock, 0);
    put_rows(stock, 1, 8);
    assert_batch(outbox, 1, 1, 4);
    assert_batch(outbox, 2, 5, 8);
    stock_destroy(stock);
    outbox_close(&outbox);
}
