#include "daemon/base/entry.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/columns.h"

/* ---- definitions ---- */

static const struct definition definition = {
    .number = 258, .key = "csj-2021", .statuses = 0x801F, .counts = 0x800E, .first_day = 18718};

Test(entry, a_definition_comes_back_as_it_was) {
    uint8_t bytes[DEFINITION_BYTES];
    struct definition back;
    definition_encode(&definition, bytes);
    cr_assert_eq(definition_decode(bytes, sizeof bytes, &back), ERROR_NONE);
    cr_assert(definition_equal(&definition, &back));
    struct definition longest = definition;
    memset(longest.key, 'k', COMPETITION_KEY_BYTES_MAX);
    longest.key[COMPETITION_KEY_BYTES_MAX] = '\0';
    definition_encode(&longest, bytes);
    cr_assert_eq(definition_decode(bytes, sizeof bytes, &back), ERROR_NONE);
    cr_assert_str_eq(back.key, longest.key);
}

Test(entry, a_definition_of_another_length_or_without_an_end_of_its_key_is_damage) {
    uint8_t bytes[DEFINITION_BYTES + 1] = {0};
    struct definition back;
    definition_encode(&definition, bytes);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        cr_assert_eq(definition_decode(bytes, size, &back) == ERROR_NONE, size == DEFINITION_BYTES);
    }
    memset(bytes + 8, 'k', DEFINITION_BYTES - 8);
    cr_assert_eq(definition_decode(bytes, DEFINITION_BYTES, &back), ERROR_DAMAGED);
}

Test(entry, definitions_are_equal_when_all_of_them_is) {
    struct definition others[5];
    for (size_t i = 0; i < 5; i++) {
        others[i] = definition;
        cr_assert(definition_equal(&others[i], &definition));
    }
    others[0].number++;
    others[1].key[0] = 'x';
    others[2].statuses++;
    others[3].counts++;
    others[4].first_day++;
    for (size_t i = 0; i < 5; i++) {
        cr_assert(!definition_equal(&others[i], &definition), "%zu", i);
    }
}

/* ---- from a record ---- */

struct stand {
    struct columns *columns;
    struct entry *entry;
    struct arena arena;
    uint8_t *body;
    struct entry_refusal refusals[2];
    struct entry_record record;
};

static void stand_init(struct stand *stand) {
    *stand = (struct stand){.columns = columns_create(), .entry = calloc(1, sizeof *stand->entry)};
    cr_assert_not_null(stand->entry);
    arena_init(&stand->arena, malloc(BATCH_ARENA_BYTES), BATCH_ARENA_BYTES);
    cr_assert_not_null(stand->arena.base);
    for (int i = 0; i < 5; i++) {
        columns_add(stand->columns, &(struct columns_row){.code = "code", .region = 330106, .contract_value = i});
    }
    struct batch batch = columns_batch(stand->columns, (struct columns_present){0}, 6, "csj-2021");
    stand->refusals[0] = (struct entry_refusal){.row = 1, .code = REFUSAL_REGION_NOT_YOURS};
    stand->refusals[1] = (struct entry_refusal){.row = 4, .code = REFUSAL_DAY_IN_FUTURE};
    stand->record = (struct entry_record){.version = 12,
                                          .kind = ENTRY_BATCH,
                                          .node = 3,
                                          .competition = 2,
                                          .rows = 5,
                                          .sequence = 6,
                                          .wall_ms = 1234567,
                                          .day = 19000,
                                          .refusal_count = 2,
                                          .refusals = stand->refusals};
    stand->body = columns_encode(&batch, &stand->record.body_bytes);
    stand->record.body = stand->body;
    memset(stand->entry->verdicts, 0xFF, sizeof stand->entry->verdicts); /* of the entry before */
}

static void stand_fini(struct stand *stand) {
    free(stand->body);
    free(stand->arena.base);
    free(stand->entry);
    free(stand->columns);
}

static enum error read_stand(struct stand *stand) {
    return entry_from_record(stand->entry, &stand->record, &stand->arena);
}

Test(entry, a_batch_is_made_ready_to_be_applied) {
    struct stand stand;
    stand_init(&stand);
    cr_assert_eq(read_stand(&stand), ERROR_NONE);
    const struct entry *entry = stand.entry;
    cr_assert(entry->version == 12 && entry->kind == ENTRY_BATCH && entry->node == 3 && entry->competition == 2);
    cr_assert(entry->sequence == 6 && entry->wall_ms == 1234567 && entry->day == 19000);
    cr_assert(entry->batch.rows == 5 && entry->batch.contract_value[4] == 4 && entry->refused_by_intake == 2);
    cr_assert_arr_eq(entry->verdicts, ((uint8_t[]){0, REFUSAL_REGION_NOT_YOURS, 0, 0, REFUSAL_DAY_IN_FUTURE}), 5);
    cr_assert_eq(entry->body, stand.body, "the body is not copied");
    stand_fini(&stand);
}

Test(entry, the_arena_is_used_anew_each_time) {
    struct stand stand;
    stand_init(&stand);
    cr_assert_eq(read_stand(&stand), ERROR_NONE);
    size_t used = stand.arena.used;
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(read_stand(&stand), ERROR_NONE);
        cr_assert_eq(stand.arena.used, used);
    }
    stand_fini(&stand);
}

