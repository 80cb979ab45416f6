/* The ledger's thread: entries go through it in order and come home with their verdicts; a snapshot and a capture are offered
 * whenever they are wanted. The test plays journal, intake, publisher and archive. */
#include "daemon/ledger/stage.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "teller.h"

enum { ENTRIES = 64, DEADLINE_MS = 10000 };

struct rig {
    struct teller teller; /* holds the ledger, and its definitions */
    struct ring in;
    struct ring out;
    struct waker waker;
    struct waker intake_waker;
    struct waker publish_waker;
    struct waker archive_waker;
    struct snapshot_exchange exchange;
    struct capture_exchange captures;
    struct ledger_stage *stage;
    struct entry *entries[ENTRIES];
    size_t sent;
    uint64_t first_version;
};

static void rig_init(struct rig *rig) {
    *rig = (struct rig){0};
    teller_init(&rig->teller, 1000);
    cr_assert(ring_init(&rig->in, ENTRIES) == ERROR_NONE && ring_init(&rig->out, ENTRIES) == ERROR_NONE);
    cr_assert(waker_init(&rig->waker) == ERROR_NONE && waker_init(&rig->intake_waker) == ERROR_NONE &&
              waker_init(&rig->publish_waker) == ERROR_NONE && waker_init(&rig->archive_waker) == ERROR_NONE);
    cr_assert_eq(capture_init(&rig->captures.capture), ERROR_NONE);
    snapshot_init(&rig->exchange);
    rig->first_version = ledger_version(rig->teller.ledger) + 1;
    columns_add(rig->teller.columns, &(struct columns_row){.code = "p1", .region = 330106, .contract_value = 1});
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *entry = rig->entries[i] = calloc(1, sizeof *entry);
        cr_assert_not_null(entry);
        entry->kind = ENTRY_BATCH;
        entry->node = 1;
        entry->day = (uint16_t)(19000 + i);
        entry->sequence = i + 1;
        entry->version = rig->first_version + i;
        entry->batch = columns_batch(rig->teller.columns, (struct columns_present){0}, i + 1, "");
    }
    struct fault fault = {0};
    rig->stage = ledger_stage_start(&(struct ledger_stage_options){.ledger = rig->teller.ledger,
                                                                   .in = &rig->in,
                                                                   .out = &rig->out,
                                                                   .waker = &rig->waker,
                                                                   .intake_waker = &rig->intake_waker,
                                                                   .publish_waker = &rig->publish_waker,
                                                                   .archive_waker = &rig->archive_waker,
                                                                   .exchange = &rig->exchange,
                                                                   .capture_exchange = &rig->captures},
                                    &fault);
    cr_assert_not_null(rig->stage, "%s", fault.text);
}

static void rig_fini(struct rig *rig) {
    ledger_stage_stop(&rig->stage);
    cr_assert_null(rig->stage);
    ledger_stage_stop(&rig->stage);
    for (size_t i = 0; i < ENTRIES; i++) {
        free(rig->entries[i]);
    }
    snapshot_fini(&rig->exchange);
    ring_fini(&rig->in);
    ring_fini(&rig->out);
    waker_fini(&rig->waker);
    waker_fini(&rig->intake_waker);
    waker_fini(&rig->publish_waker);
    waker_fini(&rig->archive_waker);
    capture_fini(&rig->captures.capture);
    teller_fini(&rig->teller);
}

static void send(struct rig *rig, size_t count) {
    for (size_t i = 0; i < count; i++) {
        cr_assert(ring_push(&rig->in, rig->entries[rig->sent++]));
    }
    waker_wake(&rig->waker);
}

/* The next entry home, slept for as intake does. */
static struct entry *receive(struct rig *rig) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    struct entry *entry;
    while ((entry = ring_pop(&rig->out)) == NULL) {
        cr_assert_lt(clock_monotonic_ns(), end_ns, "no entry came home");
        waker_prepare(&rig->intake_waker);
        if (ring_empty(&rig->out)) {
            waker_sleep(&rig->intake_waker, DEADLINE_MS);
        }
        waker_finish(&rig->intake_waker);
    }
    return entry;
}

static void want_snapshot(struct rig *rig) {
    atomic_store_explicit(&rig->exchange.holder, SNAPSHOT_WANTED, memory_order_release);
    waker_wake(&rig->waker);
}

static bool offered(struct rig *rig) {
    return atomic_load_explicit(&rig->exchange.holder, memory_order_acquire) == SNAPSHOT_OFFERED;
}

static const struct snapshot *take_snapshot(struct rig *rig) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    while (!offered(rig)) {
        cr_assert_lt(clock_monotonic_ns(), end_ns, "no snapshot was offered");
        waker_prepare(&rig->publish_waker);
        if (!offered(rig)) {
            waker_sleep(&rig->publish_waker, DEADLINE_MS);
        }
        waker_finish(&rig->publish_waker);
    }
    return &rig->exchange.snapshot;
}

Test(ledger_stage, entries_come_home_in_order_with_their_verdicts) {
    struct rig rig;
    rig_init(&rig);
    for (size_t i = 0; i < ENTRIES; i += 4) {
        send(&rig, 4);
        for (size_t k = 0; k < 4; k++) {
            struct entry *entry = receive(&rig);
            cr_assert_eq(entry, rig.entries[i + k]);
            cr_assert(entry->accepted == 1 && entry->unchanged == (i + k > 0) && entry->refused == 0);
        }
        cr_assert_eq(ledger_stage_version(rig.stage), rig.first_version + i + 3);
    }
    rig_fini(&rig);
}

