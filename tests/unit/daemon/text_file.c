#include "daemon/text_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"

static struct folder folder;

static void enter(void) {
    folder_init(&folder);
}

static void leave(void) {
    folder_fini(&folder);
}

TestSuite(text_file, .init = enter, .fini = leave);

static char *read_text(const char *text, struct fault *fault) {
    char path[FOLDER_PATH_BYTES];
    folder_write(&folder, "file", text);
    return text_file_read(folder_join(&folder, "file", path), fault);
}

static void expect_text(const char *written, const char *expected) {
    struct fault fault = {0};
    char *text = read_text(written, &fault);
    cr_assert_not_null(text, "%s", fault.text);
    cr_assert_str_eq(text, expected);
    free(text);
}

/* expected without the folder. */
static void expect_fault_bytes(const void *bytes, size_t size, const char *expected) {
    struct fault fault = {0};
    char path[FOLDER_PATH_BYTES];
    folder_write_bytes(&folder, "file", bytes, size);
    cr_assert_null(text_file_read(folder_join(&folder, "file", path), &fault));
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_str_eq(fault.text + strlen(folder.path) + 1, expected);
}

static void expect_fault(const char *text, const char *expected) {
    expect_fault_bytes(text, strlen(text), expected);
}

Test(text_file, comments_become_spaces_and_lines_stay) {
    expect_text("a = 1 # x\nb", "a = 1    \nb");
    expect_text("// x\nb", "    \nb");
    expect_text("a /* x\ny */ b\n", "a     \n     b\n");
    expect_text("{1,// x\n2}", "{1,    \n2}");
    expect_text("a/* x", "a/* x");
    expect_text("# no end of line", "                ");
    expect_text("", "");
}

Test(text_file, what_looks_like_a_comment_in_quotes_or_in_a_word_stays) {
    expect_text("a = \"x # y // z /* w\"", "a = \"x # y // z /* w\"");
    expect_text("a = 'x # y'", "a = 'x # y'");
    expect_text("a = \"x\\\" # y\" # z", "a = \"x\\\" # y\"    ");
    expect_text("a = tcp://127.0.0.1:1", "a = tcp://127.0.0.1:1");
}

Test(text_file, a_byte_order_mark_is_left_out) {
    expect_text("\xEF\xBB\xBF"
                "a",
                "a");
}

Test(text_file, what_is_not_closed_is_told_with_the_line_where_it_begins) {
    expect_fault("a\nb /* c\nd\n", "file:2: the comment that begins here is not closed");
    expect_fault("a\n\nb = \"c\nd\"\n", "file:3: the quoted text that begins here is not closed");
    expect_fault("a = 'c\n", "file:1: the quoted text that begins here is not closed");
    expect_fault("a = \"c\\", "file:1: the quoted text that begins here is not closed");
}

Test(text_file, a_brace_without_its_partner_is_told_with_the_line_where_it_begins) {
    expect_fault("s t {\n a = 1\n", "file:1: the brace that begins here is not closed");
    expect_fault("s t {\n}\ns u {\n l = {1 }\n # }\n b = \"}\"", "file:3: the brace that begins here is not closed");
    expect_fault("s t {\n l = {\n}\ns u {\n}\n", "file:1: the brace that begins here is not closed");
    expect_text("s { l = {} }", "s { l = {} }");
    expect_text("a = \"{\"", "a = \"{\"");
    expect_text("}", "}");
}

Test(text_file, other_encodings_are_told_with_their_line) {
    expect_fault("a\n# \xB3\xA4\xC8\xFD\xBD\xC7\n", "file:2: is not UTF-8 text; save the file as UTF-8");
    expect_fault_bytes("a\nb\nc\0\n", 7, "file:3: is not UTF-8 text; save the file as UTF-8");
    expect_fault_bytes("\xFF\xFE"
                       "a\0",
                       4, "file:1: is not UTF-8 text; save the file as UTF-8");
}

Test(text_file, a_file_that_is_not_there_is_told) {
    struct fault fault = {0};
    char path[FOLDER_PATH_BYTES];
    char expected[FAULT_TEXT_BYTES];
    snprintf(expected, sizeof expected, "%s/none: cannot be opened: No such file or directory", folder.path);
    cr_assert_null(text_file_read(folder_join(&folder, "none", path), &fault));
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_str_eq(fault.text, expected);
}

Test(text_file, a_pipe_that_nobody_writes_to_does_not_hold_up) {
    char path[FOLDER_PATH_BYTES];
    struct fault fault = {0};
    cr_assert_eq(mkfifo(folder_join(&folder, "pipe", path), 0600), 0);
    cr_assert_null(text_file_read(path, &fault));
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_not_null(strstr(fault.text, "is not a file"));
}

Test(text_file, a_folder_is_not_a_file) {
    struct fault fault = {0};
    cr_assert_null(text_file_read(folder.path, &fault));
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_str_eq(fault.text + strlen(folder.path), ": cannot be read: Is a directory");
}

Test(text_file, a_file_that_is_too_large_is_refused) {
    char *bytes = malloc(TEXT_FILE_BYTES_MAX + 1);
    cr_assert_not_null(bytes);
    memset(bytes, '\n', TEXT_FILE_BYTES_MAX + 1);
    expect_fault_bytes(bytes, TEXT_FILE_BYTES_MAX + 1, "file: is larger than 4 MiB; is it the right file?");
    struct fault fault = {0};
    char path[FOLDER_PATH_BYTES];
    folder_write_bytes(&folder, "file", bytes, TEXT_FILE_BYTES_MAX);
    char *text = text_file_read(folder_join(&folder, "file", path), &fault);
    cr_assert_not_null(text);
    free(text);
    free(bytes);
}
