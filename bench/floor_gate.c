#include "bench/floor_gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/intake/doorway.h"
#include "daemon/intake/roster.h"
#include "daemon/intake/slots.h"
#include "tally.pb-c.h"

enum {
    MESSAGES_A_TURN_MAX = 64, /* as intake */
    TURN_MS = 250,
    HELLO_ARENA_BYTES = 4096,
};

struct floor_gate {
    /* Immutable after start. */
    struct floor_gate_options options;
    pthread_t thread;

    /* Owned by the thread once it runs. */
    struct doorway doorway;
    struct slots slots;
    struct roster *roster;
    uint8_t hello_memory[HELLO_ARENA_BYTES];

    /* Atomic: written by floor_gate_stop, read by the thread. */
    atomic_bool stopping;
};

/* ---- in ---- */

static void welcome(struct floor_gate *gate, struct roster_node *node, routing_t routing) {
    if (node->connected) {
        roster_disconnect(gate->roster, node);
    }
    roster_connect(gate->roster, node, routing);
    struct welcome message = {.next_sequence = node->next_sequence,
                              .durable_sequence = node->durable_sequence,
                              .epoch = gate->options.epoch,
                              .window = gate->options.window};
    (void)doorway_welcome(&gate->doorway, routing, &message); /* a node that did not get it says Hello again */
}

static void take_hello(struct floor_gate *gate, const struct arrival *arrival, zmq_msg_t *body) {
    struct arena arena;
    arena_init(&arena, gate->hello_memory, sizeof gate->hello_memory);
    Tally__Hello *hello = tally__hello__unpack(&arena.allocator, zmq_msg_size(body), zmq_msg_data(body));
    const struct node_right *right =
        hello != NULL ? registry_node(gate->options.registry, hello->node, strlen(hello->node)) : NULL;
    struct roster_node *node = right != NULL ? roster_node(gate->roster, right->number) : NULL;
    if (node == NULL) {
        (void)doorway_refuse(&gate->doorway, arrival->routing, arrival->type, REFUSAL_NODE_UNKNOWN);
        return;
    }
    welcome(gate, node, arrival->routing);
}

/* The same entry as the daemon's, but for what only decoding can tell. */
static void push(struct floor_gate *gate, struct slot *slot, const struct roster_node *node) {
    struct entry *entry = &slot->entry;
    entry->kind = ENTRY_BATCH;
    entry->node = node->number;
    entry->competition = 0;
    entry->batch_code = 0;
    entry->sequence = node->next_sequence;
    entry->wall_ms = clock_wall_ms();
    entry->day = (uint16_t)day_of_time(entry->wall_ms);
    entry->refused_by_intake = 0;
    entry->body = zmq_msg_data(&slot->body);
    entry->body_bytes = zmq_msg_size(&slot->body);
    CHECK(ring_push(gate->options.out, entry));
    waker_wake(gate->options.journal_waker);
}

/* Returns whether the slot went on its way. */
static bool take_batch(struct floor_gate *gate, const struct arrival *arrival, struct slot *slot) {
    struct roster_node *node = arrival->addressed ? roster_speaker(gate->roster, arrival->routing) : NULL;
    if (node == NULL) {
        (void)doorway_refuse(&gate->doorway, arrival->routing, arrival->type, REFUSAL_HELLO_MISSING);
        return false;
    }
    uint64_t sequence = batch_sequence(zmq_msg_data(&slot->body), zmq_msg_size(&slot->body));
    if (sequence != node->next_sequence) {
        (void)doorway_rewind(&gate->doorway, node->routing, node->next_sequence, sequence, REFUSAL_SEQUENCE_GAP);
        return false;
    }
    push(gate, slot, node);
    node->next_sequence++;
    return true;
}

static bool take_message(struct floor_gate *gate, const struct arrival *arrival, struct slot *slot) {
    if (arrival->refusal == REFUSAL_NONE && arrival->type == MESSAGE_BATCH) {
        return take_batch(gate, arrival, slot);
    }
    if (arrival->refusal == REFUSAL_NONE && arrival->type == MESSAGE_HELLO && arrival->addressed) {
        take_hello(gate, arrival, &slot->body);
    }
    return false;
}

