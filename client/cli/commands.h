/* All commands, in one table: dispatch, help, completion and the manual come from it. */
#ifndef TALLY_CLIENT_CLI_COMMANDS_H
#define TALLY_CLIENT_CLI_COMMANDS_H

#include <stddef.h>

#include "client/cli/options.h"

/* Exit codes beside those of sysexits.h. */
enum {
    EXIT_SOME_REFUSED = 1,  /* push */
    EXIT_NONE_ACCEPTED = 2, /* push */
    EXIT_NEGATIVE = 1,      /* verify, project, demo: the answer is no */
    EXIT_INTERRUPTED = 130,
};

struct command {
    const char *name;
    const char *operands; /* how help names them; "" = none */
    int operand_min;
    int operand_max;
    const char *words;             /* what the operand may be, for completion; NULL = nothing, "FILE" = file names */
    const char *summary;           /* a few words */
    const char *detail;            /* sentences */
    const char *exits;             /* its own exit codes, or NULL */
    const char *example;           /* a command line, without "tally " */
    const enum option_id *options; /* its own, ended by OPTION_NONE */
    int (*run)(const struct arguments *arguments); /* returns the exit code */
};

/* Every command, in the order of help. Static storage. */
const struct command *commands_list(size_t *count);

/* NULL if there is none of this name. */
const struct command *commands_find(const char *name);

/* The command whose name is nearest to a mistyped one, or NULL if none is near. */
const char *commands_nearest(const char *name);

/* The command's options and those that every command has. ids has room for OPTION_IDS + 1; ended by OPTION_NONE. */
void commands_options(const struct command *command, enum option_id *ids);

/* Finds the command in argv[1], reads its arguments and runs it. Returns the exit code. */
int commands_run(int argc, char **argv);

/* Each command, in the file of its name. */
int push_run(const struct arguments *arguments);
int watch_run(const struct arguments *arguments);
int totals_run(const struct arguments *arguments);
int report_run(const struct arguments *arguments);
int project_run(const struct arguments *arguments);
int projects_run(const struct arguments *arguments);
int history_run(const struct arguments *arguments);
int nodes_run(const struct arguments *arguments);
int competitions_run(const struct arguments *arguments);
int status_run(const struct arguments *arguments);
int verify_run(const struct arguments *arguments);
int demo_run(const struct arguments *arguments);
int keygen_run(const struct arguments *arguments);
int completion_run(const struct arguments *arguments);
int help_run(const struct arguments *arguments);
int version_run(const struct arguments *arguments);

#endif
