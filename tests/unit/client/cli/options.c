#include "client/cli/options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"

static struct arguments arguments;

static bool parse(const char *command, ...) {
    const char *argv[16] = {command};
    int argc = 1;
    va_list list;
    va_start(list, command);
    for (const char *word = va_arg(list, const char *); word != NULL; word = va_arg(list, const char *)) {
        argv[argc++] = word;
    }
    va_end(list);
    return options_parse(commands_find(command), argc, (char **)(uintptr_t)argv, &arguments);
}

static void clean(void) {
    cr_redirect_stderr();
    unsetenv("TALLY_QUERY");
    unsetenv("TALLY_NODE");
    unsetenv("TALLY_COMPETITION");
    setenv("LANG", "C", 1);
    unsetenv("LC_ALL");
}

Test(options, values_are_read_by_kind, .init = clean) {
    cr_assert(parse("totals", "--region", "33", "--at=2021-10-28", "-f", "json", NULL));
    cr_assert_eq(arguments.number[OPTION_REGION], 330000);
    cr_assert_eq(arguments.number[OPTION_AT], 18928);
    cr_assert_str_eq(arguments.text[OPTION_OUTPUT_FORMAT], "json");
    cr_assert(parse("verify", "--timeout", "0.25", NULL));
    cr_assert_eq(arguments.number[OPTION_TIMEOUT], 250);
    cr_assert(parse("verify", "--timeout", "12", NULL));
    cr_assert_eq(arguments.number[OPTION_TIMEOUT], 12000);
    cr_assert(parse("demo", "--seed", "7", NULL));
    cr_assert_eq(arguments.number[OPTION_SEED], 7);
}

Test(options, command_line_then_environment_then_default, .init = clean) {
    cr_assert(parse("totals", NULL));
    cr_assert_str_eq(arguments.text[OPTION_QUERY], "tcp://127.0.0.1:7503");
    setenv("TALLY_QUERY", "tcp://10.0.0.1:9", 1);
    cr_assert(parse("totals", NULL));
    cr_assert_str_eq(arguments.text[OPTION_QUERY], "tcp://10.0.0.1:9");
    cr_assert(parse("totals", "--query", "ipc:///run/tally", NULL));
    cr_assert_str_eq(arguments.text[OPTION_QUERY], "ipc:///run/tally");
    cr_assert_null(arguments.text[OPTION_COMPETITION]);
}

Test(options, operands_and_options_mix_and_a_dash_is_an_operand, .init = clean) {
    cr_assert(parse("push", "-", "--node", "zhejiang", "--dry-run", NULL));
    cr_assert_eq(arguments.operand_count, 1);
    cr_assert_str_eq(arguments.operand[0], "-");
    cr_assert(options_given(&arguments, OPTION_DRY_RUN));
    cr_assert_not(options_given(&arguments, OPTION_NO_OUTBOX));
    cr_assert(parse("push", "--", "--odd-name.csv", NULL));
    cr_assert_str_eq(arguments.operand[0], "--odd-name.csv");
}

Test(options, what_does_not_fit_is_refused, .init = clean) {
    cr_assert_not(parse("totals", "--region", "99", NULL));
    cr_assert_not(parse("totals", "--region", "Hangzhou", NULL));
    cr_assert_not(parse("totals", "--at", "2021-02-30", NULL));
    cr_assert_not(parse("totals", "--format", "xml", NULL));
    cr_assert_not(parse("totals", "--format", "jso", NULL));
    cr_assert_not(parse("totals", "--format", "", NULL));
    cr_assert_not(parse("totals", "--format", "table json", NULL));
    cr_assert_not(parse("demo", "--seed", "-1", NULL));
    cr_assert_not(parse("demo", "--seed", "9999999999999999999", NULL));
    cr_assert_not(parse("verify", "--timeout", "1.2345", NULL));
    cr_assert_not(parse("verify", "--timeout", ".", NULL));
    cr_assert_not(parse("totals", "--nonsense", NULL));
    cr_assert_not(parse("totals", "-x", NULL));
    cr_assert_not(parse("totals", "--region", NULL));
    cr_assert_not(parse("push", "--dry-run=yes", "file", NULL));
    cr_assert_not(parse("push", NULL));
    cr_assert_not(parse("push", "a", "b", NULL));
    cr_assert_not(parse("totals", "extra", NULL));
    setenv("TALLY_NODE", "x", 1);
    cr_assert(parse("push", "file", NULL));
}

Test(options, the_choices_of_one_name_differ_by_command, .init = clean) {
    cr_assert(parse("push", "f", "--format", "ndjson", NULL));
    cr_assert_str_eq(arguments.text[OPTION_INPUT_FORMAT], "ndjson");
    cr_assert_not(parse("push", "f", "--format", "json", NULL));
    cr_assert_not(parse("totals", "--format", "ndjson", NULL));
}

Test(options, help_needs_no_operands, .init = clean) {
    cr_assert(parse("push", "--help", NULL));
    cr_assert(options_given(&arguments, OPTION_HELP));
}

Test(options, language_comes_from_option_or_locale, .init = clean) {
    cr_assert(parse("report", NULL));
    cr_assert_eq(arguments.language, LANGUAGE_EN);
    cr_assert(parse("report", "--lang", "zh", NULL));
    cr_assert_eq(arguments.language, LANGUAGE_ZH);
    setenv("LANG", "zh_CN.UTF-8", 1);
    cr_assert(parse("report", NULL));
    cr_assert_eq(arguments.language, LANGUAGE_ZH);
    cr_assert_not(parse("report", "--lang", "fr", NULL));
}
