#include "client/cli/reader/row.h"

#include <criterion/criterion.h>

#include "proto/day.h"
#include "tests/unit/client/cli/competition.h"

static struct row_cells cells;
static struct row_texts texts;
static struct tally_project project;
static struct problem problem;

static void set(enum field field, const char *text) {
    cells.cell[field] = slice_of(text);
    cells.present[field] = true;
}

/* A row with nothing wrong. */
static void good_row(void) {
    cells = (struct row_cells){.unit = MONEY_UNIT_WAN_YUAN};
    set(FIELD_CODE, "2101-330106-04-01-123456");
    set(FIELD_NAME, "西湖区工程");
    set(FIELD_REGION, "330106");
    set(FIELD_CATEGORY, "重点工程");
    set(FIELD_STATUS, "enrolled");
    set(FIELD_CONTRACT_VALUE, "12345.678901");
    set(FIELD_PARTICIPANTS, "800");
    set(FIELD_MIGRANTS, "500");
    set(FIELD_CONTRACTOR, "某公司");
    set(FIELD_START, "2021/1/5");
    set(FIELD_COMPLETION, "2023-12-31");
    set(FIELD_EFFECTIVE, "2021年10月28日");
}

static enum problem_kind read_row(void) {
    struct row_rules rules = {.competition = competition_sample(), .today = 18928 /* 2021-10-28 */};
    return row_read(&cells, &rules, &texts, &project, &problem);
}

static void expect_problem(enum field field, const char *cell, enum problem_kind kind) {
    good_row();
    set(field, cell);
    cr_assert_eq(read_row(), kind, "%s: %d", cell, (int)problem.kind);
    cr_assert_eq(problem.field, field, "%s", cell);
}

static void expect_refusal(enum field field, const char *cell, enum refusal refusal) {
    expect_problem(field, cell, PROBLEM_REFUSAL);
    cr_assert_eq(problem.refusal, refusal, "%s: %s", cell, refusal_name(problem.refusal));
}

Test(row, a_good_row_is_read_exactly, .init = good_row) {
    cr_assert_eq(read_row(), PROBLEM_NONE);
    cr_assert_str_eq(project.code, "2101-330106-04-01-123456");
    cr_assert_str_eq(project.name, "西湖区工程");
    cr_assert_eq(project.region, 330106);
    cr_assert_eq(project.category, 1);
    cr_assert_eq(project.status, 3);
    cr_assert_eq(project.contract_value, 12345678901);
    cr_assert_eq(project.participants, 800);
    cr_assert_eq(project.migrant_participants, 500);
    cr_assert_str_eq(project.contractor, "某公司");
    cr_assert_eq(project.start_day, day_from_date((struct day_date){2021, 1, 5}));
    cr_assert_eq(project.completion_day, day_from_date((struct day_date){2023, 12, 31}));
    cr_assert_eq(project.effective_day, 18928);
}

Test(row, money_is_exact_in_every_unit, .init = good_row) {
    static const struct {
        enum money_unit unit;
        const char *text;
        int64_t fen;
    } cases[] = {{MONEY_UNIT_FEN, "123", 123},
                 {MONEY_UNIT_YUAN, "0.01", 1},
                 {MONEY_UNIT_YUAN, "90071992547409.93", 9007199254740993},
                 {MONEY_UNIT_WAN_YUAN, "0.1", 100000},
                 {MONEY_UNIT_YI_YUAN, "1.0000000001", 10000000001}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cells.unit = cases[i].unit;
        set(FIELD_CONTRACT_VALUE, cases[i].text);
        bool fits = cases[i].fen <= CONTRACT_VALUE_FEN_MAX;
        cr_assert_eq(read_row(), fits ? PROBLEM_NONE : PROBLEM_REFUSAL, "%s", cases[i].text);
        cr_assert(!fits || project.contract_value == cases[i].fen, "%s", cases[i].text);
    }
}

Test(row, spaces_around_cells_are_nothing, .init = good_row) {
    set(FIELD_CODE, "\u3000A-1 ");
    set(FIELD_REGION, " 330106\u00A0");
    set(FIELD_PARTICIPANTS, "\t800 ");
    cr_assert_eq(read_row(), PROBLEM_NONE);
    cr_assert_str_eq(project.code, "A-1");
    cr_assert_eq(project.region, 330106);
}

Test(row, labels_by_key_either_language_or_number, .init = good_row) {
    static const char *const names[] = {"vocational-skills", "职工职业技能", "Vocational Skills", "5", "05"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        set(FIELD_CATEGORY, names[i]);
        cr_assert_eq(read_row(), PROBLEM_NONE, "%s", names[i]);
        cr_assert_eq(project.category, 5);
    }
    set(FIELD_STATUS, "退出");
    cr_assert_eq(read_row(), PROBLEM_NONE);
    cr_assert_eq(project.status, 9);
}

Test(row, absent_columns_leave_texts_alone_and_empty_cells_empty_them, .init = good_row) {
    cells.present[FIELD_NAME] = false;
    cells.present[FIELD_MIGRANTS] = false;
    cells.present[FIELD_EFFECTIVE] = false;
    set(FIELD_CONTRACTOR, " ");
    set(FIELD_START, "");
    cr_assert_eq(read_row(), PROBLEM_NONE);
    cr_assert_null(project.name);
    cr_assert_str_eq(project.contractor, "");
    cr_assert_eq(project.migrant_participants, 0);
    cr_assert_eq(project.effective_day, 0);
    cr_assert_eq(project.start_day, 0);
}

