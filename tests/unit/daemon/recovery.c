/* What comes back after a crash: ledger, receipts and numbers, from a stored state that was left at any moment. */
#include "daemon/recovery.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/archive/archive.h"
#include "tests/support/history.h"
#include "tests/support/seed.h"
#include "tests/unit/daemon/archive/shelf.h"

enum { NODES = 4, PROJECTS_MAX = 1 << 18 };

/* ---- what must come back: the whole journal, applied by a ledger that never stopped ---- */

struct expected {
    struct ledger *ledger;
    struct entry *entry;
    struct arena arena;
    struct capture capture;
    struct receipt_list receipts; /* of all batches */
};

static enum error expect_entry(void *visitor, const struct entry_record *record) {
    static const struct capture_request request = {.blocks_max = 1};
    struct expected *expected = visitor;
    struct entry *entry = expected->entry;
    cr_assert_eq(entry_from_record(entry, record, &expected->arena), ERROR_NONE);
    if (!ledger_has_room(expected->ledger, entry)) {
        cr_assert_eq(ledger_capture(expected->ledger, &request, &expected->capture), ERROR_NONE);
    }
    ledger_apply(expected->ledger, entry);
    if (entry->kind == ENTRY_BATCH || entry->kind == ENTRY_BATCH_REFUSED) {
        struct receipt receipt;
        cr_assert_eq(receipt_from_entry(&receipt, entry), ERROR_NONE);
        cr_assert_eq(receipt_list_add(&expected->receipts, entry->node, &receipt), ERROR_NONE);
        free(receipt.refusals);
    }
    return ERROR_NONE;
}

static void expected_init(struct expected *expected) {
    *expected = (struct expected){.ledger = ledger_create(PROJECTS_MAX), .entry = malloc(sizeof *expected->entry)};
    cr_assert(expected->ledger != NULL && expected->entry != NULL);
    cr_assert_eq(capture_init(&expected->capture), ERROR_NONE);
    arena_init(&expected->arena, malloc(BATCH_ARENA_BYTES), BATCH_ARENA_BYTES);
}

static void expected_follow(struct expected *expected, struct entries *entries) {
    struct entry_source source = entries_source(entries);
    uint64_t reached;
    cr_assert_eq(
        source.read(source.context, ledger_version(expected->ledger), SIZE_MAX, expect_entry, expected, &reached),
        ERROR_NONE);
}

static void expected_fini(struct expected *expected) {
    ledger_destroy(expected->ledger);
    capture_fini(&expected->capture);
    receipt_list_fini(&expected->receipts);
    free(expected->entry);
    free(expected->arena.base);
}

/* ---- what does come back ---- */

struct revived {
    struct state *state;
    struct ledger *ledger;
    struct intake_stage *intake;
    struct presence *presences;
    struct numbering *numbering;
    struct capture_exchange captures;
    struct receipt_exchange receipts;
    struct archive_options archive;
    struct recovery recovery;
    struct fault fault;
    unsigned rooms_made;
};

static bool due(void *context) {
    return ledger_capture_due(((struct revived *)context)->ledger);
}

static enum error capture(void *context, const struct capture_request *request, struct capture *into) {
    return ledger_capture(((struct revived *)context)->ledger, request, into);
}

static enum error copy_receipts(void *context, uint64_t version, struct receipt_list *list) {
    return intake_stage_copy_receipts(((struct revived *)context)->intake, version, list);
}

static enum error make_room(void *context, struct fault *fault) {
    struct revived *revived = context;
    revived->rooms_made++;
    return archive_make_room(&revived->archive, fault);
}

static enum error refuse_room(void *context, struct fault *fault) {
    (void)context;
    return fault_set(fault, ERROR_DISK_FULL, "no room is made here");
}

