#include "client/cli/reader/sheet.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/client/cli/competition.h"

#define HEADER "项目代码,行政区划代码,竞赛类别,状态,合同造价(万元),参与人数,其中农民工\n"

static struct sheet *sheet;
static struct sheet_row row;
static char message[SHEET_MESSAGE_BYTES];

static void finish(void) {
    sheet_close(&sheet);
}

static bool start_as(const char *text, enum sheet_format format, bool short_codes) {
    struct sheet_options options = {.text = text,
                                    .size = strlen(text),
                                    .format = format,
                                    .competition = competition_sample(),
                                    .today = 18928,
                                    .short_codes = short_codes};
    return sheet_open(&options, &sheet, message);
}

static bool start(const char *text) {
    return start_as(text, SHEET_AUTO, false);
}

static void expect_good(uint64_t number, const char *code) {
    cr_assert(sheet_next(sheet, &row));
    cr_assert_eq(row.problem.kind, PROBLEM_NONE);
    cr_assert_eq(row.row, number);
    cr_assert_str_eq(row.project.code, code);
}

static void expect_bad(uint64_t number, enum problem_kind kind) {
    cr_assert(sheet_next(sheet, &row));
    cr_assert_eq(row.row, number);
    cr_assert_eq(row.problem.kind, kind, "row %d: %d", (int)number, (int)row.problem.kind);
}

Test(sheet, good_rows_among_bad_ones_and_empty_ones, .fini = finish) {
    cr_assert(start(HEADER "A-1,330106,重点工程,已报名,1.5,10,5\n"
                           "\n"
                           "A-2,33010,重点工程,已报名,1.5,10,5\n"
                           "A-3,330106,重点工程,已报名,\"1,234\",10,5\n"
                           ",,,,,,\n"
                           "A-4,330106,重点工程,已报名,3,10,5\n"));
    expect_good(2, "A-1");
    expect_bad(4, PROBLEM_REGION_DIGITS);
    expect_bad(5, PROBLEM_SEPARATOR);
    expect_good(7, "A-4");
    cr_assert_not(sheet_next(sheet, &row));
    cr_assert_not(sheet_failed(sheet));
    cr_assert_eq(sheet_found(sheet), SHEET_CSV);
    cr_assert_eq(sheet_language(sheet), LANGUAGE_ZH);
    cr_assert_str_eq(sheet_column_name(sheet, FIELD_CONTRACT_VALUE), "合同造价(万元)");
}

Test(sheet, formats_are_found, .fini = finish) {
    cr_assert(start("code\tregion\tcategory\tstatus\tcontract_value_yuan\tparticipants\n"
                    "A\t330106\t1\t3\t5\t6\n"));
    cr_assert_eq(sheet_found(sheet), SHEET_TSV);
    cr_assert_not(sheet_has_column(sheet, FIELD_MIGRANTS));
    expect_good(2, "A");
    sheet_close(&sheet);
    cr_assert(start("code;region;category;status;contract_value_yuan;participants\nA;330106;1;3;5;6\n"));
    cr_assert_eq(sheet_delimiter(sheet), ';');
    expect_good(2, "A");
    sheet_close(&sheet);
    cr_assert(start("\n {\"code\":\"A\",\"region\":\"330106\",\"category\":1,\"status\":\"enrolled\","
                    "\"contract_value_yuan\":5,\"participants\":6}\n"));
    cr_assert_eq(sheet_found(sheet), SHEET_NDJSON);
    expect_good(2, "A");
    cr_assert_eq(row.project.contract_value, 500);
}

Test(sheet, a_missing_key_of_ndjson_is_refused_by_row, .fini = finish) {
    cr_assert(start("{\"code\":\"A\",\"region\":\"330106\"}\n"));
    expect_bad(1, PROBLEM_EMPTY);
    cr_assert_eq(row.problem.field, FIELD_CATEGORY);
}

Test(sheet, files_without_a_usable_header_are_refused) {
    cr_assert_not(start(""));
    cr_assert(strstr(message, "empty") != NULL);
    cr_assert_not(start("一份报表\n" HEADER));
    cr_assert(strstr(message, "lacks") != NULL, "%s", message);
    cr_assert_not(start("code,region,category,status,contract_value,participants\n"));
    cr_assert(strstr(message, "unit") != NULL, "%s", message);
    cr_assert_null(sheet);
}

Test(sheet, short_codes_of_digits_are_refused_unless_allowed, .fini = finish) {
    static const char text[] = HEADER "000123,330106,1,3,1,10,5\n"
                                      "124,330106,1,3,1,10,5\n"
                                      "000125,330106,1,3,1,10,5\n"
                                      "B,330106,1,3,1,10,5\n";
    cr_assert(start(text));
    expect_good(2, "000123");
    expect_bad(3, PROBLEM_CODE_SHORT);
    expect_good(4, "000125");
    expect_good(5, "B");
    sheet_close(&sheet);
    cr_assert(start_as(text, SHEET_AUTO, true));
    expect_good(2, "000123");
    expect_good(3, "124");
}

Test(sheet, rows_with_surplus_cells_are_refused_and_empty_surplus_is_not, .fini = finish) {
    cr_assert(start(HEADER "A,330106,1,3,1,10,5,,\nB,330106,1,3,1,234,10,5\n"));
    expect_good(2, "A");
    expect_bad(3, PROBLEM_CELLS_TOO_MANY);
}

Test(sheet, short_rows_lack_their_last_cells, .fini = finish) {
    cr_assert(start(HEADER "A,330106,1,3\n"));
    expect_bad(2, PROBLEM_EMPTY);
    cr_assert_eq(row.problem.field, FIELD_CONTRACT_VALUE);
}

Test(sheet, an_open_quote_ends_the_sheet_with_a_refused_row, .fini = finish) {
    cr_assert(start(HEADER "A,330106,1,3,1,10,5\n\"B,330106,1,3,1,10,5\nC,330106,1,3,1,10,5\n"));
    expect_good(2, "A");
    expect_bad(3, PROBLEM_QUOTE_OPEN);
    cr_assert_not(sheet_next(sheet, &row));
}

Test(sheet, unknown_columns_are_named_and_the_reason_is_not, .fini = finish) {
    cr_assert(start("code,region,category,status,contract_value_yuan,participants,phone,reason\n"));
    cr_assert_str_eq(sheet_ignored(sheet), "phone");
}

Test(sheet, texts_live_for_a_whole_chunk_of_good_rows, .fini = finish) {
    char *text = malloc(128 * (SHEET_TEXT_ROWS + 10));
    size_t used = (size_t)sprintf(text, HEADER);
    for (int i = 0; i < SHEET_TEXT_ROWS; i++) {
        used += (size_t)sprintf(text + used, "K-%d,330106,1,3,1,10,5\nBAD-%d,330106,9,3,1,10,5\n", i, i);
    }
    cr_assert(start(text));
    const char **codes = malloc(SHEET_TEXT_ROWS * sizeof *codes);
    for (int i = 0; i < SHEET_TEXT_ROWS; i++) {
        cr_assert(sheet_next(sheet, &row));
        codes[i] = row.project.code;
        cr_assert(sheet_next(sheet, &row));
        cr_assert_eq(row.problem.kind, PROBLEM_REFUSAL);
    }
    for (int i = 0; i < SHEET_TEXT_ROWS; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "K-%d", i);
        cr_assert_str_eq(codes[i], expected);
    }
    cr_assert_eq(sheet_position(sheet), used);
    free(codes);
    free(text);
}
