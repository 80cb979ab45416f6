#include "daemon/document.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"

static struct folder folder;
static char path[FOLDER_PATH_BYTES];

static void enter(void) {
    folder_init(&folder);
    folder_join(&folder, "file", path);
}

static void leave(void) {
    folder_fini(&folder);
}

TestSuite(document, .init = enter, .fini = leave);

static struct document *load(const char *text, struct fault *fault) {
    cfg_opt_t inner[] = {DOCUMENT_VALUE("x"), DOCUMENT_LIST("list"), CFG_END()};
    cfg_opt_t plain[] = {DOCUMENT_VALUE("y"), CFG_END()};
    cfg_opt_t options[] = {DOCUMENT_VALUE("a"),
                           DOCUMENT_VALUE("b"),
                           DOCUMENT_LIST("list"),
                           DOCUMENT_TITLED_SECTIONS("s", inner),
                           DOCUMENT_SECTION("plain", plain),
                           CFG_END()};
    *fault = (struct fault){0};
    folder_write(&folder, "file", text);
    return document_load(path, options, fault);
}

/* expected without the folder. */
static void expect_fault(const struct fault *fault, const char *expected) {
    cr_assert_eq(fault->error, ERROR_CONFIGURATION);
    cr_assert_eq(strncmp(fault->text, folder.path, strlen(folder.path)), 0, "%s", fault->text);
    cr_assert_str_eq(fault->text + strlen(folder.path) + 1, expected);
}

static void expect_load_fault(const char *text, const char *expected) {
    struct fault fault;
    cr_assert_null(load(text, &fault), "%s", text);
    expect_fault(&fault, expected);
}

Test(document, values_keep_their_lines_whatever_comments_stand_between) {
    struct fault fault;
    struct document *document = load("# one\n\n/* three\nfour */ a = \"x y\"\ns \"t\" { # five\n"
                                     "  # six\n  x = 7\n  list = {8, # eight\n    9}\n  list += {10}\n}\nb = 12\n",
                                     &fault);
    cr_assert_not_null(document, "%s", fault.text);
    cfg_t *root = document_root(document);
    cfg_t *section = cfg_getnsec(root, "s", 0);
    cr_assert_eq(document_value(root, "a")->line, 4);
    cr_assert_str_eq(document_value(root, "a")->text, "x y");
    cr_assert_eq(document_value(root, "b")->line, 12);
    cr_assert_eq(document_value(section, "x")->line, 7);
    cr_assert_eq(cfg_size(section, "list"), 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct document_value *value = cfg_getnptr(section, "list", i);
        cr_assert_eq(value->line, 8 + (int)i);
        cr_assert_eq(atoi(value->text), value->line);
    }
    cr_assert_null(document_value(root, "list"));
    document_destroy(document);
}

Test(document, what_the_parser_refuses_is_told_with_its_line) {
    expect_load_fault("\n# x\nc = 1\n", "file:3: no such option 'c'");
    expect_load_fault("a = 1\ns t {\n # x\n y = 1\n}\n", "file:4: s 't': no such option 'y'");
    expect_load_fault("plain {\n x = 1\n}\n", "file:2: plain: no such option 'x'");
    expect_load_fault("\na 1\n", "file:2: missing equal sign after option 'a'");
    expect_load_fault("a = {1}\n", "file:1: unexpected token '{'");
    expect_load_fault("a += 1\n", "file:1: attempt to append to non-list option 'a'");
    expect_load_fault("list = {1 2}\n", "file:1: unexpected token '2'");
    expect_load_fault("s {\n}\n", "file:1: missing title for section 's'");
    expect_load_fault("s t {\n x = 1\n", "file:1: the brace that begins here is not closed");
    expect_load_fault("}\n", "file:1: unexpected closing brace");
    expect_load_fault("\na =\n", "file:3: premature end of file");
    expect_load_fault("a = \"\\9\"\n", "file:1: bad escape sequence '\\9'");
}

