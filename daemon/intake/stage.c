/* How a turn of the intake thread goes: first entries that came home (they free slots), then a new registry, then as many
 * messages as there are slots, then sleep.
 *
 * What makes it safe: a sequence moves on only when its entry is pushed to the journal, and an entry that was pushed comes
 * home exactly once, in order. So next_sequence - durable_sequence is the number of the node's entries under way, whatever
 * is resent, duplicated or reordered by connections. A crash forgets next_sequence and recovery finds durable_sequence. */
#include "stage.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "doorway.h"
#include "proto/text.h"
#include "roster.h"
#include "slots.h"
#include "tally.pb-c.h"

enum {
    MESSAGES_A_TURN_MAX = 64,
    HELLO_ARENA_BYTES = 4096,
    BUSY_RETRY_MS = 500,
    TURN_MS = 250,             /* the longest sleep: reminders and peers that were full are looked after */
    DRAIN_LOOK_MS = 20,
};

static const int64_t rewind_quiet_ns = INT64_C(1000000000);
static const int64_t reminder_after_ns = INT64_C(10000000000);
static const int64_t refusal_log_interval_ns = INT64_C(1000000000);

struct intake_stage {
    /* Immutable after start. */
    struct intake_stage_options options;
    pthread_t thread;
    bool started;

    /* Owned by the stage's thread once it runs. */
    struct doorway doorway;
    struct slots slots;
    struct roster *roster;
    struct registry *registry;
    bool definitions_pending; /* the registry says things that the journal does not know yet */
    struct definition competitions[COMPETITIONS_MAX]; /* as the journal has them; key "" = not there */
    struct definition nodes[NODES_MAX];
    int64_t now_ns;
    int64_t next_round_ns;
    uint8_t hello_memory[HELLO_ARENA_BYTES];
    struct log_limit refusal_log;

    /* Atomic: written by others, read by the stage's thread. */
    atomic_bool draining;
    atomic_bool stopping;

    /* Atomic: written by the stage's thread, read by intake_stage_drain. */
    atomic_bool drained;
};

/* ---- sending ---- */

/* Notes what became of something that was sent to a node. */
static bool sent_to(struct intake_stage *stage, struct roster_node *node, enum sending sending) {
    if (sending == SENDING_GONE) {
        roster_disconnect(stage->roster, node);
        atomic_store_explicit(&stage->options.presences[node->number].connected, false, memory_order_relaxed);
        log_event(LOG_INFO, "node-gone", "node=%s", node->right != NULL ? node->right->name : "?");
        return false;
    }
    node->behind = sending == SENDING_FULL;
    node->sent_ns = stage->now_ns;
    return sending == SENDING_DONE;
}

/* Sends the node every receipt that it has not had on this connection, as far as its queue takes them. */
static void send_receipts(struct intake_stage *stage, struct roster_node *node) {
    while (node->connected && node->sent_sequence < node->durable_sequence) {
        uint64_t sequence = node->sent_sequence + 1;
        const struct receipt *receipt = roster_receipt(node, sequence);
        enum sending sending = receipt != NULL ? doorway_receipt(&stage->doorway, node->routing, receipt)
                                               : doorway_reminder(&stage->doorway, node->routing, sequence, node->version);
        if (!sent_to(stage, node, sending)) {
            return;
        }
        node->sent_sequence = sequence;
    }
}

static void refuse(struct intake_stage *stage, const struct arrival *arrival, enum refusal code) {
    counter_refused(code, 1);
    log_event_limited(&stage->refusal_log, stage->now_ns, refusal_log_interval_ns, LOG_WARNING, "message-refused",
                      "code=%s type=%u", refusal_name(code), arrival->type);
    if (arrival->addressed) {
        (void)doorway_refuse(&stage->doorway, arrival->routing, arrival->type, code); /* a peer that is gone is gone */
    }
}

/* ---- Hello ---- */

