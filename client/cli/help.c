#include "help.h"

#include <string.h>
#include <sysexits.h>
#include <tally/tally.h>

#include "client/cli/diagnostic.h"
#include "client/cli/manual.h"
#include "client/cli/terminal.h"

enum { HELP_COLUMNS = 80, OPTION_COLUMNS = 28, NAME_COLUMNS = 16 };

/* Prints text in lines of HELP_COLUMNS, broken at spaces; column is where the cursor stands, indent where further lines
 * begin. */
static void wrap(FILE *out, const char *text, int indent, int column) {
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        char word[256];
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        int width = terminal_text_width(word);
        if (column > indent && column + 1 + width > HELP_COLUMNS) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fputs(word, out);
        column += width;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void help_overview(FILE *out) {
    fputs("Usage: tally COMMAND [OPTION]...\n"
          "Report construction projects to a Tally daemon, and follow and print their totals.\n\n",
          out);
    size_t count;
    const struct command *commands = commands_list(&count);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-*s", NAME_COLUMNS - 2, commands[i].name);
        wrap(out, commands[i].summary, NAME_COLUMNS, NAME_COLUMNS);
    }
    fputs("\nSee 'tally COMMAND --help' for the options of one. Exit codes are those of sysexits.h:\n"
          "64 usage, 65 data, 66 no such file, 69 the daemon is not reachable, 75 not in time.\n",
          out);
}

static void print_option(FILE *out, const struct option_spec *spec) {
    char left[64];
    char letter[] = {'-', spec->letter, ',', ' ', '\0'};
    snprintf(left, sizeof left, "  %s--%s%s%s", spec->letter != 0 ? letter : "    ", spec->name,
             spec->argument != NULL ? " " : "", spec->argument != NULL ? spec->argument : "");
    int column = fprintf(out, "%-*s", OPTION_COLUMNS - 1, left);
    fputs(column >= OPTION_COLUMNS ? "\n" : "", out);
    fprintf(out, "%*s", column >= OPTION_COLUMNS ? OPTION_COLUMNS : OPTION_COLUMNS - column, "");
    char text[512];
    const char *open = spec->choices != NULL ? "; one of: " : "";
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s%s", spec->help, open, spec->choices != NULL ? spec->choices : "",
             spec->fallback != NULL ? " (default: " : "", spec->fallback != NULL ? spec->fallback : "",
             spec->fallback != NULL ? ")" : "", spec->environment != NULL ? " [env: " : "",
             spec->environment != NULL ? spec->environment : "", spec->environment != NULL ? "]" : "");
    wrap(out, text, OPTION_COLUMNS, OPTION_COLUMNS);
}

void help_command(FILE *out, const struct command *command) {
    fprintf(out, "Usage: tally %s [OPTION]...%s%s\n", command->name, command->operands[0] != '\0' ? " " : "",
            command->operands);
    wrap(out, command->detail, 0, 0);
    fputs("\nOptions:\n", out);
    enum option_id ids[OPTION_IDS + 1];
    commands_options(command, ids);
    for (const enum option_id *id = ids; *id != OPTION_NONE; id++) {
        print_option(out, options_spec(*id));
    }
    if (command->exits != NULL) {
        fputs("\nExit codes:", out);
        wrap(out, command->exits, 0, 11);
    }
    fprintf(out, "\nExample: tally %s\n", command->example);
}

int help_run(const struct arguments *arguments) {
    if (options_given(arguments, OPTION_MAN)) {
        manual_print(stdout);
        return EX_OK;
    }
    if (arguments->operand_count == 0) {
        help_overview(stdout);
        return EX_OK;
    }
    const struct command *command = commands_find(arguments->operand[0]);
    if (command == NULL) {
        diagnostic_error("help", "unknown command '%s': see 'tally help'", arguments->operand[0]);
        return EX_USAGE;
    }
    help_command(stdout, command);
    return EX_OK;
}

int version_run(const struct arguments *arguments) {
    (void)arguments;
    printf("tally %s (libtally %s)\n", TALLY_CLI_VERSION, tally_version());
    return EX_OK;
}
