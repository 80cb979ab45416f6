/* Each reason for which intake refuses a row, at its boundaries and in its order. */
#include "daemon/intake/admission.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/columns.h"

enum { FIRST_DAY = 18718, TODAY = 18900 };

static const struct competition competition = {.key = "csj-2021",
                                               .first_day = FIRST_DAY,
                                               .region_count = 3,
                                               .regions = {310000, 330000, 320500},
                                               .category_mask = 0x8005,
                                               .status_mask = 0x801F};

static const struct node_right node = {.name = "zhejiang", .region_count = 2, .regions = {330000, 310115}};

static const struct columns_row right = {.code = "2101-330106-04-01-123456",
                                         .region = 330106,
                                         .category = 2,
                                         .status = 4,
                                         .contract_value = 5,
                                         .participants = 60,
                                         .migrant_participants = 60,
                                         .effective_day = TODAY,
                                         .name = "杭州西站枢纽",
                                         .contractor = "浙江建工",
                                         .start_day = 18800,
                                         .completion_day = 19800};

struct desk {
    struct columns *columns;
    struct entry *entry;
    struct admission_memo memo;
    struct columns_present present;
};

static void desk_init(struct desk *desk) {
    *desk = (struct desk){.columns = columns_create(),
                          .entry = calloc(1, sizeof *desk->entry),
                          .present = {true, true, true, true, true}};
    cr_assert_not_null(desk->entry);
    desk->entry->day = TODAY;
}

static void desk_fini(struct desk *desk) {
    free(desk->columns);
    free(desk->entry);
}

static void judge_all(struct desk *desk) {
    desk->entry->batch = columns_batch(desk->columns, desk->present, 1, "csj-2021");
    admission_judge(desk->entry, &competition, &node, &desk->memo);
    uint32_t refused = 0;
    for (size_t i = 0; i < desk->columns->rows; i++) {
        refused += desk->entry->verdicts[i] != REFUSAL_NONE;
    }
    cr_assert_eq(desk->entry->refused_by_intake, refused);
}

/* The verdict on a row among two that are right. */
static enum refusal judge_row(struct desk *desk, const struct columns_row *row) {
    columns_clear(desk->columns);
    columns_add(desk->columns, &right);
    columns_add(desk->columns, row);
    columns_add(desk->columns, &right);
    judge_all(desk);
    cr_assert(desk->entry->verdicts[0] == REFUSAL_NONE && desk->entry->verdicts[2] == REFUSAL_NONE,
              "the other rows count");
    return (enum refusal)desk->entry->verdicts[1];
}

/* The same with and without texts in the batch: there are two ways through. */
static void expect(const struct columns_row *row, enum refusal refusal) {
    struct desk desk;
    desk_init(&desk);
    cr_assert_eq(judge_row(&desk, row), refusal, "%s, not %s", refusal_name(judge_row(&desk, row)),
                 refusal_name(refusal));
    if (refusal < REFUSAL_TEXT_TOO_LONG) {
        desk.present = (struct columns_present){.effective_day = true};
        cr_assert_eq(judge_row(&desk, row), refusal, "without texts");
    }
    desk_fini(&desk);
}

#define EXPECT(refusal, ...) \
    do { \
        struct columns_row row = right; \
        __VA_ARGS__; \
        expect(&row, refusal); \
    } while (0)

Test(admission, takes_a_right_row) {
    EXPECT(REFUSAL_NONE, row.code = row.code);
}

Test(admission, codes_have_one_to_thirty_two_bytes) {
    EXPECT(REFUSAL_CODE_EMPTY, row.code = "");
    EXPECT(REFUSAL_NONE, row.code = "x");
    EXPECT(REFUSAL_NONE, row.code = "0123456789-0123456789-0123456789");
    EXPECT(REFUSAL_CODE_TOO_LONG, row.code = "0123456789-0123456789-0123456789x");
    EXPECT(REFUSAL_CODE_TOO_LONG, row.code = "项目名称项目名称项目名称");
}

