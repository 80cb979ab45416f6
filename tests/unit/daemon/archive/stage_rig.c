#include "stage_rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "load.h"

enum { POLL_US = 500, RING_SLOTS = 2 * RIG_SLOTS };

static struct ledger *load(const struct rig *rig) {
    struct ledger *ledger = ledger_create(rig->projects_max);
    struct state_reach reach;
    struct fault fault = {0};
    CHECK(ledger != NULL && load_ledger(rig->state, ledger, &reach, &fault) == ERROR_NONE);
    return ledger;
}

static void open_state(struct rig *rig) {
    struct fault fault = {0};
    struct state_options options = {
        .path = rig->path, .epoch = RIG_EPOCH, .journal_version = entries_version(rig->entries)};
    rig->state = state_open(&options, &fault);
    CHECK(rig->state != NULL);
}

/* ---- intake ---- */

static void settle(struct rig *rig, const struct entry *entry) {
    struct receipt receipt;
    if (entry->kind == ENTRY_BATCH || entry->kind == ENTRY_BATCH_REFUSED) {
        CHECK(receipt_from_entry(&receipt, entry) == ERROR_NONE);
        CHECK(receipt_list_add(&rig->kept, entry->node, &receipt) == ERROR_NONE);
        free(receipt.refusals);
    }
    rig->settled_version = entry->version;
}

static enum error copy_receipts(void *context, uint64_t version, struct receipt_list *list) {
    struct rig *rig = context;
    for (size_t i = 0; i < rig->kept.count; i++) {
        struct receipt receipt = receipt_list_at(&rig->kept, i);
        CHECK(receipt.version <= version || version < rig->settled_version);
        CHECK(receipt_list_add(list, rig->kept.receipts[i].node, &receipt) == ERROR_NONE);
    }
    receipt_list_cut(&rig->kept, 0);
    return ERROR_NONE;
}

static bool receipts_due(const struct rig *rig) {
    return !atomic_load(&rig->receipts_held) &&
           atomic_load_explicit(&rig->receipts.holder, memory_order_acquire) == RECEIPTS_WANTED &&
           rig->receipts.wanted_version <= rig->settled_version;
}

static void *play_intake(void *context) {
    struct rig *rig = context;
    bool ends;
    do {
        ends = atomic_load(&rig->intake_ends);
        struct entry *entry;
        while ((entry = ring_pop(&rig->to_intake)) != NULL) {
            settle(rig, entry);
            CHECK(ring_push(&rig->free_slots, entry));
        }
        if (receipts_due(rig)) {
            CHECK(copy_receipts(rig, rig->receipts.wanted_version, &rig->receipts.list) == ERROR_NONE);
            atomic_store_explicit(&rig->receipts.holder, RECEIPTS_OFFERED, memory_order_release);
            waker_wake(&rig->waker);
        }
        waker_prepare(&rig->intake_waker);
        if (!ends && !atomic_load(&rig->intake_ends) && ring_empty(&rig->to_intake) && !receipts_due(rig)) {
            waker_sleep(&rig->intake_waker, -1);
        }
        waker_finish(&rig->intake_waker);
    } while (!ends);
    return NULL;
}

/* ---- life ---- */

static void note_failure(void *context, const struct fault *fault) {
    struct rig *rig = context;
    atomic_store(&rig->failure, (int)fault->error);
    atomic_fetch_add(&rig->failures, 1);
}

static enum error read_for_archive(void *context, uint64_t after_version, size_t bytes_max, entry_visit *visit,
                                   void *visitor, uint64_t *last_version) {
    struct rig *rig = context;
    enum error error = (enum error)atomic_load(&rig->journal_error);
    struct entry_source source = entries_source(rig->entries);
    return error == ERROR_NONE ? source.read(source.context, after_version, bytes_max, visit, visitor, last_version)
                               : error;
}

static uint64_t durable_version(void *context) {
    return entries_version(((struct rig *)context)->entries);
}

static bool due(void *context) {
    return ledger_capture_due(((struct rig *)context)->ledger);
}

