#include "client/lib/session.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/refusal.h"

enum { EPOCH = 77 };

static struct session *create(uint64_t epoch, uint64_t offset, uint64_t first, uint64_t last) {
    struct session *session = session_create(epoch, offset, first, last, WINDOW_BATCHES_MAX);
    cr_assert_not_null(session);
    return session;
}

static void connect_at(struct session *session, int64_t now_ms) {
    cr_assert_eq(session_next(session, now_ms).kind, SESSION_CONNECT);
    session_said_hello(session, now_ms, true);
}

static void welcome_at(struct session *session, int64_t now_ms, uint64_t epoch, uint64_t next, uint64_t durable,
                       uint32_t window) {
    struct session_welcome welcome = {
        .next_sequence = next, .durable_sequence = durable, .epoch = epoch, .window = window};
    session_welcome(session, now_ms, &welcome);
}

/* Sends until nothing more may be sent; returns how many; *first is the sequence of the first. */
static size_t send_all(struct session *session, int64_t now_ms, uint64_t *first) {
    size_t count = 0;
    for (;;) {
        struct session_step step = session_next(session, now_ms);
        if (step.kind != SESSION_SEND) {
            return count;
        }
        *first = count == 0 ? step.sequence : *first;
        cr_assert_eq(step.sequence, *first + count, "sequences go out without gaps");
        session_sent(session, now_ms);
        count++;
    }
}

static bool receipt(struct session *session, int64_t now_ms, uint64_t first, uint64_t last,
                    struct session_range *settled) {
    struct session_range lost;
    bool settles = session_receipt(session, now_ms, first, last, &lost, settled);
    cr_assert(!settles || lost.last < lost.first, "no receipt is lost here");
    return settles;
}

/* A session of the known epoch that has sent its batches first to last. */
static struct session *streaming(uint64_t first, uint64_t last) {
    struct session *session = create(EPOCH, 0, first, last);
    uint64_t sequence = 0;
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, first, first - 1, WINDOW_BATCHES_MAX);
    send_all(session, 0, &sequence);
    return session;
}

Test(session, says_hello_at_once_and_knows_nothing_when_new) {
    struct session *session = create(0, 0, 1, 0);
    struct session_step step = session_next(session, 5);
    cr_assert_eq(step.kind, SESSION_CONNECT);
    cr_assert_eq(step.epoch, 0);
    cr_assert_eq(step.acknowledged, 0);
    session_destroy(session);
}

Test(session, says_what_it_has_dealt_with) {
    struct session *session = create(EPOCH, 100, 5, 9);
    struct session_step step = session_next(session, 0);
    cr_assert_eq(step.epoch, EPOCH);
    cr_assert_eq(step.acknowledged, 104);
    session_destroy(session);
}

Test(session, numbers_its_batches_after_the_first_welcome_before_it_sends) {
    struct session *session = create(0, 0, 1, 3);
    uint64_t first = 0;
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 41, 40, 8);
    struct session_step step = session_next(session, 0);
    cr_assert_eq(step.kind, SESSION_RENUMBER);
    cr_assert_eq(step.epoch, EPOCH);
    cr_assert_eq(step.offset, 40);
    session_renumbered(session);
    cr_assert_eq(send_all(session, 0, &first), 3);
    cr_assert_eq(first, 41);
    session_destroy(session);
}

Test(session, sends_no_more_than_the_window) {
    struct session *session = create(EPOCH, 0, 1, 100);
    struct session_range settled;
    uint64_t first = 0;
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 1, 0, 4);
    cr_assert_eq(send_all(session, 0, &first), 4);
    cr_assert(receipt(session, 0, 1, 2, &settled));
    cr_assert_eq(settled.first, 1);
    cr_assert_eq(settled.last, 2);
    cr_assert_eq(send_all(session, 0, &first), 2);
    cr_assert_eq(first, 5);
    session_destroy(session);
}

Test(session, keeps_to_its_own_window_if_that_is_smaller) {
    struct session *session = session_create(EPOCH, 0, 1, 100, 2);
    uint64_t first = 0;
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 1, 0, 16);
    cr_assert_eq(send_all(session, 0, &first), 2);
    session_destroy(session);
}

