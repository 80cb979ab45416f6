#include "bench/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { HELP_COLUMN = 22, WORD_BYTES = 64, HELP = 'h', NUMERALS = 10 };

static void print_default(const struct argument *argument) {
    switch (argument->kind) {
    case ARGUMENT_NUMBER:
        printf(" (default %" PRIu64 ")", *(const uint64_t *)argument->to);
        break;
    case ARGUMENT_REAL:
        printf(" (default %g)", *(const double *)argument->to);
        break;
    case ARGUMENT_TEXT:
        printf(" (default %s)", *(const char *const *)argument->to);
        break;
    case ARGUMENT_FLAG:
        break;
    }
}

static void print_help(const char *program, const char *summary, const struct argument *table, size_t count) {
    printf("Usage: %s [OPTION]...\n%s\n\n", program, summary);
    for (size_t i = 0; i < count; i++) {
        char word[WORD_BYTES];
        const char *value = table[i].value;
        snprintf(word, sizeof word, "--%s%s%s", table[i].name, value != NULL ? "=" : "", value != NULL ? value : "");
        printf("  %-*s  %s", HELP_COLUMN, word, table[i].help);
        print_default(&table[i]);
        putchar('\n');
    }
    printf("  %-*s  show this help\n", HELP_COLUMN, "--help");
}

/* Whether all of text is a number within the bounds. */
static bool read_number(const struct argument *argument, const char *text) {
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    bool whole = argument->kind != ARGUMENT_NUMBER || strspn(text, "0123456789") == strlen(text);
    bool good =
        end != text && *end == '\0' && errno == 0 && whole && value >= argument->least && value <= argument->most;
    if (good && argument->kind == ARGUMENT_NUMBER) {
        *(uint64_t *)argument->to = strtoull(text, NULL, NUMERALS);
    } else if (good) {
        *(double *)argument->to = value;
    }
    return good;
}

static bool take(const char *program, const struct argument *argument, const char *text) {
    if (argument->kind == ARGUMENT_FLAG) {
        *(bool *)argument->to = true;
        return true;
    }
    if (argument->kind == ARGUMENT_TEXT) {
        *(const char **)argument->to = text;
        return true;
    }
    if (!read_number(argument, text)) {
        fprintf(stderr, "%s: --%s=%s: must be a number from %.15g to %.15g\n", program, argument->name, text,
                argument->least, argument->most);
        return false;
    }
    return true;
}

int arguments_read(int argc, char **argv, const char *summary, const struct argument *table, size_t count) {
    const char *slash = strrchr(argv[0], '/');
    const char *program = slash != NULL ? slash + 1 : argv[0];
    struct option options[ARGUMENTS_MAX + 2] = {0};
    int place = 0;
    int found;
    for (size_t i = 0; i < count && i < ARGUMENTS_MAX; i++) {
        int has_value = table[i].kind == ARGUMENT_FLAG ? no_argument : required_argument;
        options[i] = (struct option){table[i].name, has_value, NULL, 0};
    }
    options[count] = (struct option){"help", no_argument, NULL, HELP};
    while ((found = getopt_long(argc, argv, "", options, &place)) != -1) {
        if (found == HELP) {
            print_help(program, summary, table, count);
            return EX_OK;
        }
        if (found != 0 || !take(program, &table[place], optarg)) {
            return EX_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: %s: takes no arguments besides options\n", program, argv[optind]);
        return EX_USAGE;
    }
    return -1;
}
