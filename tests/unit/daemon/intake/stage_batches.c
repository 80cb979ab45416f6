/* Batches: in order each is taken once, whatever else comes; rows and whole batches that are wrong come back with their
 * reasons and use up their sequence. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "proto/frame.h"
#include "rig.h"

static struct rig rig;
static struct peer peer;

static void init(void) {
    rig_init(&rig);
    rig_start(&rig);
    peer_open(&peer, &rig);
    cr_assert_eq(peer_join(&peer, "zhejiang"), 1);
}

static void fini(void) {
    peer_close(&peer);
    rig_fini(&rig);
}

TestSuite(stage_batches, .init = init, .fini = fini);

Test(stage_batches, each_gets_its_receipt) {
    for (uint64_t sequence = 1; sequence <= 100; sequence++) {
        peer_batch(&peer, sequence, 10);
        peer_expect_receipt(&peer, sequence, 10);
    }
    cr_assert_eq(ledger_projects(rig.ledger), 10);
    cr_assert_eq(ledger_sequence(rig.ledger, 1), 100);
    const struct presence *presence = &rig.presences[1];
    cr_assert_eq(atomic_load(&presence->sequence), 100);
    cr_assert_eq(atomic_load(&presence->rows_accepted), 1000);
    cr_assert(atomic_load(&presence->rows_refused) == 0 && atomic_load(&presence->last_batch_ms) > 0);
    cr_assert_eq(counter_read(COUNTER_INTAKE_BATCHES), 100);
    cr_assert_eq(rig.definitions, 3, "the journal knew competition and nodes before");
}

Test(stage_batches, refused_rows_come_back_with_their_reasons_and_the_others_count) {
    const struct columns_row rows[] = {
        {.code = "p1", .region = 330106}, {.code = "", .region = 330106},
        {.code = "p2", .region = 320505}, {.code = "p3", .region = 330106, .contract_value = -1},
        {.code = "p4", .region = 320505}, {.code = "p5", .region = 330106}};
    columns_clear(rig.columns);
    for (size_t i = 0; i < 6; i++) {
        columns_add(rig.columns, &rows[i]);
    }
    peer_columns(&peer, 1, "csj-2021");
    Tally__Receipt *receipt = peer_receive(&peer, MESSAGE_RECEIPT);
    cr_assert(receipt->rows == 6 && receipt->accepted == 2 && receipt->unchanged == 0 && receipt->batch_code == 0);
    cr_assert(receipt->n_refused_row == 4 && receipt->n_refused_code == 4);
    cr_assert_arr_eq(receipt->refused_row, ((uint32_t[]){1, 2, 3, 4}), 4 * sizeof(uint32_t));
    cr_assert_arr_eq(
        receipt->refused_code,
        ((uint32_t[]){REFUSAL_CODE_EMPTY, REFUSAL_REGION_NOT_YOURS, REFUSAL_VALUE_NEGATIVE, REFUSAL_REGION_NOT_YOURS}),
        4 * sizeof(uint32_t));
    cr_assert(receipt->n_reason_code == 3 && receipt->n_reason_text == 3, "each reason once");
    for (size_t i = 0; i < 3; i++) {
        cr_assert_str_eq(receipt->reason_text[i], refusal_text(receipt->reason_code[i]));
    }
    protobuf_c_message_free_unpacked(&receipt->base, NULL);
    cr_assert_eq(counter_refused_read(REFUSAL_REGION_NOT_YOURS), 2);
    cr_assert_eq(atomic_load(&rig.presences[1].rows_refused), 4);
}

/* The largest receipt that there is: all rows refused. */
Test(stage_batches, a_full_batch_of_refused_rows_fits_its_receipt) {
    columns_clear(rig.columns);
    for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
        struct columns_row row = {.code = "p", .region = 330106};
        row.region = i % 5 == 0 ? 0 : i % 5 == 1 ? 110101 : i % 5 == 2 ? 320505 : 330106;
        row.category = i % 5 == 3 ? 99 : 0;
        row.status = i % 5 == 4 ? 99 : 0;
        columns_add(rig.columns, &row);
    }
    peer_columns(&peer, 1, "csj-2021");
    Tally__Receipt *receipt = peer_receive(&peer, MESSAGE_RECEIPT);
    cr_assert(receipt->rows == BATCH_ROWS_MAX && receipt->accepted == 0 && receipt->n_refused_row == BATCH_ROWS_MAX);
    cr_assert(receipt->refused_row[BATCH_ROWS_MAX - 1] == BATCH_ROWS_MAX - 1 && receipt->n_reason_code == 5);
    protobuf_c_message_free_unpacked(&receipt->base, NULL);
}