Test(admission, codes_are_printable_ascii_without_space) {
    for (int byte = 1; byte < 256; byte++) {
        char code[4] = {'a', (char)byte, 'b', '\0'};
        EXPECT(byte > 0x20 && byte < 0x7F ? REFUSAL_NONE : REFUSAL_CODE_NOT_PRINTABLE, row.code = code);
    }
    EXPECT(REFUSAL_CODE_NOT_PRINTABLE, row.code = "项目");
}

Test(admission, regions_are_known_in_the_competition_and_the_nodes) {
    EXPECT(REFUSAL_REGION_UNKNOWN, row.region = 0);
    EXPECT(REFUSAL_REGION_UNKNOWN, row.region = 999999);
    EXPECT(REFUSAL_REGION_UNKNOWN, row.region = 1330106);
    EXPECT(REFUSAL_REGION_UNKNOWN, row.region = UINT32_MAX);
    EXPECT(REFUSAL_REGION_UNKNOWN, row.region = 33);
    EXPECT(REFUSAL_REGION_OUTSIDE_COMPETITION, row.region = 110101);
    EXPECT(REFUSAL_REGION_OUTSIDE_COMPETITION, row.region = 320400);
    EXPECT(REFUSAL_REGION_OUTSIDE_COMPETITION, row.region = 320000);
    EXPECT(REFUSAL_REGION_NOT_YOURS, row.region = 320505);
    EXPECT(REFUSAL_REGION_NOT_YOURS, row.region = 310114);
    EXPECT(REFUSAL_REGION_NOT_YOURS, row.region = 310000);
    EXPECT(REFUSAL_NONE, row.region = 310115);
    EXPECT(REFUSAL_NONE, row.region = 330000);
    EXPECT(REFUSAL_NONE, row.region = 330100);
    EXPECT(REFUSAL_NONE, row.region = 330199);
}

Test(admission, categories_and_statuses_are_the_competitions) {
    for (uint32_t code = 0; code < 40; code++) {
        bool category = code < 16 && (competition.category_mask >> code & 1) != 0;
        bool status = code < 16 && (competition.status_mask >> code & 1) != 0;
        EXPECT(category ? REFUSAL_NONE : REFUSAL_CATEGORY_UNKNOWN, row.category = code);
        EXPECT(status ? REFUSAL_NONE : REFUSAL_STATUS_UNKNOWN, row.status = code);
    }
    EXPECT(REFUSAL_CATEGORY_UNKNOWN, row.category = UINT32_MAX);
    EXPECT(REFUSAL_STATUS_UNKNOWN, row.status = UINT32_MAX);
    EXPECT(REFUSAL_CATEGORY_UNKNOWN, row.category = 256);
}

Test(admission, figures_stay_within_their_limits) {
    EXPECT(REFUSAL_NONE, row.contract_value = 0);
    EXPECT(REFUSAL_VALUE_NEGATIVE, row.contract_value = -1);
    EXPECT(REFUSAL_VALUE_NEGATIVE, row.contract_value = INT64_MIN);
    EXPECT(REFUSAL_NONE, row.contract_value = CONTRACT_VALUE_FEN_MAX);
    EXPECT(REFUSAL_VALUE_TOO_LARGE, row.contract_value = CONTRACT_VALUE_FEN_MAX + 1);
    EXPECT(REFUSAL_VALUE_TOO_LARGE, row.contract_value = INT64_MAX);
    EXPECT(REFUSAL_PARTICIPANTS_NEGATIVE, row.participants = -1);
    EXPECT(REFUSAL_PARTICIPANTS_NEGATIVE, row.participants = INT64_MIN);
    EXPECT(REFUSAL_NONE, row.participants = PARTICIPANTS_MAX);
    EXPECT(REFUSAL_PARTICIPANTS_TOO_LARGE, row.participants = PARTICIPANTS_MAX + 1);
    EXPECT(REFUSAL_PARTICIPANTS_TOO_LARGE, row.participants = INT64_MAX);
    EXPECT(REFUSAL_MIGRANTS_NEGATIVE, row.migrant_participants = -1);
    EXPECT(REFUSAL_MIGRANTS_NEGATIVE, row.migrant_participants = INT64_MIN);
    EXPECT(REFUSAL_NONE, row.migrant_participants = 0);
    EXPECT(REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS, row.migrant_participants = 61);
    EXPECT(REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS, row.migrant_participants = INT64_MAX);
    EXPECT(REFUSAL_NONE, row.participants = 0; row.migrant_participants = 0);
    EXPECT(REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS, row.participants = 0; row.migrant_participants = 1);
}

