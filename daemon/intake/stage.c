/* How a turn of the intake thread goes: first entries that came home (they free slots), then a new registry, then as many
 * messages as there are slots, then sleep.
 *
 * What makes it safe: a sequence moves on only when its entry is pushed to the journal, and an entry that was pushed comes
 * home exactly once, in order. So next_sequence - durable_sequence is the number of the node's entries under way, whatever
 * is resent, duplicated or reordered by connections. A crash forgets next_sequence and recovery finds durable_sequence. */
#include "stage.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "definitions.h"
#include "intake.h"
#include "receipt_copy.h"
#include "reception.h"
#include "replies.h"

enum {
    MESSAGES_A_TURN_MAX = 64,
    TURN_MS = 250, /* the longest sleep: quiet peers are looked after */
    DRAIN_LOOK_MS = 20,
};

struct intake_stage {
    struct intake intake;
    pthread_t thread;
    bool started;
};

/* Returns whether there was anything to read. */
static bool read_messages(struct intake *intake) {
    size_t count = 0;
    while (count < MESSAGES_A_TURN_MAX) {
        struct slot *slot = slots_take(&intake->slots);
        if (slot == NULL) {
            return count > 0;
        }
        struct arrival arrival;
        if (!doorway_receive(&intake->doorway, &arrival, &slot->body)) {
            slots_give_back(&intake->slots, slot);
            return count > 0;
        }
        if (!reception_take(intake, &arrival, slot)) {
            slots_give_back(&intake->slots, slot);
        }
        count++;
    }
    return true;
}

static void count_refusals(const struct receipt *receipt) {
    for (uint32_t i = 0; i < receipt->refusal_count; i++) {
        counter_refused(receipt->refusals[i].code, 1);
    }
    if (receipt->batch_code != REFUSAL_NONE) {
        counter_refused(receipt->batch_code, 1);
    }
}

static void settle_batch(struct intake *intake, const struct entry *entry) {
    struct roster_node *node = roster_find(intake->roster, entry->node);
    CHECK(node != NULL && entry->sequence == node->durable_sequence + 1);
    struct receipt receipt;
    if (receipt_from_entry(&receipt, entry) != ERROR_NONE) {
        log_event(LOG_ERROR, "receipt-incomplete", "node=%s sequence=%" PRIu64 " what=\"%s\"",
                  node->right != NULL ? node->right->name : "?", entry->sequence, error_text(ERROR_MEMORY));
    }
    if (entry->kind == ENTRY_BATCH) {
        budget_settle(&intake->budgets[entry->competition], entry);
    }
    count_refusals(&receipt);
    node->durable_sequence = entry->sequence;
    node->version = entry->version;
    roster_keep(node, &receipt);
    struct presence *presence = &intake->options.presences[node->number];
    atomic_store_explicit(&presence->sequence, entry->sequence, memory_order_relaxed);
    atomic_fetch_add_explicit(&presence->rows_accepted, entry->accepted, memory_order_relaxed);
    atomic_fetch_add_explicit(&presence->rows_unchanged, entry->unchanged, memory_order_relaxed);
    atomic_fetch_add_explicit(&presence->rows_refused, entry->refused, memory_order_relaxed);
    replies_receipts(intake, node);
}

static bool take_home(struct intake *intake) {
    bool any = false;
    struct entry *entry;
    while ((entry = ring_pop(intake->options.in)) != NULL) {
        if (entry->kind == ENTRY_BATCH || entry->kind == ENTRY_BATCH_REFUSED) {
            settle_batch(intake, entry);
        }
        intake->settled_version = entry->version;
        slots_give_back(&intake->slots, slots_of(entry));
        any = true;
    }
    return any;
}

static void sleep_until_woken(struct intake *intake) {
    bool slots_left = intake->slots.free_count > 0;
    if (!slots_left) {
        counter_add(COUNTER_INTAKE_PAUSES, 1);
    }
    struct waker *waker = intake->options.waker;
    waker_prepare(waker);
    bool idle = ring_empty(intake->options.in) && !receipt_copy_due(intake) &&
                !atomic_load_explicit(&intake->stopping, memory_order_acquire);
    if (idle) {
        zmq_pollitem_t items[] = {{.fd = waker->fd, .events = ZMQ_POLLIN},
                                  {.socket = intake->doorway.socket, .events = ZMQ_POLLIN}};
        (void)zmq_poll(items, slots_left && !intake->definitions_pending ? 2 : 1,
                       TURN_MS); /* EINTR: a turn for nothing */
    }
    waker_finish(waker);
}

