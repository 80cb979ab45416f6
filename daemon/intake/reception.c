#include "reception.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/access/socket.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "proto/text.h"
#include "replies.h"
#include "tally.pb-c.h"

enum { BUSY_RETRY_MS = 500 };

static const int64_t rewind_quiet_ns = INT64_C(1000000000);

static uint64_t acknowledged_by(const struct intake *intake, const struct roster_node *node,
                                const Tally__Hello *hello) {
    bool ours = hello->epoch == intake->options.epoch && hello->acknowledged <= node->durable_sequence;
    bool remembers_nothing = hello->epoch == 0 && hello->acknowledged == 0;
    uint64_t acknowledged = ours || remembers_nothing ? hello->acknowledged : node->durable_sequence;
    uint64_t kept_after = node->durable_sequence > WINDOW_BATCHES_MAX ? node->durable_sequence - WINDOW_BATCHES_MAX : 0;
    return acknowledged > kept_after ? acknowledged : kept_after;
}

static void take_over(struct intake *intake, struct roster_node *node, routing_t routing) {
    struct roster_node *speaker = roster_speaker(intake->roster, routing);
    if (speaker != NULL) {
        replies_disconnect(intake, speaker); /* the connection now speaks for the node that it names */
    }
    if (node->connected) {
        replies_end_session(intake, node, REFUSAL_SUPERSEDED);
    }
    roster_connect(intake->roster, node, routing);
    atomic_store_explicit(&intake->options.presences[node->number].connected, true, memory_order_relaxed);
}

/* Whether whoever sent the Hello may speak for the node: with keys, the key tells; what it says does not. */
static enum refusal judge_sender(const struct intake *intake, zmq_msg_t *body, const struct node_right *right,
                                 struct curve_key *key) {
    if (!intake->registry->keyed) {
        return REFUSAL_NONE;
    }
    const struct key_right *sender = socket_sender(body, intake->registry);
    if (sender == NULL || sender->role != ROLE_NODE) {
        return REFUSAL_NOT_ALLOWED;
    }
    *key = sender->key;
    return right != NULL && strcmp(sender->name, right->name) == 0 ? REFUSAL_NONE : REFUSAL_KEY_OF_ANOTHER;
}

static void begin_session(struct intake *intake, const struct arrival *arrival, const struct node_right *right,
                          const struct curve_key *key, const Tally__Hello *hello) {
    struct roster_node *node = roster_node(intake->roster, right->number);
    if (node == NULL) {
        replies_refuse(intake, arrival, REFUSAL_NOT_READY);
        return;
    }
    node->right = right;
    take_over(intake, node, arrival->routing);
    node->key = *key;
    counter_add(COUNTER_INTAKE_HELLOS, 1);
    const char *software = text_valid(hello->software, strlen(hello->software)) ? hello->software : "?";
    log_event(LOG_INFO, "node-connected",
              "node=%s next_sequence=%" PRIu64 " durable_sequence=%" PRIu64 " acknowledged=%" PRIu64
              " software=\"%.64s\"",
              right->name, node->next_sequence, node->durable_sequence, hello->acknowledged, software);
    struct welcome welcome = {.next_sequence = node->next_sequence,
                              .durable_sequence = node->durable_sequence,
                              .epoch = intake->options.epoch,
                              .version = node->version,
                              .window = intake->options.window};
    if (replies_sent(intake, node, doorway_welcome(&intake->doorway, node->routing, &welcome))) {
        node->sent_sequence = acknowledged_by(intake, node, hello);
        replies_receipts(intake, node);
    }
}

static void handle_hello(struct intake *intake, const struct arrival *arrival, zmq_msg_t *body) {
    struct arena arena;
    arena_init(&arena, intake->hello_memory, sizeof intake->hello_memory);
    Tally__Hello *hello = tally__hello__unpack(&arena.allocator, zmq_msg_size(body), zmq_msg_data(body));
    if (hello == NULL) {
        replies_refuse(intake, arrival, REFUSAL_BODY_MALFORMED);
        return;
    }
    const struct node_right *right = registry_node(intake->registry, hello->node, strlen(hello->node));
    struct curve_key key = {0};
    enum refusal refusal = judge_sender(intake, body, right, &key);
    if (refusal == REFUSAL_NONE && right == NULL) {
        refusal = REFUSAL_NODE_UNKNOWN;
    }
    if (refusal != REFUSAL_NONE) {
        replies_refuse(intake, arrival, refusal);
        return;
    }
    begin_session(intake, arrival, right, &key, hello);
}

static void rewind_to(struct intake *intake, struct roster_node *node, uint64_t received, enum refusal code) {
    counter_refused(code, 1);
    counter_add(COUNTER_INTAKE_BATCHES_DROPPED, 1);
    if (intake->now_ns < node->rewind_quiet_until_ns) {
        return;
    }
    if (replies_sent(intake, node,
                     doorway_rewind(&intake->doorway, node->routing, node->next_sequence, received, code))) {
        counter_add(COUNTER_INTAKE_REWINDS, 1);
        node->rewind_quiet_until_ns = intake->now_ns + rewind_quiet_ns;
    }
}