Test(admission, days_lie_between_the_start_and_tomorrow) {
    EXPECT(REFUSAL_NONE, row.effective_day = FIRST_DAY);
    EXPECT(REFUSAL_DAY_BEFORE_START, row.effective_day = FIRST_DAY - 1);
    EXPECT(REFUSAL_DAY_BEFORE_START, row.effective_day = 1);
    EXPECT(REFUSAL_NONE, row.effective_day = TODAY + 1);
    EXPECT(REFUSAL_DAY_IN_FUTURE, row.effective_day = TODAY + 2);
    EXPECT(REFUSAL_DAY_IN_FUTURE, row.effective_day = 65535);
    EXPECT(REFUSAL_DAY_IN_FUTURE, row.effective_day = 65536 + TODAY);
    EXPECT(REFUSAL_DAY_IN_FUTURE, row.effective_day = UINT32_MAX);
    EXPECT(REFUSAL_NONE, row.effective_day = 0);
}

Test(admission, no_day_is_the_day_of_receipt) {
    struct desk desk;
    desk_init(&desk);
    desk.present.effective_day = false;
    struct columns_row row = right;
    row.effective_day = 1; /* in a column that the batch does not have */
    cr_assert_eq(judge_row(&desk, &row), REFUSAL_NONE);
    desk.entry->day = FIRST_DAY - 1;
    columns_clear(desk.columns);
    columns_add(desk.columns, &right);
    judge_all(&desk);
    cr_assert_eq(desk.entry->verdicts[0], REFUSAL_DAY_BEFORE_START, "received before the competition began");
    desk_fini(&desk);
}