Test(session, goes_on_where_the_daemon_is_and_waits_for_the_receipts_before) {
    struct session *session = create(EPOCH, 0, 5, 9);
    struct session_range settled;
    uint64_t first = 0;
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 7, 6, 8);
    cr_assert_eq(send_all(session, 0, &first), 3);
    cr_assert_eq(first, 7);
    cr_assert(session_unsettled(session));
    cr_assert(receipt(session, 0, 5, 6, &settled));
    cr_assert_eq(settled.first, 5);
    cr_assert_eq(settled.last, 6);
    session_destroy(session);
}

Test(session, sends_nothing_twice_when_the_daemon_has_everything) {
    struct session *session = create(EPOCH, 0, 5, 9);
    uint64_t first = 0;
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 10, 7, 8);
    cr_assert_eq(send_all(session, 0, &first), 0);
    cr_assert(!session_idle(session) || session_unsettled(session));
    session_destroy(session);
}

static void assert_renumbers(uint64_t epoch, uint64_t next) {
    struct session *session = create(EPOCH, 1000, 5, 9); /* sequences 1005 to 1009 */
    connect_at(session, 0);
    welcome_at(session, 0, epoch, next, next - 1, 8);
    struct session_step step = session_next(session, 0);
    cr_assert_eq(step.kind, SESSION_RENUMBER);
    cr_assert_eq(step.epoch, epoch);
    session_renumbered(session);
    step = session_next(session, 0);
    cr_assert_eq(step.kind, SESSION_SEND);
    cr_assert_eq(step.first, 5, "the batches are the same");
    cr_assert_eq(step.sequence, next);
    session_destroy(session);
}

Test(session, renumbers_for_a_new_epoch) {
    assert_renumbers(EPOCH + 1, 1);
}

Test(session, renumbers_when_the_outbox_is_older_than_the_daemon) {
    assert_renumbers(EPOCH, 1011);
}

Test(session, renumbers_when_the_daemon_is_older_than_the_outbox) {
    assert_renumbers(EPOCH, 1004);
}

Test(session, ignores_a_welcome_that_nobody_asked_for_or_that_makes_no_sense) {
    struct session *session = create(EPOCH, 0, 1, 3);
    uint64_t first = 0;
    welcome_at(session, 0, EPOCH, 1, 0, 8);
    cr_assert_eq(session_state(session), SESSION_AWAY);
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 0, 0, 8);
    welcome_at(session, 0, EPOCH, UINT64_MAX, 0, 8);
    cr_assert_eq(session_state(session), SESSION_GREETING);
    welcome_at(session, 0, EPOCH, 1, 0, 8);
    cr_assert_eq(send_all(session, 0, &first), 3);
    welcome_at(session, 0, EPOCH, 1, 0, 8);
    cr_assert_eq(send_all(session, 0, &first), 0, "a late Welcome does not start over");
    session_destroy(session);
}

Test(session, a_window_of_none_is_one) {
    struct session *session = create(EPOCH, 0, 1, 3);
    uint64_t first = 0;
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 1, 0, 0);
    cr_assert_eq(send_all(session, 0, &first), 1);
    session_destroy(session);
}

Test(session, ignores_receipts_that_do_not_fit) {
    struct session *session = streaming(5, 9);
    struct session_range settled;
    cr_assert(!receipt(session, 0, 1, 4, &settled), "old");
    cr_assert(!receipt(session, 0, 0, 5, &settled), "from zero");
    cr_assert(!receipt(session, 0, 6, 5, &settled), "backwards");
    cr_assert(!receipt(session, 0, 5, 10, &settled), "never sent");
    cr_assert(!receipt(session, 0, 5, UINT64_MAX, &settled), "absurd");
    cr_assert(receipt(session, 0, 5, 7, &settled));
    cr_assert(!receipt(session, 0, 5, 7, &settled), "again");
    cr_assert(receipt(session, 0, 6, 8, &settled), "overlapping");
    cr_assert_eq(settled.first, 8);
    cr_assert_eq(settled.last, 8);
    session_destroy(session);
}

Test(session, ignores_receipts_before_the_welcome) {
    struct session *session = create(EPOCH, 0, 1, 3);
    struct session_range settled;
    connect_at(session, 0);
    cr_assert(!receipt(session, 0, 1, 1, &settled));
    session_destroy(session);
}

