#include "client/cli/output.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/terminal.h"

static const struct output_column columns[] = {
    {"name", "name", "名称", OUTPUT_TEXT},
    {"region", "region", "地区", OUTPUT_REGION},
    {"projects", "projects", "项目数", OUTPUT_NUMBER},
    {"value", "value", "造价", OUTPUT_FEN},
    {"day", "day", "日期", OUTPUT_DAY},
    {"on", "on", "在线", OUTPUT_FLAG},
};

/* Two rows in a format; the caller frees. */
static char *printed(enum output_format format, enum output_shape shape, enum language language) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    struct output *output = output_create(out, format, shape, language, columns, 6);
    for (int row = 0; row < (shape == OUTPUT_RECORD ? 1 : 2); row++) {
        output_text(output, row == 0 ? "西湖区, \"A\"" : NULL);
        output_value(output, row == 0 ? 330106 : 10000);
        output_value(output, row == 0 ? 1234 : 5);
        output_value(output, row == 0 ? INT64_C(9007199254740993) : 1);
        output_value(output, row == 0 ? 18928 : 0);
        output_value(output, row == 0);
    }
    cr_assert(output_finish(&output));
    cr_assert_null(output);
    fclose(out);
    return bytes;
}

static void start(void) {
    terminal_init();
}

Test(output, json_carries_money_as_decimal_strings_of_fen) {
    char *text = printed(OUTPUT_JSON, OUTPUT_LIST, LANGUAGE_ZH);
    json_t *list = json_loads(text, 0, NULL);
    cr_assert_eq(json_array_size(list), 2, "%s", text);
    json_t *first = json_array_get(list, 0);
    cr_assert_str_eq(json_string_value(json_object_get(first, "name")), "西湖区, \"A\"");
    cr_assert_str_eq(json_string_value(json_object_get(first, "region")), "330106");
    cr_assert_eq(json_integer_value(json_object_get(first, "projects")), 1234);
    cr_assert_str_eq(json_string_value(json_object_get(first, "value_fen")), "9007199254740993");
    cr_assert_str_eq(json_string_value(json_object_get(first, "day")), "2021-10-28");
    cr_assert(json_is_true(json_object_get(first, "on")));
    json_t *second = json_array_get(list, 1);
    cr_assert(json_is_null(json_object_get(second, "name")));
    cr_assert(json_is_null(json_object_get(second, "day")));
    cr_assert_str_eq(json_string_value(json_object_get(second, "region")), "010000");
    json_decref(list);
    free(text);
}

Test(output, a_record_is_one_object) {
    char *text = printed(OUTPUT_JSON, OUTPUT_RECORD, LANGUAGE_EN);
    json_t *object = json_loads(text, 0, NULL);
    cr_assert(json_is_object(object), "%s", text);
    cr_assert_eq(json_object_size(object), 6);
    json_decref(object);
    free(text);
}

Test(output, an_empty_list_is_valid_json) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    struct output *output = output_create(out, OUTPUT_JSON, OUTPUT_LIST, LANGUAGE_EN, columns, 6);
    cr_assert(output_finish(&output));
    fclose(out);
    json_t *list = json_loads(bytes, 0, NULL);
    cr_assert(json_is_array(list));
    json_decref(list);
    free(bytes);
}

Test(output, csv_quotes_what_needs_it_and_carries_yuan) {
    char *text = printed(OUTPUT_CSV, OUTPUT_LIST, LANGUAGE_EN);
    cr_assert_str_eq(text, "name,region,projects,value_yuan,day,on\r\n"
                           "\"西湖区, \"\"A\"\"\",330106,1234,90071992547409.93,2021-10-28,true\r\n"
                           ",010000,5,0.01,,false\r\n");
    free(text);
}

Test(output, columns_of_a_table_stand_below_each_other_with_chinese_text, .init = start) {
    char *text = printed(OUTPUT_TABLE, OUTPUT_LIST, LANGUAGE_ZH);
    char *rest = text;
    int where[3];
    const char *marks[3] = {"地区", "330106", "010000"};
    for (size_t i = 0; i < 3; i++) {
        char *line = strsep(&rest, "\n");
        char *at = strstr(line, marks[i]);
        cr_assert_not_null(at, "%s", line);
        *at = '\0';
        where[i] = terminal_text_width(line);
    }
    cr_assert_eq(where[0], where[1]);
    cr_assert_eq(where[0], where[2]);
    free(text);
}

Test(output, tables_show_money_as_people_say_it, .init = start) {
    char *text = printed(OUTPUT_TABLE, OUTPUT_RECORD, LANGUAGE_ZH);
    cr_assert(strstr(text, "造价      900719.92亿元") != NULL || strstr(text, "900719.92亿元") != NULL, "%s", text);
    cr_assert(strstr(text, "1,234") != NULL);
    free(text);
}

Test(output, control_characters_are_escaped_in_json) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    output_json_string(out, "a\"b\\c\n\x01");
    fclose(out);
    cr_assert_str_eq(bytes, "\"a\\\"b\\\\c\\u000a\\u0001\"");
    free(bytes);
}

Test(output, times_are_in_china) {
    char buffer[32];
    cr_assert_str_eq(output_time_text(INT64_C(1635350400000), buffer), "2021-10-28T00:00:00+08:00");
    cr_assert_str_eq(output_time_text(INT64_C(1635350399999), buffer), "2021-10-27T23:59:59+08:00");
}
