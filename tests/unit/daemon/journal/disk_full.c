/* A journal on a disk of 24 MiB that is filled and emptied again: full is full and nothing else, nothing that was committed
 * is lost, and it goes on by itself once there is space. A plain program: where it may not mount a disk of its own it says
 * so and ends with 77, which ctest shows as skipped. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "daemon/journal/stage.h"
#include "scribe.h"
#include "tests/support/small_disk.h"

enum {
    DISK_MEGABYTES = 24,
    BALLAST_BYTES = 12 << 20,
    ONE_SEGMENT = 1 << 28,
    MANY_SEGMENTS = 1 << 18,
    DEADLINE_MS = 20000,
    REPEATS = 3
};

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(EXIT_FAILURE); \
        } \
    } while (0)

static struct small_disk disk;

static struct journal *open_journal(uint64_t segment_bytes) {
    struct fault fault = {0};
    struct journal *journal = journal_open(
        &(struct journal_options){.directory = disk.directory, .segment_bytes = segment_bytes, .epoch = 1}, &fault);
    if (journal == NULL) {
        fprintf(stderr, "%s\n", fault.text);
    }
    REQUIRE(journal != NULL);
    return journal;
}

static void require_all_readable(struct scribe *scribe, struct journal *journal) {
    uint64_t version = 0;
    REQUIRE(scribe_read(scribe, journal, 1 << 20, &version) == ERROR_NONE);
    REQUIRE(version == journal_version(journal));
}

/* Fills the disk with one group after the other until one is refused. */
static void fill(struct scribe *scribe, struct journal *journal) {
    uint64_t before = journal_version(journal);
    REQUIRE(scribe_write(scribe, journal, UINT64_MAX, 8) == ERROR_DISK_FULL);
    REQUIRE(journal_version(journal) > before);
    for (int i = 0; i < REPEATS; i++) {
        uint64_t version = journal_version(journal);
        REQUIRE(scribe_write(scribe, journal, UINT64_MAX, SCRIBE_GROUP_MAX) == ERROR_DISK_FULL);
        REQUIRE(journal_version(journal) == version);
    }
}

static void full_and_on_again(uint64_t segment_bytes) {
    struct scribe scribe;
    scribe_init(&scribe);
    small_disk_load_ballast(&disk, BALLAST_BYTES);
    struct journal *journal = open_journal(segment_bytes);
    fill(&scribe, journal);
    require_all_readable(&scribe, journal);
    uint64_t full_at = journal_version(journal);
    small_disk_drop_ballast(&disk);
    REQUIRE(scribe_write(&scribe, journal, full_at + 200, 8) == ERROR_NONE);
    require_all_readable(&scribe, journal);
    fill(&scribe, journal);
    uint64_t last = journal_version(journal);
    journal_close(journal);
    journal = open_journal(segment_bytes); /* on a disk that is still full */
    REQUIRE(journal_version(journal) == last);
    require_all_readable(&scribe, journal);
    journal_close(journal);
    scribe_fini(&scribe);
}

/* ---- the same through the stage ---- */

struct rig {
    struct scribe scribe;
    struct ring in;
    struct ring out;
    struct waker waker;
    struct waker ledger_waker;
    struct waker archive_waker;
    uint64_t sent;
    uint64_t received;
};

static void note_failure(void *context, const struct fault *fault) {
    (void)context;
    fprintf(stderr, "the stage gave up: %s\n", fault->text);
    exit(EXIT_FAILURE);
}

static void rig_init(struct rig *rig) {
    *rig = (struct rig){0};
    scribe_init(&rig->scribe);
    REQUIRE(ring_init(&rig->in, SCRIBE_GROUP_MAX) == ERROR_NONE &&
            ring_init(&rig->out, SCRIBE_GROUP_MAX) == ERROR_NONE);
    REQUIRE(waker_init(&rig->waker) == ERROR_NONE && waker_init(&rig->ledger_waker) == ERROR_NONE &&
            waker_init(&rig->archive_waker) == ERROR_NONE);
}

static void rig_fini(struct rig *rig) {
    ring_fini(&rig->in);
    ring_fini(&rig->out);
    waker_fini(&rig->waker);
    waker_fini(&rig->ledger_waker);
    waker_fini(&rig->archive_waker);
    scribe_fini(&rig->scribe);
}