/* Everything as at the daemon's start; recovery itself is the test's. */
static void revived_init(struct revived *revived, const char *path, struct entries *entries) {
    *revived = (struct revived){0};
    struct state_options state = {.path = path, .epoch = SHELF_EPOCH, .journal_version = entries_version(entries)};
    revived->presences = calloc(NODES_MAX, sizeof *revived->presences);
    revived->numbering = calloc(1, sizeof *revived->numbering);
    cr_assert(revived->presences != NULL && revived->numbering != NULL);
    revived->state = state_open(&state, &revived->fault);
    cr_assert_not_null(revived->state, "%s", revived->fault.text);
    revived->ledger = ledger_create(PROJECTS_MAX);
    struct intake_stage_options intake = {.batch_slots = 2, .presences = revived->presences};
    revived->intake = intake_stage_create(&intake, &revived->fault);
    cr_assert(revived->ledger != NULL && revived->intake != NULL);
    cr_assert_eq(capture_init(&revived->captures.capture), ERROR_NONE);
    receipt_exchange_init(&revived->receipts);
    revived->archive = (struct archive_options){
        .state = revived->state,
        .source = entries_source(entries),
        .captures = &revived->captures,
        .receipts = &revived->receipts,
        .supply = {.context = revived, .due = due, .capture = capture, .copy_receipts = copy_receipts}};
    revived->recovery = (struct recovery){.state = revived->state,
                                          .source = entries_source(entries),
                                          .journal_version = entries_version(entries),
                                          .ledger = revived->ledger,
                                          .intake = revived->intake,
                                          .numbering = revived->numbering,
                                          .make_room = make_room,
                                          .context = revived};
}

static void revived_fini(struct revived *revived) {
    intake_stage_destroy(&revived->intake);
    ledger_destroy(revived->ledger);
    state_close(revived->state);
    capture_fini(&revived->captures.capture);
    receipt_exchange_fini(&revived->receipts);
    free(revived->numbering);
    free(revived->presences);
}

/* ---- comparing ---- */

static const struct listed_receipt *find_receipt(const struct receipt_list *list, uint16_t node, uint64_t sequence) {
    const struct listed_receipt *found = NULL;
    for (size_t i = 0; i < list->count && found == NULL; i++) {
        bool is = list->receipts[i].node == node && list->receipts[i].receipt.sequence == sequence;
        found = is ? &list->receipts[i] : NULL;
    }
    return found;
}

static void check_receipt(const struct receipt *receipt, const struct receipt *expected) {
    cr_assert_eq(receipt->version, expected->version);
    cr_assert_eq(receipt->rows, expected->rows);
    cr_assert_eq(receipt->accepted, expected->accepted);
    cr_assert_eq(receipt->unchanged, expected->unchanged);
    cr_assert_eq(receipt->batch_code, expected->batch_code);
    cr_assert_eq(receipt->refusal_count, expected->refusal_count);
    cr_assert(receipt->refusal_count == 0 ||
              memcmp(receipt->refusals, expected->refusals, receipt->refusal_count * sizeof *receipt->refusals) == 0);
}

/* Every node's last ones, and no others. */
static void check_receipts(struct revived *revived, const struct expected *expected) {
    struct receipt_list list = {0};
    uint64_t version = ledger_version(revived->ledger);
    uint64_t count = 0;
    intake_stage_load_version(revived->intake, version, 0); /* so that all are copied */
    cr_assert_eq(intake_stage_copy_receipts(revived->intake, version, &list), ERROR_NONE);
    for (uint16_t node = 0; node < NODES; node++) {
        uint64_t last = ledger_sequence(expected->ledger, node);
        count += last < WINDOW_BATCHES_MAX ? last : WINDOW_BATCHES_MAX;
        cr_assert_eq(atomic_load(&revived->presences[node].sequence), last);
    }
    cr_assert_eq(list.count, count);
    for (size_t i = 0; i < list.count; i++) {
        struct receipt receipt = receipt_list_at(&list, i);
        const struct listed_receipt *found = find_receipt(&expected->receipts, list.receipts[i].node, receipt.sequence);
        cr_assert_not_null(found);
        struct receipt other = receipt_list_at(&expected->receipts, (size_t)(found - expected->receipts.receipts));
        check_receipt(&receipt, &other);
    }
    receipt_list_fini(&list);
}

static void check_same(struct revived *revived, const struct expected *expected) {
    cr_assert_eq(ledger_version(revived->ledger), ledger_version(expected->ledger));
    cr_assert_eq(ledger_projects(revived->ledger), ledger_projects(expected->ledger));
    cr_assert_eq(ledger_digest(revived->ledger), ledger_digest(expected->ledger));
    for (uint16_t i = 0; i < NODES; i++) {
        cr_assert(definition_equal(&revived->numbering->nodes[i], ledger_node(expected->ledger, i)));
    }
    check_receipts(revived, expected);
}

/* ---- tests ---- */

struct rig {
    struct shelf shelf; /* the daemon before the crash */
    struct history history;
    struct expected expected;
    struct revived revived;
};