Test(row, every_spreadsheet_damage_is_refused_with_its_column) {
    expect_problem(FIELD_CODE, "1.23E+17", PROBLEM_EXPONENT);
    expect_problem(FIELD_CODE, "２１０１", PROBLEM_FULL_WIDTH);
    expect_problem(FIELD_REGION, "33010", PROBLEM_REGION_DIGITS);
    expect_problem(FIELD_REGION, "33", PROBLEM_REGION_DIGITS);
    expect_problem(FIELD_REGION, "西湖区", PROBLEM_REGION_NAME);
    expect_problem(FIELD_CONTRACT_VALUE, "9.41E+11", PROBLEM_EXPONENT);
    expect_problem(FIELD_CONTRACT_VALUE, "1,234", PROBLEM_SEPARATOR);
    expect_problem(FIELD_CONTRACT_VALUE, "１２３", PROBLEM_FULL_WIDTH);
    expect_problem(FIELD_PARTICIPANTS, "1,234", PROBLEM_SEPARATOR);
    expect_problem(FIELD_PARTICIPANTS, "1.2E+03", PROBLEM_EXPONENT);
    expect_problem(FIELD_MIGRANTS, "１２", PROBLEM_FULL_WIDTH);
    expect_problem(FIELD_EFFECTIVE, "44497", PROBLEM_DATE_SERIAL);
}

Test(row, wrong_figures_are_refused) {
    expect_problem(FIELD_CONTRACT_VALUE, "120万", PROBLEM_NOT_NUMBER);
    expect_problem(FIELD_CONTRACT_VALUE, "0.0000001", PROBLEM_TOO_FINE);
    expect_problem(FIELD_CONTRACT_VALUE, "99999999999999999999", PROBLEM_TOO_LARGE);
    expect_refusal(FIELD_CONTRACT_VALUE, "-1", REFUSAL_VALUE_NEGATIVE);
    expect_refusal(FIELD_CONTRACT_VALUE, "1000000000.01", REFUSAL_VALUE_TOO_LARGE);
    expect_problem(FIELD_PARTICIPANTS, "12.5", PROBLEM_NOT_WHOLE);
    expect_problem(FIELD_PARTICIPANTS, "many", PROBLEM_NOT_NUMBER);
    expect_refusal(FIELD_PARTICIPANTS, "-3", REFUSAL_PARTICIPANTS_NEGATIVE);
    expect_refusal(FIELD_PARTICIPANTS, "100000001", REFUSAL_PARTICIPANTS_TOO_LARGE);
    expect_refusal(FIELD_PARTICIPANTS, "99999999999999999999999999", REFUSAL_PARTICIPANTS_TOO_LARGE);
    expect_refusal(FIELD_MIGRANTS, "-1", REFUSAL_MIGRANTS_NEGATIVE);
    expect_refusal(FIELD_MIGRANTS, "801", REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS);
}

Test(row, empty_cells_of_required_columns_are_refused) {
    expect_refusal(FIELD_CODE, " ", REFUSAL_CODE_EMPTY);
    expect_problem(FIELD_REGION, "", PROBLEM_EMPTY);
    expect_problem(FIELD_CATEGORY, "", PROBLEM_EMPTY);
    expect_problem(FIELD_STATUS, "", PROBLEM_EMPTY);
    expect_problem(FIELD_CONTRACT_VALUE, "", PROBLEM_EMPTY);
    expect_problem(FIELD_PARTICIPANTS, "", PROBLEM_EMPTY);
    expect_problem(FIELD_MIGRANTS, "", PROBLEM_EMPTY);
}

Test(row, wrong_codes_regions_and_labels_are_refused) {
    expect_refusal(FIELD_CODE, "A 1", REFUSAL_CODE_NOT_PRINTABLE);
    expect_refusal(FIELD_CODE, "项目1", REFUSAL_CODE_NOT_PRINTABLE);
    expect_refusal(FIELD_CODE, "A23456789012345678901234567890123", REFUSAL_CODE_TOO_LONG);
    expect_refusal(FIELD_REGION, "990106", REFUSAL_REGION_UNKNOWN);
    expect_refusal(FIELD_REGION, "110105", REFUSAL_REGION_OUTSIDE_COMPETITION);
    expect_refusal(FIELD_CATEGORY, "绿化", REFUSAL_CATEGORY_UNKNOWN);
    expect_refusal(FIELD_CATEGORY, "3", REFUSAL_CATEGORY_UNKNOWN);
    expect_refusal(FIELD_STATUS, "1", REFUSAL_STATUS_UNKNOWN);
}

Test(row, wrong_texts_and_dates_are_refused) {
    char text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect_refusal(FIELD_NAME, text, REFUSAL_TEXT_TOO_LONG);
    expect_refusal(FIELD_CONTRACTOR, "two\nlines", REFUSAL_TEXT_NOT_VALID);
    expect_problem(FIELD_START, "2021-02-30", PROBLEM_DATE);
    expect_problem(FIELD_COMPLETION, "soon", PROBLEM_DATE);
    expect_refusal(FIELD_EFFECTIVE, "2021-03-31", REFUSAL_DAY_BEFORE_START);
    expect_refusal(FIELD_EFFECTIVE, "2021-10-30", REFUSAL_DAY_IN_FUTURE);
    good_row();
    set(FIELD_EFFECTIVE, "2021-10-29");
    cr_assert_eq(read_row(), PROBLEM_NONE);
}