static enum error capture(void *context, const struct capture_request *request, struct capture *into) {
    return ledger_capture(((struct rig *)context)->ledger, request, into);
}

static void make_slots(struct rig *rig) {
    rig->slots = calloc(RIG_SLOTS, sizeof *rig->slots);
    CHECK(rig->slots != NULL);
    for (size_t i = 0; i < RIG_SLOTS; i++) {
        arena_init(&rig->slots[i].arena, rig->slots[i].memory, BATCH_ARENA_BYTES);
        CHECK(ring_push(&rig->free_slots, &rig->slots[i].entry));
    }
}

void rig_open(struct rig *rig, uint64_t projects_max) {
    const char *parent = getenv("TMPDIR");
    *rig = (struct rig){.projects_max = projects_max, .entries = entries_create()};
    snprintf(rig->folder, sizeof rig->folder, "%s/tally-archive-XXXXXX", parent != NULL ? parent : "/tmp");
    CHECK(mkdtemp(rig->folder) != NULL);
    snprintf(rig->path, sizeof rig->path, "%s/state.mdb", rig->folder);
    struct ring *rings[] = {&rig->to_ledger, &rig->to_intake, &rig->free_slots};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        CHECK(ring_init(rings[i], RING_SLOTS) == ERROR_NONE);
    }
    struct waker *wakers[] = {&rig->ledger_waker, &rig->intake_waker, &rig->publish_waker, &rig->entry_waker,
                              &rig->waker};
    for (size_t i = 0; i < sizeof wakers / sizeof wakers[0]; i++) {
        CHECK(waker_init(wakers[i]) == ERROR_NONE);
    }
    snapshot_init(&rig->snapshots);
    receipt_exchange_init(&rig->receipts);
    CHECK(capture_init(&rig->captures.capture) == ERROR_NONE);
    make_slots(rig);
    open_state(rig);
    rig->ledger = load(rig);
}

static int remove_entry(const char *name, const struct stat *status, int kind, struct FTW *position) {
    (void)status;
    (void)kind;
    (void)position;
    return remove(name);
}

