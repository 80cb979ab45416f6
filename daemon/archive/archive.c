#include "archive.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "pace.h"
#include "state_file.h"
#include "writer.h"

enum {
    IDLE_MS = 60 * 1000, /* the longest sleep */
    FULL_WAIT_MS_MIN = 250,
    FULL_WAIT_MS_MAX = 4000,
};

#define NS_PER_MS INT64_C(1000000)
#define READER_CHECK_NS (60 * 1000 * NS_PER_MS)

struct archive {
    /* Immutable after start. */
    struct archive_options options;
    struct state_file *file;
    pthread_t thread;

    /* Owned by the archive's thread; once it has ended, by who stops it. */
    struct writer *writer;
    struct pace pace;
    bool failed;              /* nothing is written any more */
    uint64_t counted_version; /* entries up to it are in the counters */
    int64_t pending_since_ns; /* when something new was first seen; 0 = there is nothing */
    int64_t next_reader_check_ns;

    /* Atomic: written by archive_stop, read by the archive's thread. */
    atomic_bool stopping;
};

static bool stopping(const struct archive *archive) {
    return atomic_load_explicit(&archive->stopping, memory_order_acquire); /* with the release in archive_stop */
}

static void fail(struct archive *archive, enum error error, const char *what) {
    struct fault fault = {0};
    fault_set(&fault, error, "%s: %s: %s; what is in the journal is safe", archive->file->path, what,
              error_text(error));
    archive->failed = true;
    archive->options.on_failure(archive->options.context, &fault);
}

/* ---- what it waits for ---- */

typedef bool condition(const struct archive *archive);

static bool capture_offered(const struct archive *archive) {
    /* Acquire: the ledger has filled it. */
    return atomic_load_explicit(&archive->options.captures->holder, memory_order_acquire) == CAPTURE_OFFERED;
}

static bool receipts_offered(const struct archive *archive) {
    /* Acquire: intake has filled it. */
    return atomic_load_explicit(&archive->options.receipts->holder, memory_order_acquire) == RECEIPTS_OFFERED;
}

static bool is_urgent(const struct archive *archive) {
    return atomic_load_explicit(&archive->options.captures->urgent, memory_order_acquire); /* with the ledger's */
}

static bool anything_new(const struct archive *archive) {
    uint64_t stored = atomic_load_explicit(&archive->file->version, memory_order_relaxed); /* its own */
    return archive->pace.more || archive->options.supply.durable_version(archive->options.supply.context) > stored;
}

static bool nothing_but_a_stop(const struct archive *archive) {
    (void)archive;
    return false;
}

/* Sleeps, unless the condition holds or it is to stop, until it is woken, at most until the deadline. */
static void sleep_unless(const struct archive *archive, struct waker *waker, condition *holds, int64_t deadline_ns) {
    waker_prepare(waker);
    int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / NS_PER_MS + 1;
    if (!stopping(archive) && !holds(archive) && left_ms > 0) {
        waker_sleep(waker, left_ms < IDLE_MS ? (int)left_ms : IDLE_MS);
    }
    waker_finish(waker);
}

/* Until the condition holds. Returns false if a stop came first. */
static bool wait_for(const struct archive *archive, condition *holds) {
    while (!holds(archive)) {
        if (stopping(archive)) {
            return false;
        }
        sleep_unless(archive, archive->options.waker, holds, INT64_MAX);
    }
    return true;
}

/* Returns false if a stop came first. */
static bool pause_for(const struct archive *archive, int timeout_ms) {
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    while (!stopping(archive) && clock_monotonic_ns() < deadline_ns) {
        sleep_unless(archive, archive->options.waker, nothing_but_a_stop, deadline_ns);
    }
    return !stopping(archive);
}

/* ---- when ---- */

/* A process that died while it read the file (a backup, a tool) must not keep old pages alive. */
static void check_readers(struct archive *archive, int64_t now_ns) {
    if (now_ns >= archive->next_reader_check_ns) {
        int dead;
        (void)mdb_reader_check(archive->file->env, &dead); /* if it fails, the next one may not */
        archive->next_reader_check_ns = now_ns + READER_CHECK_NS;
    }
}

