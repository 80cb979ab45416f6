#include "verification.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/waker.h"
#include "daemon/ledger/ledger.h"
#include "imprint.h"

enum {
    NICENESS = 10,
    READ_BYTES = 4 << 20, /* of the journal at a time */
    CAPTURE_TRIES = 100,  /* the live totals reach the stored version within a publishing interval, or a few */
    CAPTURE_TRY_MS = 100,
};

struct verification {
    /* Immutable after start. */
    struct verification_options options;
    pthread_t thread;
    bool stopped; /* the main thread's alone */
    struct waker waker;

    /* Atomic: set by stop, read by the thread. */
    atomic_bool stopping;

    /* Atomic: set to RUNNING by whoever asks, to the result by the thread (release, after the text). */
    _Atomic int state; /* enum verification_state */

    /* Atomic: written by the thread, or by who asks while none runs; read by who asks (relaxed). */
    _Atomic uint64_t entries;
    _Atomic uint64_t entries_expected;
    _Atomic uint64_t projects;
    _Atomic int64_t started_ms;
    _Atomic int64_t finished_ms;

    char text[VERIFICATION_TEXT_BYTES]; /* the thread's while RUNNING, else of who asks */
};

/* One recount: owned by the thread. */
struct recount {
    struct verification *verification;
    struct imprint *stored;   /* of the stored state ... */
    struct state_reach reach; /* ... and what that is true up to */
    struct rollup *live;
    struct ledger *ledger; /* the fresh one */
    struct rollup *recounted;
    struct snapshot snapshot;
    struct entry *entry;
    void *arena_memory;
    struct arena arena;
    enum verification_state verdict; /* RUNNING until something is known */
};

static bool stopping(const struct verification *verification) {
    return atomic_load_explicit(&verification->stopping, memory_order_acquire);
}

/* The first verdict stays. */
__attribute__((format(printf, 3, 4))) static void give_verdict(struct recount *recount, enum verification_state verdict,
                                                               const char *format, ...) {
    if (recount->verdict != VERIFICATION_RUNNING) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(recount->verification->text, VERIFICATION_TEXT_BYTES, format, arguments);
    va_end(arguments);
    recount->verdict = verdict;
}

/* ---- 1: the stored state ---- */

static void load_stored(struct recount *recount) {
    const struct verification_options *options = &recount->verification->options;
    struct state_loader loader = imprint_loader(recount->stored);
    enum error error = options->load_stored(options->context, &loader, &recount->reach);
    if (error != ERROR_NONE) {
        give_verdict(recount, VERIFICATION_FAILED, "the stored state cannot be read: %s", error_text(error));
        return;
    }
    imprint_seal(recount->stored, &recount->reach);
}

/* ---- 2: the live roll-up ---- */

static void capture_live(struct recount *recount) {
    const struct verification_options *options = &recount->verification->options;
    enum error error = ERROR_BUSY;
    for (int i = 0; i < CAPTURE_TRIES && error == ERROR_BUSY && !stopping(recount->verification); i++) {
        error = options->capture(options->context, recount->live, recount->reach.version, CAPTURE_TRY_MS);
    }
    if (error != ERROR_NONE) {
        give_verdict(recount, VERIFICATION_FAILED,
                     "the live totals did not reach version %" PRIu64 ", up to which the state is stored",
                     recount->reach.version);
        return;
    }
    atomic_store_explicit(&recount->verification->entries_expected, rollup_version(recount->live),
                          memory_order_relaxed);
}

/* ---- 3: the journal ---- */

/* Brings the recounted roll-up up to where the ledger is. */
static bool roll_up(struct recount *recount) {
    enum error error = ledger_fill(recount->ledger, &recount->snapshot);
    if (error == ERROR_NONE) {
        error = rollup_apply(recount->recounted, &recount->snapshot);
    }
    if (error != ERROR_NONE) {
        give_verdict(recount, VERIFICATION_FAILED, "the recount cannot be rolled up: %s", error_text(error));
    }
    return error == ERROR_NONE;
}

/* The days are those of the roll-up, which is brought up only where they are compared. */
static void compare_stored(struct recount *recount) {
    char difference[IMPRINT_DIFFERENCE_BYTES];
    bool equal = true;
    uint64_t version = ledger_version(recount->ledger);
    bool with_days = version == recount->reach.version;
    if (!imprint_due(recount->stored, version) || (with_days && !roll_up(recount))) {
        return;
    }
    enum error error = imprint_compare(recount->stored, recount->ledger, rollup_tables(recount->recounted).leaf_days,
                                       &equal, difference);
    if (error != ERROR_NONE) {
        give_verdict(recount, VERIFICATION_FAILED, "the recount cannot be compared: %s", error_text(error));
    } else if (!equal) {
        give_verdict(recount, VERIFICATION_DIFFERENT, "%s", difference);
    }
}

