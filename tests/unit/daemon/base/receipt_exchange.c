#include "daemon/base/receipt_exchange.h"

#include <criterion/criterion.h>

enum { RECEIPTS = 1000 };

/* Receipt i has i % 7 refused rows. */
static void add(struct receipt_list *list, uint32_t i) {
    struct entry_refusal refusals[7];
    for (uint16_t row = 0; row < i % 7; row++) {
        refusals[row] = (struct entry_refusal){.row = row, .code = (uint16_t)(i % 20)};
    }
    struct receipt receipt = {
        .sequence = i, .version = 2 * i, .rows = 10, .refusal_count = i % 7, .refusals = i % 7 > 0 ? refusals : NULL};
    cr_assert_eq(receipt_list_add(list, (uint16_t)(i % 50), &receipt), ERROR_NONE);
}

static void check(const struct receipt_list *list, size_t index, uint32_t i) {
    struct receipt receipt = receipt_list_at(list, index);
    cr_assert(list->receipts[index].node == i % 50 && receipt.sequence == i && receipt.version == 2 * i);
    cr_assert_eq(receipt.refusal_count, i % 7);
    cr_assert_eq(receipt.refusals == NULL, i % 7 == 0);
    for (uint32_t row = 0; row < i % 7; row++) {
        cr_assert(receipt.refusals[row].row == row && receipt.refusals[row].code == i % 20);
    }
}

Test(receipt_list, keeps_receipts_with_their_refused_rows_while_it_grows) {
    struct receipt_list list = {0};
    for (uint32_t i = 0; i < RECEIPTS; i++) {
        add(&list, i);
    }
    cr_assert_eq(list.count, RECEIPTS);
    for (uint32_t i = 0; i < RECEIPTS; i++) {
        check(&list, i, i);
    }
    receipt_list_fini(&list);
    receipt_list_fini(&list);
}

Test(receipt_list, forgets_the_end_and_goes_on_from_there) {
    struct receipt_list list = {0};
    for (uint32_t i = 0; i < RECEIPTS; i++) {
        add(&list, i);
    }
    receipt_list_cut(&list, 10);
    receipt_list_cut(&list, 10);
    for (uint32_t i = 500; i < RECEIPTS; i++) {
        add(&list, i);
    }
    for (uint32_t i = 0; i < 10; i++) {
        check(&list, i, i);
    }
    for (uint32_t i = 500; i < RECEIPTS; i++) {
        check(&list, 10 + i - 500, i);
    }
    receipt_list_cut(&list, 0);
    cr_assert(list.count == 0 && list.refusal_count == 0);
    receipt_list_fini(&list);
}