Test(document, nothing_may_be_given_twice) {
    expect_load_fault("a = 1\n\na = 1\n", "file:3: a is given twice, first on line 1; keep one");
    expect_load_fault("list = {1,\n2}\nlist = {3}\n", "file:3: list is given twice, first on line 1; keep one");
    expect_load_fault("s t {\n}\ns t {\n}\n", "file:3: found duplicate title 't'");
    expect_load_fault("plain {\n y = 1\n}\nplain {\n y = 2\n}\n",
                      "file:5: plain: y is given twice, first on line 2; keep one");
}

Test(document, the_same_name_in_two_sections_is_not_given_twice) {
    struct fault fault;
    struct document *document = load("s t {\n x = 1\n}\ns u {\n x = 2\n}\n", &fault);
    cr_assert_not_null(document, "%s", fault.text);
    cr_assert_str_eq(document_value(cfg_gettsec(document_root(document), "s", "u"), "x")->text, "2");
    document_destroy(document);
}

Test(document, a_wrong_file_does_not_disturb_the_next_one) {
    expect_load_fault("a = 'x\n", "file:1: the quoted text that begins here is not closed");
    expect_load_fault("s t { x =", "file:1: the brace that begins here is not closed");
    expect_load_fault("s t { x {} }", "file:1: s 't': missing equal sign after option 'x'");
    struct fault fault;
    struct document *document = load("a = 1\n", &fault);
    cr_assert_not_null(document, "%s", fault.text);
    document_destroy(document);
}

Test(document, an_empty_file_is_a_document) {
    struct fault fault;
    struct document *document = load("", &fault);
    cr_assert_not_null(document, "%s", fault.text);
    document_destroy(document);
}

Test(document, variables_of_the_environment_are_put_in) {
    struct fault fault;
    setenv("TALLY_TEST_WORD", "word", 1);
    unsetenv("TALLY_TEST_NONE");
    struct document *document = load("a = \"a ${TALLY_TEST_WORD}\"\nb = ${TALLY_TEST_NONE:-other}\n", &fault);
    cr_assert_not_null(document, "%s", fault.text);
    cr_assert_str_eq(document_value(document_root(document), "a")->text, "a word");
    cr_assert_str_eq(document_value(document_root(document), "b")->text, "other");
    document_destroy(document);
}

Test(document, numbers_are_decimal_and_within_their_bounds) {
    static const char *const bad[] = {
        "", "4", "101", "0x10", "-5", "+5", "5 ", "5.", "1e1", "１０", "99999999999999999999", "18446744073709551621"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64];
        char expected[128];
        struct fault fault;
        uint64_t number = 7;
        snprintf(text, sizeof text, "\na = \"%s\"\n", bad[i]);
        snprintf(expected, sizeof expected, "file:2: a is '%s'; it must be a whole number from 5 to 100", bad[i]);
        struct document *document = load(text, &fault);
        document_number(document, document_root(document), "a", 5, 100, &number);
        expect_fault(&fault, expected);
        cr_assert_eq(number, 7);
        document_destroy(document);
    }
}

Test(document, numbers_with_leading_zeros_are_not_octal) {
    struct fault fault;
    uint64_t low = 0;
    uint64_t high = 0;
    struct document *document = load("a = 010\nb = 18446744073709551615\n", &fault);
    document_number(document, document_root(document), "a", 0, 100, &low);
    document_number(document, document_root(document), "b", 0, UINT64_MAX, &high);
    cr_assert_eq(fault.error, ERROR_NONE, "%s", fault.text);
    cr_assert_eq(low, 10);
    cr_assert_eq(high, UINT64_MAX);
    document_destroy(document);
}

Test(document, a_value_that_is_not_there_leaves_the_result_alone) {
    struct fault fault;
    struct document *document = load("", &fault);
    cfg_t *root = document_root(document);
    uint64_t number = 3;
    char text[8] = "as was";
    bool truth = true;
    uint16_t day = 9;
    size_t choice = 1;
    document_number(document, root, "a", 5, 6, &number);
    document_text(document, root, "a", text, sizeof text);
    document_truth(document, root, "a", &truth);
    document_day(document, root, "a", &day);
    document_choice(document, root, "a", (const char *const[]){"x", "y"}, 2, &choice);
    cr_assert_eq(fault.error, ERROR_NONE);
    cr_assert(number == 3 && strcmp(text, "as was") == 0 && truth && day == 9 && choice == 1);
    document_destroy(document);
}