/* Returns false if a stop came first. What is urgent waits for nothing. */
static bool wait_until_due(struct archive *archive) {
    while (!stopping(archive)) {
        int64_t now_ns = clock_monotonic_ns();
        check_readers(archive, now_ns);
        if (!anything_new(archive)) {
            archive->pending_since_ns = 0;
            sleep_unless(archive, archive->options.entry_waker, anything_new, INT64_MAX);
            continue;
        }
        if (archive->pending_since_ns == 0) {
            archive->pending_since_ns = now_ns;
        }
        int64_t due_ns = pace_due_ns(&archive->pace, archive->pending_since_ns);
        if (is_urgent(archive) || now_ns >= due_ns) {
            return true;
        }
        sleep_unless(archive, archive->options.waker, is_urgent, due_ns);
    }
    return false;
}

/* ---- what ---- */

/* Transactions are kept small by the writer, so that new projects need no bound here. */
static struct capture_request request_for(uint32_t blocks_max) {
    return (struct capture_request){.blocks_max = blocks_max};
}

/* Returns false if a stop came first. */
static bool obtain_capture(struct archive *archive) {
    struct capture_exchange *exchange = archive->options.captures;
    exchange->request = request_for(pace_blocks_max(&archive->pace));
    /* Relaxed: the ledger that sets it anew has seen the capture that is wanted now, or is about to fill it. */
    atomic_store_explicit(&exchange->urgent, false, memory_order_relaxed);
    atomic_store_explicit(&exchange->holder, CAPTURE_WANTED, memory_order_release); /* with the ledger's acquire */
    waker_wake(archive->options.ledger_waker);
    return wait_for(archive, capture_offered);
}

/* Returns false if a stop came first. */
static bool obtain_receipts(struct archive *archive) {
    struct receipt_exchange *exchange = archive->options.receipts;
    exchange->wanted_version = archive->options.captures->capture.version;
    atomic_store_explicit(&exchange->holder, RECEIPTS_WANTED, memory_order_release); /* with intake's acquire */
    waker_wake(archive->options.intake_waker);
    return wait_for(archive, receipts_offered);
}

/* Both are the archive's again. The ledger's next change is a new one. */
static void release(struct archive *archive) {
    receipt_list_cut(&archive->options.receipts->list, 0);
    atomic_store_explicit(&archive->options.receipts->holder, RECEIPTS_IDLE, memory_order_release);
    atomic_store_explicit(&archive->options.captures->holder, CAPTURE_IDLE, memory_order_release);
    archive->pending_since_ns = 0;
}

/* ---- writing ---- */

static void count(struct archive *archive, const struct writer_count *before, int64_t began_ns, int64_t ended_ns) {
    struct writer_count after = writer_count(archive->writer);
    uint64_t complete = archive->options.captures->capture.complete_version;
    counter_add(COUNTER_ARCHIVE_FOLDS, 1);
    counter_add(COUNTER_ARCHIVE_ENTRIES, complete - archive->counted_version);
    counter_add(COUNTER_ARCHIVE_BLOCKS_WRITTEN, after.blocks - before->blocks);
    counter_add(COUNTER_ARCHIVE_TEXTS_WRITTEN, after.texts - before->texts);
    counter_add(COUNTER_ARCHIVE_FOLD_US, (uint64_t)(ended_ns - began_ns) / 1000);
    archive->counted_version = complete;
    pace_note(&archive->pace, &archive->options.captures->capture, after.new_projects - before->new_projects, began_ns,
              ended_ns);
}

/* Writes what is held, once. Errors: as writer_write. */
static enum error write_held(struct archive *archive) {
    int64_t began_ns = clock_monotonic_ns();
    struct writer_count before = writer_count(archive->writer);
    enum error error =
        writer_write(archive->writer, &archive->options.captures->capture, &archive->options.receipts->list);
    if (error == ERROR_NONE) {
        count(archive, &before, began_ns, clock_monotonic_ns());
        release(archive);
    } else if (error != ERROR_DISK_FULL) {
        fail(archive, error, "the state cannot be written");
    }
    return error;
}

/* Writes what is held, trying again while the disk is full. Returns false when the thread must end: the disk failed, or it is
 * full and the daemon is stopping. */
static bool write_or_wait(struct archive *archive) {
    enum error error = write_held(archive);
    if (error != ERROR_DISK_FULL) {
        return error == ERROR_NONE;
    }
    log_event(LOG_WARNING, "state-disk-full",
              "path=\"%s\" what=\"stored projects fall behind until there is space; nothing is lost\"",
              archive->file->path);
    for (int wait_ms = FULL_WAIT_MS_MIN; error == ERROR_DISK_FULL && pause_for(archive, wait_ms);) {
        error = write_held(archive);
        wait_ms = wait_ms * 2 < FULL_WAIT_MS_MAX ? wait_ms * 2 : FULL_WAIT_MS_MAX;
    }
    if (error == ERROR_NONE) {
        log_event(LOG_INFO, "state-has-space", "path=\"%s\"", archive->file->path);
    }
    return error == ERROR_NONE;
}