Test(entry, a_body_or_refusals_that_do_not_fit_are_damage) {
    struct stand stand;
    stand_init(&stand);
    struct entry_record right = stand.record;
    stand.record.rows = 4;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED);
    stand.record = right;
    stand.record.body_bytes--;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED);
    stand.record.body_bytes = 0;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED);
    stand.record = right;
    stand.refusals[1].row = 5;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED);
    stand.refusals[1].row = UINT16_MAX;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED);
    stand.refusals[1].row = 4;
    stand.record.kind = (enum entry_kind)5;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED);
    stand.record.kind = (enum entry_kind)0;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED);
    stand.record.kind = ENTRY_COMPETITION;
    cr_assert_eq(read_stand(&stand), ERROR_DAMAGED, "a batch is no definition");
    stand.record = right;
    cr_assert_eq(read_stand(&stand), ERROR_NONE);
    stand_fini(&stand);
}

Test(entry, a_refused_batch_and_a_definition_are_read_too) {
    struct stand stand;
    stand_init(&stand);
    stand.record.kind = ENTRY_BATCH_REFUSED;
    stand.record.batch_code = REFUSAL_COMPETITION_UNKNOWN;
    stand.record.rows = 70000;
    stand.record.body_bytes = 0;
    stand.record.refusal_count = 0;
    cr_assert_eq(read_stand(&stand), ERROR_NONE);
    cr_assert(stand.entry->batch.rows == 70000 && stand.entry->batch_code == REFUSAL_COMPETITION_UNKNOWN);
    cr_assert_eq(stand.entry->refused_by_intake, 0);
    uint8_t bytes[DEFINITION_BYTES];
    definition_encode(&definition, bytes);
    stand.record.kind = ENTRY_NODE;
    stand.record.body = bytes;
    stand.record.body_bytes = sizeof bytes;
    cr_assert_eq(read_stand(&stand), ERROR_NONE);
    cr_assert(definition_equal(&stand.entry->definition, &definition));
    stand_fini(&stand);
}

/* ---- rows ---- */

Test(entry, the_day_of_a_row_is_its_own_or_that_of_receipt) {
    struct stand stand;
    stand_init(&stand);
    cr_assert_eq(read_stand(&stand), ERROR_NONE);
    cr_assert_eq(entry_row_day(&stand.entry->batch, stand.entry->day, 0), 19000);
    const uint32_t days[] = {0, 18000, 0, 65535, 1};
    stand.entry->batch.effective_day = days;
    cr_assert_eq(entry_row_day(&stand.entry->batch, stand.entry->day, 0), 19000);
    cr_assert_eq(entry_row_day(&stand.entry->batch, stand.entry->day, 1), 18000);
    cr_assert_eq(entry_row_day(&stand.entry->batch, stand.entry->day, 3), 65535);
    stand_fini(&stand);
}

static uint32_t text_hash(struct stand *stand, const struct columns_row *row, struct columns_present present) {
    columns_clear(stand->columns);
    columns_add(stand->columns, row);
    stand->entry->batch = columns_batch(stand->columns, present, 1, "");
    return entry_text_hash(stand->entry, 0);
}

/* Every way to say something else gives another hash; no way gives 0 but to have no text column. */
Test(entry, the_hash_of_texts_tells_them_apart) {
    struct stand stand;
    stand_init(&stand);
    const struct columns_present all = {.name = true, .contractor = true, .start_day = true, .completion_day = true};
    const struct columns_row rows[] = {{.code = "c"},
                                       {.code = "c", .name = "a"},
                                       {.code = "c", .contractor = "a"},
                                       {.code = "c", .name = "a", .contractor = "a"},
                                       {.code = "c", .name = "aa"},
                                       {.code = "c", .start_day = 1},
                                       {.code = "c", .completion_day = 1},
                                       {.code = "c", .start_day = 1, .completion_day = 1}};
    enum { ROWS = sizeof rows / sizeof rows[0] };
    uint32_t hashes[ROWS];
    for (size_t a = 0; a < ROWS; a++) {
        hashes[a] = text_hash(&stand, &rows[a], all);
        cr_assert_neq(hashes[a], 0);
        for (size_t b = 0; b < a; b++) {
            cr_assert_neq(hashes[a], hashes[b], "%zu and %zu", a, b);
        }
    }
    const struct columns_row name_only = {.code = "c", .name = "a", .effective_day = 5};
    cr_assert_neq(text_hash(&stand, &name_only, (struct columns_present){.name = true}),
                  text_hash(&stand, &rows[2], (struct columns_present){.contractor = true}));
    cr_assert_neq(text_hash(&stand, &name_only, (struct columns_present){.name = true}),
                  text_hash(&stand, &name_only, (struct columns_present){.name = true, .start_day = true}),
                  "a date of 0 takes the date back, a column that is left out does not");
    cr_assert_eq(text_hash(&stand, &name_only, (struct columns_present){.effective_day = true}), 0);
    cr_assert_eq(text_hash(&stand, &name_only, (struct columns_present){.name = true}),
                 text_hash(&stand, &name_only, (struct columns_present){.name = true, .effective_day = true}),
                 "the effective day is no text");
    stand_fini(&stand);
}