void rig_close(struct rig *rig) {
    state_close(rig->state);
    ledger_destroy(rig->ledger);
    entries_destroy(rig->entries);
    receipt_list_fini(&rig->kept);
    receipt_exchange_fini(&rig->receipts);
    capture_fini(&rig->captures.capture);
    snapshot_fini(&rig->snapshots);
    ring_fini(&rig->to_ledger);
    ring_fini(&rig->to_intake);
    ring_fini(&rig->free_slots);
    waker_fini(&rig->ledger_waker);
    waker_fini(&rig->intake_waker);
    waker_fini(&rig->publish_waker);
    waker_fini(&rig->entry_waker);
    waker_fini(&rig->waker);
    free(rig->slots);
    CHECK(nftw(rig->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

void rig_start(struct rig *rig) {
    struct fault fault = {0};
    struct ledger_stage_options ledger = {.ledger = rig->ledger,
                                          .in = &rig->to_ledger,
                                          .out = &rig->to_intake,
                                          .waker = &rig->ledger_waker,
                                          .intake_waker = &rig->intake_waker,
                                          .publish_waker = &rig->publish_waker,
                                          .archive_waker = &rig->waker,
                                          .exchange = &rig->snapshots,
                                          .capture_exchange = &rig->captures};
    struct archive_options archive = {.state = rig->state,
                                      .source = {.context = rig, .read = read_for_archive},
                                      .supply = {.context = rig,
                                                 .durable_version = durable_version,
                                                 .due = due,
                                                 .capture = capture,
                                                 .copy_receipts = copy_receipts},
                                      .captures = &rig->captures,
                                      .receipts = &rig->receipts,
                                      .entry_waker = &rig->entry_waker,
                                      .waker = &rig->waker,
                                      .ledger_waker = &rig->ledger_waker,
                                      .intake_waker = &rig->intake_waker,
                                      .on_failure = note_failure,
                                      .context = rig};
    rig->settled_version = ledger_version(rig->ledger);
    atomic_store(&rig->captures.holder, CAPTURE_IDLE);
    atomic_store(&rig->captures.urgent, false);
    atomic_store(&rig->receipts.holder, RECEIPTS_IDLE);
    atomic_store(&rig->intake_ends, false);
    rig->archive = archive_start(&archive, &fault);
    rig->ledger_stage = ledger_stage_start(&ledger, &fault);
    CHECK(rig->archive != NULL && rig->ledger_stage != NULL);
    CHECK(pthread_create(&rig->intake, NULL, play_intake, rig) == 0);
}

uint64_t rig_stop(struct rig *rig) {
    ledger_stage_stop(&rig->ledger_stage);
    atomic_store(&rig->intake_ends, true);
    waker_wake(&rig->intake_waker);
    pthread_join(rig->intake, NULL);
    archive_stop(&rig->archive);
    CHECK(rig->archive == NULL);
    return state_version(rig->state);
}

void rig_recover(struct rig *rig) {
    ledger_destroy(rig->ledger);
    state_close(rig->state);
    receipt_list_cut(&rig->kept, 0);
    receipt_list_cut(&rig->receipts.list, 0);
    open_state(rig);
    rig->ledger = load(rig);
}

/* ---- work ---- */

void rig_wait(bool (*condition)(void *context), void *context) {
    int64_t deadline = clock_monotonic_ns() + RIG_DEADLINE_MS * INT64_C(1000000);
    while (!condition(context)) {
        CHECK(clock_monotonic_ns() < deadline);
        usleep(POLL_US);
    }
}

static bool slot_free(void *context) {
    return !ring_empty(&((struct rig *)context)->free_slots);
}

static bool all_home(void *context) {
    const struct rig *rig = context;
    return ledger_stage_version(rig->ledger_stage) == entries_version(rig->entries);
}

static enum error feed(void *context, const struct entry_record *record) {
    struct rig *rig = context;
    rig_wait(slot_free, rig);
    struct entry *entry = ring_pop(&rig->free_slots);
    CHECK(entry_from_record(entry, record, &((struct rig_slot *)entry)->arena) == ERROR_NONE);
    CHECK(ring_push(&rig->to_ledger, entry));
    waker_wake(&rig->ledger_waker);
    waker_wake(&rig->entry_waker);
    return ERROR_NONE;
}

void rig_feed(struct rig *rig) {
    struct entry_source source = entries_source(rig->entries);
    uint64_t version = ledger_stage_version(rig->ledger_stage);
    while (version < entries_version(rig->entries)) {
        CHECK(source.read(source.context, version, SIZE_MAX, feed, rig, &version) == ERROR_NONE);
    }
    rig_wait(all_home, rig);
}

static bool stored(void *context) {
    const struct rig *rig = context;
    return state_version(rig->state) == entries_version(rig->entries);
}

void rig_wait_until_stored(struct rig *rig) {
    rig_wait(stored, rig);
}

struct following {
    struct ledger *ledger;
    struct rig_slot *slot;
};

static enum error follow(void *context, const struct entry_record *record) {
    struct following *following = context;
    CHECK(entry_from_record(&following->slot->entry, record, &following->slot->arena) == ERROR_NONE);
    ledger_apply(following->ledger, &following->slot->entry);
    return ERROR_NONE;
}

bool rig_state_agrees(struct rig *rig) {
    struct following following = {.ledger = load(rig), .slot = &rig->slots[0]};
    struct entry_source source = entries_source(rig->entries);
    uint64_t version = ledger_version(following.ledger);
    while (version < entries_version(rig->entries)) {
        CHECK(source.read(source.context, version, SIZE_MAX, follow, &following, &version) == ERROR_NONE);
    }
    bool equal =
        ledger_version(rig->ledger) == version && ledger_digest(following.ledger) == ledger_digest(rig->ledger);
    ledger_destroy(following.ledger);
    return equal;
}
