/* Sessions: who speaks for a node, what it is told when it comes and comes again, and what a reload does. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "daemon/base/counter.h"
#include "proto/frame.h"
#include "rig.h"

static struct rig rig;

static void init(void) {
    rig_init(&rig);
}

static void fini(void) {
    rig_fini(&rig);
}

TestSuite(stage_sessions, .init = init, .fini = fini);

static void expect_welcome(struct peer *peer, uint64_t next, uint64_t durable) {
    Tally__Welcome *welcome = peer_receive(peer, MESSAGE_WELCOME);
    cr_assert(welcome->next_sequence == next && welcome->durable_sequence == durable, "next %lu durable %lu",
              welcome->next_sequence, welcome->durable_sequence);
    cr_assert(welcome->epoch == RIG_EPOCH && welcome->window == RIG_WINDOW);
    cr_assert(welcome->batch_rows_max == BATCH_ROWS_MAX && welcome->batch_bytes_max == BATCH_BYTES_MAX);
    protobuf_c_message_free_unpacked(&welcome->base, NULL);
}

static void send_batches(struct peer *peer, uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        peer_batch(peer, sequence, 1);
        peer_expect_receipt(peer, sequence, 1);
    }
}

Test(stage_sessions, hello_is_answered_with_what_is_expected_next) {
    rig_start(&rig);
    struct peer peer;
    peer_open(&peer, &rig);
    peer_hello(&peer, "zhejiang", 0, 0);
    expect_welcome(&peer, 1, 0);
    cr_assert(atomic_load(&rig.presences[1].connected) && !atomic_load(&rig.presences[0].connected));
    send_batches(&peer, 1, 3);
    rig.hold = true;
    peer_batch(&peer, 4, 1);
    peer_hello(&peer, "zhejiang", 3, RIG_EPOCH);
    expect_welcome(&peer, 5, 3);
    rig.hold = false;
    peer_expect_receipt(&peer, 4, 1);
    peer_close(&peer);
}

Test(stage_sessions, after_a_break_the_receipts_that_the_node_has_not_dealt_with_come_again) {
    rig_start(&rig);
    struct peer peer;
    peer_open(&peer, &rig);
    cr_assert_eq(peer_join(&peer, "zhejiang"), 1);
    send_batches(&peer, 1, 40);
    peer_close(&peer);
    peer_open(&peer, &rig);
    peer_hello(&peer, "zhejiang", 38, RIG_EPOCH);
    expect_welcome(&peer, 41, 40);
    peer_expect_receipt(&peer, 39, 1);
    peer_expect_receipt(&peer, 40, 1);
    peer_expect_nothing(&peer);
    peer_hello(&peer, "zhejiang", 0, RIG_EPOCH);
    expect_welcome(&peer, 41, 40);
    for (uint64_t sequence = 41 - WINDOW_BATCHES_MAX; sequence <= 40; sequence++) {
        peer_expect_receipt(&peer, sequence, 1);
    }
    peer_expect_nothing(&peer);
    peer_hello(&peer, "zhejiang", 3, RIG_EPOCH + 1);
    expect_welcome(&peer, 41, 40);
    peer_expect_nothing(&peer);
    peer_hello(&peer, "zhejiang", 41, RIG_EPOCH);
    expect_welcome(&peer, 41, 40);
    peer_expect_nothing(&peer);
    peer_close(&peer);
}

Test(stage_sessions, a_second_connection_of_a_node_takes_over) {
    rig_start(&rig);
    struct peer first;
    struct peer second;
    peer_open(&first, &rig);
    peer_open(&second, &rig);
    cr_assert_eq(peer_join(&first, "zhejiang"), 1);
    rig.hold = true;
    peer_batch(&first, 1, 1);
    peer_expect_nothing(&first);
    cr_assert_eq(peer_join(&second, "zhejiang"), 2);
    peer_expect_refusal(&first, REFUSAL_SUPERSEDED, MESSAGE_HELLO);
    peer_batch(&first, 2, 1);
    peer_expect_refusal(&first, REFUSAL_HELLO_MISSING, MESSAGE_BATCH);
    rig.hold = false;
    peer_expect_receipt(&second, 1, 1);
    send_batches(&second, 2, 3);
    cr_assert_eq(counter_refused_read(REFUSAL_SUPERSEDED), 1);
    peer_close(&first);
    peer_close(&second);
}

Test(stage_sessions, nodes_have_sequences_of_their_own) {
    rig_start(&rig);
    struct peer zhejiang;
    struct peer jiangsu;
    peer_open(&zhejiang, &rig);
    peer_open(&jiangsu, &rig);
    cr_assert_eq(peer_join(&zhejiang, "zhejiang"), 1);
    cr_assert_eq(peer_join(&jiangsu, "jiangsu"), 1);
    send_batches(&zhejiang, 1, 5);
    peer_batch(&jiangsu, 1, 1); /* a row of Zhejiang */
    Tally__Receipt *receipt = peer_receive(&jiangsu, MESSAGE_RECEIPT);
    cr_assert(receipt->sequence == 1 && receipt->n_refused_code == 1 &&
              receipt->refused_code[0] == REFUSAL_REGION_NOT_YOURS);
    protobuf_c_message_free_unpacked(&receipt->base, NULL);
    peer_close(&zhejiang);
    peer_close(&jiangsu);
}

