#include "daemon/competition.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "proto/day.h"

static struct folder folder;

static void enter(void) {
    folder_init(&folder);
}

static void leave(void) {
    folder_fini(&folder);
}

TestSuite(competition, .init = enter, .fini = leave);

/* A good file, a line each, so that a test can change one. */
enum line {
    KEY,
    TITLE_ZH,
    TITLE_EN,
    PLACE_ZH,
    PLACE_EN,
    FIRST_DAY,
    LAST_DAY,
    REGIONS,
    CATEGORY,
    STATUS,
    TARGETS,
    LINES
};

static const char *const good_lines[LINES] = {
    [KEY] = "key = metro",
    [TITLE_ZH] = "title-zh = \"地铁竞赛\"",
    [TITLE_EN] = "title-en = \"Metro competition\"",
    [PLACE_ZH] = "place-zh = \"杭州\"",
    [PLACE_EN] = "place-en = Hangzhou",
    [FIRST_DAY] = "first-day = 2026-01-01",
    [LAST_DAY] = "last-day = 2026-12-31",
    [REGIONS] = "regions = {3301}",
    [CATEGORY] = "category tunnels { code = 15 zh = \"隧道\" en = Tunnels }",
    [STATUS] = "status open { code = 3 zh = \"开\" en = Open counts = true }",
    [TARGETS] = "targets { projects = 12 contract-value-yuan = \"90071992547409.93\" participants = 3000 }",
};

/* The good file with one line put in the place of another. */
static enum error load_with(enum line line, const char *changed, struct competition *competition, struct fault *fault) {
    char text[4096] = "";
    char path[FOLDER_PATH_BYTES];
    for (int i = 0; i < LINES; i++) {
        strcat(text, i == (int)line ? changed : good_lines[i]);
        strcat(text, "\n");
    }
    folder_write(&folder, "metro.conf", text);
    *fault = (struct fault){0};
    return competition_load(folder_join(&folder, "metro.conf", path), competition, fault);
}

/* expected follows "FOLDER/metro.conf:". */
static void expect_fault(enum line line, const char *changed, const char *expected) {
    static struct competition competition;
    struct fault fault;
    cr_assert_eq(load_with(line, changed, &competition, &fault), ERROR_CONFIGURATION, "%s", changed);
    cr_assert_eq(strncmp(fault.text, folder.path, strlen(folder.path)), 0);
    cr_assert_str_eq(fault.text + strlen(folder.path) + strlen("/metro.conf:"), expected);
}

Test(competition, everything_in_a_good_file_is_taken) {
    static struct competition metro;
    struct fault fault;
    cr_assert_eq(load_with(KEY, good_lines[KEY], &metro, &fault), ERROR_NONE, "%s", fault.text);
    cr_assert_eq(metro.number, NUMBER_NONE);
    cr_assert_str_eq(metro.key, "metro");
    cr_assert_str_eq(metro.zh, "地铁竞赛");
    cr_assert_str_eq(metro.en, "Metro competition");
    cr_assert_str_eq(metro.place_zh, "杭州");
    cr_assert_str_eq(metro.place_en, "Hangzhou");
    cr_assert_eq(metro.first_day, day_from_date((struct day_date){2026, 1, 1}));
    cr_assert_eq(metro.last_day, day_from_date((struct day_date){2026, 12, 31}));
    cr_assert(metro.region_count == 1 && metro.regions[0] == 330100);
    cr_assert_eq(metro.category_mask, 1u << 15);
    cr_assert(metro.categories[15].defined && !metro.categories[0].defined);
    cr_assert_str_eq(metro.categories[15].key, "tunnels");
    cr_assert_str_eq(metro.categories[15].zh, "隧道");
    cr_assert(metro.status_mask == 1u << 3 && metro.counts == 1u << 3 && metro.statuses[3].counts);
    cr_assert_str_eq(metro.statuses[3].en, "Open");
    cr_assert_eq(metro.target_projects, 12);
    cr_assert_eq(metro.target_contract_value, INT64_C(9007199254740993));
    cr_assert_eq(metro.target_participants, 3000);
}

Test(competition, targets_may_be_left_out) {
    static struct competition metro;
    struct fault fault;
    cr_assert_eq(load_with(TARGETS, "", &metro, &fault), ERROR_NONE, "%s", fault.text);
    cr_assert(metro.target_projects == 0 && metro.target_contract_value == 0 && metro.target_participants == 0);
}