static void expect_batch_refused(uint64_t sequence, uint32_t rows, enum refusal code) {
    Tally__Receipt *receipt = peer_receive(&peer, MESSAGE_RECEIPT);
    cr_assert(receipt->first_sequence == sequence && receipt->sequence == sequence);
    cr_assert_eq(receipt->batch_code, (unsigned)code, "%s, not %s", refusal_name(receipt->batch_code),
                 refusal_name(code));
    cr_assert(receipt->rows == rows && receipt->accepted == 0 && receipt->n_refused_row == 0);
    cr_assert(receipt->n_reason_code == 1 && receipt->reason_code[0] == (unsigned)code);
    cr_assert_str_eq(receipt->reason_text[0], refusal_text(code));
    protobuf_c_message_free_unpacked(&receipt->base, NULL);
    cr_assert_eq(counter_refused_read(code), 1);
}

static void send_packed(const Tally__Batch *message) {
    size_t size = tally__batch__get_packed_size(message);
    uint8_t *bytes = malloc(size);
    tally__batch__pack(message, bytes);
    peer_send(&peer, MESSAGE_BATCH, bytes, size);
    free(bytes);
}

Test(stage_batches, one_that_is_wholly_wrong_uses_up_its_sequence) {
    columns_clear(rig.columns);
    for (size_t i = 0; i <= BATCH_ROWS_MAX; i++) {
        columns_add(rig.columns, &(struct columns_row){.code = "p", .region = 330106});
    }
    peer_columns(&peer, 1, "csj-2021");
    expect_batch_refused(1, BATCH_ROWS_MAX + 1, REFUSAL_TOO_MANY_ROWS);
    columns_clear(rig.columns);
    peer_columns(&peer, 2, "csj-2021");
    expect_batch_refused(2, 0, REFUSAL_BATCH_EMPTY);
    uint32_t ones[] = {1, 1};
    Tally__Batch uneven = TALLY__BATCH__INIT;
    uneven.sequence = 3;
    uneven.competition = (char *)(uintptr_t) "csj-2021";
    uneven.n_code_bytes = 2;
    uneven.code_bytes = ones;
    send_packed(&uneven);
    expect_batch_refused(3, 2, REFUSAL_COLUMNS_UNEVEN);
    columns_add(rig.columns, &(struct columns_row){.code = "p", .region = 330106});
    peer_columns(&peer, 4, "csj-2022");
    expect_batch_refused(4, 1, REFUSAL_COMPETITION_UNKNOWN);
    peer_batch(&peer, 5, 1);
    peer_expect_receipt(&peer, 5, 1);
    cr_assert_eq(ledger_projects(rig.ledger), 1);
}

/* ---- sequences ---- */

/* An answer is counted when it was sent, so perhaps after it was received. */
static void expect_counted(enum counter counter, uint64_t value) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(10000000000);
    while (counter_read(counter) != value) {
        cr_assert_lt(clock_monotonic_ns(), end_ns, "%s is %" PRIu64, counter_name(counter), counter_read(counter));
        sched_yield();
    }
}

Test(stage_batches, a_gap_is_told_once_until_the_expected_one_comes) {
    peer_batch(&peer, 3, 1);
    peer_batch(&peer, 4, 1);
    peer_batch(&peer, 5, 1);
    peer_batch(&peer, 1, 1);
    peer_expect_rewind(&peer, 1, 3, REFUSAL_SEQUENCE_GAP);
    peer_expect_receipt(&peer, 1, 1);
    peer_batch(&peer, 4, 1);
    peer_expect_rewind(&peer, 2, 4, REFUSAL_SEQUENCE_GAP);
    cr_assert_eq(counter_refused_read(REFUSAL_SEQUENCE_GAP), 4);
    expect_counted(COUNTER_INTAKE_REWINDS, 2);
    cr_assert_eq(counter_read(COUNTER_INTAKE_BATCHES_DROPPED), 4);
    cr_assert_eq(ledger_sequence(rig.ledger, 1), 1);
}

