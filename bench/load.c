#include "bench/load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/lib/clock.h"

enum { IDLE_WAIT_MS = 50, MESSAGE_BYTES = 256, ROW_BYTES = 64 };

struct sender {
    /* Immutable once open. */
    struct load *load;
    struct tally_node *node;
    size_t number;

    /* Of the thread that fills. */
    struct workload_sender workload;
    struct tally_project *rows;
    size_t filled; /* rows that wait for room */

    /* Written by the node's thread; the histogram is read only when nothing is on its way. */
    _Atomic uint64_t acknowledged;
    struct histogram latencies;
};

struct load {
    struct load_options options;
    int wake; /* eventfd; written by the nodes' threads, read by the thread that fills */
    atomic_bool measuring;
    struct sender senders[];
};

static void on_receipt(void *context, const struct tally_receipt *receipt) {
    struct sender *sender = context;
    struct load *load = sender->load;
    atomic_fetch_add_explicit(&sender->acknowledged, receipt->accepted, memory_order_relaxed);
    if (atomic_load_explicit(&load->measuring, memory_order_relaxed)) {
        histogram_add(&sender->latencies, receipt->round_trip_ns);
    }
    if (load->options.on_receipt != NULL) {
        load->options.on_receipt(load->options.context, sender->number, receipt);
    }
    uint64_t one = 1;
    ssize_t ignored = write(load->wake, &one, sizeof one);
    (void)ignored;
}

static void wait_for_receipt(int wake) {
    struct pollfd item = {.fd = wake, .events = POLLIN};
    uint64_t count;
    if (poll(&item, 1, IDLE_WAIT_MS) > 0) {
        ssize_t ignored = read(wake, &count, sizeof count);
        (void)ignored;
    }
}

static void complain(const struct sender *sender, const char *what, enum tally_error error) {
    char message[MESSAGE_BYTES];
    tally_node_message(sender->node, message, sizeof message);
    fprintf(stderr, "bench: node-%04zu: %s: %s: %s\n", sender->number, what, tally_error_text(error), message);
}

static bool open_sender(struct load *load, size_t number) {
    struct sender *sender = &load->senders[number];
    const struct load_options *options = &load->options;
    char name[32];
    char message[MESSAGE_BYTES];
    snprintf(name, sizeof name, "node-%04zu", number);
    sender->load = load;
    sender->number = number;
    workload_sender_init(&sender->workload, options->workload, options->nodes, number, options->seed);
    sender->rows = malloc(options->rows * sizeof *sender->rows);
    if (sender->rows == NULL) {
        fputs("bench: out of memory\n", stderr);
        return false;
    }
    struct tally_node_options node = {
        .endpoint = options->endpoint,
        .node = name,
        .batch_rows = options->rows,
        .window = options->window,
        .outbox_bytes_max = (uint64_t)(options->window + 1) * options->rows * ROW_BYTES,
        .on_receipt = on_receipt,
        .context = sender,
    };
    if (tally_node_open(&node, &sender->node, message) != TALLY_OK) {
        fprintf(stderr, "bench: %s: %s\n", name, message);
        return false;
    }
    return true;
}

struct load *load_open(const struct load_options *options) {
    struct load *load = calloc(1, sizeof *load + options->nodes * sizeof load->senders[0]);
    if (load == NULL) {
        fputs("bench: out of memory\n", stderr);
        return NULL;
    }
    load->options = *options;
    load->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool fine = load->wake >= 0;
    for (size_t i = 0; i < options->nodes && fine; i++) {
        fine = open_sender(load, i);
    }
    if (!fine) {
        load_close(&load);
    }
    return load;
}

void load_close(struct load **load) {
    if (load == NULL || *load == NULL) {
        return;
    }
    for (size_t i = 0; i < (*load)->options.nodes; i++) {
        tally_node_close(&(*load)->senders[i].node);
        free((*load)->senders[i].rows);
    }
    if ((*load)->wake >= 0) {
        close((*load)->wake);
    }
    free(*load);
    *load = NULL;
}

enum offer { OFFER_TAKEN, OFFER_FULL, OFFER_DONE, OFFER_FAILED };

static enum offer offer(struct sender *sender, bool in_order) {
    uint32_t rows = sender->load->options.rows;
    if (sender->filled == 0 && in_order) {
        sender->filled = workload_fill_in_order(&sender->workload, sender->rows, rows);
        if (sender->filled == 0) {
            return OFFER_DONE;
        }
    } else if (sender->filled == 0) {
        workload_fill_random(&sender->workload, sender->rows, rows);
        sender->filled = rows;
    }
    const char *competition = sender->load->options.competition;
    enum tally_error error = tally_node_put(sender->node, competition, sender->rows, sender->filled, false);
    if (error == TALLY_OUTBOX_FULL) {
        return OFFER_FULL;
    }
    if (error != TALLY_OK) {
        complain(sender, "put", error);
        return OFFER_FAILED;
    }
    sender->filled = 0;
    return OFFER_TAKEN;
}

/* Offers each sender one batch. counts: how many senders gave each answer. */
static void offer_all(struct load *load, bool in_order, size_t counts[static OFFER_FAILED + 1]) {
    for (size_t i = 0; i <= OFFER_FAILED; i++) {
        counts[i] = 0;
    }
    for (size_t i = 0; i < load->options.nodes; i++) {
        counts[offer(&load->senders[i], in_order)]++;
    }
}

bool load_fill(struct load *load) {
    size_t counts[OFFER_FAILED + 1];
    do {
        offer_all(load, true, counts);
        if (counts[OFFER_FAILED] > 0) {
            return false;
        }
        if (counts[OFFER_TAKEN] == 0 && counts[OFFER_FULL] > 0) {
            wait_for_receipt(load->wake);
        }
    } while (counts[OFFER_DONE] < load->options.nodes);
    return load_flush(load);
}

bool load_send(struct load *load, int64_t deadline_ns, const atomic_bool *stop) {
    size_t counts[OFFER_FAILED + 1];
    while (clock_now_ns() < deadline_ns && (stop == NULL || !atomic_load_explicit(stop, memory_order_relaxed))) {
        offer_all(load, false, counts);
        if (counts[OFFER_FAILED] > 0) {
            return false;
        }
        if (counts[OFFER_TAKEN] == 0) {
            wait_for_receipt(load->wake);
        }
    }
    return true;
}

bool load_flush(struct load *load) {
    for (size_t i = 0; i < load->options.nodes; i++) {
        enum tally_error error = tally_node_flush(load->senders[i].node, -1);
        if (error != TALLY_OK) {
            complain(&load->senders[i], "flush", error);
            return false;
        }
    }
    return true;
}

uint64_t load_acknowledged(const struct load *load) {
    uint64_t sum = 0;
    for (size_t i = 0; i < load->options.nodes; i++) {
        sum += atomic_load_explicit(&load->senders[i].acknowledged, memory_order_relaxed);
    }
    return sum;
}

void load_measure(struct load *load, bool on) {
    atomic_store_explicit(&load->measuring, on, memory_order_relaxed);
}

void load_latencies(const struct load *load, struct histogram *into) {
    for (size_t i = 0; i < load->options.nodes; i++) {
        histogram_merge(into, &load->senders[i].latencies);
    }
}
