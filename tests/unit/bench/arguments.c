#include "bench/arguments.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static uint64_t number = 4;
static double real = 0.5;
static const char *text = "here";
static bool flag;

static const struct argument table[] = {
    {"number", "N", "a number", ARGUMENT_NUMBER, &number, 1, 1000},
    {"real", "R", "a real one", ARGUMENT_REAL, &real, 0.1, 10},
    {"text", "T", "a text", ARGUMENT_TEXT, &text, 0, 0},
    {"flag", NULL, "a flag", ARGUMENT_FLAG, &flag, 0, 0},
};

static int read_words(int count, const char *const *words) {
    static char copies[8][64];
    char *argv[10] = {"/some/where/bench_it"};
    for (int i = 0; i < count; i++) {
        snprintf(copies[i], sizeof copies[i], "%s", words[i]);
        argv[i + 1] = copies[i];
    }
    return arguments_read(count + 1, argv, "Does it.", table, sizeof table / sizeof table[0]);
}

Test(arguments, all_kinds_are_read) {
    const char *words[] = {"--number=77", "--real", "2.5", "--text=there", "--flag"};
    cr_assert_eq(read_words(5, words), -1);
    cr_assert_eq(number, 77);
    cr_assert(real > 2.4 && real < 2.6);
    cr_assert_str_eq(text, "there");
    cr_assert(flag);
}

Test(arguments, what_is_not_given_stays) {
    cr_assert_eq(read_words(0, NULL), -1);
    cr_assert_eq(number, 4);
    cr_assert_str_eq(text, "here");
    cr_assert(!flag);
}

Test(arguments, what_is_wrong_is_refused) {
    const char *const wrong[] = {"--number=0",   "--number=1001", "--number=x",  "--number=",   "--number=2.5",
                                 "--number=-1",  "--number=0x10", "--number=5 ", "--real=0.05", "--real=nan",
                                 "--real=1e400", "--real=1x",     "--unknown",   "word"};
    cr_redirect_stderr();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        optind = 0; /* getopt begins anew */
        cr_expect_eq(read_words(1, &wrong[i]), 64, "%s", wrong[i]);
    }
    cr_assert_eq(number, 4);
}

Test(arguments, help_has_every_option_and_its_default) {
    const char *words[] = {"--help"};
    cr_redirect_stdout();
    cr_assert_eq(read_words(1, words), 0);
    fflush(stdout);
    cr_assert_stdout_eq_str("Usage: bench_it [OPTION]...\n"
                            "Does it.\n"
                            "\n"
                            "  --number=N              a number (default 4)\n"
                            "  --real=R                a real one (default 0.5)\n"
                            "  --text=T                a text (default here)\n"
                            "  --flag                  a flag\n"
                            "  --help                  show this help\n");
}