Test(stage_batches, a_durable_one_that_comes_again_gets_its_receipt_again_and_counts_once) {
    peer_batch(&peer, 1, 5);
    peer_expect_receipt(&peer, 1, 5);
    uint64_t version = ledger_version(rig.ledger);
    for (int i = 0; i < 3; i++) {
        peer_batch(&peer, 1, 7);
        peer_expect_receipt(&peer, 1, 5);
    }
    cr_assert_eq(ledger_version(rig.ledger), version);
    cr_assert_eq(counter_refused_read(REFUSAL_SEQUENCE_OLD), 3);
    peer_batch(&peer, 0, 1);
    peer_expect_rewind(&peer, 2, 0, REFUSAL_SEQUENCE_OLD);
}

Test(stage_batches, one_whose_receipt_is_no_longer_kept_is_told_to_go_on) {
    for (uint64_t sequence = 1; sequence <= WINDOW_BATCHES_MAX + 1; sequence++) {
        peer_batch(&peer, sequence, 1);
        peer_expect_receipt(&peer, sequence, 1);
    }
    peer_batch(&peer, 1, 1);
    peer_expect_rewind(&peer, WINDOW_BATCHES_MAX + 2, 1, REFUSAL_SEQUENCE_OLD);
    peer_batch(&peer, 2, 1);
    peer_expect_receipt(&peer, 2, 1);
}

Test(stage_batches, one_that_comes_again_before_it_is_durable_is_dropped) {
    rig.hold = true;
    peer_batch(&peer, 1, 5);
    peer_batch(&peer, 1, 5);
    peer_batch(&peer, 1, 5);
    peer_expect_nothing(&peer);
    rig.hold = false;
    peer_expect_receipt(&peer, 1, 5);
    peer_expect_nothing(&peer);
    cr_assert_eq(counter_refused_read(REFUSAL_SEQUENCE_OLD), 2);
    cr_assert_eq(ledger_sequence(rig.ledger, 1), 1);
}

/* Many more batches than slots: intake stops reading, nothing is lost, everything comes in order. */
Test(stage_batches, more_than_there_are_slots_wait_their_turn) {
    enum { BATCHES = 5 * RIG_SLOTS };
    rig.hold = true;
    for (uint64_t sequence = 1; sequence <= BATCHES; sequence++) {
        peer_batch(&peer, sequence, 2);
    }
    rig.hold = false;
    for (uint64_t sequence = 1; sequence <= BATCHES; sequence++) {
        peer_expect_receipt(&peer, sequence, 2);
    }
    cr_assert_eq(ledger_sequence(rig.ledger, 1), BATCHES);
}

/* ---- not now ---- */

Test(stage_batches, while_the_disk_is_full_they_are_answered_busy_and_not_kept) {
    peer_batch(&peer, 1, 1);
    peer_expect_receipt(&peer, 1, 1);
    atomic_store(&rig.journal_full, true);
    peer_batch(&peer, 2, 1);
    peer_expect_busy(&peer, 2, REFUSAL_DISK_FULL);
    peer_batch(&peer, 3, 1);
    peer_expect_busy(&peer, 3, REFUSAL_DISK_FULL);
    peer_batch(&peer, 1, 1);
    peer_expect_receipt(&peer, 1, 1);
    atomic_store(&rig.journal_full, false);
    peer_batch(&peer, 2, 1);
    peer_expect_receipt(&peer, 2, 1);
    cr_assert_eq(counter_refused_read(REFUSAL_DISK_FULL), 2);
    cr_assert_eq(counter_read(COUNTER_INTAKE_BUSY_ANSWERS), 2);
}

Test(stage_batches, while_draining_they_are_answered_busy_and_those_under_way_get_their_receipts) {
    rig.hold = true;
    peer_batch(&peer, 1, 1);
    peer_expect_nothing(&peer);
    cr_assert(!intake_stage_drain(rig.stage, 50), "an entry is not home");
    peer_batch(&peer, 2, 1);
    peer_expect_busy(&peer, 2, REFUSAL_DRAINING);
    rig.hold = false;
    peer_expect_receipt(&peer, 1, 1);
    cr_assert(intake_stage_drain(rig.stage, 10000));
    cr_assert_eq(counter_refused_read(REFUSAL_DRAINING), 1);
}
