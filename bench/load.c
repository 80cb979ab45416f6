#include "bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "client/lib/clock.h"
#include "daemon/base/waker.h"

enum {
    IDLE_WAIT_MS = 50,
    MESSAGE_BYTES = 256,
    BATCHES_MAX = LOAD_WINDOW_MAX + 1, /* of one node without receipt */
    TOGETHER = 32,                     /* batches on their way of all nodes, as default */
    WINDOW_LEAST = 2,                  /* one at the daemon, one on its way */
};

static const int64_t behind_max_ns = INT64_C(10000000000);

struct sender {
    /* Immutable once open. */
    struct load *load;
    struct tally_node *node;
    size_t number;

    /* Of the thread that fills. The due times are read by the node's thread, which learns of a batch through the node. */
    struct workload_sender workload;
    uint64_t put;                /* batches */
    int64_t due_ns[BATCHES_MAX]; /* of batch n at n % BATCHES_MAX; 0 = not on a schedule */

    /* Written by the node's thread; the histogram is read only when nothing is on its way. */
    _Atomic uint64_t acknowledged; /* rows */
    _Atomic uint64_t settled;      /* batches; written last */
    struct histogram latencies;
};

struct load {
    struct load_options options;
    struct waker waker;         /* on which the thread that fills sleeps */
    struct tally_project *rows; /* of the batch that is being filled */
    atomic_bool measuring;
    struct sender senders[];
};

uint32_t load_window(size_t nodes) {
    size_t window = TOGETHER / nodes;
    return window > WINDOW_LEAST ? (uint32_t)window : WINDOW_LEAST;
}

static void on_receipt(void *context, const struct tally_receipt *receipt) {
    struct sender *sender = context;
    struct load *load = sender->load;
    uint64_t settled = atomic_load_explicit(&sender->settled, memory_order_relaxed); /* own value */
    if (atomic_load_explicit(&load->measuring, memory_order_relaxed)) {
        int64_t due_ns = sender->due_ns[settled % BATCHES_MAX];
        histogram_add(&sender->latencies, due_ns != 0 ? clock_now_ns() - due_ns : receipt->round_trip_ns);
    }
    if (load->options.on_receipt != NULL) {
        load->options.on_receipt(load->options.context, sender->number, receipt);
    }
    atomic_fetch_add_explicit(&sender->acknowledged, receipt->accepted, memory_order_relaxed);
    /* Release, with the acquire in has_room: the due time may be overwritten now. */
    atomic_store_explicit(&sender->settled, settled + 1, memory_order_release);
    waker_wake(&load->waker);
}

static void complain(const struct sender *sender, const char *what, enum tally_error error) {
    char message[MESSAGE_BYTES];
    tally_node_message(sender->node, message, sizeof message);
    fprintf(stderr, "bench: node-%04zu: %s: %s: %s\n", sender->number, what, tally_error_text(error), message);
}

/* ---- open and close ---- */

static bool open_sender(struct load *load, size_t number) {
    struct sender *sender = &load->senders[number];
    const struct load_options *options = &load->options;
    char name[32];
    char message[MESSAGE_BYTES];
    snprintf(name, sizeof name, "node-%04zu", number);
    sender->load = load;
    sender->number = number;
    workload_sender_init(&sender->workload, options->workload, options->nodes, number, options->seed);
    struct tally_node_options node = {
        .endpoint = options->endpoint,
        .node = name,
        .batch_rows = options->rows,
        .window = options->window,
        .on_receipt = on_receipt,
        .context = sender,
    };
    if (tally_node_open(&node, &sender->node, message) != TALLY_OK) {
        fprintf(stderr, "bench: %s: %s\n", name, message);
        return false;
    }
    return true;
}

/* Hundreds of nodes have thousands of descriptors, and batches that are due on time need timers that are. */
static void prepare_process(void) {
    struct rlimit descriptors;
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &descriptors); /* if they are too few, opening a node says so */
    }
    (void)prctl(PR_SET_TIMERSLACK, 1); /* for the threads made from here on too; without it, batches come 50 us late */
}

struct load *load_open(const struct load_options *options) {
    struct load *load = calloc(1, sizeof *load + options->nodes * sizeof load->senders[0]);
    if (load == NULL) {
        fputs("bench: out of memory\n", stderr);
        return NULL;
    }
    prepare_process();
    load->options = *options;
    load->options.window = options->window > 0 ? options->window : load_window(options->nodes);
    load->rows = malloc(options->rows * sizeof *load->rows);
    bool fine = waker_init(&load->waker) == ERROR_NONE && load->rows != NULL;
    if (!fine) {
        fputs("bench: out of memory or descriptors\n", stderr);
    }
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
    }
    waker_fini(&(*load)->waker);
    free((*load)->rows);
    free(*load);
    *load = NULL;
}

/* ---- sending ---- */