Test(session, asks_for_receipts_that_were_left_out) {
    struct session *session = streaming(1, 4);
    struct session_range settled;
    cr_assert(!receipt(session, 0, 3, 3, &settled));
    struct session_step step = session_next(session, 0);
    cr_assert_eq(step.kind, SESSION_HELLO, "on the same connection");
    cr_assert_eq(step.acknowledged, 0);
    session_said_hello(session, 0, false);
    cr_assert(!receipt(session, 0, 4, 4, &settled), "until the Welcome nothing is given up");
    cr_assert_eq(session_next(session, 0).kind, SESSION_WAIT);
    welcome_at(session, 0, EPOCH, 5, 3, 8);
    cr_assert(receipt(session, 0, 1, 2, &settled));
    cr_assert(receipt(session, 0, 3, 3, &settled));
    cr_assert(receipt(session, 0, 4, 4, &settled));
    cr_assert(!session_unsettled(session));
    session_destroy(session);
}

Test(session, gives_up_receipts_that_are_left_out_again) {
    struct session *session = streaming(1, 4);
    struct session_range lost;
    struct session_range settled;
    cr_assert(!session_receipt(session, 0, 3, 3, &lost, &settled));
    session_said_hello(session, 0, false);
    welcome_at(session, 0, EPOCH, 5, 4, 8);
    cr_assert(session_receipt(session, 0, 3, 4, &lost, &settled));
    cr_assert_eq(lost.first, 1);
    cr_assert_eq(lost.last, 2);
    cr_assert_eq(settled.first, 3);
    cr_assert_eq(settled.last, 4);
    session_destroy(session);
}

Test(session, forgets_a_window_at_a_time_what_was_promised_twice_and_never_came) {
    struct session *session = create(EPOCH, 0, 1, 40);
    connect_at(session, 0);
    welcome_at(session, 0, EPOCH, 41, 40, 8);
    connect_at(session, SESSION_RECEIPT_WAIT_MS);
    welcome_at(session, SESSION_RECEIPT_WAIT_MS, EPOCH, 41, 40, 8);
    struct session_step step = session_next(session, SESSION_RECEIPT_WAIT_MS);
    cr_assert_eq(step.kind, SESSION_FORGET);
    cr_assert_eq(step.first, 1);
    cr_assert_eq(step.last, WINDOW_BATCHES_MAX);
    session_forgot(session, step.last);
    step = session_next(session, SESSION_RECEIPT_WAIT_MS);
    cr_assert_eq(step.kind, SESSION_FORGET);
    cr_assert_eq(step.last, 40);
    session_forgot(session, step.last);
    cr_assert(!session_unsettled(session));
    cr_assert(session_idle(session));
    session_destroy(session);
}

Test(session, a_slow_daemon_is_not_taken_for_one_that_forgot) {
    struct session *session = streaming(1, 2);
    connect_at(session, SESSION_RECEIPT_WAIT_MS); /* it had promised nothing yet */
    welcome_at(session, SESSION_RECEIPT_WAIT_MS, EPOCH, 3, 2, 8);
    cr_assert_eq(session_next(session, SESSION_RECEIPT_WAIT_MS).kind, SESSION_WAIT);
    session_destroy(session);
}

Test(session, rewinds) {
    struct session *session = streaming(1, 5);
    uint64_t first = 0;
    session_rewind(session, 3);
    cr_assert_eq(send_all(session, 0, &first), 3);
    cr_assert_eq(first, 3);
    session_rewind(session, 6);
    cr_assert_eq(send_all(session, 0, &first), 0, "the daemon expects the next one that there will be");
    session_destroy(session);
}

Test(session, says_hello_when_a_rewind_leads_nowhere) {
    struct session *session = streaming(5, 9);
    session_rewind(session, 4);
    cr_assert_eq(session_next(session, 0).kind, SESSION_HELLO);
    session_destroy(session);
    session = streaming(5, 9);
    session_rewind(session, 11);
    cr_assert_eq(session_next(session, 0).kind, SESSION_HELLO);
    session_destroy(session);
}

Test(session, pauses_when_the_daemon_is_busy_and_goes_on_from_the_lowest_sequence) {
    struct session *session = streaming(1, 5);
    uint64_t first = 0;
    session_busy(session, 100, 3, 500);
    session_busy(session, 100, 4, 500);
    session_busy(session, 100, 5, 500);
    cr_assert_eq(session_state(session), SESSION_PAUSED);
    struct session_step step = session_next(session, 599);
    cr_assert_eq(step.kind, SESSION_WAIT);
    cr_assert_eq(step.until_ms, 600);
    cr_assert_eq(send_all(session, 600, &first), 3);
    cr_assert_eq(first, 3);
    session_destroy(session);
}