/* A batch that was taken before: said again if it is durable, else its receipt is on its way. */
static void handle_old(struct intake *intake, struct roster_node *node, uint64_t sequence) {
    const struct receipt *receipt = roster_receipt(node, sequence);
    if (receipt != NULL) {
        counter_refused(REFUSAL_SEQUENCE_OLD, 1);
        counter_add(COUNTER_INTAKE_BATCHES_DROPPED, 1);
        (void)replies_sent(intake, node, doorway_receipt(&intake->doorway, node->routing, receipt));
    } else if (sequence <= node->durable_sequence) {
        rewind_to(intake, node, sequence, REFUSAL_SEQUENCE_OLD);
    } else {
        counter_refused(REFUSAL_SEQUENCE_OLD, 1);
        counter_add(COUNTER_INTAKE_BATCHES_DROPPED, 1);
    }
}

static void answer_busy(struct intake *intake, struct roster_node *node, uint64_t sequence, enum refusal code) {
    counter_refused(code, 1);
    counter_add(COUNTER_INTAKE_BUSY_ANSWERS, 1);
    (void)replies_sent(intake, node, doorway_busy(&intake->doorway, node->routing, sequence, BUSY_RETRY_MS, code));
}

/* The batch is the expected one: it uses up its sequence, as an entry with or without its rows. */
static void admit(struct intake *intake, struct roster_node *node, struct slot *slot, enum refusal batch_code) {
    struct entry *entry = &slot->entry;
    const struct competition *competition = NULL;
    if (batch_code == REFUSAL_NONE) {
        const char *key = entry->batch.competition;
        competition = registry_competition(intake->registry, key, strlen(key));
        batch_code = competition == NULL ? REFUSAL_COMPETITION_UNKNOWN : REFUSAL_NONE;
    }
    entry->kind = competition != NULL ? ENTRY_BATCH : ENTRY_BATCH_REFUSED;
    entry->node = node->number;
    entry->competition = competition != NULL ? competition->number : 0;
    entry->batch_code = (uint16_t)batch_code;
    entry->sequence = entry->batch.sequence;
    entry->wall_ms = clock_wall_ms();
    entry->day = (uint16_t)day_of_time(entry->wall_ms);
    entry->refused_by_intake = 0;
    entry->body = competition != NULL ? zmq_msg_data(&slot->body) : NULL;
    entry->body_bytes = competition != NULL ? zmq_msg_size(&slot->body) : 0;
    if (competition != NULL) {
        admission_judge(entry, competition, node->right, &node->memo);
        budget_spend(&intake->budgets[entry->competition], entry);
    }
    node->next_sequence++;
    node->rewind_quiet_until_ns = 0;
    counter_add(COUNTER_INTAKE_BATCHES, 1);
    atomic_store_explicit(&intake->options.presences[node->number].last_batch_ms, entry->wall_ms, memory_order_relaxed);
    intake_push(intake, entry);
}

static enum refusal busy_reason(struct intake *intake) {
    if (atomic_load_explicit(&intake->draining, memory_order_relaxed)) {
        return REFUSAL_DRAINING;
    }
    return intake->options.journal_full(intake->options.context) ? REFUSAL_DISK_FULL : REFUSAL_NONE;
}

/* Returns whether the slot went on its way. */
static bool handle_batch(struct intake *intake, const struct arrival *arrival, struct slot *slot) {
    struct roster_node *node = arrival->addressed ? roster_speaker(intake->roster, arrival->routing) : NULL;
    if (node == NULL) {
        replies_refuse(intake, arrival, REFUSAL_HELLO_MISSING);
        return false;
    }
    arena_reset(&slot->arena);
    struct batch *batch = &slot->entry.batch;
    enum refusal refusal = batch_decode(zmq_msg_data(&slot->body), zmq_msg_size(&slot->body), &slot->arena, batch);
    if (refusal == REFUSAL_BODY_MALFORMED || refusal == REFUSAL_BODY_TOO_LARGE) {
        replies_refuse(intake, arrival, refusal);
        return false;
    }
    enum refusal busy = busy_reason(intake);
    if (batch->sequence < node->next_sequence) {
        handle_old(intake, node, batch->sequence);
    } else if (busy != REFUSAL_NONE) {
        answer_busy(intake, node, batch->sequence, busy);
    } else if (batch->sequence > node->next_sequence) {
        rewind_to(intake, node, batch->sequence, REFUSAL_SEQUENCE_GAP);
    } else {
        admit(intake, node, slot, refusal);
        return true;
    }
    return false;
}

bool reception_take(struct intake *intake, const struct arrival *arrival, struct slot *slot) {
    counter_add(COUNTER_INTAKE_MESSAGES, 1);
    counter_add(COUNTER_INTAKE_BYTES, zmq_msg_size(&slot->body));
    if (arrival->refusal != REFUSAL_NONE) {
        replies_refuse(intake, arrival, arrival->refusal);
    } else if (arrival->type == MESSAGE_BATCH) {
        return handle_batch(intake, arrival, slot);
    } else if (arrival->type != MESSAGE_HELLO || !arrival->addressed) {
        replies_refuse(intake, arrival, REFUSAL_TYPE_UNKNOWN);
    } else {
        handle_hello(intake, arrival, &slot->body);
    }
    return false;
}