static void *run(void *context) {
    struct intake *intake = context;
    while (!atomic_load_explicit(&intake->stopping, memory_order_acquire)) {
        intake->now_ns = clock_monotonic_ns();
        bool busy = take_home(intake);
        definitions_take_registry(intake);
        if (!intake->definitions_pending) {
            busy |= read_messages(intake);
        }
        replies_round(intake);
        receipt_copy_offer(intake);
        bool home = intake->slots.free_count == intake->slots.count;
        if (home && atomic_load_explicit(&intake->draining, memory_order_acquire)) {
            atomic_store_explicit(&intake->drained, true, memory_order_release);
        }
        if (!busy) {
            sleep_until_woken(intake);
        }
    }
    take_home(intake); /* what the ledger sent home since */
    return NULL;
}

struct intake_stage *intake_stage_create(const struct intake_stage_options *options, struct fault *fault) {
    struct intake_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL) {
        fault_set(fault, ERROR_MEMORY, "intake: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    stage->intake.options = *options;
    stage->intake.definitions_pending = true;
    stage->intake.roster = roster_create();
    if (stage->intake.roster == NULL || slots_init(&stage->intake.slots, options->batch_slots) != ERROR_NONE) {
        fault_set(fault, ERROR_MEMORY, "intake: %s", error_text(ERROR_MEMORY));
        intake_stage_destroy(&stage);
    }
    return stage;
}

void intake_stage_load_definition(struct intake_stage *stage, enum entry_kind kind,
                                  const struct definition *definition) {
    struct definition *recorded = kind == ENTRY_COMPETITION ? &stage->intake.competitions[definition->number]
                                                            : &stage->intake.nodes[definition->number];
    *recorded = *definition;
}

enum error intake_stage_load_sequence(struct intake_stage *stage, uint16_t number, uint64_t sequence,
                                      uint64_t version) {
    struct roster_node *node = roster_node(stage->intake.roster, number);
    if (node == NULL) {
        return ERROR_MEMORY;
    }
    node->next_sequence = sequence + 1;
    node->durable_sequence = sequence;
    node->version = version;
    atomic_store_explicit(&stage->intake.options.presences[number].sequence, sequence, memory_order_relaxed);
    return ERROR_NONE;
}

void intake_stage_load_value_sum(struct intake_stage *stage, uint16_t competition, int64_t value_sum) {
    stage->intake.budgets[competition].known = value_sum;
}

enum error intake_stage_load_receipt(struct intake_stage *stage, uint16_t number, const struct receipt *receipt) {
    struct roster_node *node = roster_node(stage->intake.roster, number);
    if (node == NULL) {
        return ERROR_MEMORY;
    }
    roster_keep(node, receipt);
    return ERROR_NONE;
}

void intake_stage_load_version(struct intake_stage *stage, uint64_t version, uint64_t stored_version) {
    stage->intake.settled_version = version;
    stage->intake.copied_version = stored_version;
}

enum error intake_stage_copy_receipts(struct intake_stage *stage, uint64_t version, struct receipt_list *list) {
    return receipt_copy_take(&stage->intake, version, list);
}

enum error intake_stage_start(struct intake_stage *stage, struct registry *registry, struct fault *fault) {
    const struct intake_stage_options *options = &stage->intake.options;
    enum error error = doorway_open(&stage->intake.doorway, options->zmq_context, options->endpoint, options->keys,
                                    options->window, fault);
    if (error != ERROR_NONE) {
        return error;
    }
    stage->intake.registry = registry_hold(registry);
    roster_adopt(stage->intake.roster, registry);
    if (pthread_create(&stage->thread, NULL, run, &stage->intake) != 0) {
        return fault_set(fault, ERROR_MEMORY, "intake: its thread cannot be started");
    }
    pthread_setname_np(stage->thread, "intake");
    stage->started = true;
    return ERROR_NONE;
}

bool intake_stage_drain(struct intake_stage *stage, int timeout_ms) {
    atomic_store_explicit(&stage->intake.draining, true, memory_order_release);
    int64_t deadline_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    while (!atomic_load_explicit(&stage->intake.drained, memory_order_acquire)) {
        if (clock_monotonic_ns() >= deadline_ns) {
            return false;
        }
        waker_wake(stage->intake.options.waker);
        struct timespec pause = {.tv_nsec = (long)DRAIN_LOOK_MS * 1000000};
        nanosleep(&pause, NULL);
    }
    return true;
}

void intake_stage_stop(struct intake_stage *stage) {
    if (stage == NULL) {
        return;
    }
    if (stage->started) {
        atomic_store_explicit(&stage->intake.stopping, true, memory_order_release);
        waker_wake(stage->intake.options.waker);
        pthread_join(stage->thread, NULL);
        stage->started = false;
    }
    doorway_close(&stage->intake.doorway);
}

void intake_stage_destroy(struct intake_stage **stage) {
    if (*stage == NULL) {
        return;
    }
    intake_stage_stop(*stage);
    /* Slots that never came home, because the disk failed, go with the process's memory. */
    if ((*stage)->intake.slots.free_count == (*stage)->intake.slots.count) {
        slots_fini(&(*stage)->intake.slots);
    }
    roster_destroy((*stage)->intake.roster);
    registry_release((*stage)->intake.registry);
    free(*stage);
    *stage = NULL;
}
