#include "archive.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "fold.h"
#include "state_file.h"

enum {
    READ_BYTES = 4 << 20, /* in one go, so in one read transaction of the journal */
    FOLD_DELAY_MS = 200,  /* how long what was read may wait for more */
    FOLD_REST_FACTOR = 2, /* after a fold, at least so many times its duration pass before the next */
    READ_PACE_MS = 20,    /* between two looks at the journal while something is gathered */
    IDLE_MS = 60 * 1000,  /* the longest sleep */
    FULL_WAIT_MS_MIN = 250,
    FULL_WAIT_MS_MAX = 4000,
};

#define NS_PER_MS INT64_C(1000000)
#define READER_CHECK_NS (60 * 1000 * NS_PER_MS)

struct archive {
    /* Immutable after start. */
    struct archive_options options;
    pthread_t thread;

    /* Owned by the archive's thread. */
    struct fold *fold;
    uint64_t counted_version;   /* entries up to it are in the counters */
    int64_t gathering_since_ns; /* when the first entry of the window was read */
    int64_t rest_until_ns;      /* no fold before, unless the window is full */
    int64_t next_reader_check_ns;

    /* Shared: on `waker` the thread sleeps for entries, on `stop_waker` while entries would not matter. */
    struct waker waker;
    struct waker stop_waker;

    /* Atomic: written by archive_stop, read by the archive's thread. */
    atomic_bool stopping;
};

static bool stopping(const struct archive *archive) {
    return atomic_load_explicit(&archive->stopping, memory_order_acquire); /* with the release in archive_stop */
}

static void fail(const struct archive *archive, enum error error, const char *what) {
    struct fault fault = {0};
    fault_set(&fault, error, "%s: %s: %s; what is in the journal is safe", state_file(archive->options.state)->path,
              what, error_text(error));
    archive->options.on_failure(archive->options.context, &fault);
}

/* ---- sleeping ---- */

/* Until a stop, or timeout_ms are over. */
static void pause_for(struct archive *archive, int timeout_ms) {
    waker_prepare(&archive->stop_waker);
    if (!stopping(archive)) {
        waker_sleep(&archive->stop_waker, timeout_ms);
    }
    waker_finish(&archive->stop_waker);
}

/* Reads once more after saying that it will sleep, so that no wake is lost; sleeps until there is more if that read found
 * nothing. Errors: as fold_read. */
static enum error wait_for_entries(struct archive *archive, enum fold_progress *progress) {
    waker_prepare(&archive->waker);
    enum error error = fold_read(archive->fold, &archive->options.source, READ_BYTES, progress);
    if (error == ERROR_NONE && *progress == FOLD_CAUGHT_UP && !stopping(archive)) {
        waker_sleep(&archive->waker, IDLE_MS);
    }
    waker_finish(&archive->waker);
    return error;
}

/* ---- folding ---- */

static void count_fold(struct archive *archive, int64_t began_ns, uint64_t written) {
    int64_t now_ns = clock_monotonic_ns();
    uint64_t version = fold_version(archive->fold);
    archive->rest_until_ns = now_ns + FOLD_REST_FACTOR * (now_ns - began_ns);
    counter_add(COUNTER_ARCHIVE_FOLDS, 1);
    counter_add(COUNTER_ARCHIVE_ENTRIES, version - archive->counted_version);
    counter_add(COUNTER_ARCHIVE_PROJECTS_WRITTEN, written);
    counter_add(COUNTER_ARCHIVE_FOLD_US, (uint64_t)(now_ns - began_ns) / 1000);
    archive->counted_version = version;
}

/* Commits, trying again while the disk is full. Returns false when the thread must end: the disk failed, or it is full and
 * the daemon is stopping. */
static bool commit(struct archive *archive) {
    const char *path = state_file(archive->options.state)->path;
    bool was_full = false;
    for (int wait_ms = FULL_WAIT_MS_MIN;; wait_ms = wait_ms * 2 < FULL_WAIT_MS_MAX ? wait_ms * 2 : FULL_WAIT_MS_MAX) {
        int64_t began_ns = clock_monotonic_ns();
        uint64_t written = 0;
        enum error error = fold_commit(archive->fold, &written);
        if (error == ERROR_NONE) {
            if (was_full) {
                log_event(LOG_INFO, "state-has-space", "path=\"%s\"", path);
            }
            count_fold(archive, began_ns, written);
            return true;
        }
        if (error != ERROR_DISK_FULL) {
            fail(archive, error, "the state cannot be written");
            return false;
        }
        if (!was_full) {
            log_event(LOG_WARNING, "state-disk-full",
                      "path=\"%s\" what=\"stored projects fall behind until there is space; nothing is lost\"", path);
            was_full = true;
        }
        if (stopping(archive)) {
            return false;
        }
        pause_for(archive, wait_ms);
    }
}

