#include "client/cli/sentence.h"

#include <criterion/criterion.h>

static char buffer[SENTENCE_BYTES];

static const struct tally_totals headline = {
    .projects = 780, .contract_value = INT64_C(94100000000000), .participants = 600000, .migrant_participants = 381234};

Test(sentence, the_sentence_of_the_news_item_in_chinese) {
    struct sentence sentence = {.day = 18928, .place = "长三角地区", .totals = headline};
    cr_assert_str_eq(sentence_write(&sentence, LANGUAGE_ZH, buffer),
                     "截至2021年10月28日,长三角地区已报名参加的项目达780个,合同总造价9410亿元,参与竞赛人员达60万人");
    sentence.migrants = true;
    cr_assert_str_eq(sentence_write(&sentence, LANGUAGE_ZH, buffer),
                     "截至2021年10月28日,长三角地区已报名参加的项目达780个,合同总造价9410亿元,参与竞赛人员达60万人,"
                     "其中农民工38.12万人");
}

Test(sentence, the_same_in_english) {
    struct sentence sentence = {.day = 18928, .place = "the Yangtze River Delta", .totals = headline};
    cr_assert_str_eq(
        sentence_write(&sentence, LANGUAGE_EN, buffer),
        "As of 28 October 2021, 780 projects in the Yangtze River Delta had enrolled, with contracts worth "
        "941.0 billion yuan and 600,000 participants.");
    sentence.migrants = true;
    cr_assert_str_eq(
        sentence_write(&sentence, LANGUAGE_EN, buffer),
        "As of 28 October 2021, 780 projects in the Yangtze River Delta had enrolled, with contracts worth "
        "941.0 billion yuan and 600,000 participants, among them 381,234 migrant workers.");
}

Test(sentence, one_is_not_many) {
    struct sentence sentence = {
        .day = 18720,
        .place = "Zhejiang",
        .migrants = true,
        .totals = {.projects = 1, .contract_value = 100, .participants = 1, .migrant_participants = 1}};
    cr_assert_str_eq(sentence_write(&sentence, LANGUAGE_EN, buffer),
                     "As of 3 April 2021, 1 project in Zhejiang had enrolled, with contracts worth 1 yuan and "
                     "1 participant, among them 1 migrant worker.");
}

Test(sentence, nothing_reads_larger_than_it_is) {
    struct sentence sentence = {
        .day = 18928,
        .place = "长三角地区",
        .totals = {.projects = 779, .contract_value = INT64_C(94099999999999), .participants = 599999}};
    cr_assert_str_eq(
        sentence_write(&sentence, LANGUAGE_ZH, buffer),
        "截至2021年10月28日,长三角地区已报名参加的项目达779个,合同总造价9409.99亿元,参与竞赛人员达59.99万人");
}

Test(sentence, heads_in_ten_thousands) {
    char heads[SENTENCE_HEADS_BYTES];
    static const struct {
        int64_t heads;
        const char *text;
    } cases[] = {{0, "0"},          {9999, "9999"},         {10000, "1万"},     {10099, "1万"},
                 {10100, "1.01万"}, {12345, "1.23万"},      {123000, "12.3万"}, {123456, "12.34万"},
                 {600000, "60万"},  {100000000, "10000万"}, {123400, "12.34万"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_str_eq(sentence_heads_zh(cases[i].heads, heads), cases[i].text);
    }
}
