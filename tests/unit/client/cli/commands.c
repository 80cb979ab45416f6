#include "client/cli/commands.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/help.h"
#include "client/cli/manual.h"
#include "client/cli/terminal.h"

Test(commands, every_command_is_complete_and_found_by_its_name) {
    size_t count;
    const struct command *commands = commands_list(&count);
    cr_assert_eq(count, 16);
    for (size_t i = 0; i < count; i++) {
        const struct command *command = &commands[i];
        cr_assert(commands_find(command->name) == command, "%s stands there twice", command->name);
        cr_assert_not_null(command->run);
        cr_assert(strlen(command->summary) > 5 && strlen(command->detail) > 5, "%s", command->name);
        cr_assert(strncmp(command->example, command->name, strlen(command->name)) == 0, "%s", command->example);
        cr_assert((command->operand_max > 0) == (command->operands[0] != '\0'), "%s", command->name);
        cr_assert(command->operand_min <= command->operand_max && command->operand_max <= OPERANDS_MAX);
    }
    cr_assert_null(commands_find("psuh"));
}

Test(commands, no_command_has_an_option_or_a_letter_twice) {
    size_t count;
    const struct command *commands = commands_list(&count);
    for (size_t i = 0; i < count; i++) {
        enum option_id ids[OPTION_IDS + 1];
        commands_options(&commands[i], ids);
        for (const enum option_id *a = ids; *a != OPTION_NONE; a++) {
            for (const enum option_id *b = a + 1; *b != OPTION_NONE; b++) {
                const struct option_spec *first = options_spec(*a);
                const struct option_spec *second = options_spec(*b);
                cr_assert(strcmp(first->name, second->name) != 0, "%s --%s", commands[i].name, first->name);
                cr_assert(first->letter == 0 || first->letter != second->letter, "%s -%c", commands[i].name,
                          first->letter);
            }
        }
    }
}

Test(commands, every_option_belongs_to_a_command_and_is_complete) {
    size_t count;
    const struct command *commands = commands_list(&count);
    for (enum option_id id = OPTION_NONE + 1; id < OPTION_IDS; id++) {
        const struct option_spec *spec = options_spec(id);
        bool used = false;
        for (size_t i = 0; i < count; i++) {
            enum option_id ids[OPTION_IDS + 1];
            commands_options(&commands[i], ids);
            for (const enum option_id *at = ids; *at != OPTION_NONE; at++) {
                used = used || *at == id;
            }
        }
        cr_assert(used, "--%s is in no command", spec->name);
        cr_assert((spec->kind == OPTION_KIND_FLAG) == (spec->argument == NULL), "--%s", spec->name);
        cr_assert((spec->kind == OPTION_KIND_CHOICE) == (spec->choices != NULL), "--%s", spec->name);
        cr_assert(strlen(spec->help) > 10, "--%s", spec->name);
    }
}

Test(commands, a_mistyped_name_finds_its_neighbour) {
    cr_assert_str_eq(commands_nearest("wacth"), "watch");
    cr_assert_str_eq(commands_nearest("psuh"), "push");
    cr_assert_str_eq(commands_nearest("totla"), "totals");
    cr_assert_str_eq(commands_nearest("report "), "report");
    cr_assert_null(commands_nearest("frobnicate"));
    cr_assert_null(commands_nearest("x"));
    cr_assert_null(commands_nearest("a-name-that-is-much-longer-than-any-command-is"));
}

/* What a printer writes; the caller frees. */
static char *printed(void (*print)(FILE *out)) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    print(out);
    fclose(out);
    return bytes;
}

static void print_help_of_all(FILE *out) {
    size_t count;
    const struct command *commands = commands_list(&count);
    for (size_t i = 0; i < count; i++) {
        help_command(out, &commands[i]);
    }
}

Test(commands, help_and_manual_name_every_command_and_option) {
    char *help = printed(print_help_of_all);
    char *overview = printed(help_overview);
    char *manual = printed(manual_print);
    size_t count;
    const struct command *commands = commands_list(&count);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "\n  %s ", commands[i].name);
        cr_assert(strstr(overview, text) != NULL, "%s", text);
        snprintf(text, sizeof text, ".SS tally %s", commands[i].name);
        cr_assert(strstr(manual, text) != NULL, "%s", text);
    }
    for (enum option_id id = OPTION_NONE + 1; id < OPTION_IDS; id++) {
        char text[64];
        snprintf(text, sizeof text, "--%s", options_spec(id)->name);
        cr_assert(strstr(help, text) != NULL, "%s", text);
    }
    free(help);
    free(overview);
    free(manual);
}

Test(commands, help_fits_eighty_columns) {
    terminal_init();
    char *help = printed(print_help_of_all);
    char *rest = help;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        cr_assert(terminal_text_width(line) <= 80 || strstr(line, "Example:") != NULL || strstr(line, "http") != NULL,
                  "%s", line);
    }
    free(help);
}

Test(commands, no_line_of_the_manual_begins_a_request_by_accident) {
    char *manual = printed(manual_print);
    static const char *const requests[] = {".TH ", ".SH ", ".SS ", ".TP", ".PP", ".nf",
                                           ".fi",  ".RS",  ".RE",  ".B ", ".I ", ".RI "};
    char *rest = manual;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        bool known = line[0] != '.' && line[0] != '\'';
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
            known = known || strncmp(line, requests[i], strlen(requests[i])) == 0;
        }
        cr_assert(known, "%s", line);
    }
    free(manual);
}