static void *run(void *context) {
    struct archive *archive = context;
    bool going_on;
    do {
        going_on =
            wait_until_due(archive) && obtain_capture(archive) && obtain_receipts(archive) && write_or_wait(archive);
    } while (going_on);
    return NULL;
}

/* ---- directly, while no thread has ledger and intake ---- */

/* Adds the receipts that are not in the list yet, and writes. */
static enum error complete_and_write(struct archive *archive) {
    const struct archive_supply *supply = &archive->options.supply;
    const struct capture *capture = &archive->options.captures->capture;
    enum error error = supply->copy_receipts(supply->context, capture->version, &archive->options.receipts->list);
    if (error != ERROR_NONE) {
        fail(archive, error, "the last receipts cannot be copied");
        return error;
    }
    return write_held(archive);
}

static enum error capture_and_write(struct archive *archive, uint32_t blocks_max) {
    const struct archive_supply *supply = &archive->options.supply;
    struct capture_request request = request_for(blocks_max);
    enum error error = supply->capture(supply->context, &request, &archive->options.captures->capture);
    if (error != ERROR_NONE) {
        fail(archive, error, "what changed cannot be captured");
        return error;
    }
    return complete_and_write(archive);
}

/* What the thread still held comes first: the ledger does not give it again. */
static void write_rest(struct archive *archive) {
    const struct archive_supply *supply = &archive->options.supply;
    enum error error = capture_offered(archive) ? complete_and_write(archive) : ERROR_NONE;
    while (error == ERROR_NONE && supply->due(supply->context)) {
        error = capture_and_write(archive, CAPTURE_BLOCKS_MAX);
    }
    if (error == ERROR_DISK_FULL) {
        log_event(LOG_WARNING, "state-disk-full",
                  "path=\"%s\" what=\"the last changes are not stored; the next start takes them from the journal\"",
                  archive->file->path);
    }
}

/* ---- starting and stopping ---- */

static void destroy(struct archive *archive) {
    writer_destroy(archive->writer);
    free(archive);
}

/* Without the thread. */
static struct archive *create(const struct archive_options *options, struct fault *fault) {
    struct archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) {
        fault_set(fault, ERROR_MEMORY, "archive: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    archive->options = *options;
    archive->file = state_file(options->state);
    archive->writer = writer_create(archive->file, &options->source, fault);
    if (archive->writer == NULL) {
        goto fail;
    }
    enum error error = writer_projects(archive->writer, &archive->pace.projects);
    if (error != ERROR_NONE) {
        fault_set(fault, error, "%s: cannot be read: %s", archive->file->path, error_text(error));
        goto fail;
    }
    /* Relaxed: no thread yet. */
    archive->counted_version = atomic_load_explicit(&archive->file->complete, memory_order_relaxed);
    archive->pace.more = archive->counted_version < atomic_load_explicit(&archive->file->version, memory_order_relaxed);
    return archive;
fail:
    destroy(archive);
    return NULL;
}

enum error archive_make_room(const struct archive_options *options, struct fault *fault) {
    struct archive *archive = create(options, fault);
    if (archive == NULL) {
        return fault->error;
    }
    enum error error = capture_and_write(archive, pace_blocks_max(&archive->pace));
    if (error != ERROR_NONE) {
        fault_set(fault, error, "%s: what was replayed cannot be stored: %s", archive->file->path, error_text(error));
    }
    destroy(archive);
    return error;
}

struct archive *archive_start(const struct archive_options *options, struct fault *fault) {
    struct archive *archive = create(options, fault);
    if (archive == NULL) {
        return NULL;
    }
    if (pthread_create(&archive->thread, NULL, run, archive) != 0) {
        fault_set(fault, ERROR_MEMORY, "archive: its thread cannot be started");
        destroy(archive);
        return NULL;
    }
    pthread_setname_np(archive->thread, "archive");
    return archive;
}

void archive_stop(struct archive **archive) {
    if (*archive == NULL) {
        return;
    }
    atomic_store_explicit(&(*archive)->stopping, true, memory_order_release);
    waker_wake((*archive)->options.entry_waker);
    waker_wake((*archive)->options.waker);
    pthread_join((*archive)->thread, NULL);
    if (!(*archive)->failed) {
        write_rest(*archive);
    }
    destroy(*archive);
    *archive = NULL;
}