Test(stage_sessions, a_connection_speaks_for_the_node_that_it_named_last) {
    rig_start(&rig);
    struct peer peer;
    peer_open(&peer, &rig);
    cr_assert_eq(peer_join(&peer, "jiangsu"), 1);
    cr_assert_eq(peer_join(&peer, "zhejiang"), 1);
    send_batches(&peer, 1, 2);
    cr_assert(!atomic_load(&rig.presences[0].connected) && atomic_load(&rig.presences[1].connected));
    cr_assert(ledger_sequence(rig.ledger, 0) == 0 && ledger_sequence(rig.ledger, 1) == 2);
    peer_close(&peer);
}

/* ---- what recovery loads ---- */

Test(stage_sessions, begin_where_recovery_says) {
    struct registry *registry = rig_registry(2);
    struct definition definition = definition_of_competition(&registry->competitions[0]);
    registry_release(registry);
    intake_stage_load_definition(rig.stage, ENTRY_COMPETITION, &definition);
    cr_assert_eq(intake_stage_load_sequence(rig.stage, 1, 7, 99), ERROR_NONE);
    struct receipt receipt = {.sequence = 7, .version = 99, .rows = 2, .accepted = 1, .refusal_count = 1};
    receipt.refusals = malloc(sizeof *receipt.refusals);
    receipt.refusals[0] = (struct entry_refusal){.row = 1, .code = REFUSAL_VALUE_NEGATIVE};
    cr_assert_eq(intake_stage_load_receipt(rig.stage, 1, &receipt), ERROR_NONE);
    cr_assert_eq(ledger_load_definition(rig.ledger, ENTRY_COMPETITION, &definition), ERROR_NONE);
    ledger_load_sequence(rig.ledger, 1, 7);
    rig_start(&rig);
    struct peer peer;
    peer_open(&peer, &rig);
    peer_hello(&peer, "zhejiang", 6, RIG_EPOCH);
    expect_welcome(&peer, 8, 7);
    Tally__Receipt *again = peer_receive(&peer, MESSAGE_RECEIPT);
    cr_assert(again->sequence == 7 && again->version == 99 && again->accepted == 1);
    cr_assert(again->n_refused_row == 1 && again->refused_row[0] == 1 &&
              again->refused_code[0] == REFUSAL_VALUE_NEGATIVE);
    protobuf_c_message_free_unpacked(&again->base, NULL);
    send_batches(&peer, 8, 9);
    cr_assert_eq(rig.definitions, 2, "the competition was known; the two nodes were not");
    peer_close(&peer);
}

/* ---- reload ---- */

Test(stage_sessions, a_reload_lets_new_nodes_in) {
    rig_start(&rig);
    struct peer peer;
    peer_open(&peer, &rig);
    peer_hello(&peer, "anhui", 0, 0);
    peer_expect_refusal(&peer, REFUSAL_NODE_UNKNOWN, MESSAGE_HELLO);
    struct registry *registry = rig_registry(4);
    registry_offer(&rig.registry_slot, registry);
    registry_release(registry);
    waker_wake(&rig.waker);
    while (rig.definitions < 5) {
        rig_work(&rig, SIZE_MAX);
    }
    cr_assert_eq(peer_join(&peer, "anhui"), 1);
    cr_assert_str_eq(ledger_node(rig.ledger, 3)->key, "anhui");
    peer_close(&peer);
}

Test(stage_sessions, a_reload_ends_the_sessions_of_nodes_that_were_taken_out) {
    rig_start(&rig);
    struct peer jiangsu;
    struct peer zhejiang;
    peer_open(&jiangsu, &rig);
    peer_open(&zhejiang, &rig);
    cr_assert_eq(peer_join(&jiangsu, "jiangsu"), 1);
    cr_assert_eq(peer_join(&zhejiang, "zhejiang"), 1);
    rig.hold = true;
    peer_batch(&zhejiang, 1, 1);
    peer_expect_nothing(&zhejiang);
    struct registry *registry = rig_registry(1);
    registry_offer(&rig.registry_slot, registry);
    registry_release(registry);
    waker_wake(&rig.waker);
    peer_expect_refusal(&zhejiang, REFUSAL_NODE_UNKNOWN, MESSAGE_HELLO);
    peer_batch(&zhejiang, 2, 1);
    peer_expect_refusal(&zhejiang, REFUSAL_HELLO_MISSING, MESSAGE_BATCH);
    rig.hold = false;
    while (ledger_sequence(rig.ledger, 1) == 0) {
        rig_work(&rig, SIZE_MAX);
    }
    peer_expect_nothing(&jiangsu);
    cr_assert(!atomic_load(&rig.presences[1].connected) && atomic_load(&rig.presences[0].connected));
    peer_close(&jiangsu);
    peer_close(&zhejiang);
}
