#include "shelf.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "load.h"

static void load(struct shelf *shelf) {
    struct fault fault = {0};
    cr_assert_eq(load_ledger(shelf->state, shelf->ledger, &shelf->loaded, &fault), ERROR_NONE, "%s", fault.text);
    cr_assert_eq(state_version(shelf->state), shelf->loaded.complete);
}

/* ---- life ---- */

void shelf_start(struct shelf *shelf) {
    struct fault fault = {0};
    struct state_options options = {
        .path = shelf->path, .epoch = SHELF_EPOCH, .journal_version = entries_version(shelf->entries)};
    struct entry_source source = entries_source(shelf->entries);
    shelf->state = state_open(&options, &fault);
    cr_assert_not_null(shelf->state, "%s", fault.text);
    shelf->writer = writer_create(state_file(shelf->state), &source, &fault);
    cr_assert_not_null(shelf->writer, "%s", fault.text);
    shelf->ledger = ledger_create(shelf->projects_max);
    shelf->entry = malloc(sizeof *shelf->entry);
    void *memory = malloc(BATCH_ARENA_BYTES);
    cr_assert(shelf->ledger != NULL && shelf->entry != NULL && memory != NULL);
    cr_assert_eq(capture_init(&shelf->capture), ERROR_NONE);
    arena_init(&shelf->arena, memory, BATCH_ARENA_BYTES);
    load(shelf);
}

void shelf_crash(struct shelf *shelf) {
    writer_destroy(shelf->writer);
    state_close(shelf->state);
    ledger_destroy(shelf->ledger);
    capture_fini(&shelf->capture);
    receipt_list_fini(&shelf->receipts);
    shelf->receipts = (struct receipt_list){0};
    free(shelf->entry);
    free(shelf->arena.base);
    shelf->writer = NULL;
    shelf->state = NULL;
    shelf->ledger = NULL;
}

void shelf_open(struct shelf *shelf, uint64_t projects_max) {
    *shelf = (struct shelf){.projects_max = projects_max, .entries = entries_create()};
    folder_init(&shelf->folder);
    folder_join(&shelf->folder, "state.mdb", shelf->path);
    shelf_start(shelf);
}

void shelf_close(struct shelf *shelf) {
    shelf_crash(shelf);
    entries_destroy(shelf->entries);
    folder_fini(&shelf->folder);
}

/* ---- work ---- */

static void keep_receipt(struct shelf *shelf) {
    struct receipt receipt;
    if (shelf->entry->kind == ENTRY_BATCH || shelf->entry->kind == ENTRY_BATCH_REFUSED) {
        cr_assert_eq(receipt_from_entry(&receipt, shelf->entry), ERROR_NONE);
        cr_assert_eq(receipt_list_add(&shelf->receipts, shelf->entry->node, &receipt), ERROR_NONE);
        free(receipt.refusals);
    }
}

static enum error apply(void *visitor, const struct entry_record *record) {
    struct shelf *shelf = visitor;
    cr_assert_eq(entry_from_record(shelf->entry, record, &shelf->arena), ERROR_NONE);
    if (!ledger_has_room(shelf->ledger, shelf->entry)) {
        shelf_store(shelf, 1);
        cr_assert(ledger_has_room(shelf->ledger, shelf->entry));
    }
    ledger_apply(shelf->ledger, shelf->entry);
    if (record->version > shelf->loaded.version) { /* the others are stored */
        keep_receipt(shelf);
    }
    return ERROR_NONE;
}

void shelf_apply(struct shelf *shelf) {
    struct entry_source source = entries_source(shelf->entries);
    uint64_t before = ledger_version(shelf->ledger);
    uint64_t reached;
    cr_assert_eq(source.read(source.context, before, 1, apply, shelf, &reached), ERROR_NONE);
    cr_assert_eq(reached, before + 1);
}

void shelf_store(struct shelf *shelf, uint32_t blocks_max) {
    struct capture_request request = {.blocks_max = blocks_max};
    cr_assert(ledger_capture_due(shelf->ledger));
    cr_assert_eq(ledger_capture(shelf->ledger, &request, &shelf->capture), ERROR_NONE);
    cr_assert_eq(writer_write(shelf->writer, &shelf->capture, &shelf->receipts), ERROR_NONE);
    cr_assert_eq(state_version(shelf->state), shelf->capture.complete_version);
    receipt_list_cut(&shelf->receipts, 0);
}

void shelf_catch_up(struct shelf *shelf) {
    while (ledger_version(shelf->ledger) < entries_version(shelf->entries)) {
        shelf_apply(shelf);
    }
    while (ledger_capture_due(shelf->ledger)) {
        shelf_store(shelf, CAPTURE_BLOCKS_MAX);
    }
    cr_assert_eq(state_version(shelf->state), entries_version(shelf->entries));
}