Test(ledger_stage, a_wanted_snapshot_is_offered_as_soon_as_something_changes_and_once) {
    struct rig rig;
    rig_init(&rig);
    want_snapshot(&rig);
    const struct snapshot *snapshot = take_snapshot(&rig);
    cr_assert_eq(snapshot->version, rig.first_version - 1, "the definitions are a change as well");
    want_snapshot(&rig);
    send(&rig, 1);
    receive(&rig);
    snapshot = take_snapshot(&rig);
    cr_assert_eq(snapshot->version, rig.first_version);
    cr_assert(snapshot->projects == 1 && snapshot->cell_count == 1 && snapshot->cells[0].sums.contract_value == 1);
    cr_assert_eq(ledger_stage_projects(rig.stage), 1);
    send(&rig, 1);
    receive(&rig);
    cr_assert_eq(snapshot->version, rig.first_version, "an offered snapshot is the publisher's");
    rig_fini(&rig);
}

Test(ledger_stage, stop_applies_what_is_in_the_ring_and_offers_a_last_snapshot) {
    struct rig rig;
    rig_init(&rig);
    send(&rig, ENTRIES);
    want_snapshot(&rig);
    ledger_stage_stop(&rig.stage);
    for (size_t i = 0; i < ENTRIES; i++) {
        cr_assert_eq(ring_pop(&rig.out), rig.entries[i]);
    }
    cr_assert_null(ring_pop(&rig.out));
    cr_assert(offered(&rig));
    cr_assert_eq(ledger_version(rig.teller.ledger), rig.first_version + ENTRIES - 1);
    rig_fini(&rig);
}

/* ---- captures ---- */

static void want_capture(struct rig *rig) {
    rig->captures.request = (struct capture_request){.blocks_max = 10};
    atomic_store_explicit(&rig->captures.urgent, false, memory_order_relaxed);
    atomic_store_explicit(&rig->captures.holder, CAPTURE_WANTED, memory_order_release);
    waker_wake(&rig->waker);
}

static bool capture_offered(struct rig *rig) {
    return atomic_load_explicit(&rig->captures.holder, memory_order_acquire) == CAPTURE_OFFERED;
}

static bool urgent(struct rig *rig) {
    return atomic_load_explicit(&rig->captures.urgent, memory_order_acquire);
}

static void sleep_as_archive(struct rig *rig, bool (*until)(struct rig *rig)) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    while (!until(rig)) {
        cr_assert_lt(clock_monotonic_ns(), end_ns, "the archive waits for ever");
        waker_prepare(&rig->archive_waker);
        if (!until(rig)) {
            waker_sleep(&rig->archive_waker, DEADLINE_MS);
        }
        waker_finish(&rig->archive_waker);
    }
}

Test(ledger_stage, a_wanted_capture_is_offered_as_soon_as_something_changed) {
    struct rig rig;
    rig_init(&rig);
    want_capture(&rig);
    sleep_as_archive(&rig, capture_offered);
    cr_assert_eq(rig.captures.capture.version, rig.first_version - 1, "the definitions are a change as well");
    cr_assert(rig.captures.capture.definitions_changed && rig.captures.capture.block_count == 0);
    want_capture(&rig);
    send(&rig, 1);
    receive(&rig);
    sleep_as_archive(&rig, capture_offered);
    const struct capture *capture = &rig.captures.capture;
    cr_assert(capture->version == rig.first_version && capture->complete_version == rig.first_version);
    cr_assert(capture->block_count == 1 && capture->cell_count == 1 && !capture->more);
    cr_assert_arr_eq(capture->blocks[0].projects[0].code, "p1", 3);
    rig_fini(&rig);
}

/* One row with a name in each entry, after so many that the list of texts is nearly full. */
Test(ledger_stage, texts_wait_while_the_list_of_uncaptured_ones_is_full_and_nothing_is_lost) {
    struct rig rig;
    rig_init(&rig);
    struct columns *large = columns_create();
    for (uint32_t row = 0; row < BATCH_ROWS_MAX; row++) {
        char code[16];
        snprintf(code, sizeof code, "p%u", row % 899);
        columns_add(large, &(struct columns_row){.code = code, .region = 330106, .name = row % 2 == 0 ? "甲" : "乙"});
    }
    const size_t fit = TEXT_CHANGES_MAX / BATCH_ROWS_MAX;
    for (size_t i = 0; i < fit + 2; i++) {
        rig.entries[i]->batch = columns_batch(large, (struct columns_present){.name = true}, i + 1, "");
    }
    send(&rig, fit + 2);
    for (size_t i = 0; i < fit; i++) {
        cr_assert_eq(receive(&rig), rig.entries[i]);
    }
    sleep_as_archive(&rig, urgent);
    cr_assert_null(ring_pop(&rig.out), "what has no room waits");
    want_capture(&rig);
    sleep_as_archive(&rig, capture_offered);
    cr_assert_gt(rig.captures.capture.text_count, 1000);
    cr_assert_eq(receive(&rig), rig.entries[fit]);
    cr_assert_eq(receive(&rig), rig.entries[fit + 1]);
    free(large);
    rig_fini(&rig);
}