static uint64_t acknowledged_by(const struct intake_stage *stage, const struct roster_node *node,
                                const Tally__Hello *hello) {
    bool ours = hello->epoch == stage->options.epoch && hello->acknowledged <= node->durable_sequence;
    uint64_t acknowledged = ours ? hello->acknowledged : node->durable_sequence;
    uint64_t kept_after = node->durable_sequence > WINDOW_BATCHES_MAX ? node->durable_sequence - WINDOW_BATCHES_MAX : 0;
    return acknowledged > kept_after ? acknowledged : kept_after;
}

static void take_over(struct intake_stage *stage, struct roster_node *node, routing_t routing) {
    struct roster_node *speaker = roster_speaker(stage->roster, routing);
    if (speaker != NULL) {
        roster_disconnect(stage->roster, speaker); /* the connection now speaks for the node that it names */
        atomic_store_explicit(&stage->options.presences[speaker->number].connected, false, memory_order_relaxed);
    }
    if (node->connected) {
        counter_refused(REFUSAL_SUPERSEDED, 1);
        (void)doorway_refuse(&stage->doorway, node->routing, MESSAGE_HELLO, REFUSAL_SUPERSEDED);
        roster_disconnect(stage->roster, node);
    }
    roster_connect(stage->roster, node, routing);
    atomic_store_explicit(&stage->options.presences[node->number].connected, true, memory_order_relaxed);
}

static void begin_session(struct intake_stage *stage, const struct arrival *arrival, const struct node_right *right,
                          const Tally__Hello *hello) {
    struct roster_node *node = roster_node(stage->roster, right->number);
    if (node == NULL) {
        refuse(stage, arrival, REFUSAL_NOT_READY);
        return;
    }
    node->right = right;
    take_over(stage, node, arrival->routing);
    counter_add(COUNTER_INTAKE_HELLOS, 1);
    const char *software = text_valid(hello->software, strlen(hello->software)) ? hello->software : "?";
    log_event(LOG_INFO, "node-connected",
              "node=%s next_sequence=%" PRIu64 " durable_sequence=%" PRIu64 " acknowledged=%" PRIu64 " software=\"%.64s\"",
              right->name, node->next_sequence, node->durable_sequence, hello->acknowledged, software);
    struct welcome welcome = {.next_sequence = node->next_sequence,
                              .durable_sequence = node->durable_sequence,
                              .epoch = stage->options.epoch,
                              .version = node->version,
                              .window = stage->options.window};
    if (sent_to(stage, node, doorway_welcome(&stage->doorway, node->routing, &welcome))) {
        node->sent_sequence = acknowledged_by(stage, node, hello);
        send_receipts(stage, node);
    }
}

static void handle_hello(struct intake_stage *stage, const struct arrival *arrival, zmq_msg_t *body) {
    struct arena arena;
    arena_init(&arena, stage->hello_memory, sizeof stage->hello_memory);
    Tally__Hello *hello = tally__hello__unpack(&arena.allocator, zmq_msg_size(body), zmq_msg_data(body));
    if (hello == NULL) {
        refuse(stage, arrival, REFUSAL_BODY_MALFORMED);
        return;
    }
    const struct node_right *right = registry_node(stage->registry, hello->node, strlen(hello->node));
    if (right == NULL) {
        refuse(stage, arrival, REFUSAL_NODE_UNKNOWN);
        return;
    }
    begin_session(stage, arrival, right, hello);
}

/* ---- Batch ---- */

static void rewind_to(struct intake_stage *stage, struct roster_node *node, uint64_t received, enum refusal code) {
    counter_refused(code, 1);
    counter_add(COUNTER_INTAKE_BATCHES_DROPPED, 1);
    if (stage->now_ns < node->rewind_quiet_until_ns) {
        return;
    }
    node->rewind_quiet_until_ns = stage->now_ns + rewind_quiet_ns;
    counter_add(COUNTER_INTAKE_REWINDS, 1);
    (void)sent_to(stage, node, doorway_rewind(&stage->doorway, node->routing, node->next_sequence, received, code));
}

