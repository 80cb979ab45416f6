#include "competition.h"

static const uint32_t regions[] = {310000, 320000, 330000, 340000};

static const struct tally_label categories[] = {
    {.code = 1, .key = "key-projects", .zh = "重点工程", .en = "Key projects"},
    {.code = 2, .key = "city-operation", .zh = "城市运行保障", .en = "City operation"},
    {.code = 5, .key = "vocational-skills", .zh = "职工职业技能", .en = "Vocational skills"},
};

static const struct tally_label statuses[] = {
    {.code = 0, .key = "declared", .zh = "申报", .en = "Declared"},
    {.code = 3, .key = "enrolled", .zh = "已报名", .en = "Enrolled", .counts = true},
    {.code = 4, .key = "under-way", .zh = "进行中", .en = "Under way", .counts = true},
    {.code = 6, .key = "completed", .zh = "已完成", .en = "Completed", .counts = true},
    {.code = 9, .key = "withdrawn", .zh = "退出", .en = "Withdrawn"},
};

static const struct tally_competition sample = {
    .key = "sample",
    .zh = "样例竞赛",
    .en = "Sample competition",
    .place_zh = "长三角地区",
    .place_en = "the Yangtze River Delta",
    .first_day = 18718, /* 2021-04-01 */
    .last_day = 20453,  /* 2025-12-31 */
    .region_count = 4,
    .regions = regions,
    .category_count = 3,
    .categories = categories,
    .status_count = 5,
    .statuses = statuses,
};

const struct tally_competition *competition_sample(void) {
    return &sample;
}
