#include "stage.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"

enum {
    GROUP_ENTRIES_MAX = 1024,
    DISK_LOOK_MS = 250,  /* how often the free space is asked for while busy or full */
    DISK_IDLE_MS = 1000, /* and while idle */
};

struct journal_stage {
    /* Immutable after start. */
    struct journal_stage_options options;
    pthread_t thread;
    bool stopped; /* whoever stops it */

    /* Owned by the stage's thread. */
    struct entry *group[GROUP_ENTRIES_MAX];
    size_t group_count;
    struct entry *held;      /* popped, but too large for the present group */
    bool commit_failed_full; /* the last commit found the disk full */
    int64_t next_look_ns;

    /* Atomic: written by the stage's thread, read by any. */
    atomic_bool full;
    _Atomic uint64_t free_bytes;

    /* Atomic: written by journal_stage_stop, read by the stage's thread. */
    atomic_bool stopping;
};

static void set_full(struct journal_stage *stage, bool full) {
    bool was = atomic_exchange_explicit(&stage->full, full, memory_order_relaxed);
    if (full && !was) {
        counter_add(COUNTER_JOURNAL_DISK_FULL, 1);
        log_event(LOG_ERROR, "disk-full",
                  "directory=\"%s\" free_bytes=%" PRIu64 " reserve_bytes=%" PRIu64
                  " what=\"batches are answered Busy until there is space; nothing is lost\"",
                  stage->options.directory, atomic_load_explicit(&stage->free_bytes, memory_order_relaxed),
                  stage->options.disk_reserve_bytes);
    } else if (!full && was) {
        log_event(LOG_INFO, "disk-has-space", "directory=\"%s\" free_bytes=%" PRIu64, stage->options.directory,
                  atomic_load_explicit(&stage->free_bytes, memory_order_relaxed));
    }
}

/* Full below the reserve; not full again from a quarter above it, so that it does not flap. */
static void look_at_disk(struct journal_stage *stage) {
    int64_t now = clock_monotonic_ns();
    struct statvfs disk;
    if (now < stage->next_look_ns || statvfs(stage->options.directory, &disk) != 0) {
        return;
    }
    stage->next_look_ns = now + (int64_t)DISK_LOOK_MS * 1000000;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    atomic_store_explicit(&stage->free_bytes, free_bytes, memory_order_relaxed);
    uint64_t reserve = stage->options.disk_reserve_bytes;
    bool was_full = atomic_load_explicit(&stage->full, memory_order_relaxed);
    set_full(stage, stage->commit_failed_full || free_bytes < reserve + (was_full ? reserve / 4 : 0));
}

static struct entry *next_entry(struct journal_stage *stage) {
    struct entry *entry = stage->held != NULL ? stage->held : ring_pop(stage->options.in);
    stage->held = NULL;
    return entry;
}

static void gather(struct journal_stage *stage) {
    size_t bytes = 0;
    struct entry *entry;
    while (stage->group_count < GROUP_ENTRIES_MAX && (entry = next_entry(stage)) != NULL) {
        if (stage->group_count > 0 && bytes + entry->body_bytes > stage->options.group_bytes) {
            stage->held = entry;
            return;
        }
        bytes += entry->body_bytes;
        stage->group[stage->group_count++] = entry;
    }
}

static enum error write_group(struct journal_stage *stage) {
    for (size_t i = 0; i < stage->group_count; i++) {
        enum error error = journal_append(stage->options.journal, stage->group[i]);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    return journal_commit(stage->options.journal);
}

static void count_group(const struct journal_stage *stage, int64_t began_ns) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < stage->group_count; i++) {
        bytes += stage->group[i]->body_bytes;
    }
    uint64_t micros = (uint64_t)(clock_monotonic_ns() - began_ns) / 1000;
    counter_add(COUNTER_JOURNAL_GROUPS, 1);
    counter_add(COUNTER_JOURNAL_ENTRIES, stage->group_count);
    counter_add(COUNTER_JOURNAL_BYTES, bytes);
    counter_add(COUNTER_JOURNAL_COMMIT_US, micros);
    counter_maximum(COUNTER_JOURNAL_COMMIT_US_MAX, micros);
}