Test(admission, texts_are_at_most_255_bytes_of_utf8_without_controls) {
    char longest[TEXT_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[TEXT_BYTES_MAX] = '\0';
    EXPECT(REFUSAL_NONE, row.name = longest; row.contractor = longest);
    longest[TEXT_BYTES_MAX] = 'x';
    longest[TEXT_BYTES_MAX + 1] = '\0';
    EXPECT(REFUSAL_TEXT_TOO_LONG, row.name = longest);
    EXPECT(REFUSAL_TEXT_TOO_LONG, row.contractor = longest);
    EXPECT(REFUSAL_NONE, row.name = ""; row.contractor = "");
    EXPECT(REFUSAL_TEXT_NOT_VALID, row.name = "a\nb");
    EXPECT(REFUSAL_TEXT_NOT_VALID, row.contractor = "\xD5\xE3\xBD\xAD");
    EXPECT(REFUSAL_TEXT_NOT_VALID, row.contractor = "\xC2\x85");
    EXPECT(REFUSAL_TEXT_TOO_LONG, row.name = "\n"; row.contractor = longest);
    EXPECT(REFUSAL_TEXT_TOO_LONG, row.name = longest; row.contractor = "\n");
}

Test(admission, dates_are_days_up_to_65535) {
    EXPECT(REFUSAL_NONE, row.start_day = 0; row.completion_day = 0);
    EXPECT(REFUSAL_NONE, row.start_day = DAY_LIMIT - 1; row.completion_day = DAY_LIMIT - 1);
    EXPECT(REFUSAL_DATE_OUT_OF_RANGE, row.start_day = DAY_LIMIT);
    EXPECT(REFUSAL_DATE_OUT_OF_RANGE, row.completion_day = DAY_LIMIT);
    EXPECT(REFUSAL_DATE_OUT_OF_RANGE, row.completion_day = UINT32_MAX);
}

/* A row with everything wrong that can be wrong at once, mended from the first reason to the last. */
Test(admission, the_first_reason_is_given_in_the_order_of_their_numbers) {
    struct columns_row row = {.code = "",
                              .region = 999999,
                              .category = 99,
                              .status = 99,
                              .contract_value = -1,
                              .participants = -1,
                              .migrant_participants = -1,
                              .effective_day = 1,
                              .name = "\n",
                              .contractor = "\n",
                              .start_day = UINT32_MAX};
    char too_long[TEXT_BYTES_MAX + 2];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    expect(&row, REFUSAL_CODE_EMPTY);
    row.code = "项目名称项目名称项目名称";
    expect(&row, REFUSAL_CODE_TOO_LONG);
    row.code = "项目";
    expect(&row, REFUSAL_CODE_NOT_PRINTABLE);
    row.code = "p";
    expect(&row, REFUSAL_REGION_UNKNOWN);
    row.region = 110101;
    expect(&row, REFUSAL_REGION_OUTSIDE_COMPETITION);
    row.region = 320505;
    expect(&row, REFUSAL_REGION_NOT_YOURS);
    row.region = 330106;
    expect(&row, REFUSAL_CATEGORY_UNKNOWN);
    row.category = 0;
    expect(&row, REFUSAL_STATUS_UNKNOWN);
    row.status = 0;
    expect(&row, REFUSAL_VALUE_NEGATIVE);
    row.contract_value = INT64_MAX;
    expect(&row, REFUSAL_VALUE_TOO_LARGE);
    row.contract_value = 0;
    expect(&row, REFUSAL_PARTICIPANTS_NEGATIVE);
    row.participants = INT64_MAX;
    expect(&row, REFUSAL_PARTICIPANTS_TOO_LARGE);
    row.participants = 0;
    expect(&row, REFUSAL_MIGRANTS_NEGATIVE);
    row.migrant_participants = 1;
    expect(&row, REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS);
    row.migrant_participants = 0;
    expect(&row, REFUSAL_DAY_BEFORE_START);
    row.effective_day = UINT32_MAX;
    expect(&row, REFUSAL_DAY_IN_FUTURE);
    row.effective_day = 0;
    row.contractor = too_long;
    expect(&row, REFUSAL_TEXT_TOO_LONG);
    row.contractor = "";
    expect(&row, REFUSAL_TEXT_NOT_VALID);
    row.name = "";
    expect(&row, REFUSAL_DATE_OUT_OF_RANGE);
    row.start_day = 0;
    expect(&row, REFUSAL_NONE);
}

/* Codes are cut out of one run of bytes: a wrong length must not shift the others. */
Test(admission, a_row_is_judged_by_its_own_code) {
    struct desk desk;
    desk_init(&desk);
    desk.present = (struct columns_present){0};
    static const struct {
        const char *code;
        enum refusal refusal;
    } rows[] = {{"a", REFUSAL_NONE},
                {"", REFUSAL_CODE_EMPTY},
                {"bb", REFUSAL_NONE},
                {"c c", REFUSAL_CODE_NOT_PRINTABLE},
                {"0123456789-0123456789-0123456789-0123456789", REFUSAL_CODE_TOO_LONG},
                {"d", REFUSAL_NONE},
                {" ", REFUSAL_CODE_NOT_PRINTABLE},
                {"e", REFUSAL_NONE}};
    enum { ROWS = sizeof rows / sizeof rows[0] };
    for (size_t i = 0; i < ROWS; i++) {
        struct columns_row row = right;
        row.code = rows[i].code;
        columns_add(desk.columns, &row);
    }
    judge_all(&desk);
    for (size_t i = 0; i < ROWS; i++) {
        cr_assert_eq(desk.entry->verdicts[i], rows[i].refusal, "row %zu", i);
    }
    cr_assert_eq(desk.entry->refused_by_intake, 4);
    desk_fini(&desk);
}