/* Returns whether there was anything to read. */
static bool read_messages(struct floor_gate *gate) {
    for (size_t count = 0; count < MESSAGES_A_TURN_MAX; count++) {
        struct slot *slot = slots_take(&gate->slots);
        struct arrival arrival;
        if (slot == NULL) {
            return count > 0;
        }
        bool received = doorway_receive(&gate->doorway, &arrival, &slot->body);
        if (!received || !take_message(gate, &arrival, slot)) {
            slots_give_back(&gate->slots, slot);
        }
        if (!received) {
            return count > 0;
        }
    }
    return true;
}

/* ---- out ---- */

static void settle(struct floor_gate *gate, const struct entry *entry) {
    struct roster_node *node = roster_find(gate->roster, entry->node);
    CHECK(node != NULL && entry->sequence == node->durable_sequence + 1);
    struct receipt receipt = {.sequence = entry->sequence, .version = entry->version};
    node->durable_sequence = entry->sequence;
    if (node->connected && doorway_receipt(&gate->doorway, node->routing, &receipt) == SENDING_GONE) {
        roster_disconnect(gate->roster, node);
    }
}

static bool take_home(struct floor_gate *gate) {
    bool any = false;
    struct entry *entry;
    while ((entry = ring_pop(gate->options.in)) != NULL) {
        settle(gate, entry);
        slots_give_back(&gate->slots, slots_of(entry));
        any = true;
    }
    return any;
}

/* ---- the thread ---- */

static bool stopping(const struct floor_gate *gate) {
    return atomic_load_explicit(&gate->stopping, memory_order_acquire); /* with floor_gate_stop */
}

static void sleep_until_woken(struct floor_gate *gate) {
    struct waker *waker = gate->options.waker;
    waker_prepare(waker);
    if (ring_empty(gate->options.in) && !stopping(gate)) {
        zmq_pollitem_t items[] = {{.fd = waker->fd, .events = ZMQ_POLLIN},
                                  {.socket = gate->doorway.socket, .events = ZMQ_POLLIN}};
        (void)zmq_poll(items, gate->slots.free_count > 0 ? 2 : 1, TURN_MS); /* EINTR: a turn for nothing */
    }
    waker_finish(waker);
}

static void *run(void *context) {
    struct floor_gate *gate = context;
    while (!stopping(gate)) {
        bool busy = take_home(gate);
        busy |= read_messages(gate);
        if (!busy) {
            sleep_until_woken(gate);
        }
    }
    take_home(gate);
    return NULL;
}

static void destroy(struct floor_gate *gate) {
    doorway_close(&gate->doorway);
    /* Slots that never came home, because the disk failed, go with the process's memory. */
    if (gate->slots.free_count == gate->slots.count) {
        slots_fini(&gate->slots);
    }
    roster_destroy(gate->roster);
    free(gate);
}

struct floor_gate *floor_gate_start(const struct floor_gate_options *options, struct fault *fault) {
    struct floor_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        fault_set(fault, ERROR_MEMORY, "gate: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    gate->options = *options;
    gate->roster = roster_create();
    if (gate->roster == NULL || slots_init(&gate->slots, options->batch_slots) != ERROR_NONE) {
        fault_set(fault, ERROR_MEMORY, "gate: %s", error_text(ERROR_MEMORY));
        goto fail;
    }
    if (doorway_open(&gate->doorway, options->zmq_context, options->endpoint, NULL, options->window, fault) !=
        ERROR_NONE) {
        goto fail;
    }
    if (pthread_create(&gate->thread, NULL, run, gate) != 0) {
        fault_set(fault, ERROR_MEMORY, "gate: its thread cannot be started");
        goto fail;
    }
    pthread_setname_np(gate->thread, "gate");
    return gate;
fail:
    destroy(gate);
    return NULL;
}

void floor_gate_stop(struct floor_gate *gate) {
    if (gate == NULL) {
        return;
    }
    atomic_store_explicit(&gate->stopping, true, memory_order_release);
    waker_wake(gate->options.waker);
    pthread_join(gate->thread, NULL);
    destroy(gate);
}