static void pass_on(struct journal_stage *stage) {
    for (size_t i = 0; i < stage->group_count; i++) {
        CHECK(ring_push(stage->options.out, stage->group[i]));
    }
    stage->group_count = 0;
    waker_wake(stage->options.ledger_waker);
    waker_wake(stage->options.archive_waker);
}

static bool stopping(const struct journal_stage *stage) {
    return atomic_load_explicit(&stage->stopping, memory_order_acquire);
}

static void wait(struct journal_stage *stage, bool only_if_empty, int timeout_ms) {
    struct waker *waker = stage->options.waker;
    waker_prepare(waker);
    if (!stopping(stage) && (!only_if_empty || ring_empty(stage->options.in))) {
        waker_sleep(waker, timeout_ms);
    }
    waker_finish(waker);
}

/* Commits the group, trying again while the disk is full. Returns false when the stage must end: the disk failed, or it is
 * full and the daemon is stopping; then nobody has been told that the group is safe. */
static bool commit_group(struct journal_stage *stage) {
    for (;;) {
        int64_t began_ns = clock_monotonic_ns();
        enum error error = write_group(stage);
        if (error == ERROR_NONE) {
            stage->commit_failed_full = false;
            count_group(stage, began_ns);
            return true;
        }
        if (error != ERROR_DISK_FULL) {
            struct fault fault = {0};
            fault_set(&fault, error, "%s: the journal cannot be written (%s); what was acknowledged is safe",
                      stage->options.directory, error_text(error));
            stage->options.on_failure(stage->options.context, &fault);
            return false;
        }
        stage->commit_failed_full = true;
        stage->next_look_ns = 0;
        look_at_disk(stage);
        if (stopping(stage)) {
            return false;
        }
        wait(stage, false, DISK_LOOK_MS);
    }
}

static void *run(void *context) {
    struct journal_stage *stage = context;
    for (;;) {
        bool last_turn = stopping(stage); /* before the look at the ring: what was pushed before the stop is seen */
        look_at_disk(stage);
        gather(stage);
        if (stage->group_count > 0) {
            if (!commit_group(stage)) {
                return NULL;
            }
            pass_on(stage);
        } else if (last_turn) {
            return NULL;
        } else {
            bool full = atomic_load_explicit(&stage->full, memory_order_relaxed);
            wait(stage, true, full ? DISK_LOOK_MS : DISK_IDLE_MS);
        }
    }
}

struct journal_stage *journal_stage_start(const struct journal_stage_options *options, struct fault *fault) {
    struct journal_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL) {
        fault_set(fault, ERROR_MEMORY, "journal: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    stage->options = *options;
    look_at_disk(stage);
    if (pthread_create(&stage->thread, NULL, run, stage) != 0) {
        fault_set(fault, ERROR_MEMORY, "journal: its thread cannot be started");
        free(stage);
        return NULL;
    }
    pthread_setname_np(stage->thread, "journal");
    return stage;
}

bool journal_stage_full(const struct journal_stage *stage) {
    return atomic_load_explicit(&stage->full, memory_order_relaxed);
}

uint64_t journal_stage_free_bytes(const struct journal_stage *stage) {
    return atomic_load_explicit(&stage->free_bytes, memory_order_relaxed);
}

void journal_stage_stop(struct journal_stage *stage) {
    if (stage == NULL || stage->stopped) {
        return;
    }
    atomic_store_explicit(&stage->stopping, true, memory_order_release);
    waker_wake(stage->options.waker);
    pthread_join(stage->thread, NULL);
    stage->stopped = true;
}

void journal_stage_destroy(struct journal_stage *stage) {
    journal_stage_stop(stage);
    free(stage);
}
