#include "proto/region.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

/* The six digits as text: the tree is prefixes. */
static void digits_of(uint32_t code, char out[7]) {
    snprintf(out, 7, "%06u", code % REGION_CODE_LIMIT);
}

static size_t prefix_of(const char *digits) {
    if (strcmp(digits, "000000") == 0) {
        return 0;
    }
    if (strcmp(digits + 2, "0000") == 0) {
        return 2;
    }
    return strcmp(digits + 4, "00") == 0 ? 4 : 6;
}

static bool province_in_list(const struct region *list, size_t count, uint32_t province) {
    for (size_t i = 0; i < count; i++) {
        if (list[i].code == province * 10000) {
            return true;
        }
    }
    return false;
}

Test(region, exactly_the_codes_below_a_known_province_are_valid) {
    size_t count;
    const struct region *list = region_list(&count);
    unsigned provinces = 0;
    for (uint32_t province = 0; province < 100; province++) {
        bool known = province_in_list(list, count, province);
        provinces += known;
        for (uint32_t code = province * 10000; code < (province + 1) * 10000; code++) {
            cr_assert_eq(region_valid(code), known, "%06u", code);
        }
    }
    cr_assert_eq(provinces, 34);
    cr_assert(!region_valid(REGION_ALL));
    cr_assert(!region_valid(1000000));
    cr_assert(!region_valid(1330106));
    cr_assert(!region_valid(UINT32_MAX));
    cr_assert(!region_valid(UINT32_MAX - 33));
}

Test(region, level_parent_and_path_follow_the_digits) {
    for (uint32_t code = 0; code < REGION_CODE_LIMIT; code++) {
        char digits[7];
        digits_of(code, digits);
        size_t prefix = prefix_of(digits);
        cr_assert_eq((size_t)region_level(code), prefix / 2, "%s", digits);
        uint32_t path[REGION_LEVELS];
        size_t steps = region_path(code, path);
        cr_assert(steps >= 1 && steps <= REGION_LEVELS);
        cr_assert_eq(path[0], code);
        cr_assert_eq(path[steps - 1], REGION_ALL);
        for (size_t i = 1; i < steps; i++) {
            cr_assert_eq(path[i], region_parent(path[i - 1]));
            cr_assert_lt(path[i], path[i - 1]);
            cr_assert_lt(region_level(path[i]), region_level(path[i - 1]));
        }
    }
    uint32_t path[REGION_LEVELS];
    cr_assert_eq(region_path(330106, path), 4);
    cr_assert_arr_eq(path, ((uint32_t[]){330106, 330100, 330000, 0}), sizeof path);
    cr_assert_eq(region_path(330000, path), 2);
    cr_assert_eq(region_path(REGION_ALL, path), 1);
}

Test(region, within_means_that_the_digits_begin_alike) {
    static const uint32_t ancestors[] = {0, 330000, 330100, 330106, 310000, 330002, 659000, 820000, 110101};
    for (size_t i = 0; i < sizeof ancestors / sizeof ancestors[0]; i++) {
        char ancestor[7];
        digits_of(ancestors[i], ancestor);
        for (uint32_t code = 0; code < REGION_CODE_LIMIT; code++) {
            char digits[7];
            digits_of(code, digits);
            bool begins_alike = strncmp(digits, ancestor, prefix_of(ancestor)) == 0;
            cr_assert_eq(region_within(code, ancestors[i]), begins_alike, "%s in %s", digits, ancestor);
        }
    }
}

Test(region, the_path_leads_through_everything_that_it_is_within) {
    static const uint32_t codes[] = {330106, 330100, 330000, 0, 659001, 469021, 310115};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        uint32_t path[REGION_LEVELS];
        size_t steps = region_path(codes[i], path);
        for (uint32_t other = 0; other < REGION_CODE_LIMIT; other++) {
            bool on_path = false;
            for (size_t step = 0; step < steps; step++) {
                on_path |= path[step] == other;
            }
            cr_assert_eq(region_within(codes[i], other), on_path, "%u in %u", codes[i], other);
        }
    }
}

