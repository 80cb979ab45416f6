#include "daemon/intake/roster.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/random.h"
#include "tests/support/seed.h"

Test(roster, a_node_is_made_when_it_is_asked_for_and_expects_its_first_batch) {
    struct roster *roster = roster_create();
    cr_assert_null(roster_find(roster, 5));
    cr_assert_null(roster_find(roster, UINT16_MAX));
    struct roster_node *node = roster_node(roster, 5);
    cr_assert(node->number == 5 && node->next_sequence == 1 && node->durable_sequence == 0 && !node->connected);
    cr_assert_eq(roster_find(roster, 5), node);
    cr_assert_eq(roster_node(roster, 5), node);
    cr_assert_not_null(roster_node(roster, NODES_MAX - 1));
    roster_destroy(roster);
    roster_destroy(NULL);
}

Test(roster, a_connection_speaks_for_the_node_that_it_was_given_to) {
    struct roster *roster = roster_create();
    struct roster_node *one = roster_node(roster, 1);
    struct roster_node *two = roster_node(roster, 2);
    cr_assert_null(roster_speaker(roster, 77));
    cr_assert_null(roster_speaker(roster, 0));
    roster_connect(roster, one, 77);
    roster_connect(roster, two, 0);
    cr_assert_eq(roster_speaker(roster, 77), one);
    cr_assert_eq(roster_speaker(roster, 0), two, "0 is a connection like any other");
    roster_disconnect(roster, one);
    cr_assert_null(roster_speaker(roster, 77));
    roster_disconnect(roster, one);
    roster_connect(roster, one, 78);
    roster_disconnect(roster, two);
    roster_connect(roster, two, 77);
    cr_assert_eq(roster_speaker(roster, 77), two);
    cr_assert_eq(roster_speaker(roster, 78), one);
    roster_destroy(roster);
}

Test(roster, connecting_begins_a_session_afresh) {
    struct roster *roster = roster_create();
    struct roster_node *node = roster_node(roster, 1);
    node->rewind_quiet_until_ns = 99;
    node->next_sequence = 8;
    roster_connect(roster, node, 5);
    cr_assert(node->connected && node->rewind_quiet_until_ns == 0 && node->routing == 5);
    cr_assert_eq(node->next_sequence, 8, "sequences live longer than sessions");
    roster_destroy(roster);
}

/* Years of connections that come and go, many of them at the same places of the table. */
Test(roster, finds_the_right_speaker_through_a_hundred_thousand_connections) {
    enum { NODES = 300, ROUNDS = 100000 };
    struct random random = {.state = seed_of("roster", 71)};
    struct roster *roster = roster_create();
    routing_t routings[NODES] = {0};
    bool connected[NODES] = {false};
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = (size_t)random_below(&random, NODES);
        struct roster_node *node = roster_node(roster, (uint16_t)(i * 13));
        routing_t before = routings[i];
        if (connected[i]) {
            roster_disconnect(roster, node);
            cr_assert_null(roster_speaker(roster, before));
        }
        connected[i] = random_once_in(&random, 3) ? false : true;
        if (connected[i]) {
            routings[i] = (routing_t)(random_next(&random) & ~UINT64_C(511)) + (routing_t)i; /* none twice */
            roster_connect(roster, node, routings[i]);
            cr_assert_eq(roster_speaker(roster, routings[i]), node);
        }
        size_t other = (size_t)random_below(&random, NODES);
        struct roster_node *speaker = connected[other] ? roster_find(roster, (uint16_t)(other * 13)) : NULL;
        cr_assert_eq(roster_speaker(roster, connected[other] ? routings[other] : 512), speaker);
    }
    for (size_t i = 0; i < NODES; i++) {
        cr_assert(!connected[i] || roster_speaker(roster, routings[i])->number == i * 13);
    }
    roster_destroy(roster);
}

/* ---- receipts ---- */

static struct receipt make_receipt(uint64_t sequence) {
    struct receipt receipt = {.sequence = sequence, .version = sequence * 10, .refusal_count = 1};
    receipt.refusals = malloc(sizeof *receipt.refusals);
    cr_assert_not_null(receipt.refusals);
    receipt.refusals[0] = (struct entry_refusal){.row = (uint16_t)sequence, .code = REFUSAL_CODE_EMPTY};
    return receipt;
}

Test(roster, keeps_the_last_receipts_of_each_node) {
    struct roster *roster = roster_create();
    struct roster_node *node = roster_node(roster, 1);
    struct roster_node *other = roster_node(roster, 2);
    cr_assert_null(roster_receipt(node, 0));
    cr_assert_null(roster_receipt(node, 1));
    for (uint64_t sequence = 1; sequence <= 200; sequence++) {
        struct receipt receipt = make_receipt(sequence);
        roster_keep(node, &receipt);
        for (uint64_t asked = 0; asked <= sequence + WINDOW_BATCHES_MAX; asked++) {
            const struct receipt *kept = roster_receipt(node, asked);
            bool expected = asked > 0 && asked <= sequence && asked + WINDOW_BATCHES_MAX > sequence;
            cr_assert_eq(kept != NULL, expected, "receipt %lu after %lu", asked, sequence);
            cr_assert(kept == NULL ||
                      (kept->sequence == asked && kept->version == asked * 10 && kept->refusals[0].row == asked));
        }
    }
    cr_assert_null(roster_receipt(other, 200));
    roster_destroy(roster);
}

/* ---- registries ---- */

Test(roster, adopting_a_registry_points_nodes_at_their_new_rights_and_forgets_verdicts) {
    struct roster *roster = roster_create();
    struct registry *registry = registry_create(0, 2);
    registry->nodes[0].number = 3;
    registry->nodes[1].number = 4;
    struct roster_node *three = roster_node(roster, 3);
    struct roster_node *five = roster_node(roster, 5);
    static const struct node_right old_right = {.number = 5};
    five->right = &old_right;
    three->memo.regions[7] = 330106;
    three->memo.node = &old_right;
    roster_adopt(roster, registry);
    cr_assert_eq(three->right, &registry->nodes[0]);
    cr_assert_null(five->right, "it was taken out");
    cr_assert(three->memo.regions[7] == 0 && three->memo.node == NULL);
    cr_assert_null(roster_find(roster, 4), "none is made for those that never came");
    registry_release(registry);
    roster_destroy(roster);
}

static void count(void *context, struct roster_node *node) {
    unsigned *sum = context;
    *sum = *sum * 10 + node->number;
}

Test(roster, visits_every_node_there_is) {
    struct roster *roster = roster_create();
    unsigned sum = 0;
    roster_visit(roster, count, &sum);
    cr_assert_eq(sum, 0);
    roster_node(roster, 7);
    roster_node(roster, 3);
    roster_node(roster, 5);
    roster_visit(roster, count, &sum);
    cr_assert_eq(sum, 357);
    roster_destroy(roster);
}
