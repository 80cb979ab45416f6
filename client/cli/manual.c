#include "manual.h"

#include "client/cli/commands.h"

/* Prints text so that roff takes none of it as a request or an escape. */
static void print_text(FILE *out, const char *text) {
    if (*text == '.' || *text == '\'') {
        fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            fputs("\\e", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else {
            fputc(*text, out);
        }
    }
}

static void print_option(FILE *out, const struct option_spec *spec) {
    fputs(".TP\n\\fB", out);
    if (spec->letter != 0) {
        fprintf(out, "\\-%c\\fR, \\fB", spec->letter);
    }
    fputs("\\-\\-", out);
    print_text(out, spec->name);
    fputs("\\fR", out);
    if (spec->argument != NULL) {
        fprintf(out, " \\fI%s\\fR", spec->argument);
    }
    fputc('\n', out);
    print_text(out, spec->help);
    if (spec->choices != NULL) {
        fputs("; one of: ", out);
        print_text(out, spec->choices);
    }
    if (spec->fallback != NULL) {
        fputs(" (default: ", out);
        print_text(out, spec->fallback);
        fputc(')', out);
    }
    fputs(".\n", out);
}

static void print_command(FILE *out, const struct command *command) {
    fprintf(out, ".SS tally %s", command->name);
    if (command->operands[0] != '\0') {
        fputc(' ', out);
        print_text(out, command->operands);
    }
    fputc('\n', out);
    print_text(out, command->detail);
    fputc('\n', out);
    for (const enum option_id *id = command->options; *id != OPTION_NONE; id++) {
        print_option(out, options_spec(*id));
    }
    if (command->exits != NULL) {
        fputs(".PP\nExit status: ", out);
        print_text(out, command->exits);
        fputs(".\n", out);
    }
    fputs(".PP\nExample:\n.PP\n.nf\n.RS\ntally ", out);
    print_text(out, command->example);
    fputs("\n.RE\n.fi\n", out);
}

static void print_environment(FILE *out) {
    fputs(".SH ENVIRONMENT\n", out);
    for (enum option_id id = OPTION_NONE + 1; id < OPTION_IDS; id++) {
        const struct option_spec *spec = options_spec(id);
        if (spec->environment != NULL) {
            fprintf(out, ".TP\n\\fB%s\\fR\nStands for \\fB\\-\\-%s\\fR where that is not given.\n", spec->environment,
                    spec->name);
        }
    }
    fputs(
        ".TP\n\\fBNO_COLOR\\fR\nIf set and not empty, nothing is coloured unless \\fB\\-\\-color=always\\fR says so.\n"
        ".TP\n\\fBLC_ALL\\fR, \\fBLC_MESSAGES\\fR, \\fBLANG\\fR\n"
        "The first that is set chooses the language of tables and reports.\n"
        ".TP\n\\fBXDG_STATE_HOME\\fR\nWhere outboxes are kept, in \\fItally/NODE\\fR.\n",
        out);
}

void manual_print(FILE *out) {
    fputs(".TH TALLY 1 \"\" \"tally " TALLY_CLI_VERSION "\" \"Tally\"\n"
          ".SH NAME\ntally \\- report construction projects, and follow and print their totals\n"
          ".SH SYNOPSIS\n.B tally\n.I COMMAND\n.RI [ OPTION ]...\n"
          ".SH DESCRIPTION\n"
          "Speaks to a Tally daemon, which keeps live totals of the projects that reporting units enrol in a "
          "construction competition: projects, contract value, participants and migrant workers among them, for every "
          "region, category and status.\n"
          ".SH COMMANDS\n",
          out);
    size_t count;
    const struct command *commands = commands_list(&count);
    for (size_t i = 0; i < count; i++) {
        print_command(out, &commands[i]);
    }
    fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
    const enum option_id common[] = {OPTION_LANG, OPTION_COLOR, OPTION_HELP};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        print_option(out, options_spec(common[i]));
    }
    print_environment(out);
    fputs(
        ".SH EXIT STATUS\n"
        "0 all is well. Where a command lists no other: 64 wrong usage, 65 wrong data, 66 the file cannot be read, 69 "
        "the daemon is not reachable, 70 the program or the protocol fails, 71 out of memory, 73 a file cannot be "
        "written, 74 a disk fails, 75 not in time: try again, 77 the daemon refuses this node, 130 interrupted.\n",
        out);
}