static enum error replay_entry(void *visitor, const struct entry_record *record) {
    struct recount *recount = visitor;
    uint64_t version = ledger_version(recount->ledger);
    if (stopping(recount->verification) || recount->verdict != VERIFICATION_RUNNING) {
        return ERROR_BUSY;
    }
    if (version == rollup_version(recount->live)) {
        return ERROR_NONE; /* what came after the copy was taken */
    }
    if (record->version != version + 1) {
        return ERROR_DAMAGED;
    }
    enum error error = entry_from_record(recount->entry, record, &recount->arena);
    if (error == ERROR_NONE && !ledger_has_room(recount->ledger, recount->entry)) {
        error = imprint_make_room(recount->stored, recount->ledger);
    }
    if (error != ERROR_NONE) {
        return error;
    }
    ledger_apply(recount->ledger, recount->entry);
    atomic_store_explicit(&recount->verification->entries, record->version, memory_order_relaxed);
    atomic_store_explicit(&recount->verification->projects, ledger_projects(recount->ledger), memory_order_relaxed);
    compare_stored(recount);
    return ERROR_NONE;
}

static void replay(struct recount *recount) {
    const struct entry_source *journal = &recount->verification->options.journal;
    uint64_t end = rollup_version(recount->live);
    uint64_t read_version = 0;
    compare_stored(recount);
    while (read_version < end && recount->verdict == VERIFICATION_RUNNING) {
        uint64_t before = read_version;
        enum error error = journal->read(journal->context, before, READ_BYTES, replay_entry, recount, &read_version);
        if (error == ERROR_NONE && read_version == before) {
            error = ERROR_DAMAGED; /* what the totals hold must be there */
        }
        if (error != ERROR_NONE) {
            give_verdict(recount, VERIFICATION_FAILED, "the journal cannot be replayed after entry %" PRIu64 ": %s",
                         ledger_version(recount->ledger), error_text(error));
        }
    }
}

static void compare_live(struct recount *recount) {
    char difference[ROLLUP_DIFFERENCE_BYTES];
    if (roll_up(recount) &&
        !rollup_equal(recount->live, "the live totals", recount->recounted, "the recount of the journal", difference)) {
        give_verdict(recount, VERIFICATION_DIFFERENT, "%s", difference);
    }
}

/* ---- all of it ---- */

static void describe_equal(struct recount *recount) {
    uint32_t competitions = 0;
    uint32_t regions = rollup_region_count(recount->recounted);
    for (uint32_t i = 0; i < regions; i++) {
        competitions += rollup_region(recount->recounted, i).region == REGION_ALL;
    }
    give_verdict(recount, VERIFICATION_EQUAL,
                 "journal 1 to %" PRIu64 " recounted: %" PRIu64 " projects in %" PRIu32 " %s, %" PRIu32
                 " regions: equal to the live totals, and to the stored state as of %" PRIu64,
                 rollup_version(recount->live), ledger_projects(recount->ledger), competitions,
                 competitions == 1 ? "competition" : "competitions", regions - competitions, recount->reach.complete);
}

static bool recount_init(struct recount *recount, struct verification *verification) {
    *recount = (struct recount){.verification = verification, .verdict = VERIFICATION_RUNNING};
    recount->stored = imprint_create(&verification->stopping);
    recount->live = rollup_create();
    recount->recounted = rollup_create();
    recount->ledger = ledger_create(verification->options.projects_max);
    recount->entry = malloc(sizeof *recount->entry);
    recount->arena_memory = malloc(BATCH_ARENA_BYTES);
    if (recount->stored == NULL || recount->live == NULL || recount->recounted == NULL || recount->ledger == NULL ||
        recount->entry == NULL || recount->arena_memory == NULL) {
        give_verdict(recount, VERIFICATION_FAILED, "there is no memory to recount in");
        return false;
    }
    arena_init(&recount->arena, recount->arena_memory, BATCH_ARENA_BYTES);
    return true;
}

static void recount_fini(struct recount *recount) {
    imprint_destroy(recount->stored);
    rollup_destroy(recount->live);
    rollup_destroy(recount->recounted);
    ledger_destroy(recount->ledger);
    free(recount->snapshot.cells);
    free(recount->snapshot.days);
    free(recount->entry);
    free(recount->arena_memory);
}

