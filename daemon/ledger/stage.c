#include "stage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/base/check.h"
#include "daemon/base/counter.h"

/* Between two looks at whether a snapshot is wanted, at most this many entries are applied: 8 full batches, some 5 ms. */
enum { RUN_ENTRIES_MAX = 8 };

struct ledger_stage {
    /* Immutable after start. */
    struct ledger_stage_options options;
    pthread_t thread;

    /* Owned by the stage's thread. */
    struct entry *held; /* popped, but its texts must wait for a capture */

    /* Atomic: written by the stage's thread, read by any. */
    _Atomic uint64_t version;
    _Atomic uint64_t projects;

    /* Atomic: written by ledger_stage_stop, read by the stage's thread. */
    atomic_bool stopping;
};

static void count_entry(const struct entry *entry) {
    if (entry->kind != ENTRY_BATCH && entry->kind != ENTRY_BATCH_REFUSED) {
        return;
    }
    counter_add(COUNTER_LEDGER_ROWS_ACCEPTED, entry->accepted);
    counter_add(COUNTER_LEDGER_ROWS_UNCHANGED, entry->unchanged);
    counter_add(COUNTER_LEDGER_ROWS_REFUSED, entry->refused);
}

/* A capture that is wanted already is filled in this turn, and makes room. */
static void hurry_archive(const struct ledger_stage *stage) {
    struct capture_exchange *exchange = stage->options.capture_exchange;
    if (atomic_load_explicit(&exchange->holder, memory_order_acquire) != CAPTURE_WANTED) {
        atomic_store_explicit(&exchange->urgent, true, memory_order_release); /* with the archive's acquire */
        waker_wake(stage->options.archive_waker);
    }
}

/* The next entry that there is room for, or NULL. */
static struct entry *next_entry(struct ledger_stage *stage) {
    const struct ledger_stage_options *options = &stage->options;
    struct entry *entry = stage->held != NULL ? stage->held : ring_pop(options->in);
    stage->held = NULL;
    if (entry != NULL && !ledger_has_room(options->ledger, entry)) {
        stage->held = entry;
        hurry_archive(stage);
        return NULL;
    }
    return entry;
}

/* Applies a run of entries and sends them home with one wake-up. Returns whether there was any. */
static bool apply_some(struct ledger_stage *stage) {
    const struct ledger_stage_options *options = &stage->options;
    size_t count = 0;
    struct entry *entry;
    while (count < RUN_ENTRIES_MAX && (entry = next_entry(stage)) != NULL) {
        uint64_t version = entry->version;
        ledger_apply(options->ledger, entry);
        count_entry(entry);
        CHECK(ring_push(options->out, entry));
        /* Release: who sees the version may ask for a snapshot that holds it. */
        atomic_store_explicit(&stage->version, version, memory_order_release);
        count++;
    }
    if (count > 0) {
        atomic_store_explicit(&stage->projects, ledger_projects(options->ledger), memory_order_relaxed);
        waker_wake(options->intake_waker);
    }
    return count > 0;
}

static bool snapshot_due(const struct ledger_stage *stage) {
    /* Acquire: the publisher has finished with the snapshot before it wants the next. */
    return atomic_load_explicit(&stage->options.exchange->holder, memory_order_acquire) == SNAPSHOT_WANTED &&
           ledger_changed(stage->options.ledger);
}

static void offer_snapshot(struct ledger_stage *stage) {
    struct snapshot_exchange *exchange = stage->options.exchange;
    if (!snapshot_due(stage) || ledger_fill(stage->options.ledger, &exchange->snapshot) != ERROR_NONE) {
        return;
    }
    counter_add(COUNTER_LEDGER_SNAPSHOTS, 1);
    counter_set(COUNTER_LEDGER_BYTES, ledger_bytes(stage->options.ledger));
    atomic_store_explicit(&exchange->holder, SNAPSHOT_OFFERED, memory_order_release); /* with the publisher's acquire */
    waker_wake(stage->options.publish_waker);
}

static bool capture_due(const struct ledger_stage *stage) {
    /* Acquire: the archive has finished with the capture before it wants the next. */
    return atomic_load_explicit(&stage->options.capture_exchange->holder, memory_order_acquire) == CAPTURE_WANTED &&
           ledger_capture_due(stage->options.ledger);
}

static void offer_capture(struct ledger_stage *stage) {
    struct capture_exchange *exchange = stage->options.capture_exchange;
    if (!capture_due(stage) ||
        ledger_capture(stage->options.ledger, &exchange->request, &exchange->capture) != ERROR_NONE) {
        return;
    }
    counter_add(COUNTER_LEDGER_CAPTURES, 1);
    atomic_store_explicit(&exchange->holder, CAPTURE_OFFERED, memory_order_release); /* with the archive's acquire */
    waker_wake(stage->options.archive_waker);
}

static void sleep_until_woken(struct ledger_stage *stage) {
    struct waker *waker = stage->options.waker;
    waker_prepare(waker);
    bool nothing_to_apply =
        stage->held != NULL ? !ledger_has_room(stage->options.ledger, stage->held) : ring_empty(stage->options.in);
    if (nothing_to_apply && !snapshot_due(stage) && !capture_due(stage) &&
        !atomic_load_explicit(&stage->stopping, memory_order_acquire)) {
        waker_sleep(waker, -1);
    }
    waker_finish(waker);
}

static void *run(void *context) {
    struct ledger_stage *stage = context;
    for (;;) {
        bool stopping = atomic_load_explicit(&stage->stopping, memory_order_acquire); /* before the look at the ring */
        bool applied = apply_some(stage);
        offer_snapshot(stage);
        offer_capture(stage);
        if (!applied && stopping) {
            return NULL; /* an entry that is held is durable: the next start applies it */
        }
        if (!applied) {
            sleep_until_woken(stage);
        }
    }
}

struct ledger_stage *ledger_stage_start(const struct ledger_stage_options *options, struct fault *fault) {
    struct ledger_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL) {
        fault_set(fault, ERROR_MEMORY, "ledger: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    stage->options = *options;
    atomic_init(&stage->version, ledger_version(options->ledger));
    atomic_init(&stage->projects, ledger_projects(options->ledger));
    if (pthread_create(&stage->thread, NULL, run, stage) != 0) {
        fault_set(fault, ERROR_MEMORY, "ledger: its thread cannot be started");
        free(stage);
        return NULL;
    }
    pthread_setname_np(stage->thread, "ledger");
    return stage;
}

uint64_t ledger_stage_version(const struct ledger_stage *stage) {
    return atomic_load_explicit(&stage->version, memory_order_acquire);
}

uint64_t ledger_stage_projects(const struct ledger_stage *stage) {
    return atomic_load_explicit(&stage->projects, memory_order_relaxed);
}

void ledger_stage_stop(struct ledger_stage **stage) {
    if (*stage == NULL) {
        return;
    }
    atomic_store_explicit(&(*stage)->stopping, true, memory_order_release);
    waker_wake((*stage)->options.waker);
    pthread_join((*stage)->thread, NULL);
    free(*stage);
    *stage = NULL;
}
