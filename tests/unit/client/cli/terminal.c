#include "client/cli/terminal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/options.h"

static void start(void) {
    setenv("LC_ALL", "C", 1);
    terminal_init();
}

Test(terminal, chinese_is_two_columns_wide_in_every_locale, .init = start) {
    cr_assert_eq(terminal_text_width("abc"), 3);
    cr_assert_eq(terminal_text_width("西湖区"), 6);
    cr_assert_eq(terminal_text_width("西湖 a区"), 8);
    cr_assert_eq(terminal_text_width(""), 0);
    cr_assert_eq(terminal_text_width("é"), 1);
    cr_assert_eq(terminal_text_width("\xFF\xFE"), 2);
}

static void expect_padded(const char *text, int columns, bool right, const char *expected) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    terminal_print_padded(out, text, columns, right);
    fclose(out);
    cr_assert_str_eq(bytes, expected);
    cr_assert_eq(terminal_text_width(bytes), columns);
    free(bytes);
}

Test(terminal, padding_and_cutting_keep_the_width, .init = start) {
    expect_padded("ab", 4, false, "ab  ");
    expect_padded("ab", 4, true, "  ab");
    expect_padded("西湖", 6, true, "  西湖");
    expect_padded("西湖区", 6, false, "西湖区");
    expect_padded("西湖区", 5, false, "西湖…");
    expect_padded("西湖区", 4, false, "西… ");
    expect_padded("abcdef", 4, false, "abc…");
}

Test(terminal, numbers_have_groups) {
    char buffer[32];
    cr_assert_str_eq(terminal_number(0, buffer), "0");
    cr_assert_str_eq(terminal_number(999, buffer), "999");
    cr_assert_str_eq(terminal_number(1000, buffer), "1,000");
    cr_assert_str_eq(terminal_number(600000, buffer), "600,000");
    cr_assert_str_eq(terminal_number(-1234567, buffer), "-1,234,567");
    cr_assert_str_eq(terminal_number(INT64_MIN, buffer), "-9,223,372,036,854,775,808");
}

Test(terminal, sizes_are_readable) {
    char buffer[32];
    cr_assert_str_eq(terminal_bytes(0, buffer), "0 bytes");
    cr_assert_str_eq(terminal_bytes(1023, buffer), "1023 bytes");
    cr_assert_str_eq(terminal_bytes(1536, buffer), "1.5 KiB");
    cr_assert_str_eq(terminal_bytes(UINT64_C(5) << 30, buffer), "5.0 GiB");
}

Test(terminal, colour_obeys_option_then_environment) {
    struct arguments arguments = {0};
    unsetenv("NO_COLOR");
    cr_assert_not(terminal_colored(&arguments, stderr) && !isatty(STDERR_FILENO));
    arguments.text[OPTION_COLOR] = "always";
    setenv("NO_COLOR", "1", 1);
    cr_assert(terminal_colored(&arguments, stderr));
    arguments.text[OPTION_COLOR] = "never";
    cr_assert_not(terminal_colored(&arguments, stderr));
    arguments.text[OPTION_COLOR] = "auto";
    cr_assert_not(terminal_colored(&arguments, stderr));
}