Test(session, bounds_how_long_it_pauses) {
    struct session *session = streaming(1, 1);
    session_busy(session, 0, 1, UINT32_MAX);
    cr_assert_eq(session_next(session, 0).until_ms, SESSION_PAUSE_MS_MAX);
    session_busy(session, 0, 1, 0);
    cr_assert_eq(session_next(session, 0).until_ms, SESSION_PAUSE_MS_DEFAULT);
    session_destroy(session);
}

Test(session, takes_receipts_while_it_pauses) {
    struct session *session = streaming(1, 2);
    struct session_range settled;
    session_busy(session, 0, 2, 500);
    cr_assert(receipt(session, 0, 1, 1, &settled));
    cr_assert_eq(session_state(session), SESSION_PAUSED);
    session_destroy(session);
}

Test(session, says_hello_once_however_many_batches_miss_it) {
    struct session *session = streaming(1, 5);
    for (int i = 0; i < 5; i++) {
        session_refused(session, 0, REFUSAL_HELLO_MISSING);
    }
    cr_assert_eq(session_next(session, 0).kind, SESSION_HELLO);
    session_said_hello(session, 0, false);
    session_refused(session, 0, REFUSAL_HELLO_MISSING);
    cr_assert_eq(session_next(session, 0).kind, SESSION_WAIT);
    session_destroy(session);
}

Test(session, stops_for_good_when_refused_for_good) {
    static const unsigned codes[] = {REFUSAL_SUPERSEDED, REFUSAL_NODE_UNKNOWN, REFUSAL_BODY_MALFORMED, 191};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct session *session = streaming(1, 5);
        session_refused(session, 0, codes[i]);
        cr_assert_eq(session_state(session), SESSION_STOPPED);
        cr_assert_eq(session_next(session, INT64_MAX / 2).kind, SESSION_WAIT);
        session_lost(session, 0);
        welcome_at(session, 0, EPOCH, 1, 0, 8);
        cr_assert_eq(session_state(session), SESSION_STOPPED);
        session_destroy(session);
    }
}

Test(session, comes_back_when_the_daemon_is_not_ready) {
    struct session *session = streaming(1, 5);
    session_refused(session, 0, REFUSAL_NOT_READY);
    cr_assert_eq(session_next(session, 0).kind, SESSION_WAIT);
    cr_assert_eq(session_next(session, SESSION_PAUSE_MS_DEFAULT).kind, SESSION_CONNECT);
    session_destroy(session);
}

Test(session, waits_longer_each_time_for_a_welcome) {
    static const int64_t waits_ms[] = {5000, 10000, 20000, 30000, 30000};
    struct session *session = create(EPOCH, 0, 1, 1);
    int64_t now_ms = 0;
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        connect_at(session, now_ms);
        struct session_step step = session_next(session, now_ms);
        cr_assert_eq(step.kind, SESSION_WAIT);
        cr_assert_eq(step.until_ms - now_ms, waits_ms[i]);
        now_ms = step.until_ms;
    }
    session_destroy(session);
}

Test(session, starts_over_when_receipts_stay_away) {
    struct session *session = streaming(1, 2);
    struct session_range settled;
    cr_assert(receipt(session, 9000, 1, 1, &settled));
    cr_assert_eq(session_next(session, 18999).kind, SESSION_WAIT, "each receipt counts");
    cr_assert_eq(session_next(session, 19000).kind, SESSION_CONNECT);
    session_destroy(session);
}

Test(session, has_all_the_time_when_nothing_waits) {
    struct session *session = streaming(1, 0);
    struct session_step step = session_next(session, 0);
    cr_assert_eq(step.kind, SESSION_WAIT);
    cr_assert_eq(step.until_ms, INT64_MAX);
    cr_assert(session_idle(session));
    session_extend(session, 1);
    cr_assert_eq(session_next(session, 1000000).kind, SESSION_SEND);
    session_sent(session, 1000000);
    cr_assert_eq(session_next(session, 1000000).until_ms, 1000000 + SESSION_RECEIPT_WAIT_MS);
    session_destroy(session);
}

