/* The journal's thread: entries go in, become durable in groups, and come out with their versions, in order. The test plays
 * intake and ledger. */
#include "daemon/journal/stage.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../folder.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/log.h"
#include "scribe.h"

enum { DEADLINE_MS = 20000 };

struct rig {
    struct folder folder;
    struct scribe scribe;
    struct journal *journal;
    struct ring in;
    struct ring out;
    struct waker waker;
    struct waker ledger_waker;
    struct waker archive_waker;
    struct journal_stage *stage;
    atomic_bool failed;
    uint64_t sent;
};

static void note_failure(void *context, const struct fault *fault) {
    (void)fault;
    atomic_store(&((struct rig *)context)->failed, true);
}

static void rig_init(struct rig *rig, uint32_t group_bytes, uint64_t disk_reserve_bytes) {
    log_set_level((enum log_level)(LOG_ERROR + 1));
    *rig = (struct rig){0};
    folder_init(&rig->folder);
    scribe_init(&rig->scribe);
    struct fault fault = {0};
    rig->journal = journal_open(
        &(struct journal_options){.directory = rig->folder.path, .segment_bytes = 1 << 20, .epoch = 1}, &fault);
    cr_assert_not_null(rig->journal, "%s", fault.text);
    cr_assert(ring_init(&rig->in, SCRIBE_GROUP_MAX) == ERROR_NONE &&
              ring_init(&rig->out, SCRIBE_GROUP_MAX) == ERROR_NONE);
    cr_assert(waker_init(&rig->waker) == ERROR_NONE && waker_init(&rig->ledger_waker) == ERROR_NONE &&
              waker_init(&rig->archive_waker) == ERROR_NONE);
    rig->stage = journal_stage_start(&(struct journal_stage_options){.journal = rig->journal,
                                                                     .directory = rig->folder.path,
                                                                     .in = &rig->in,
                                                                     .out = &rig->out,
                                                                     .waker = &rig->waker,
                                                                     .ledger_waker = &rig->ledger_waker,
                                                                     .archive_waker = &rig->archive_waker,
                                                                     .group_bytes = group_bytes,
                                                                     .disk_reserve_bytes = disk_reserve_bytes,
                                                                     .on_failure = note_failure,
                                                                     .context = rig},
                                     &fault);
    cr_assert_not_null(rig->stage, "%s", fault.text);
}

static void rig_fini(struct rig *rig) {
    journal_stage_destroy(rig->stage);
    rig->stage = NULL;
    cr_assert_null(rig->stage);
    journal_stage_destroy(rig->stage);
    rig->stage = NULL;
    journal_close(rig->journal);
    ring_fini(&rig->in);
    ring_fini(&rig->out);
    waker_fini(&rig->waker);
    waker_fini(&rig->ledger_waker);
    waker_fini(&rig->archive_waker);
    scribe_fini(&rig->scribe);
    folder_fini(&rig->folder);
}

static void send(struct rig *rig, size_t count) {
    for (size_t i = 0; i < count; i++) {
        rig->sent++;
        cr_assert(ring_push(&rig->in, scribe_entry(&rig->scribe, (rig->sent - 1) % SCRIBE_GROUP_MAX, rig->sent)));
    }
    waker_wake(&rig->waker);
}

static struct entry *receive(struct rig *rig) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    struct entry *entry;
    while ((entry = ring_pop(&rig->out)) == NULL) {
        cr_assert_lt(clock_monotonic_ns(), end_ns, "no entry came out");
        waker_prepare(&rig->ledger_waker);
        if (ring_empty(&rig->out)) {
            waker_sleep(&rig->ledger_waker, DEADLINE_MS);
        }
        waker_finish(&rig->ledger_waker);
    }
    return entry;
}

Test(journal_stage, entries_come_out_durable_in_order_and_with_their_versions) {
    struct rig rig;
    rig_init(&rig, 4 << 20, 0);
    for (uint64_t version = 1; version <= 4 * SCRIBE_GROUP_MAX; version++) {
        if (rig.sent < version) {
            send(&rig, SCRIBE_GROUP_MAX / 2);
        }
        struct entry *entry = receive(&rig);
        cr_assert_eq(entry->version, version);
        cr_assert_geq(journal_version(rig.journal), version, "nothing comes out before it is durable");
    }
    uint64_t read = 0;
    cr_assert_eq(scribe_read(&rig.scribe, rig.journal, 1 << 20, &read), ERROR_NONE);
    cr_assert_eq(read, 4 * SCRIBE_GROUP_MAX);
    rig_fini(&rig);
}

Test(journal_stage, stop_commits_what_is_in_the_ring) {
    struct rig rig;
    rig_init(&rig, 4 << 20, 0);
    send(&rig, SCRIBE_GROUP_MAX);
    journal_stage_destroy(rig.stage);
    rig.stage = NULL;
    for (uint64_t version = 1; version <= SCRIBE_GROUP_MAX; version++) {
        cr_assert_eq(((struct entry *)ring_pop(&rig.out))->version, version);
    }
    cr_assert_eq(journal_version(rig.journal), SCRIBE_GROUP_MAX);
    cr_assert(!atomic_load(&rig.failed));
    rig_fini(&rig);
}

/* With a bound of a byte each entry is a group of its own, however many wait. */
Test(journal_stage, a_group_takes_no_more_bytes_than_it_may_but_always_one_entry) {
    struct rig rig;
    rig_init(&rig, 1, 0);
    uint64_t groups = counter_read(COUNTER_JOURNAL_GROUPS);
    send(&rig, SCRIBE_GROUP_MAX);
    uint64_t with_body = 0;
    for (size_t i = 0; i < SCRIBE_GROUP_MAX; i++) {
        with_body += receive(&rig)->body_bytes > 0;
    }
    cr_assert_geq(counter_read(COUNTER_JOURNAL_GROUPS) - groups, with_body);
    cr_assert_eq(counter_read(COUNTER_JOURNAL_ENTRIES), SCRIBE_GROUP_MAX);
    rig_fini(&rig);
}

Test(journal_stage, below_the_reserve_it_says_full_but_still_commits_what_it_has) {
    struct rig rig;
    rig_init(&rig, 4 << 20, UINT64_MAX / 2);
    cr_assert(journal_stage_full(rig.stage));
    cr_assert_gt(journal_stage_free_bytes(rig.stage), 0);
    cr_assert_eq(counter_read(COUNTER_JOURNAL_DISK_FULL), 1);
    send(&rig, 5);
    for (uint64_t version = 1; version <= 5; version++) {
        cr_assert_eq(receive(&rig)->version, version);
    }
    rig_fini(&rig);
}

Test(journal_stage, above_the_reserve_it_is_not_full) {
    struct rig rig;
    rig_init(&rig, 4 << 20, 1);
    cr_assert(!journal_stage_full(rig.stage));
    rig_fini(&rig);
}