static void open_rig(struct rig *rig, uint64_t seed, uint32_t projects, uint32_t rows_max) {
    struct history_shape shape = {.nodes = NODES, .competitions = 2, .projects = projects, .rows_max = rows_max};
    shelf_open(&rig->shelf, PROJECTS_MAX);
    history_init(&rig->history, rig->shelf.entries, seed, &shape);
    expected_init(&rig->expected);
}

static void close_rig(struct rig *rig) {
    expected_fini(&rig->expected);
    history_fini(&rig->history);
    shelf_close(&rig->shelf);
}

static enum error revive(struct rig *rig) {
    shelf_crash(&rig->shelf);
    expected_follow(&rig->expected, rig->shelf.entries);
    revived_init(&rig->revived, rig->shelf.path, rig->shelf.entries);
    return recovery_run(&rig->revived.recovery, &rig->revived.fault);
}

static void bury(struct rig *rig) {
    revived_fini(&rig->revived);
    shelf_start(&rig->shelf);
}

Test(recovery, brings_back_what_was_there_whenever_the_daemon_stopped) {
    struct rig rig;
    struct random random = {.state = seed_of("recovery", 91)};
    unsigned partly = 0;
    open_rig(&rig, random_next(&random), 2000, 200);
    for (int life = 0; life < 25; life++) {
        history_extend(&rig.history, 1 + random_below(&random, 40));
        while (ledger_version(rig.shelf.ledger) < entries_version(rig.shelf.entries)) {
            shelf_apply(&rig.shelf);
            if (ledger_capture_due(rig.shelf.ledger) && random_once_in(&random, 4)) {
                shelf_store(&rig.shelf, 1 + (uint32_t)random_below(&random, 30));
            }
        }
        history_extend(&rig.history, random_below(&random, 10)); /* durable, but not applied */
        cr_assert_eq(revive(&rig), ERROR_NONE, "%s", rig.revived.fault.text);
        check_same(&rig.revived, &rig.expected);
        cr_assert_eq(rig.revived.rooms_made, 0);
        bury(&rig);
        partly += rig.shelf.loaded.complete < rig.shelf.loaded.version;
    }
    cr_assert_gt(partly, 8);
    close_rig(&rig);
}

/* More texts change than the ledger notes: what there is is stored on the way. Then that is what the next start finds. */
Test(recovery, makes_room_while_it_replays_everything) {
    struct rig rig;
    open_rig(&rig, 92, 20000, 4000);
    history_extend(&rig.history, 120);
    for (int start = 0; start < 2; start++) {
        cr_assert_eq(revive(&rig), ERROR_NONE, "%s", rig.revived.fault.text);
        cr_assert_eq(rig.revived.rooms_made > 0, start == 0);
        check_same(&rig.revived, &rig.expected);
        bury(&rig);
    }
    cr_assert_gt(rig.shelf.loaded.version, 60);
    close_rig(&rig);
}

Test(recovery, ends_where_no_room_can_be_made) {
    struct rig rig;
    open_rig(&rig, 92, 20000, 4000);
    history_extend(&rig.history, 120);
    shelf_crash(&rig.shelf);
    revived_init(&rig.revived, rig.shelf.path, rig.shelf.entries);
    rig.revived.recovery.make_room = refuse_room;
    cr_assert_eq(recovery_run(&rig.revived.recovery, &rig.revived.fault), ERROR_DISK_FULL);
    cr_assert_str_eq(rig.revived.fault.text, "no room is made here");
    bury(&rig);
    close_rig(&rig);
}

Test(recovery, ends_at_a_damaged_entry_and_at_a_journal_that_lacks_its_end) {
    struct rig rig;
    open_rig(&rig, 93, 500, 50);
    history_extend(&rig.history, 100);
    entries_fail_from(rig.shelf.entries, 77, ERROR_DAMAGED);
    shelf_crash(&rig.shelf);
    revived_init(&rig.revived, rig.shelf.path, rig.shelf.entries);
    cr_assert_eq(recovery_run(&rig.revived.recovery, &rig.revived.fault), ERROR_DAMAGED);
    cr_assert_not_null(strstr(rig.revived.fault.text, "beyond version 76"), "%s", rig.revived.fault.text);
    bury(&rig);
    entries_fail_from(rig.shelf.entries, 0, ERROR_NONE);
    shelf_crash(&rig.shelf);
    revived_init(&rig.revived, rig.shelf.path, rig.shelf.entries);
    rig.revived.recovery.journal_version++;
    cr_assert_eq(recovery_run(&rig.revived.recovery, &rig.revived.fault), ERROR_DAMAGED);
    bury(&rig);
    close_rig(&rig);
}
