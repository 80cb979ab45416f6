#include "client/cli/reader/ndjson.h"

#include <criterion/criterion.h>

static struct ndjson reader;
static struct row_cells cells;
static struct problem problem;

static void finish(void) {
    ndjson_fini(&reader);
}

static enum problem_kind read_line(const char *text) {
    ndjson_fini(&reader);
    ndjson_init(&reader, text, strlen(text));
    cr_assert(ndjson_next(&reader));
    return ndjson_cells(&reader, &cells, &problem);
}

Test(ndjson, strings_and_integers_become_cells, .fini = finish) {
    cr_assert_eq(read_line("{\"code\":\"A\",\"region\":330106,\"contract_value_fen\":9007199254740993,"
                           "\"participants\":\"12\",\"name\":null}"),
                 PROBLEM_NONE);
    cr_assert(slice_equal(cells.cell[FIELD_CODE], "A"));
    cr_assert(slice_equal(cells.cell[FIELD_REGION], "330106"));
    cr_assert(slice_equal(cells.cell[FIELD_CONTRACT_VALUE], "9007199254740993"));
    cr_assert(slice_equal(cells.cell[FIELD_PARTICIPANTS], "12"));
    cr_assert(cells.present[FIELD_NAME]);
    cr_assert_eq(cells.cell[FIELD_NAME].size, 0);
    cr_assert_not(cells.present[FIELD_STATUS]);
    cr_assert_eq(cells.unit, MONEY_UNIT_FEN);
}

Test(ndjson, chinese_keys_work_too, .fini = finish) {
    cr_assert_eq(read_line("{\"项目代码\":\"A\",\"合同造价(万元)\":\"1.5\"}"), PROBLEM_NONE);
    cr_assert(slice_equal(cells.cell[FIELD_CONTRACT_VALUE], "1.5"));
    cr_assert_eq(cells.unit, MONEY_UNIT_WAN_YUAN);
}

Test(ndjson, what_is_not_exact_or_not_clear_is_refused, .fini = finish) {
    cr_assert_eq(read_line("{\"contract_value_yuan\":12.5}"), PROBLEM_JSON_REAL);
    cr_assert_eq(problem.field, FIELD_CONTRACT_VALUE);
    cr_assert_eq(read_line("{\"participants\":1e3}"), PROBLEM_JSON_REAL);
    cr_assert_eq(read_line("{\"code\":42}"), PROBLEM_JSON_TYPE);
    cr_assert_eq(read_line("{\"name\":[]}"), PROBLEM_JSON_TYPE);
    cr_assert_eq(read_line("{\"contract_value\":12}"), PROBLEM_JSON_UNIT);
    cr_assert_eq(read_line("{\"contract_value_yuan\":1,\"contract_value_fen\":100}"), PROBLEM_TWICE);
    cr_assert_eq(read_line("[1]"), PROBLEM_JSON_SYNTAX);
    cr_assert_eq(read_line("{\"code\":\"A\",\"code\":\"B\"}"), PROBLEM_JSON_SYNTAX);
    cr_assert_eq(read_line("{\"code\":\"A\""), PROBLEM_JSON_SYNTAX);
}

Test(ndjson, lines_are_numbered_and_blank_ones_skipped, .fini = finish) {
    static const char text[] = "{\"code\":\"A\"}\r\n\n  \n{\"code\":\"B\"}";
    ndjson_init(&reader, text, strlen(text));
    cr_assert(ndjson_next(&reader));
    cr_assert_eq(reader.row, 1);
    cr_assert(ndjson_next(&reader));
    cr_assert_eq(reader.row, 4);
    cr_assert_not(ndjson_next(&reader));
}

Test(ndjson, keys_in_another_order_are_not_mixed_up, .fini = finish) {
    static const char text[] = "{\"code\":\"A\",\"status\":\"s\",\"x\":1}\n{\"status\":\"t\",\"code\":\"B\",\"y\":2}\n";
    ndjson_init(&reader, text, strlen(text));
    cr_assert(ndjson_next(&reader));
    cr_assert_eq(ndjson_cells(&reader, &cells, &problem), PROBLEM_NONE);
    cr_assert(ndjson_next(&reader));
    cr_assert_eq(ndjson_cells(&reader, &cells, &problem), PROBLEM_NONE);
    cr_assert(slice_equal(cells.cell[FIELD_CODE], "B"));
    cr_assert(slice_equal(cells.cell[FIELD_STATUS], "t"));
    cr_assert_str_eq(reader.unknown, "x, y");
}
