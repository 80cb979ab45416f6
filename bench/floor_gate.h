/* The floor's socket thread: what the daemon's intake would be if it did nothing with a batch. It takes messages off the same
 * ROUTER socket into the same slots, reads their sequence and nothing else, passes them to the journal's thread, and sends a
 * receipt for each that comes back.
 * Place in the flow: nodes -> gate -> journal -> gate -> nodes. Never waits for the disk; reads nothing while no slot is free. */
#ifndef TALLY_BENCH_FLOOR_GATE_H
#define TALLY_BENCH_FLOOR_GATE_H

#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/registry.h"
#include "daemon/base/ring.h"
#include "daemon/base/waker.h"

struct floor_gate;

struct floor_gate_options {
    void *zmq_context;
    const char *endpoint;
    uint32_t window;      /* batches of one node without receipt */
    uint32_t batch_slots; /* batches that are inside at once; the rings hold at least as many */
    uint64_t epoch;
    const struct registry *registry; /* who may say Hello; numbers are assigned */
    struct ring *out;                /* of struct entry *, to the journal */
    struct ring *in;                 /* of struct entry *, durable, home from the journal */
    struct waker *waker;             /* on which the gate sleeps */
    struct waker *journal_waker;
};

/* Binds the endpoint and starts the thread; all that options point to is borrowed. NULL on failure with the fault filled:
 * NETWORK, MEMORY. */
struct floor_gate *floor_gate_start(const struct floor_gate_options *options, struct fault *fault);

/* Sends the receipts of what is home, ends the thread and frees. The journal's thread has ended. NULL is fine. */
void floor_gate_stop(struct floor_gate *gate);

#endif
