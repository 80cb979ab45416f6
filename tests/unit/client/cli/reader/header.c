#include "client/cli/reader/header.h"

#include <criterion/criterion.h>

static void expect_field(const char *name, enum field field) {
    cr_assert_eq(header_name_read(slice_of(name)).field, field, "%s", name);
}

Test(header, names_of_the_form_in_both_languages) {
    expect_field("项目代码", FIELD_CODE);
    expect_field("项目名称", FIELD_NAME);
    expect_field("行政区划代码", FIELD_REGION);
    expect_field("竞赛类别", FIELD_CATEGORY);
    expect_field("状态", FIELD_STATUS);
    expect_field("参与人数", FIELD_PARTICIPANTS);
    expect_field("其中农民工", FIELD_MIGRANTS);
    expect_field("承建单位", FIELD_CONTRACTOR);
    expect_field("开工日期", FIELD_START);
    expect_field("竣工日期", FIELD_COMPLETION);
    expect_field("生效日期", FIELD_EFFECTIVE);
    expect_field("原因", FIELD_REASON);
    expect_field("code", FIELD_CODE);
    expect_field("name", FIELD_NAME);
    expect_field("region", FIELD_REGION);
    expect_field("category", FIELD_CATEGORY);
    expect_field("status", FIELD_STATUS);
    expect_field("participants", FIELD_PARTICIPANTS);
    expect_field("migrant_participants", FIELD_MIGRANTS);
    expect_field("contractor", FIELD_CONTRACTOR);
    expect_field("start_date", FIELD_START);
    expect_field("completion_date", FIELD_COMPLETION);
    expect_field("effective_date", FIELD_EFFECTIVE);
    expect_field("reason", FIELD_REASON);
}

Test(header, case_spaces_and_brackets_make_no_difference) {
    expect_field("Start Date", FIELD_START);
    expect_field("MIGRANT-PARTICIPANTS", FIELD_MIGRANTS);
    expect_field(" 项目　代码 ", FIELD_CODE);
    expect_field("*项目代码", FIELD_CODE);
}

Test(header, usual_names_are_read_back) {
    for (enum field field = 0; field < FIELD_COUNT; field++) {
        if (field != FIELD_CONTRACT_VALUE) {
            expect_field(header_field_name(field, LANGUAGE_EN), field);
            expect_field(header_field_name(field, LANGUAGE_ZH), field);
        }
    }
}

Test(header, strange_names_mean_nothing) {
    expect_field("", FIELD_UNKNOWN);
    expect_field("备注", FIELD_UNKNOWN);
    expect_field("codes", FIELD_UNKNOWN);
    expect_field("a name that is far too long to be the name of any column that could ever be known here at all",
                 FIELD_UNKNOWN);
}

static void expect_unit(const char *name, enum money_unit unit) {
    struct header_name read = header_name_read(slice_of(name));
    cr_assert_eq(read.field, FIELD_CONTRACT_VALUE, "%s", name);
    cr_assert_eq(read.unit_state, HEADER_UNIT_GIVEN, "%s", name);
    cr_assert_eq(read.unit, unit, "%s", name);
}

Test(header, money_names_its_unit) {
    expect_unit("合同造价(元)", MONEY_UNIT_YUAN);
    expect_unit("合同造价（元）", MONEY_UNIT_YUAN);
    expect_unit("合同造价(万元)", MONEY_UNIT_WAN_YUAN);
    expect_unit("合同造价（万元）", MONEY_UNIT_WAN_YUAN);
    expect_unit("合同造价_万元", MONEY_UNIT_WAN_YUAN);
    expect_unit("合同造价 （亿元）", MONEY_UNIT_YI_YUAN);
    expect_unit("合同造价(分)", MONEY_UNIT_FEN);
    expect_unit("contract_value_yuan", MONEY_UNIT_YUAN);
    expect_unit("contract_value_wan", MONEY_UNIT_WAN_YUAN);
    expect_unit("contract_value_yi", MONEY_UNIT_YI_YUAN);
    expect_unit("contract_value_fen", MONEY_UNIT_FEN);
    expect_unit("Contract value (yuan)", MONEY_UNIT_YUAN);
}

Test(header, money_without_a_known_unit_is_refused_with_a_hint) {
    static const char *const names[] = {"合同造价", "contract_value", "合同造价(美元)", "contract value (USD)"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct header header = {0};
        char message[HEADER_MESSAGE_BYTES];
        cr_assert_not(header_add(&header, slice_of(names[i]), message), "%s", names[i]);
        cr_assert(strstr(message, names[i]) != NULL && strstr(message, "合同造价(万元)") != NULL, "%s", message);
    }
}

Test(header, missing_columns_are_all_named) {
    struct header header = {0};
    char message[HEADER_MESSAGE_BYTES];
    cr_assert(header_add(&header, slice_of("项目代码"), message));
    cr_assert(header_add(&header, slice_of("状态"), message));
    cr_assert_not(header_complete(&header, message));
    static const char *const missing[] = {"行政区划代码", "竞赛类别", "合同造价(元|万元|亿元)", "参与人数"};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        cr_assert(strstr(message, missing[i]) != NULL, "%s in %s", missing[i], message);
    }
    cr_assert(strstr(message, "项目代码") == NULL);
}

Test(header, a_column_twice_is_refused) {
    struct header header = {0};
    char message[HEADER_MESSAGE_BYTES];
    cr_assert(header_add(&header, slice_of("code"), message));
    cr_assert_not(header_add(&header, slice_of("项目代码"), message));
    cr_assert(strstr(message, "columns 1 and 2") != NULL, "%s", message);
}

Test(header, unknown_columns_are_listed) {
    struct header header = {0};
    char message[HEADER_MESSAGE_BYTES];
    cr_assert(header_add(&header, slice_of("备注"), message));
    cr_assert(header_add(&header, slice_of("code"), message));
    cr_assert(header_add(&header, slice_of("phone"), message));
    cr_assert_str_eq(header.unknown, "备注, phone");
    cr_assert_eq(header.column[FIELD_CODE], 1);
}

Test(header, the_language_is_that_of_the_code_column) {
    struct header zh = {0};
    struct header en = {0};
    char message[HEADER_MESSAGE_BYTES];
    cr_assert(header_add(&zh, slice_of("项目代码"), message));
    cr_assert(header_add(&en, slice_of("code"), message));
    cr_assert_eq(zh.language, LANGUAGE_ZH);
    cr_assert_eq(en.language, LANGUAGE_EN);
}
