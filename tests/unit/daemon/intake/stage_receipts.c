/* What the archive is given of the receipts: each once, none before all up to the wanted version are there, none that intake
 * does not keep any more. */
#include <criterion/criterion.h>
#include <sched.h>

#include "daemon/base/clock.h"
#include "proto/frame.h"
#include "rig.h"

enum { DEADLINE_MS = 20000 };

static struct rig rig;
static struct peer peer;

static void init(void) {
    rig_init(&rig);
    peer_open(&peer, &rig);
}

static void fini(void) {
    peer_close(&peer);
    rig_fini(&rig);
}

TestSuite(stage_receipts, .init = init, .fini = fini);

static void begin(void) {
    rig_start(&rig);
    cr_assert_eq(peer_join(&peer, "zhejiang"), 1);
}

static void send(uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        peer_batch(&peer, sequence, 2);
        peer_expect_receipt(&peer, sequence, 2);
    }
}

static void want(uint64_t version) {
    rig.receipts.wanted_version = version;
    atomic_store(&rig.receipts.holder, RECEIPTS_WANTED);
    waker_wake(&rig.waker);
}

static void wait_for_offer(void) {
    int64_t end_ns = clock_monotonic_ns() + DEADLINE_MS * INT64_C(1000000);
    while (atomic_load(&rig.receipts.holder) != RECEIPTS_OFFERED) {
        cr_assert_lt(clock_monotonic_ns(), end_ns, "no receipts were offered");
        waker_prepare(&rig.archive_waker);
        if (atomic_load(&rig.receipts.holder) != RECEIPTS_OFFERED) {
            waker_sleep(&rig.archive_waker, DEADLINE_MS);
        }
        waker_finish(&rig.archive_waker);
    }
    atomic_store(&rig.receipts.holder, RECEIPTS_IDLE);
}

/* The list holds the receipts of these sequences, and is then empty. */
static void check_list(uint64_t first, uint64_t last) {
    const struct receipt_list *list = &rig.receipts.list;
    cr_assert_eq(list->count, last - first + 1, "%zu receipts", list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct receipt receipt = receipt_list_at(list, i);
        cr_assert_eq(receipt.sequence, first + i);
        cr_assert(receipt.rows == 2 && receipt.accepted == 2 && receipt.refusal_count == 0);
        cr_assert_eq(list->receipts[i].node, 1);
    }
    receipt_list_cut(&rig.receipts.list, 0);
}

Test(stage_receipts, are_offered_once) {
    begin();
    send(1, 5);
    want(ledger_version(rig.ledger));
    wait_for_offer();
    check_list(1, 5);
    send(6, 7);
    want(ledger_version(rig.ledger));
    wait_for_offer();
    check_list(6, 7);
}

Test(stage_receipts, of_later_versions_are_not_offered_yet) {
    begin();
    send(1, 3);
    uint64_t version = ledger_version(rig.ledger);
    send(4, 6);
    want(version);
    wait_for_offer();
    check_list(1, 3);
    want(ledger_version(rig.ledger));
    wait_for_offer();
    check_list(4, 6);
}

Test(stage_receipts, are_offered_when_all_that_are_wanted_have_come_home) {
    begin();
    send(1, 1);
    want(ledger_version(rig.ledger) + 2);
    send(2, 2);
    cr_assert_eq(atomic_load(&rig.receipts.holder), RECEIPTS_WANTED);
    send(3, 3);
    wait_for_offer();
    check_list(1, 3);
}

Test(stage_receipts, that_are_not_kept_any_more_are_left_out) {
    begin();
    send(1, WINDOW_BATCHES_MAX + 8);
    want(ledger_version(rig.ledger));
    wait_for_offer();
    check_list(9, WINDOW_BATCHES_MAX + 8);
}

/* What the archive asks for when all threads have ended. */
Test(stage_receipts, are_copied_after_the_end_of_the_thread) {
    begin();
    send(1, 4);
    want(ledger_version(rig.ledger));
    wait_for_offer();
    check_list(1, 4);
    rig.hold = true;
    peer_batch(&peer, 5, 2);
    while (rig_work(&rig, 1) == 0) {
        sched_yield();
    }
    intake_stage_stop(rig.stage);
    intake_stage_stop(rig.stage);
    cr_assert_eq(intake_stage_copy_receipts(rig.stage, ledger_version(rig.ledger), &rig.receipts.list), ERROR_NONE);
    check_list(5, 5);
    cr_assert_eq(intake_stage_copy_receipts(rig.stage, ledger_version(rig.ledger), &rig.receipts.list), ERROR_NONE);
    cr_assert_eq(rig.receipts.list.count, 0);
}

Test(stage_receipts, with_refused_rows_are_copied_with_them) {
    begin();
    const struct columns_row rows[] = {
        {.code = "p1", .region = 330106}, {.code = "p2", .region = 320505}, {.code = "", .region = 330106}};
    columns_clear(rig.columns);
    for (size_t i = 0; i < 3; i++) {
        columns_add(rig.columns, &rows[i]);
    }
    peer_columns(&peer, 1, "csj-2021");
    Tally__Receipt *told = peer_receive(&peer, MESSAGE_RECEIPT);
    protobuf_c_message_free_unpacked(&told->base, NULL);
    want(ledger_version(rig.ledger));
    wait_for_offer();
    struct receipt receipt = receipt_list_at(&rig.receipts.list, 0);
    cr_assert(receipt.accepted == 1 && receipt.refusal_count == 2);
    cr_assert(receipt.refusals[0].row == 1 && receipt.refusals[0].code == REFUSAL_REGION_NOT_YOURS);
    cr_assert(receipt.refusals[1].row == 2 && receipt.refusals[1].code == REFUSAL_CODE_EMPTY);
}

/* Of what was stored, and of what was replayed on top of it. */
Test(stage_receipts, that_are_stored_are_not_copied_again) {
    for (uint64_t sequence = 1; sequence <= 5; sequence++) {
        struct receipt receipt = {.sequence = sequence, .version = 10 * sequence, .rows = 2, .accepted = 2};
        cr_assert_eq(intake_stage_load_receipt(rig.stage, 1, &receipt), ERROR_NONE);
        cr_assert_eq(intake_stage_load_sequence(rig.stage, 1, sequence, receipt.version), ERROR_NONE);
    }
    intake_stage_load_version(rig.stage, 55, 30);
    rig_start(&rig);
    want(55);
    wait_for_offer();
    check_list(4, 5);
}
