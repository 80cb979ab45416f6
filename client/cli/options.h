/* The options of all commands, in one table: parsing, checking, help, completion and the manual come from it.
 * A value comes from the command line, else from the option's environment variable, else from its default. */
#ifndef TALLY_CLIENT_CLI_OPTIONS_H
#define TALLY_CLIENT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/cli/language.h"

enum option_id {
    OPTION_NONE = 0, /* ends the list of a command's options */
    OPTION_COMPETITION,
    OPTION_REGION,
    OPTION_AT,
    OPTION_BY,
    OPTION_FROM,
    OPTION_TO,
    OPTION_LIMIT,
    OPTION_MIGRANTS,
    OPTION_OUTPUT_FORMAT,
    OPTION_INPUT_FORMAT,
    OPTION_ENCODING,
    OPTION_NODE,
    OPTION_OUTBOX,
    OPTION_NO_OUTBOX,
    OPTION_DRY_RUN,
    OPTION_REJECTS,
    OPTION_SHORT_CODES,
    OPTION_TIMEOUT,
    OPTION_ONCE,
    OPTION_COUNT,
    OPTION_SEED,
    OPTION_PACE,
    OPTION_WRITE,
    OPTION_MAN,
    OPTION_INGEST,
    OPTION_TOTALS,
    OPTION_QUERY,
    OPTION_KEY,
    OPTION_DAEMON_KEY,
    OPTION_WHOSE,
    OPTION_COLOR,
    OPTION_LANG,
    OPTION_HELP,
    OPTION_IDS,
};

enum option_kind {
    OPTION_KIND_FLAG,
    OPTION_KIND_TEXT,
    OPTION_KIND_CHOICE,  /* one of the words in choices */
    OPTION_KIND_NUMBER,  /* whole, not negative */
    OPTION_KIND_SECONDS, /* decimal; number holds milliseconds */
    OPTION_KIND_REGION,  /* number holds the code */
    OPTION_KIND_DAY,     /* number holds the day */
};

struct option_spec {
    const char *name; /* long, without dashes */
    char letter;      /* 0 = none */
    enum option_kind kind;
    const char *argument;    /* how help names the value; NULL for flags */
    const char *choices;     /* words with a space between, for CHOICE */
    const char *environment; /* or NULL */
    const char *fallback;    /* default, or NULL */
    const char *help;
};

struct command;

enum { OPERANDS_MAX = 4 };

/* What a command line says. Texts are those of argv, the environment or the table. */
struct arguments {
    const struct command *command;
    const char *text[OPTION_IDS]; /* NULL = neither given nor defaulted; "" for a flag that is given */
    int64_t number[OPTION_IDS];   /* for the kinds that have one; 0 if text is NULL */
    const char *operand[OPERANDS_MAX];
    size_t operand_count;
    enum language language;
};

/* The table's entry. id is a real one. Static storage. */
const struct option_spec *options_spec(enum option_id id);

/* Reads argv[1] and on as command's own arguments; argv[0] is the command's name. What is wrong is told on stderr, with
 * what to do. Returns whether arguments can be used; number of operands included. */
bool options_parse(const struct command *command, int argc, char **argv, struct arguments *arguments);

/* Whether a flag was given. */
static inline bool options_given(const struct arguments *arguments, enum option_id id) {
    return arguments->text[id] != NULL;
}

#endif