Test(session, backs_off_when_connections_do_not_last) {
    struct session *session = create(EPOCH, 0, 1, 1);
    int64_t now_ms = 0;
    static const int64_t waits_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        connect_at(session, now_ms);
        welcome_at(session, now_ms, EPOCH, 1, 0, 8);
        session_lost(session, now_ms);
        struct session_step step = session_next(session, now_ms);
        cr_assert_eq(step.kind, SESSION_WAIT);
        cr_assert_eq(step.until_ms - now_ms, waits_ms[i]);
        now_ms = step.until_ms;
    }
    connect_at(session, now_ms);
    welcome_at(session, now_ms, EPOCH, 1, 0, 8);
    session_lost(session, now_ms + SESSION_RECONNECT_MS_MAX);
    cr_assert_eq(session_next(session, now_ms + SESSION_RECONNECT_MS_MAX).until_ms,
                 now_ms + SESSION_RECONNECT_MS_MAX + SESSION_RECONNECT_MS, "this one lasted");
    session_destroy(session);
}

Test(session, counts_what_it_says_again) {
    struct session *session = create(EPOCH, 0, 1, 1);
    connect_at(session, 0);
    session_said_hello(session, 0, true);
    cr_assert_eq(session_reconnects(session), 0);
    welcome_at(session, 0, EPOCH, 1, 0, 8);
    session_lost(session, 0);
    connect_at(session, SESSION_RECONNECT_MS);
    cr_assert_eq(session_reconnects(session), 1);
    session_destroy(session);
}

/* ---- against a model of the daemon, with everything going wrong at random ---- */

enum { BATCHES = 400, QUEUE = 256, STEPS_LIMIT = 2000000 };

struct packet {
    int kind; /* SESSION_CONNECT: Hello or Welcome; SESSION_SEND: Batch or Receipt; SESSION_RENUMBER: Rewind */
    uint64_t a;
    uint64_t b;
};

struct queue {
    struct packet packets[QUEUE];
    size_t count;
};

struct world {
    uint64_t random;
    int64_t now_ms;
    struct session *session;
    /* what the node made durable */
    uint64_t epoch, offset, settled, last;
    /* the daemon */
    uint64_t daemon_epoch, durable, expected, applied[2 * BATCHES + 64], content[2 * BATCHES + 64];
    bool greeted;
    struct queue up, down;
};

static uint64_t roll(struct world *world, uint64_t sides) {
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % sides;
}

static void push(struct queue *queue, struct packet packet) {
    if (queue->count < QUEUE) {
        queue->packets[queue->count++] = packet;
    }
}

static struct packet pop(struct queue *queue) {
    struct packet packet = queue->packets[0];
    queue->count--;
    memmove(queue->packets, queue->packets + 1, queue->count * sizeof packet);
    return packet;
}

static void break_connection(struct world *world) {
    world->up.count = 0;
    world->down.count = 0;
    world->greeted = false;
    session_lost(world->session, world->now_ms);
}

/* One message for the daemon: PROTOCOL.md, "The daemon's states". */
static void daemon_hears(struct world *world) {
    struct packet packet = pop(&world->up);
    if (packet.kind == SESSION_CONNECT) {
        world->greeted = true;
        push(&world->down, (struct packet){SESSION_CONNECT, world->expected, world->durable});
        for (uint64_t sequence = packet.a + 1; sequence <= world->durable; sequence++) {
            if (sequence + WINDOW_BATCHES_MAX > world->durable) {
                push(&world->down, (struct packet){SESSION_SEND, sequence, sequence});
            }
        }
    } else if (!world->greeted) {
        push(&world->down, (struct packet){SESSION_HELLO, 0, 0});
    } else if (packet.a == world->expected) {
        world->content[world->expected++] = packet.b;
    } else if (packet.a > world->expected) {
        push(&world->down, (struct packet){SESSION_RENUMBER, world->expected, 0});
    }
}

static void daemon_commits(struct world *world) {
    uint64_t from = world->durable + 1;
    uint64_t most = world->expected - from;
    uint64_t count = most > 0 ? 1 + roll(world, most) : 0;
    for (uint64_t i = 0; i < count; i++) {
        world->durable++;
        world->applied[world->content[world->durable]]++;
    }
    if (count > 0 && roll(world, 8) != 0) { /* else the receipt cannot be sent and is dropped */
        push(&world->down, (struct packet){SESSION_SEND, from, world->durable});
    }
}