/* Each step is left out once there is a verdict. */
static enum verification_state run_recount(struct verification *verification) {
    static void (*const steps[])(struct recount *) = {load_stored, capture_live, replay, compare_live, describe_equal};
    struct recount recount;
    if (recount_init(&recount, verification)) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0] && recount.verdict == VERIFICATION_RUNNING; i++) {
            steps[i](&recount);
        }
    }
    if (stopping(verification) && recount.verdict != VERIFICATION_EQUAL) {
        snprintf(verification->text, VERIFICATION_TEXT_BYTES, "given up: the daemon stops");
        recount.verdict = VERIFICATION_FAILED;
    }
    recount_fini(&recount);
    return recount.verdict;
}

static void log_result(const struct verification *verification, enum verification_state result) {
    static const char *const ids[] = {[VERIFICATION_EQUAL] = "verification-equal",
                                      [VERIFICATION_DIFFERENT] = "verification-different",
                                      [VERIFICATION_FAILED] = "verification-failed"};
    bool fine = result == VERIFICATION_EQUAL || stopping(verification);
    log_event(fine ? LOG_INFO : LOG_ERROR, ids[result], "text=\"%s\"", verification->text);
}

static bool asked(const struct verification *verification) {
    return atomic_load_explicit(&verification->state, memory_order_acquire) == VERIFICATION_RUNNING; /* with begin */
}

static void *run(void *context) {
    struct verification *verification = context;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS); /* of this thread alone, on Linux; only a wish */
    while (!stopping(verification)) {
        if (asked(verification)) {
            enum verification_state result = run_recount(verification);
            log_result(verification, result);
            atomic_store_explicit(&verification->finished_ms, clock_wall_ms(), memory_order_relaxed);
            atomic_store_explicit(&verification->state, (int)result, memory_order_release); /* with read_progress */
            continue;
        }
        waker_prepare(&verification->waker);
        if (!stopping(verification) && !asked(verification)) {
            waker_sleep(&verification->waker, -1);
        }
        waker_finish(&verification->waker);
    }
    return NULL;
}

struct verification *verification_start(const struct verification_options *options, struct fault *fault) {
    struct verification *verification = calloc(1, sizeof *verification);
    if (verification == NULL || waker_init(&verification->waker) != ERROR_NONE) {
        fault_set(fault, ERROR_MEMORY, "verification: %s", error_text(ERROR_MEMORY));
        free(verification);
        return NULL;
    }
    verification->options = *options;
    if (pthread_create(&verification->thread, NULL, run, verification) != 0) {
        fault_set(fault, ERROR_MEMORY, "verification: its thread cannot be started");
        waker_fini(&verification->waker);
        free(verification);
        return NULL;
    }
    pthread_setname_np(verification->thread, "verify");
    return verification;
}

void verification_stop(struct verification *verification) {
    if (verification == NULL || verification->stopped) {
        return;
    }
    atomic_store_explicit(&verification->stopping, true, memory_order_release);
    waker_wake(&verification->waker);
    pthread_join(verification->thread, NULL);
    verification->stopped = true;
}

void verification_destroy(struct verification *verification) {
    if (verification != NULL) {
        verification_stop(verification);
        waker_fini(&verification->waker);
        free(verification);
    }
}

/* ---- for the query endpoint ---- */

static void begin(void *context) {
    struct verification *verification = context;
    if (asked(verification) || stopping(verification)) {
        return;
    }
    atomic_store_explicit(&verification->entries, 0, memory_order_relaxed);
    atomic_store_explicit(&verification->entries_expected, 0, memory_order_relaxed);
    atomic_store_explicit(&verification->projects, 0, memory_order_relaxed);
    atomic_store_explicit(&verification->started_ms, clock_wall_ms(), memory_order_relaxed);
    atomic_store_explicit(&verification->finished_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&verification->state, VERIFICATION_RUNNING, memory_order_release); /* with asked */
    waker_wake(&verification->waker);
}

static void read_progress(void *context, struct verification_progress *progress) {
    struct verification *verification = context;
    int state = atomic_load_explicit(&verification->state, memory_order_acquire); /* with run, for the text */
    *progress = (struct verification_progress){
        .state = (enum verification_state)state,
        .entries = atomic_load_explicit(&verification->entries, memory_order_relaxed),
        .entries_expected = atomic_load_explicit(&verification->entries_expected, memory_order_relaxed),
        .version = atomic_load_explicit(&verification->entries_expected, memory_order_relaxed),
        .projects = atomic_load_explicit(&verification->projects, memory_order_relaxed),
        .started_ms = atomic_load_explicit(&verification->started_ms, memory_order_relaxed),
        .finished_ms = atomic_load_explicit(&verification->finished_ms, memory_order_relaxed),
    };
    if (state != VERIFICATION_RUNNING) {
        memcpy(progress->text, verification->text, sizeof progress->text);
    }
}

struct verification_source verification_source(struct verification *verification) {
    return (struct verification_source){.context = verification, .start = begin, .read = read_progress};
}