/* A batch that was taken before: said again if it is durable, else its receipt is on its way. */
static void handle_old(struct intake_stage *stage, struct roster_node *node, uint64_t sequence) {
    const struct receipt *receipt = roster_receipt(node, sequence);
    if (receipt != NULL) {
        counter_refused(REFUSAL_SEQUENCE_OLD, 1);
        counter_add(COUNTER_INTAKE_BATCHES_DROPPED, 1);
        (void)sent_to(stage, node, doorway_receipt(&stage->doorway, node->routing, receipt));
    } else if (sequence <= node->durable_sequence) {
        rewind_to(stage, node, sequence, REFUSAL_SEQUENCE_OLD);
    } else {
        counter_refused(REFUSAL_SEQUENCE_OLD, 1);
        counter_add(COUNTER_INTAKE_BATCHES_DROPPED, 1);
    }
}

static void answer_busy(struct intake_stage *stage, struct roster_node *node, uint64_t sequence, enum refusal code) {
    counter_refused(code, 1);
    counter_add(COUNTER_INTAKE_BUSY_ANSWERS, 1);
    (void)sent_to(stage, node, doorway_busy(&stage->doorway, node->routing, sequence, BUSY_RETRY_MS, code));
}

static void push(struct intake_stage *stage, struct entry *entry) {
    CHECK(ring_push(stage->options.out, entry)); /* it holds every entry that there is */
    waker_wake(stage->options.journal_waker);
}

/* The batch is the expected one: it uses up its sequence, as an entry with or without its rows. */
static void admit(struct intake_stage *stage, struct roster_node *node, struct slot *slot, enum refusal batch_code) {
    struct entry *entry = &slot->entry;
    const struct competition *competition = NULL;
    if (batch_code == REFUSAL_NONE) {
        const char *key = entry->batch.competition;
        competition = registry_competition(stage->registry, key, strlen(key));
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
    }
    node->next_sequence++;
    node->rewind_quiet_until_ns = 0;
    counter_add(COUNTER_INTAKE_BATCHES, 1);
    atomic_store_explicit(&stage->options.presences[node->number].last_batch_ms, entry->wall_ms, memory_order_relaxed);
    push(stage, entry);
}

static enum refusal busy_reason(struct intake_stage *stage) {
    if (atomic_load_explicit(&stage->draining, memory_order_relaxed)) {
        return REFUSAL_DRAINING;
    }
    return stage->options.journal_full(stage->options.context) ? REFUSAL_DISK_FULL : REFUSAL_NONE;
}

/* Returns whether the slot went on its way. */
static bool handle_batch(struct intake_stage *stage, const struct arrival *arrival, struct slot *slot) {
    struct roster_node *node = arrival->addressed ? roster_speaker(stage->roster, arrival->routing) : NULL;
    if (node == NULL) {
        refuse(stage, arrival, REFUSAL_HELLO_MISSING);
        return false;
    }
    arena_reset(&slot->arena);
    struct batch *batch = &slot->entry.batch;
    enum refusal refusal =
        batch_decode(zmq_msg_data(&slot->body), zmq_msg_size(&slot->body), &slot->arena, batch);
    if (refusal == REFUSAL_BODY_MALFORMED || refusal == REFUSAL_BODY_TOO_LARGE) {
        refuse(stage, arrival, refusal);
        return false;
    }
    enum refusal busy = busy_reason(stage);
    if (batch->sequence < node->next_sequence) {
        handle_old(stage, node, batch->sequence);
    } else if (busy != REFUSAL_NONE) {
        answer_busy(stage, node, batch->sequence, busy);
    } else if (batch->sequence > node->next_sequence) {
        rewind_to(stage, node, batch->sequence, REFUSAL_SEQUENCE_GAP);
    } else {
        admit(stage, node, slot, refusal);
        return true;
    }
    return false;
}

