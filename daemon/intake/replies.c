#include "replies.h"

#include <inttypes.h>

#include "daemon/base/counter.h"

static const int64_t round_interval_ns = INT64_C(250000000);
static const int64_t reminder_after_ns = INT64_C(10000000000);
static const int64_t refusal_log_interval_ns = INT64_C(1000000000);

void replies_disconnect(struct intake *intake, struct roster_node *node) {
    roster_disconnect(intake->roster, node);
    atomic_store_explicit(&intake->options.presences[node->number].connected, false, memory_order_relaxed);
}

bool replies_sent(struct intake *intake, struct roster_node *node, enum sending sending) {
    if (sending == SENDING_GONE) {
        replies_disconnect(intake, node);
        log_event(LOG_INFO, "node-gone", "node=%s", node->right != NULL ? node->right->name : "?");
        return false;
    }
    node->sent_ns = intake->now_ns;
    return sending == SENDING_DONE;
}

void replies_receipts(struct intake *intake, struct roster_node *node) {
    while (node->connected && node->sent_sequence < node->durable_sequence) {
        uint64_t sequence = node->sent_sequence + 1;
        const struct receipt *receipt = roster_receipt(node, sequence);
        enum sending sending = receipt != NULL
                                   ? doorway_receipt(&intake->doorway, node->routing, receipt)
                                   : doorway_reminder(&intake->doorway, node->routing, sequence, node->version);
        if (!replies_sent(intake, node, sending)) {
            return;
        }
        node->sent_sequence = sequence;
    }
}

void replies_refuse(struct intake *intake, const struct arrival *arrival, enum refusal code) {
    counter_refused(code, 1);
    log_event_limited(&intake->refusal_log, intake->now_ns, refusal_log_interval_ns, LOG_WARNING, "message-refused",
                      "code=%s type=%u", refusal_name(code), arrival->type);
    if (arrival->addressed) {
        (void)doorway_refuse(&intake->doorway, arrival->routing, arrival->type, code); /* a peer that is gone is gone */
    }
}

void replies_end_session(struct intake *intake, struct roster_node *node, enum refusal code) {
    /* A peer that is gone has ended its session itself: nothing was refused. */
    if (doorway_refuse(&intake->doorway, node->routing, MESSAGE_HELLO, code) == SENDING_DONE) {
        counter_refused(code, 1);
    }
    replies_disconnect(intake, node);
}

static void look_after(void *context, struct roster_node *node) {
    struct intake *intake = context;
    if (node->connected && node->sent_sequence < node->durable_sequence) {
        replies_receipts(intake, node);
    } else if (node->connected && intake->now_ns - node->sent_ns > reminder_after_ns) {
        (void)replies_sent(intake, node,
                           doorway_reminder(&intake->doorway, node->routing, node->durable_sequence, node->version));
    }
}

void replies_round(struct intake *intake) {
    if (intake->now_ns >= intake->next_round_ns) {
        intake->next_round_ns = intake->now_ns + round_interval_ns;
        roster_visit(intake->roster, look_after, intake);
    }
}
