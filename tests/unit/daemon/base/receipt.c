#include "daemon/base/receipt.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct entry *make_entry(size_t rows) {
    struct entry *entry = calloc(1, sizeof *entry);
    cr_assert_not_null(entry);
    entry->kind = ENTRY_BATCH;
    entry->sequence = 7;
    entry->version = 99;
    entry->batch.rows = rows;
    entry->accepted = (uint32_t)rows;
    return entry;
}

Test(receipt, tells_every_refused_row_in_order) {
    struct entry *entry = make_entry(BATCH_ROWS_MAX);
    for (size_t row = 0; row < BATCH_ROWS_MAX; row += 3) {
        entry->verdicts[row] = (uint8_t)(1 + row % 22);
        entry->refused++;
        entry->accepted--;
    }
    entry->unchanged = 5;
    struct receipt receipt;
    cr_assert_eq(receipt_from_entry(&receipt, entry), ERROR_NONE);
    cr_assert(receipt.sequence == 7 && receipt.version == 99 && receipt.rows == BATCH_ROWS_MAX &&
              receipt.unchanged == 5 && receipt.batch_code == 0);
    cr_assert_eq(receipt.accepted + receipt.refusal_count, BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < receipt.refusal_count; i++) {
        cr_assert(receipt.refusals[i].row == 3 * i && receipt.refusals[i].code == 1 + 3 * i % 22);
    }
    free(receipt.refusals);
    free(entry);
}

Test(receipt, without_refused_rows_has_none) {
    struct entry *entry = make_entry(10);
    struct receipt receipt;
    cr_assert_eq(receipt_from_entry(&receipt, entry), ERROR_NONE);
    cr_assert(receipt.refusals == NULL && receipt.refusal_count == 0 && receipt.accepted == 10);
    free(entry);
}

/* What the verdicts hold then is of an earlier batch. */
Test(receipt, of_a_batch_refused_as_a_whole_tells_its_code_and_no_rows) {
    struct entry *entry = make_entry(10);
    entry->kind = ENTRY_BATCH_REFUSED;
    entry->batch_code = REFUSAL_COLUMNS_UNEVEN;
    entry->accepted = 0;
    entry->refused = 10;
    entry->verdicts[3] = REFUSAL_CODE_EMPTY;
    struct receipt receipt;
    cr_assert_eq(receipt_from_entry(&receipt, entry), ERROR_NONE);
    cr_assert(receipt.batch_code == REFUSAL_COLUMNS_UNEVEN && receipt.rows == 10 && receipt.accepted == 0);
    cr_assert(receipt.refusals == NULL && receipt.refusal_count == 0);
    free(entry);
}