static bool handle(struct intake_stage *stage, const struct arrival *arrival, struct slot *slot) {
    counter_add(COUNTER_INTAKE_MESSAGES, 1);
    counter_add(COUNTER_INTAKE_BYTES, zmq_msg_size(&slot->body));
    if (arrival->refusal != REFUSAL_NONE) {
        refuse(stage, arrival, arrival->refusal);
    } else if (arrival->type == MESSAGE_BATCH) {
        return handle_batch(stage, arrival, slot);
    } else if (arrival->type != MESSAGE_HELLO || !arrival->addressed) {
        refuse(stage, arrival, REFUSAL_TYPE_UNKNOWN);
    } else {
        handle_hello(stage, arrival, &slot->body);
    }
    return false;
}

/* Returns whether there was anything to read. */
static bool read_messages(struct intake_stage *stage) {
    size_t count = 0;
    while (count < MESSAGES_A_TURN_MAX) {
        struct slot *slot = slots_take(&stage->slots);
        if (slot == NULL) {
            return count > 0;
        }
        struct arrival arrival;
        if (!doorway_receive(&stage->doorway, &arrival, &slot->body)) {
            slots_give_back(&stage->slots, slot);
            return count > 0;
        }
        if (!handle(stage, &arrival, slot)) {
            slots_give_back(&stage->slots, slot);
        }
        count++;
    }
    return true;
}

/* ---- entries that came home ---- */

static void count_refusals(const struct receipt *receipt) {
    for (uint32_t i = 0; i < receipt->refusal_count; i++) {
        counter_refused(receipt->refusals[i].code, 1);
    }
    if (receipt->batch_code != REFUSAL_NONE) {
        counter_refused(receipt->batch_code, 1);
    }
}

static void settle_batch(struct intake_stage *stage, const struct entry *entry) {
    struct roster_node *node = roster_find(stage->roster, entry->node);
    CHECK(node != NULL && entry->sequence == node->durable_sequence + 1);
    struct receipt receipt;
    if (receipt_from_entry(&receipt, entry) != ERROR_NONE) {
        log_event(LOG_ERROR, "receipt-incomplete", "node=%s sequence=%" PRIu64 " what=\"%s\"",
                  node->right != NULL ? node->right->name : "?", entry->sequence, error_text(ERROR_MEMORY));
    }
    count_refusals(&receipt);
    node->durable_sequence = entry->sequence;
    node->version = entry->version;
    roster_keep(node, &receipt);
    struct presence *presence = &stage->options.presences[node->number];
    atomic_store_explicit(&presence->sequence, entry->sequence, memory_order_relaxed);
    atomic_fetch_add_explicit(&presence->rows_accepted, entry->accepted, memory_order_relaxed);
    atomic_fetch_add_explicit(&presence->rows_unchanged, entry->unchanged, memory_order_relaxed);
    atomic_fetch_add_explicit(&presence->rows_refused, entry->refused, memory_order_relaxed);
    send_receipts(stage, node);
}

static bool take_home(struct intake_stage *stage) {
    bool any = false;
    struct entry *entry;
    while ((entry = ring_pop(stage->options.in)) != NULL) {
        if (entry->kind == ENTRY_BATCH || entry->kind == ENTRY_BATCH_REFUSED) {
            settle_batch(stage, entry);
        }
        slots_give_back(&stage->slots, slots_of(entry));
        any = true;
    }
    return any;
}

/* ---- the registry ---- */

static bool push_definition(struct intake_stage *stage, enum entry_kind kind, const struct definition *definition,
                            struct definition *recorded) {
    if (definition_equal(recorded, definition)) {
        return true;
    }
    struct slot *slot = slots_take(&stage->slots);
    if (slot == NULL) {
        return false;
    }
    arena_reset(&slot->arena);
    uint8_t *body = arena_allocate(&slot->arena, DEFINITION_BYTES);
    CHECK(body != NULL);
    definition_encode(definition, body);
    struct entry *entry = &slot->entry;
    entry->kind = kind;
    entry->node = 0;
    entry->competition = 0;
    entry->batch_code = 0;
    entry->sequence = 0;
    entry->wall_ms = clock_wall_ms();
    entry->day = (uint16_t)day_of_time(entry->wall_ms);
    entry->body = body;
    entry->body_bytes = DEFINITION_BYTES;
    entry->batch = (struct batch){0};
    entry->definition = *definition;
    entry->refused_by_intake = 0;
    *recorded = *definition;
    push(stage, entry);
    return true;
}