static void node_hears(struct world *world) {
    struct packet packet = pop(&world->down);
    struct session_range lost;
    struct session_range settled;
    switch (packet.kind) {
    case SESSION_CONNECT:
        welcome_at(world->session, world->now_ms, world->daemon_epoch, packet.a, packet.b, 8);
        break;
    case SESSION_SEND:
        if (session_receipt(world->session, world->now_ms, packet.a, packet.b, &lost, &settled)) {
            cr_assert(lost.last < lost.first, "the daemon keeps all receipts that are needed");
            cr_assert_eq(settled.first, world->settled + 1);
            world->settled = settled.last;
        }
        break;
    case SESSION_RENUMBER:
        session_rewind(world->session, packet.a);
        break;
    default:
        session_refused(world->session, world->now_ms, REFUSAL_HELLO_MISSING);
        break;
    }
}

static void node_acts(struct world *world) {
    struct session_step step = session_next(world->session, world->now_ms);
    switch (step.kind) {
    case SESSION_CONNECT:
        world->up.count = 0;
        world->down.count = 0;
        world->greeted = false;
        /* fall through */
    case SESSION_HELLO:
        push(&world->up, (struct packet){SESSION_CONNECT, step.acknowledged, 0});
        session_said_hello(world->session, world->now_ms, step.kind == SESSION_CONNECT);
        break;
    case SESSION_RENUMBER:
        world->epoch = step.epoch;
        world->offset = step.offset;
        session_renumbered(world->session);
        break;
    case SESSION_SEND:
        cr_assert_eq(step.sequence, step.first + world->offset);
        if (roll(world, 50) != 0) {
            push(&world->up, (struct packet){SESSION_SEND, step.sequence, step.first});
        }
        session_sent(world->session, world->now_ms);
        break;
    case SESSION_FORGET:
        cr_assert_fail("no receipt is lost for ever in this world");
        break;
    case SESSION_WAIT:
        if (world->last < BATCHES && roll(world, 3) == 0) {
            session_extend(world->session, ++world->last);
        }
        break;
    }
}

static void node_restarts(struct world *world) {
    session_destroy(world->session);
    world->session = session_create(world->epoch, world->offset, world->settled + 1, world->last, WINDOW_BATCHES_MAX);
    world->up.count = 0;
    world->down.count = 0;
    world->greeted = false;
}

static void something_happens(struct world *world) {
    world->now_ms += (int64_t)roll(world, 30);
    switch (roll(world, 400)) {
    case 0:
        node_restarts(world);
        break;
    case 1: /* the daemon is killed: what it had not committed is gone */
        world->expected = world->durable + 1;
        break_connection(world);
        break;
    case 2:
        break_connection(world);
        break;
    default:
        break;
    }
    uint64_t who = roll(world, 4);
    if (who == 0 && world->up.count > 0) {
        daemon_hears(world);
    } else if (who == 1 && world->down.count > 0) {
        node_hears(world);
    } else if (who == 2 && roll(world, 3) == 0) {
        daemon_commits(world);
    } else {
        node_acts(world);
    }
}

static void live(uint64_t seed) {
    struct world *world = calloc(1, sizeof *world);
    world->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    world->daemon_epoch = EPOCH;
    world->expected = 1;
    world->session = session_create(0, 0, 1, 0, WINDOW_BATCHES_MAX);
    size_t steps = 0;
    while (world->settled < BATCHES && steps++ < STEPS_LIMIT) {
        something_happens(world);
    }
    cr_assert_eq(world->settled, BATCHES, "seed %llu: everything is settled in the end", (unsigned long long)seed);
    for (uint64_t i = 1; i <= BATCHES; i++) {
        cr_assert_eq(world->applied[i], 1, "seed %llu: batch %llu was applied %llu times", (unsigned long long)seed,
                     (unsigned long long)i, (unsigned long long)world->applied[i]);
        cr_assert_eq(world->content[i], i, "seed %llu: batch %llu in its place", (unsigned long long)seed,
                     (unsigned long long)i);
    }
    session_destroy(world->session);
    free(world);
}

Test(session, every_batch_is_applied_once_and_in_order_whatever_breaks) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        live(seed);
    }
}