static int64_t due_ns(const struct archive *archive) {
    int64_t waited_ns = archive->gathering_since_ns + FOLD_DELAY_MS * NS_PER_MS;
    return waited_ns > archive->rest_until_ns ? waited_ns : archive->rest_until_ns;
}

/* A process that died while it read the file (a backup, a tool) must not keep old pages alive. */
static void check_readers(struct archive *archive) {
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns >= archive->next_reader_check_ns) {
        int dead;
        (void)mdb_reader_check(state_file(archive->options.state)->env, &dead); /* if it fails, the next one may not */
        archive->next_reader_check_ns = now_ns + READER_CHECK_NS;
    }
}

/* Something is gathered and there is no more: folds it if it is time, else lets some time pass. */
static bool fold_or_pause(struct archive *archive, bool last_turn) {
    int64_t left_ms = (due_ns(archive) - clock_monotonic_ns()) / NS_PER_MS + 1;
    if (left_ms <= 1 || last_turn) {
        return commit(archive);
    }
    pause_for(archive, left_ms < READ_PACE_MS ? (int)left_ms : READ_PACE_MS);
    return true;
}

/* Reads some and does what follows from it. Returns false when the thread must end. */
static bool turn(struct archive *archive, bool last_turn) {
    bool gathering = fold_pending(archive->fold);
    enum fold_progress progress;
    enum error error = gathering || last_turn
                           ? fold_read(archive->fold, &archive->options.source, READ_BYTES, &progress)
                           : wait_for_entries(archive, &progress);
    if (error != ERROR_NONE) {
        fail(archive, error, "the journal cannot be folded");
        return false;
    }
    if (!gathering) {
        archive->gathering_since_ns = clock_monotonic_ns();
    }
    if (progress == FOLD_FULL) {
        return commit(archive) && !last_turn;
    }
    if (progress == FOLD_CAUGHT_UP && fold_pending(archive->fold)) {
        return fold_or_pause(archive, last_turn) && !last_turn;
    }
    return progress != FOLD_CAUGHT_UP || !last_turn;
}

static void *run(void *context) {
    struct archive *archive = context;
    bool last_turn;
    do {
        last_turn = stopping(archive); /* before the look at the journal: what was committed before the stop is seen */
        check_readers(archive);
    } while (turn(archive, last_turn));
    return NULL;
}

/* ---- starting and stopping ---- */

static void destroy(struct archive *archive) {
    fold_destroy(archive->fold);
    waker_fini(&archive->waker);
    waker_fini(&archive->stop_waker);
    free(archive);
}

struct archive *archive_start(const struct archive_options *options, struct fault *fault) {
    struct archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) {
        fault_set(fault, ERROR_MEMORY, "archive: %s", error_text(ERROR_MEMORY));
        return NULL;
    }
    archive->options = *options;
    archive->waker.fd = -1;
    archive->stop_waker.fd = -1;
    if (waker_init(&archive->waker) != ERROR_NONE || waker_init(&archive->stop_waker) != ERROR_NONE) {
        fault_set(fault, ERROR_IO, "archive: no file descriptor is left");
        goto fail;
    }
    struct fold_options fold = {.state = options->state, .projects_max = options->projects_max};
    archive->fold = fold_create(&fold, fault);
    if (archive->fold == NULL) {
        goto fail;
    }
    archive->counted_version = fold_version(archive->fold);
    if (pthread_create(&archive->thread, NULL, run, archive) != 0) {
        fault_set(fault, ERROR_MEMORY, "archive: its thread cannot be started");
        goto fail;
    }
    pthread_setname_np(archive->thread, "archive");
    return archive;
fail:
    destroy(archive);
    return NULL;
}

struct waker *archive_waker(struct archive *archive) {
    return &archive->waker;
}

uint64_t archive_version(const struct archive *archive) {
    return state_version(archive->options.state);
}

void archive_stop(struct archive **archive) {
    if (*archive == NULL) {
        return;
    }
    atomic_store_explicit(&(*archive)->stopping, true, memory_order_release);
    waker_wake(&(*archive)->waker);
    waker_wake(&(*archive)->stop_waker);
    pthread_join((*archive)->thread, NULL);
    destroy(*archive);
    *archive = NULL;
}