/* A node that is full is not even asked: it would weigh the whole batch before it says so. */
static bool has_room(const struct sender *sender) {
    uint64_t settled =
        atomic_load_explicit(&sender->settled, memory_order_acquire); /* with the release in on_receipt */
    return sender->put - settled <= sender->load->options.window;
}

static bool all_settled(const struct sender *sender) {
    return atomic_load_explicit(&sender->settled, memory_order_acquire) == sender->put; /* as in has_room */
}

static bool any_room(const struct load *load) {
    for (size_t i = 0; i < load->options.nodes; i++) {
        if (has_room(&load->senders[i])) {
            return true;
        }
    }
    return false;
}

static bool room(const struct load *load, const struct sender *sender) {
    return sender != NULL ? has_room(sender) : any_room(load);
}

/* Until the sender, or any if it is NULL, has room; a receipt comes; or a moment is over. */
static void wait_for_room(struct load *load, const struct sender *sender) {
    if (room(load, sender)) {
        return;
    }
    waker_prepare(&load->waker);
    if (!room(load, sender)) {
        waker_sleep(&load->waker, IDLE_WAIT_MS);
    }
    waker_finish(&load->waker);
}

static bool put(struct sender *sender, size_t rows, int64_t due_ns) {
    const struct load *load = sender->load;
    sender->due_ns[sender->put % BATCHES_MAX] = due_ns;
    enum tally_error error = tally_node_put(sender->node, load->options.competition, load->rows, rows, true);
    if (error != TALLY_OK) {
        complain(sender, "put", error);
        return false;
    }
    sender->put++;
    return true;
}

static bool put_random(struct sender *sender, int64_t due_ns) {
    const struct load *load = sender->load;
    workload_fill_random(&sender->workload, load->rows, load->options.rows);
    return put(sender, load->options.rows, due_ns);
}

bool load_fill(struct load *load) {
    size_t done = 0;
    while (done < load->options.nodes) {
        done = 0;
        for (size_t i = 0; i < load->options.nodes; i++) {
            struct sender *sender = &load->senders[i];
            if (!has_room(sender)) {
                continue;
            }
            size_t rows = workload_fill_in_order(&sender->workload, load->rows, load->options.rows);
            if (rows > 0 && !put(sender, rows, 0)) {
                return false;
            }
            done += rows == 0;
        }
        wait_for_room(load, NULL);
    }
    return load_flush(load);
}

bool load_send(struct load *load, int64_t deadline_ns, const atomic_bool *stop) {
    while (clock_now_ns() < deadline_ns && (stop == NULL || !atomic_load_explicit(stop, memory_order_relaxed))) {
        for (size_t i = 0; i < load->options.nodes; i++) {
            if (has_room(&load->senders[i]) && !put_random(&load->senders[i], 0)) {
                return false;
            }
        }
        wait_for_room(load, NULL);
    }
    return true;
}

static void sleep_until(int64_t time_ns) {
    struct timespec time = {.tv_sec = (time_t)(time_ns / 1000000000), .tv_nsec = time_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0) {
    }
}

/* Rows are drawn while the batch before it is on its way, so that at its time it only has to be put. */
bool load_pace(struct load *load, double updates_per_s, int64_t deadline_ns) {
    int64_t began_ns = clock_now_ns();
    double interval_ns = (double)load->options.rows / updates_per_s * 1e9;
    int64_t due_ns = began_ns;
    for (uint64_t k = 0; due_ns < deadline_ns; k++) {
        struct sender *sender = &load->senders[k % load->options.nodes];
        workload_fill_random(&sender->workload, load->rows, load->options.rows);
        sleep_until(due_ns);
        while (!has_room(sender)) {
            wait_for_room(load, sender);
            if (clock_now_ns() - due_ns > behind_max_ns) {
                fprintf(stderr, "bench: %.0f updates/s are too many: 10 s behind\n", updates_per_s);
                return false;
            }
        }
        if (!put(sender, load->options.rows, due_ns)) {
            return false;
        }
        due_ns = began_ns + (int64_t)((double)(k + 1) * interval_ns);
    }
    return true;
}

bool load_send_one(struct load *load) {
    struct sender *sender = &load->senders[0];
    workload_fill_random(&sender->workload, load->rows, load->options.rows);
    if (!put(sender, load->options.rows, clock_now_ns())) {
        return false;
    }
    while (!all_settled(sender)) {
        waker_prepare(&load->waker);
        if (!all_settled(sender)) {
            waker_sleep(&load->waker, IDLE_WAIT_MS);
        }
        waker_finish(&load->waker);
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

/* ---- what came of it ---- */

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

void load_latencies(struct load *load, struct histogram *into) {
    for (size_t i = 0; i < load->options.nodes; i++) {
        histogram_merge(into, &load->senders[i].latencies);
        load->senders[i].latencies = (struct histogram){0};
    }
}