Test(region, the_list_is_the_file_line_by_line) {
    FILE *file = fopen(REGION_FILE, "re");
    cr_assert_not_null(file);
    char line[256];
    cr_assert_not_null(fgets(line, sizeof line, file));
    size_t count;
    const struct region *list = region_list(&count);
    size_t i = 0;
    for (; fgets(line, sizeof line, file) != NULL; i++) {
        cr_assert_lt(i, count);
        char *rest = line;
        const char *code = strsep(&rest, "\t\n");
        const char *zh = strsep(&rest, "\t\n");
        const char *en = strsep(&rest, "\t\n");
        cr_assert_eq(list[i].code, strtoul(code, NULL, 10));
        cr_assert_str_eq(list[i].zh, zh);
        cr_assert_eq(list[i].en == NULL, en == NULL || en[0] == '\0', "%s", code);
        cr_assert(list[i].en == NULL || strcmp(list[i].en, en) == 0, "%s", code);
    }
    cr_assert_eq(i, count);
    fclose(file);
}

Test(region, every_listed_region_is_found_and_named) {
    size_t count;
    const struct region *list = region_list(&count);
    for (size_t i = 0; i < count; i++) {
        char buffer[7] = "";
        cr_assert(i == 0 || list[i - 1].code < list[i].code, "%06u", list[i].code);
        cr_assert(region_valid(list[i].code), "%06u", list[i].code);
        cr_assert(text_valid(list[i].zh, strlen(list[i].zh)) && strlen(list[i].zh) > 0, "%06u", list[i].code);
        cr_assert_eq(region_find(list[i].code), &list[i]);
        cr_assert_str_eq(region_name_zh(list[i].code, buffer), list[i].zh);
        cr_assert_str_eq(region_name_en(list[i].code, buffer), list[i].en != NULL ? list[i].en : list[i].zh);
        bool province = list[i].code % 10000 == 0;
        cr_assert(!province || list[i].en != NULL, "province %06u has no English name", list[i].code);
    }
}

Test(region, a_region_that_is_not_listed_is_named_by_its_digits) {
    char buffer[7];
    cr_assert_null(region_find(330199));
    cr_assert_null(region_find(0));
    cr_assert_null(region_find(999999));
    cr_assert_null(region_find(UINT32_MAX));
    cr_assert_str_eq(region_name_zh(330199, buffer), "330199");
    cr_assert_str_eq(region_name_en(330199, buffer), "330199");
    cr_assert_str_eq(region_name_zh(99, buffer), "000099");
    cr_assert_str_eq(region_name_zh(REGION_ALL, buffer), "合计");
    cr_assert_str_eq(region_name_en(REGION_ALL, buffer), "All");
    cr_assert_eq(strlen(region_name_zh(UINT32_MAX, buffer)), 6);
}

Test(region, two_four_or_six_digits_are_read) {
    static const struct {
        const char *text;
        uint32_t code;
    } cases[] = {{"33", 330000}, {"3301", 330100}, {"330106", 330106}, {"330000", 330000}, {"000000", 0},
                 {"all", 0},     {"31", 310000},   {"820000", 820000}, {"330199", 330199}, {"3399", 339900}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code = 7;
        cr_assert(region_parse(cases[i].text, &code), "%s", cases[i].text);
        cr_assert_eq(code, cases[i].code, "%s", cases[i].text);
    }
}

Test(region, other_texts_are_refused_and_leave_the_code_alone) {
    static const char *const texts[] = {"",       "3",      "330",     "33010",    "3301066", "99",   "990000",
                                        "010000", "33010a", " 330106", "330106 ",  "-3",      "+33",  "ALL",
                                        "al",     "alll",   "0x3301",  "３３０１", "33.0",    "浙江", "1e"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t code = 7;
        cr_assert(!region_parse(texts[i], &code), "%s", texts[i]);
        cr_assert_eq(code, 7);
    }
}

Test(region, every_valid_code_reads_back_from_its_digits) {
    for (uint32_t code = 0; code < REGION_CODE_LIMIT; code++) {
        char digits[7];
        digits_of(code, digits);
        uint32_t read = 7;
        bool takes_it = region_parse(digits, &read);
        cr_assert_eq(takes_it, code == REGION_ALL || region_valid(code), "%s", digits);
        cr_assert_eq(read, takes_it ? code : 7);
    }
}