/* Puts into the journal what the registry says and the journal does not know yet, before any batch that needs it. Returns
 * false when slots run out: the rest follows when some are home. */
static bool push_definitions(struct intake_stage *stage) {
    for (size_t i = 0; i < stage->registry->competition_count; i++) {
        struct definition definition = definition_of_competition(&stage->registry->competitions[i]);
        if (!push_definition(stage, ENTRY_COMPETITION, &definition, &stage->competitions[definition.number])) {
            return false;
        }
    }
    for (size_t i = 0; i < stage->registry->node_count; i++) {
        struct definition definition = definition_of_node(&stage->registry->nodes[i]);
        if (!push_definition(stage, ENTRY_NODE, &definition, &stage->nodes[definition.number])) {
            return false;
        }
    }
    return true;
}

static void end_if_removed(void *context, struct roster_node *node) {
    struct intake_stage *stage = context;
    if (node->connected && node->right == NULL) {
        counter_refused(REFUSAL_NODE_UNKNOWN, 1);
        (void)doorway_refuse(&stage->doorway, node->routing, MESSAGE_HELLO, REFUSAL_NODE_UNKNOWN);
        roster_disconnect(stage->roster, node);
        atomic_store_explicit(&stage->options.presences[node->number].connected, false, memory_order_relaxed);
    }
}

static void take_registry(struct intake_stage *stage) {
    /* Entries under way hold nothing of the old registry: their verdicts are made. */
    if (registry_take(stage->options.registry_slot, &stage->registry)) {
        roster_adopt(stage->roster, stage->registry);
        roster_visit(stage->roster, end_if_removed, stage);
        stage->definitions_pending = true;
    }
    if (stage->definitions_pending) {
        stage->definitions_pending = !push_definitions(stage);
    }
}

/* ---- the thread ---- */

static void look_after(void *context, struct roster_node *node) {
    struct intake_stage *stage = context;
    if (node->connected && node->behind) {
        send_receipts(stage, node);
    } else if (node->connected && stage->now_ns - node->sent_ns > reminder_after_ns) {
        (void)sent_to(stage, node,
                      doorway_reminder(&stage->doorway, node->routing, node->durable_sequence, node->version));
    }
}

static void make_round(struct intake_stage *stage) {
    if (stage->now_ns >= stage->next_round_ns) {
        stage->next_round_ns = stage->now_ns + (int64_t)TURN_MS * 1000000;
        roster_visit(stage->roster, look_after, stage);
    }
}

static void sleep_until_woken(struct intake_stage *stage) {
    bool slots_left = stage->slots.free_count > 0;
    if (!slots_left) {
        counter_add(COUNTER_INTAKE_PAUSES, 1);
    }
    struct waker *waker = stage->options.waker;
    waker_prepare(waker);
    bool idle = ring_empty(stage->options.in) && !atomic_load_explicit(&stage->stopping, memory_order_acquire);
    if (idle) {
        zmq_pollitem_t items[] = {{.fd = waker->fd, .events = ZMQ_POLLIN},
                                  {.socket = stage->doorway.socket, .events = ZMQ_POLLIN}};
        (void)zmq_poll(items, slots_left && !stage->definitions_pending ? 2 : 1, TURN_MS); /* EINTR: a turn for nothing */
    }
    waker_finish(waker);
}

static void *run(void *context) {
    struct intake_stage *stage = context;
    while (!atomic_load_explicit(&stage->stopping, memory_order_acquire)) {
        stage->now_ns = clock_monotonic_ns();
        bool busy = take_home(stage);
        take_registry(stage);
        if (!stage->definitions_pending) {
            busy |= read_messages(stage);
        }
        make_round(stage);
        bool home = stage->slots.free_count == stage->slots.count;
        if (home && atomic_load_explicit(&stage->draining, memory_order_acquire)) {
            atomic_store_explicit(&stage->drained, true, memory_order_release);
        }
        if (!busy) {
            sleep_until_woken(stage);
        }
    }
    return NULL;
}