Test(document, the_first_fault_is_kept) {
    struct fault fault;
    uint64_t number = 0;
    struct document *document = load("a = x\nb = y\n", &fault);
    document_number(document, document_root(document), "b", 0, 1, &number);
    document_number(document, document_root(document), "a", 0, 1, &number);
    expect_fault(&fault, "file:2: b is 'y'; it must be a whole number from 0 to 1");
    document_destroy(document);
}

static void expect_text_fault(const char *file, const char *expected) {
    struct fault fault;
    char text[8] = "";
    struct document *document = load(file, &fault);
    document_text(document, document_root(document), "a", text, sizeof text);
    expect_fault(&fault, expected);
    cr_assert_str_eq(text, "");
    document_destroy(document);
}

Test(document, texts_are_plain_and_fit) {
    expect_text_fault("a = \"\"", "file:1: a is empty");
    expect_text_fault("a = \"12345678\"", "file:1: a is longer than 7 bytes; shorten it");
    expect_text_fault("a = \"x\\ty\"", "file:1: a holds control characters; write plain text");
    expect_text_fault("a = \"x\\xffy\"", "file:1: a holds control characters; write plain text");
    struct fault fault;
    char text[8] = "";
    struct document *document = load("a = 1234567", &fault);
    document_text(document, document_root(document), "a", text, sizeof text);
    cr_assert_str_eq(text, "1234567");
    document_destroy(document);
}

Test(document, truths_words_and_days_are_checked) {
    struct fault fault;
    bool truth = false;
    uint16_t day = 0;
    size_t choice = 0;
    struct document *document = load("a = yes\nb = 2021-04-31\n", &fault);
    document_truth(document, document_root(document), "a", &truth);
    cr_assert(truth);
    document_day(document, document_root(document), "b", &day);
    expect_fault(&fault, "file:2: b is '2021-04-31'; it must be a date such as 2021-04-01");
    fault = (struct fault){0};
    document_truth(document, document_root(document), "b", &truth);
    expect_fault(&fault, "file:2: b is '2021-04-31'; it must be true or false");
    fault = (struct fault){0};
    document_choice(document, document_root(document), "a", (const char *const[]){"one", "two"}, 2, &choice);
    expect_fault(&fault, "file:1: a is 'yes'; it must be one of one, two");
    document_destroy(document);
}

static void expect_regions_fault(const char *file, const char *expected) {
    struct fault fault;
    uint32_t regions[2];
    size_t count;
    struct document *document = load(file, &fault);
    document_regions(document, document_root(document), "list", 2, regions, &count);
    expect_fault(&fault, expected);
    document_destroy(document);
}

Test(document, regions_are_known_and_apart) {
    struct fault fault;
    uint32_t regions[2];
    size_t count = 0;
    struct document *document = load("list = {31, \"330106\"}", &fault);
    document_regions(document, document_root(document), "list", 2, regions, &count);
    cr_assert_eq(fault.error, ERROR_NONE, "%s", fault.text);
    cr_assert(count == 2 && regions[0] == 310000 && regions[1] == 330106);
    document_destroy(document);

    expect_regions_fault("", "file: list is missing or empty; list region codes, such as {33}");
    expect_regions_fault("list = {}", "file: list is missing or empty; list region codes, such as {33}");
    expect_regions_fault("list = {31,\n\"3x\"}",
                         "file:2: list: '3x' is not a region; write 2, 4 or 6 digits of a GB/T 2260 code");
    expect_regions_fault("list = {99}",
                         "file:1: list: '99' is not a region; write 2, 4 or 6 digits of a GB/T 2260 code");
    expect_regions_fault("list = {31,\n31}",
                         "file:2: list: 310000 and 310000 overlap: one lies in the other; leave one out");
    expect_regions_fault("list = {\"330106\",\n\n\"33\"}",
                         "file:3: list: 330106 and 330000 overlap: one lies in the other; leave one out");
    expect_regions_fault("list = {31, 32, 33}", "file:1: list has more than 2 regions; name larger ones");
}