Test(competition, statuses_say_which_of_them_count) {
    static struct competition metro;
    struct fault fault;
    cr_assert_eq(load_with(STATUS,
                           "status a { code = 0 zh = a en = a counts = no }\n"
                           "status b { code = 1 zh = b en = b counts = yes }\n"
                           "status c { code = 15 zh = c en = c counts = on }",
                           &metro, &fault),
                 ERROR_NONE, "%s", fault.text);
    cr_assert_eq(metro.status_mask, 0x8003);
    cr_assert_eq(metro.counts, 0x8002);
}

Test(competition, nothing_that_is_needed_may_be_missing) {
    static const struct {
        enum line line;
        const char *changed;
        const char *expected;
    } cases[] = {
        {KEY, "", " key is missing"},
        {TITLE_ZH, "", " title-zh is missing"},
        {TITLE_EN, "", " title-en is missing"},
        {PLACE_ZH, "", " place-zh is missing"},
        {PLACE_EN, "", " place-en is missing"},
        {FIRST_DAY, "", " first-day is missing"},
        {LAST_DAY, "", " last-day is missing"},
        {REGIONS, "", " regions is missing or empty; list region codes, such as {33}"},
        {CATEGORY, "", " there is no category; define at least one"},
        {STATUS, "", " there is no status; define at least one"},
        {CATEGORY, "category x { zh = x\nen = x }", "10: category 'x': code is missing"},
        {CATEGORY, "category x { code = 1 en = x }", "9: category 'x': zh is missing"},
        {CATEGORY, "category x { code = 1 zh = x }", "9: category 'x': en is missing"},
        {STATUS, "status x { code = 1 zh = x en = x }", "10: status 'x': counts is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_fault(cases[i].line, cases[i].changed, cases[i].expected);
    }
}

Test(competition, the_key_is_that_of_the_file_name) {
    expect_fault(KEY, "key = csj-2021",
                 "1: key is 'csj-2021', but the file is named metro.conf; the name must be csj-2021.conf");
    expect_fault(KEY, "key = met", "1: key is 'met', but the file is named metro.conf; the name must be met.conf");
    expect_fault(KEY, "key = metro-x",
                 "1: key is 'metro-x', but the file is named metro.conf; the name must be metro-x.conf");
    expect_fault(KEY, "key = Metro",
                 "1: key is 'Metro'; it must be 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit");
    expect_fault(KEY, "\nkey = a23456789-123456789-123456789-123",
                 "2: key is 'a23456789-123456789-123456789-123'; "
                 "it must be 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit");
}

Test(competition, the_period_is_in_order_and_not_endless) {
    expect_fault(LAST_DAY, "last-day = 2025-12-31", "7: last-day lies before first-day; exchange or correct them");
    expect_fault(LAST_DAY, "last-day = 2048-06-06",
                 "7: last-day lies more than 8191 days after first-day; a competition lasts at most that");
    expect_fault(FIRST_DAY, "first-day = soon", "6: first-day is 'soon'; it must be a date such as 2021-04-01");
    static struct competition metro;
    struct fault fault;
    cr_assert_eq(load_with(LAST_DAY, "last-day = 2048-06-05", &metro, &fault), ERROR_NONE, "%s", fault.text);
    cr_assert_eq(load_with(LAST_DAY, "last-day = 2026-01-01", &metro, &fault), ERROR_NONE, "%s", fault.text);
}

Test(competition, codes_are_within_bounds_and_each_used_once) {
    expect_fault(CATEGORY, "category x { code = 16 zh = x en = x }",
                 "9: category 'x': code is '16'; it must be a whole number from 0 to 15");
    expect_fault(CATEGORY, "category x { code = 1 zh = x en = x }\ncategory y {\n code = 1\n zh = y en = y }",
                 "11: category 'y': code 1 is that of category 'x' already; take one that was never used");
    expect_fault(STATUS,
                 "status x { code = 1 zh = x en = x counts = on }\nstatus y { code = 1 zh = y en = y counts = on }",
                 "11: status 'y': code 1 is that of status 'x' already; take one that was never used");
    expect_fault(STATUS,
                 "status x { code = 1 zh = x en = x counts = on }\nstatus x { code = 2 zh = y en = y counts = on }",
                 "11: found duplicate title 'x'");
}

Test(competition, labels_are_keys) {
    expect_fault(CATEGORY, "category 'Key projects' { code = 1 zh = x en = x }",
                 "9: category 'Key projects': the name must be 1 to 32 of a-z, 0-9 and -, "
                 "beginning with a letter or digit");
    expect_fault(STATUS, "status '' { code = 1 zh = x en = x counts = on }",
                 "10: status '': the name must be 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit");
}

Test(competition, one_status_counts_and_each_says_so) {
    expect_fault(STATUS, "status x { code = 1 zh = x en = x counts = false }",
                 " no status counts, so that every total would be 0; set counts = true in one");
    expect_fault(STATUS, "status x { code = 1 zh = x en = x counts = 1 }",
                 "10: status 'x': counts is '1'; it must be true or false");
    expect_fault(CATEGORY, "category x { code = 1 zh = x en = x counts = on }",
                 "9: category 'x': no such option 'counts'");
}

Test(competition, titles_fit_and_regions_are_known) {
    expect_fault(PLACE_ZH, "place-zh = \"\"", "4: place-zh is empty");
    expect_fault(TITLE_EN,
                 "title-en = \"12345678901234567890123456789012345678901234567890123456789012345678901234567890"
                 "123456789012345678901234567890123456789012345678\"",
                 "3: title-en is longer than 127 bytes; shorten it");
    expect_fault(REGIONS, "regions = {3301, \"39\"}",
                 "8: regions: '39' is not a region; write 2, 4 or 6 digits of a GB/T 2260 code");
}

Test(competition, targets_are_exact_and_above_zero) {
    expect_fault(TARGETS, "targets { projects = 0 }",
                 "11: targets: projects is '0'; it must be a whole number from 1 to 1000000000");
    expect_fault(TARGETS, "targets {\n contract-value-yuan = 0 }",
                 "12: targets: contract-value-yuan is '0'; a target lies above 0");
    expect_fault(TARGETS, "targets { participants = many }",
                 "11: targets: participants is 'many'; it must be a whole number from 1 to 10000000000");
    expect_fault(TARGETS, "targets { money = 1 }", "11: targets: no such option 'money'");
}

Test(competition, money_that_is_not_exact_is_refused) {
    static const char *const bad[] = {"1.5E+9", "1,000", "0.001", "99999999999999999999", "yuan", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        static struct competition metro;
        struct fault fault;
        char line[128];
        char expected[128];
        snprintf(line, sizeof line, "targets { contract-value-yuan = \"%s\" }", bad[i]);
        snprintf(expected, sizeof expected, "/metro.conf:11: targets: contract-value-yuan is '%s': ", bad[i]);
        cr_assert_eq(load_with(TARGETS, line, &metro, &fault), ERROR_CONFIGURATION, "%s", line);
        cr_assert_eq(strncmp(fault.text + strlen(folder.path), expected, strlen(expected)), 0, "%s", fault.text);
    }
}

static void expect_shipped_status(const struct competition *csj, size_t code, const char *key, const char *zh,
                                  bool counts) {
    cr_assert_str_eq(csj->statuses[code].key, key);
    cr_assert_str_eq(csj->statuses[code].zh, zh);
    cr_assert_eq(csj->statuses[code].counts, counts);
}

Test(competition, the_shipped_one_is_that_of_the_delta) {
    static struct competition csj;
    struct fault fault = {0};
    cr_assert_eq(competition_load(SOURCE_DIRECTORY "/competitions/csj-2021.conf", &csj, &fault), ERROR_NONE, "%s",
                 fault.text);
    cr_assert_str_eq(csj.key, "csj-2021");
    cr_assert_str_eq(csj.place_zh, "长三角地区");
    cr_assert_str_eq(csj.place_en, "the Yangtze River Delta");
    cr_assert_eq(csj.first_day, day_from_date((struct day_date){2021, 4, 1}));
    cr_assert_eq(csj.last_day, day_from_date((struct day_date){2025, 12, 31}));
    cr_assert_eq(csj.region_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(csj.regions[i], 310000 + i * 10000);
    }
    cr_assert_eq(csj.category_mask, 0x7);
    cr_assert_str_eq(csj.categories[0].zh, "重点工程");
    cr_assert_str_eq(csj.categories[1].zh, "城市运行保障");
    cr_assert_str_eq(csj.categories[2].zh, "职工职业技能");
    cr_assert_eq(csj.status_mask, 0x1F);
    expect_shipped_status(&csj, 0, "declared", "申报", false);
    expect_shipped_status(&csj, 1, "enrolled", "已报名", true);
    expect_shipped_status(&csj, 2, "under-way", "进行中", true);
    expect_shipped_status(&csj, 3, "completed", "已完成", true);
    expect_shipped_status(&csj, 4, "withdrawn", "退出", false);
    cr_assert_eq(csj.counts, 0xE);
}
