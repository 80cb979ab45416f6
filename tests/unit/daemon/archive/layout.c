#include "daemon/archive/layout.h"

#include <criterion/criterion.h>
#include <string.h>

static int compare(const struct layout_key *a, const struct layout_key *b) {
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = memcmp(a->bytes, b->bytes, shorter);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

Test(layout, sorts_keys_as_people_would) {
    struct layout_key keys[4];
    layout_region_key(&keys[0], 1, 99999, "Z", 1);
    layout_region_key(&keys[1], 1, 330106, "A", 1);
    layout_region_key(&keys[2], 1, 330106, "A-1", 3);
    layout_region_key(&keys[3], 2, 110101, "A", 1);
    for (size_t i = 0; i + 1 < 4; i++) {
        cr_assert_lt(compare(&keys[i], &keys[i + 1]), 0);
    }
    layout_receipt_key(&keys[0], 3, 255);
    layout_receipt_key(&keys[1], 3, 256);
    layout_receipt_key(&keys[2], 4, 1);
    cr_assert_lt(compare(&keys[0], &keys[1]), 0);
    cr_assert_lt(compare(&keys[1], &keys[2]), 0);
}

Test(layout, reads_back_the_keys_that_it_wrote) {
    struct layout_key key;
    uint16_t number;
    uint16_t day;
    uint32_t region;
    uint64_t sequence;
    char code[PROJECT_CODE_BYTES_MAX + 1];
    const char longest[] = "12345678901234567890123456789012";
    layout_region_key(&key, 8, 330106, longest, sizeof longest - 1);
    cr_assert(layout_read_region_key(key.bytes, key.size, &number, &region, code));
    cr_assert_eq(number, 8);
    cr_assert_eq(region, 330106);
    cr_assert_str_eq(code, longest);
    layout_day_key(&key, 9, 330106, 65535);
    cr_assert(layout_read_day_key(key.bytes, key.size, &number, &region, &day));
    cr_assert_eq(day, 65535);
    layout_receipt_key(&key, 4095, UINT64_MAX);
    cr_assert(layout_read_receipt_key(key.bytes, key.size, &number, &sequence));
    cr_assert_eq(number, 4095);
    cr_assert_eq(sequence, UINT64_MAX);
}

Test(layout, refuses_keys_and_values_that_it_did_not_write) {
    uint8_t zeros[64] = {0};
    uint8_t ones[64];
    uint16_t number;
    uint32_t region;
    uint64_t sequence;
    enum entry_kind kind;
    cell_key_t cell;
    char code[PROJECT_CODE_BYTES_MAX + 1];
    struct layout_texts texts;
    struct receipt receipt;
    struct entry_refusal refusals[1];
    memset(ones, 0xFF, sizeof ones);
    cr_assert_not(layout_read_definition_key(zeros, 3, &kind, &number));
    cr_assert_not(layout_read_region_key(zeros, 5, &number, &region, code));
    cr_assert_not(layout_read_region_key(ones, 10, &number, &region, code));
    cr_assert_not(layout_read_region_key(zeros, 39, &number, &region, code));
    cr_assert_not(layout_read_cell(zeros, 8, &cell));
    cr_assert_not(layout_read_cell(ones, 9, &cell));
    cr_assert_not(layout_read_number(ones, 3, &region));
    cr_assert_not(layout_read_node_key(ones, 2, &number));
    cr_assert_not(layout_read_receipt_key(ones, 10, &number, &sequence));
    cr_assert_not(layout_texts_read(zeros, 9, &texts));
    cr_assert_not(layout_texts_read(ones, 64, &texts));
    cr_assert_not(layout_receipt_read(zeros, 31, 1, &receipt, refusals));
    cr_assert_not(layout_receipt_read(ones, 64, 1, &receipt, refusals));
}

Test(layout, reads_numbers_and_cells_from_where_nothing_is_aligned) {
    uint8_t bytes[16] = {0};
    cell_key_t written = cell_key(255, 999999, 15, 15);
    cell_key_t cell = 0;
    uint32_t number = 0;
    memcpy(bytes + 2, &written, sizeof written);
    cr_assert(layout_read_cell(bytes + 2, sizeof written, &cell));
    cr_assert_eq(cell, written);
    memcpy(bytes + 2, &(uint32_t){4000000000u}, 4);
    cr_assert(layout_read_number(bytes + 2, 4, &number));
    cr_assert_eq(number, 4000000000u);
}

Test(layout, tells_a_projects_figures_from_its_record_and_its_cell) {
    struct project_record record = {.contract_value = CONTRACT_VALUE_FEN_MAX,
                                    .participants = PARTICIPANTS_MAX,
                                    .migrant_participants = 7,
                                    .cell = 12,
                                    .text_hash = 99,
                                    .node = 4095,
                                    .effective_day = 65535};
    struct figures figures;
    layout_figures(&record, cell_key(3, 330106, 15, 14), &figures);
    cr_assert_eq(figures.contract_value, CONTRACT_VALUE_FEN_MAX);
    cr_assert(figures.participants == PARTICIPANTS_MAX && figures.migrant_participants == 7);
    cr_assert(figures.region == 330106 && figures.category == 15 && figures.status == 14);
    cr_assert(figures.node == 4095 && figures.effective_day == 65535 && figures.text_hash == 99);
    memset(record.code, 'A', sizeof record.code);
    cr_assert_eq(layout_code_bytes(&record), PROJECT_CODE_BYTES_MAX);
    record.code[5] = 0;
    cr_assert_eq(layout_code_bytes(&record), 5);
}

Test(layout, reads_back_texts_and_receipts) {
    uint8_t bytes[LAYOUT_TEXTS_BYTES_MAX];
    char longest[TEXT_BYTES_MAX];
    memset(longest, 'x', sizeof longest);
    struct layout_texts texts = {.start_day = 1,
                                 .completion_day = 65535,
                                 .name = longest,
                                 .name_bytes = TEXT_BYTES_MAX,
                                 .contractor = "中建",
                                 .contractor_bytes = 6};
    struct layout_texts read;
    size_t size = layout_texts_write(&texts, bytes);
    cr_assert(layout_texts_read(bytes, size, &read));
    cr_assert_eq(read.completion_day, 65535);
    cr_assert_eq(read.name_bytes, TEXT_BYTES_MAX);
    cr_assert_arr_eq(read.contractor, "中建", 6);

    struct entry_refusal refusals[2] = {{.row = 3, .code = 5}, {.row = 8191, .code = 22}};
    struct entry_refusal room[BATCH_ROWS_MAX];
    struct receipt receipt = {.sequence = 9, .version = 10, .rows = 8192, .refusal_count = 2, .refusals = refusals};
    struct receipt back;
    size = layout_receipt_write(&receipt, bytes);
    cr_assert(layout_receipt_read(bytes, size, 9, &back, room));
    cr_assert_eq(back.version, 10);
    cr_assert_eq(back.refusal_count, 2);
    cr_assert_arr_eq((uint8_t *)back.refusals, (uint8_t *)refusals, sizeof refusals);
}