/* ---- life ---- */

struct intake_stage *intake_stage_create(const struct intake_stage_options *options, struct fault *fault) {
    struct intake_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL) {
        fault_set(fault, ERROR_MEMORY, "intake: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    stage->options = *options;
    stage->definitions_pending = true;
    stage->roster = roster_create();
    if (stage->roster == NULL || slots_init(&stage->slots, options->batch_slots) != ERROR_NONE) {
        fault_set(fault, ERROR_MEMORY, "intake: %s", error_text(ERROR_MEMORY));
        intake_stage_destroy(&stage);
    }
    return stage;
}

void intake_stage_load_definition(struct intake_stage *stage, enum entry_kind kind,
                                  const struct definition *definition) {
    struct definition *recorded = kind == ENTRY_COMPETITION ? &stage->competitions[definition->number]
                                                            : &stage->nodes[definition->number];
    *recorded = *definition;
}

enum error intake_stage_load_sequence(struct intake_stage *stage, uint16_t number, uint64_t sequence,
                                      uint64_t version) {
    struct roster_node *node = roster_node(stage->roster, number);
    if (node == NULL) {
        return ERROR_MEMORY;
    }
    node->next_sequence = sequence + 1;
    node->durable_sequence = sequence;
    node->version = version;
    atomic_store_explicit(&stage->options.presences[number].sequence, sequence, memory_order_relaxed);
    return ERROR_NONE;
}

enum error intake_stage_load_receipt(struct intake_stage *stage, uint16_t number, const struct receipt *receipt) {
    struct roster_node *node = roster_node(stage->roster, number);
    if (node == NULL) {
        return ERROR_MEMORY;
    }
    roster_keep(node, receipt);
    return ERROR_NONE;
}

enum error intake_stage_start(struct intake_stage *stage, struct registry *registry, struct fault *fault) {
    const struct intake_stage_options *options = &stage->options;
    enum error error = doorway_open(&stage->doorway, options->zmq_context, options->endpoint, options->window, fault);
    if (error != ERROR_NONE) {
        return error;
    }
    stage->registry = registry_hold(registry);
    roster_adopt(stage->roster, registry);
    if (pthread_create(&stage->thread, NULL, run, stage) != 0) {
        return fault_set(fault, ERROR_MEMORY, "intake: its thread cannot be started");
    }
    pthread_setname_np(stage->thread, "intake");
    stage->started = true;
    return ERROR_NONE;
}

bool intake_stage_drain(struct intake_stage *stage, int timeout_ms) {
    atomic_store_explicit(&stage->draining, true, memory_order_release);
    int64_t deadline_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    while (!atomic_load_explicit(&stage->drained, memory_order_acquire)) {
        if (clock_monotonic_ns() >= deadline_ns) {
            return false;
        }
        waker_wake(stage->options.waker);
        struct timespec pause = {.tv_nsec = (long)DRAIN_LOOK_MS * 1000000};
        nanosleep(&pause, NULL);
    }
    return true;
}

void intake_stage_destroy(struct intake_stage **stage) {
    if (*stage == NULL) {
        return;
    }
    if ((*stage)->started) {
        atomic_store_explicit(&(*stage)->stopping, true, memory_order_release);
        waker_wake((*stage)->options.waker);
        pthread_join((*stage)->thread, NULL);
    }
    doorway_close(&(*stage)->doorway);
    /* Slots that never came home, because the disk failed, go with the process's memory. */
    if ((*stage)->slots.free_count == (*stage)->slots.count) {
        slots_fini(&(*stage)->slots);
    }
    roster_destroy((*stage)->roster);
    registry_release((*stage)->registry);
    free(*stage);
    *stage = NULL;
}
