/* The bound on a competition's values: never passed, and given back when batches come home. */
#include "daemon/intake/budget.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/columns.h"

struct desk {
    struct columns *columns;
    struct entry *entry;
};

static void desk_init(struct desk *desk) {
    *desk = (struct desk){.columns = columns_create(), .entry = calloc(1, sizeof *desk->entry)};
    cr_assert_not_null(desk->entry);
}

static void desk_fini(struct desk *desk) {
    free(desk->columns);
    free(desk->entry);
}

static void add(struct desk *desk, int64_t value) {
    columns_add(desk->columns, &(struct columns_row){.code = "p", .region = 330106, .contract_value = value});
    desk->entry->batch = columns_batch(desk->columns, (struct columns_present){0}, 1, "");
}

Test(budget, what_fits_to_the_last_fen_is_taken_and_the_rest_refused_row_by_row) {
    struct desk desk;
    desk_init(&desk);
    struct budget budget = {.known = VALUE_SUM_MAX - 100};
    add(&desk, 60);
    add(&desk, 41);
    add(&desk, 40);
    add(&desk, 1);
    add(&desk, 0);
    budget_spend(&budget, desk.entry);
    static const uint8_t expected[] = {0, REFUSAL_TOTALS_FULL, 0, REFUSAL_TOTALS_FULL, 0};
    cr_assert_arr_eq(desk.entry->verdicts, expected, sizeof expected);
    cr_assert(desk.entry->refused_by_intake == 2 && desk.entry->value_offered == 100 && budget.under_way == 100);
    desk_fini(&desk);
}

Test(budget, refused_rows_do_not_count) {
    struct desk desk;
    desk_init(&desk);
    struct budget budget = {.known = VALUE_SUM_MAX - 10};
    add(&desk, -5);
    add(&desk, 10);
    desk.entry->verdicts[0] = REFUSAL_VALUE_NEGATIVE;
    desk.entry->refused_by_intake = 1;
    budget_spend(&budget, desk.entry);
    cr_assert(desk.entry->verdicts[1] == REFUSAL_NONE && desk.entry->refused_by_intake == 1);
    cr_assert_eq(desk.entry->value_offered, 10);
    desk_fini(&desk);
}

Test(budget, a_batch_that_comes_home_brings_the_exact_sum_and_gives_back_what_it_held) {
    struct desk desk;
    desk_init(&desk);
    struct budget budget = {.known = VALUE_SUM_MAX - 10};
    add(&desk, 10);
    budget_spend(&budget, desk.entry);
    desk.entry->value_sum = VALUE_SUM_MAX - 10; /* it replaced a project of the same value */
    budget_settle(&budget, desk.entry);
    cr_assert(budget.known == VALUE_SUM_MAX - 10 && budget.under_way == 0);
    budget_spend(&budget, desk.entry);
    cr_assert_eq(desk.entry->value_offered, 10, "so there is room again");
    desk_fini(&desk);
}

Test(budget, the_largest_batches_neither_overflow_nor_pass_the_bound) {
    struct desk desk;
    desk_init(&desk);
    struct budget budget = {0};
    for (size_t i = 0; i < BATCH_ROWS_MAX; i++) {
        add(&desk, CONTRACT_VALUE_FEN_MAX);
    }
    budget_spend(&budget, desk.entry);
    cr_assert_eq(desk.entry->value_offered, VALUE_SUM_MAX / CONTRACT_VALUE_FEN_MAX * CONTRACT_VALUE_FEN_MAX);
    cr_assert(budget.under_way <= VALUE_SUM_MAX && desk.entry->refused_by_intake > 0);
    desk_fini(&desk);
}
