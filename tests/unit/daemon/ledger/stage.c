/* The ledger's thread: entries go through it in order and come home with their verdicts, and a snapshot is offered whenever
 * one is wanted. The test plays journal, intake and publisher. */
#include "daemon/ledger/stage.h"

#include <criterion/criterion.h>
#include <poll.h>
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
    struct snapshot_exchange exchange;
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
              waker_init(&rig->publish_waker) == ERROR_NONE);
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
                                                                   .exchange = &rig->exchange},
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
