/* Help for people, written from the table of commands. */
#ifndef TALLY_CLIENT_CLI_HELP_H
#define TALLY_CLIENT_CLI_HELP_H

#include <stdio.h>

#include "client/cli/commands.h"

/* All commands, a line each. */
void help_overview(FILE *out);

/* One command with its options. */
void help_command(FILE *out, const struct command *command);

#endif