static struct journal_stage *start(struct rig *rig, struct journal *journal, uint64_t reserve_bytes) {
    struct fault fault = {0};
    struct journal_stage *stage =
        journal_stage_start(&(struct journal_stage_options){.journal = journal,
                                                            .directory = disk.directory,
                                                            .in = &rig->in,
                                                            .out = &rig->out,
                                                            .waker = &rig->waker,
                                                            .ledger_waker = &rig->ledger_waker,
                                                            .archive_waker = &rig->archive_waker,
                                                            .group_bytes = 1 << 20,
                                                            .disk_reserve_bytes = reserve_bytes,
                                                            .on_failure = note_failure},
                            &fault);
    REQUIRE(stage != NULL);
    return stage;
}

static void send_one(struct rig *rig) {
    uint64_t version = ++rig->sent;
    REQUIRE(ring_push(&rig->in, scribe_entry(&rig->scribe, (version - 1) % SCRIBE_GROUP_MAX, version)));
    waker_wake(&rig->waker);
}

/* Takes what came out; waits a moment for it. */
static void receive_some(struct rig *rig) {
    waker_prepare(&rig->ledger_waker);
    if (ring_empty(&rig->out)) {
        waker_sleep(&rig->ledger_waker, 10);
    }
    waker_finish(&rig->ledger_waker);
    struct entry *entry;
    while ((entry = ring_pop(&rig->out)) != NULL) {
        REQUIRE(entry->version == ++rig->received);
    }
}

static void send_until_full(struct rig *rig, struct journal_stage *stage) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    while (!journal_stage_full(stage)) {
        REQUIRE(clock_monotonic_ns() < end_ns);
        if (rig->sent - rig->received < SCRIBE_GROUP_MAX) {
            send_one(rig);
        } else {
            receive_some(rig);
        }
    }
}

static void receive_all(struct rig *rig) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    while (rig->received < rig->sent) {
        REQUIRE(clock_monotonic_ns() < end_ns);
        receive_some(rig);
    }
}

/* Without a reserve the commit itself finds the disk full: the stage keeps its group and commits it when there is space. */
static void the_stage_keeps_its_group(uint64_t segment_bytes) {
    struct rig rig;
    rig_init(&rig);
    uint64_t times_full = counter_read(COUNTER_JOURNAL_DISK_FULL);
    small_disk_load_ballast(&disk, BALLAST_BYTES);
    struct journal *journal = open_journal(segment_bytes);
    struct journal_stage *stage = start(&rig, journal, 0);
    send_until_full(&rig, stage);
    receive_some(&rig);
    REQUIRE(rig.received < rig.sent);
    REQUIRE(rig.received <= journal_version(journal));
    REQUIRE(counter_read(COUNTER_JOURNAL_DISK_FULL) == times_full + 1);
    small_disk_drop_ballast(&disk);
    receive_all(&rig);
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    while (journal_stage_full(stage)) {
        REQUIRE(clock_monotonic_ns() < end_ns);
        receive_some(&rig);
    }
    journal_stage_destroy(stage);
    stage = NULL;
    REQUIRE(journal_version(journal) == rig.sent);
    require_all_readable(&rig.scribe, journal);
    journal_close(journal);
    rig_fini(&rig);
}

/* A daemon that is stopped while its disk is full gives up the group, about which nobody was told anything. */
static void stopping_on_a_full_disk_comes_to_an_end(uint64_t segment_bytes) {
    struct rig rig;
    rig_init(&rig);
    small_disk_load_ballast(&disk, BALLAST_BYTES);
    struct journal *journal = open_journal(segment_bytes);
    struct journal_stage *stage = start(&rig, journal, 0);
    send_until_full(&rig, stage);
    receive_some(&rig);
    journal_stage_destroy(stage);
    stage = NULL;
    receive_some(&rig);
    REQUIRE(journal_version(journal) == rig.received);
    REQUIRE(rig.received < rig.sent);
    require_all_readable(&rig.scribe, journal);
    journal_close(journal);
    rig_fini(&rig);
}

static void on_a_disk(void (*test)(uint64_t segment_bytes), uint64_t segment_bytes) {
    if (!small_disk_get(&disk, DISK_MEGABYTES)) {
        exit(SMALL_DISK_SKIPPED);
    }
    test(segment_bytes);
    small_disk_give_back(&disk);
}

int main(void) {
    log_set_level((enum log_level)(LOG_ERROR + 1));
    on_a_disk(full_and_on_again, ONE_SEGMENT);
    on_a_disk(full_and_on_again, MANY_SEGMENTS);
    on_a_disk(the_stage_keeps_its_group, ONE_SEGMENT);
    on_a_disk(the_stage_keeps_its_group, MANY_SEGMENTS);
    on_a_disk(stopping_on_a_full_disk_comes_to_an_end, ONE_SEGMENT);
    return EXIT_SUCCESS;
}
