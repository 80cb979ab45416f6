#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/diagnostic.h"
#include "proto/day.h"
#include "proto/region.h"

static const struct option_spec specs[OPTION_IDS] = {
    [OPTION_COMPETITION] = {"competition", 'c', OPTION_KIND_TEXT, "KEY", NULL, "TALLY_COMPETITION", NULL,
                            "the competition; needed only if the daemon has several"},
    [OPTION_REGION] = {"region", 'r', OPTION_KIND_REGION, "CODE", NULL, NULL, NULL,
                       "a GB/T 2260 code such as 330106, or 33 or 3301 for short; default: the whole"},
    [OPTION_AT] = {"at", 0, OPTION_KIND_DAY, "DATE", NULL, NULL, NULL,
                   "as of the end of a day such as 2021-10-28; default: now"},
    [OPTION_BY] = {"by", 0, OPTION_KIND_CHOICE, "MEASURE", "projects value participants", NULL, "value",
                   "what regions are ranked by"},
    [OPTION_FROM] = {"from", 0, OPTION_KIND_DAY, "DATE", NULL, NULL, NULL, "the first day; default: the first change"},
    [OPTION_TO] = {"to", 0, OPTION_KIND_DAY, "DATE", NULL, NULL, NULL, "the last day; default: the last change"},
    [OPTION_LIMIT] = {"limit", 0, OPTION_KIND_NUMBER, "N", NULL, NULL, NULL, "at most so many rows; default: all"},
    [OPTION_MIGRANTS] = {"migrants", 0, OPTION_KIND_FLAG, NULL, NULL, NULL, NULL,
                         "also say how many participants are migrant workers"},
    [OPTION_OUTPUT_FORMAT] = {"format", 'f', OPTION_KIND_CHOICE, "FORMAT", "table json csv", NULL, "table",
                              "how to print; JSON carries money as decimal strings in fen"},
    [OPTION_INPUT_FORMAT] = {"format", 'f', OPTION_KIND_CHOICE, "FORMAT", "auto csv tsv ndjson", NULL, "auto",
                             "what FILE holds"},
    [OPTION_ENCODING] = {"encoding", 0, OPTION_KIND_CHOICE, "NAME", "auto utf-8 utf-16 gb18030", NULL, "auto",
                         "how FILE writes text; auto looks at the whole file"},
    [OPTION_NODE] = {"node", 'n', OPTION_KIND_TEXT, "NAME", NULL, "TALLY_NODE", NULL,
                     "the reporting unit, as the daemon's configuration names it"},
    [OPTION_OUTBOX] = {"outbox", 0, OPTION_KIND_TEXT, "DIR", NULL, NULL, NULL,
                       "where rows wait on disk for their receipt; default: $XDG_STATE_HOME/tally/NODE or "
                       "~/.local/state/tally/NODE"},
    [OPTION_NO_OUTBOX] = {"no-outbox", 0, OPTION_KIND_FLAG, NULL, NULL, NULL, NULL,
                          "keep nothing on disk: rows without a receipt must be pushed again"},
    [OPTION_DRY_RUN] = {"dry-run", 0, OPTION_KIND_FLAG, NULL, NULL, NULL, NULL,
                        "check every row and send none; the daemon is asked for its categories and statuses only"},
    [OPTION_REJECTS] =
        {"rejects", 0, OPTION_KIND_TEXT, "FILE", NULL, NULL, NULL,
         "write refused rows there, in the same columns plus the reason; correct them and push the file"},
    [OPTION_SHORT_CODES] = {"short-codes", 0, OPTION_KIND_FLAG, NULL, NULL, NULL, NULL,
                            "take project codes of digits only as they are, though others in FILE are longer or a "
                            "spreadsheet may have rounded them"},
    [OPTION_TIMEOUT] = {"timeout", 0, OPTION_KIND_SECONDS, "SECONDS", NULL, NULL, NULL,
                        "give up waiting for receipts after so long; default: wait for ever"},
    [OPTION_ONCE] = {"once", 0, OPTION_KIND_FLAG, NULL, NULL, NULL, NULL, "print one table and exit"},
    [OPTION_COUNT] = {"count", 0, OPTION_KIND_NUMBER, "N", NULL, NULL, NULL, "stop after N lines of NDJSON"},
    [OPTION_SEED] = {"seed", 0, OPTION_KIND_NUMBER, "N", NULL, NULL, "20211028",
                     "which synthetic data set; the totals are the same for every seed"},
    [OPTION_PACE] = {"pace", 0, OPTION_KIND_SECONDS, "SECONDS", NULL, NULL, NULL,
                     "how long the pushing takes; 0 = as fast as possible; default: 15 on a terminal, else 0"},
    [OPTION_WRITE] = {"write", 0, OPTION_KIND_TEXT, "FILE", NULL, NULL, NULL,
                      "write the data set as a CSV spreadsheet instead (only NODE's part with --node)"},
    [OPTION_MAN] = {"man", 0, OPTION_KIND_FLAG, NULL, NULL, NULL, NULL, "print the manual page as roff"},
    [OPTION_INGEST] = {"ingest", 0, OPTION_KIND_TEXT, "ENDPOINT", NULL, "TALLY_INGEST", "tcp://127.0.0.1:7501",
                       "the daemon's ingest endpoint"},
    [OPTION_TOTALS] = {"totals", 0, OPTION_KIND_TEXT, "ENDPOINT", NULL, "TALLY_TOTALS", "tcp://127.0.0.1:7502",
                       "the daemon's totals endpoint"},
    [OPTION_QUERY] = {"query", 0, OPTION_KIND_TEXT, "ENDPOINT", NULL, "TALLY_QUERY", "tcp://127.0.0.1:7503",
                      "the daemon's query endpoint"},
    [OPTION_KEY] = {"key", 'k', OPTION_KIND_TEXT, "FILE", NULL, "TALLY_KEY", NULL,
                    "your secret key file, if the daemon asks for keys: see tally keygen"},
    [OPTION_DAEMON_KEY] = {"daemon-key", 0, OPTION_KIND_TEXT, "KEY", NULL, "TALLY_DAEMON_KEY", NULL,
                           "the daemon's public key: its 64 digits, or the .pub file that has them"},
    [OPTION_WHOSE] = {"for", 0, OPTION_KIND_TEXT, "TEXT", NULL, NULL, NULL,
                      "whose keys they are, written into the files; default: the name of FILE"},
    [OPTION_COLOR] = {"color", 0, OPTION_KIND_CHOICE, "WHEN", "auto always never", NULL, "auto",
                      "colour; auto means on a terminal unless NO_COLOR is set or TERM is dumb"},
    [OPTION_LANG] = {"lang", 0, OPTION_KIND_CHOICE, "LANGUAGE", "zh en", NULL, NULL,
                     "language of tables and reports; default: the locale's"},
    [OPTION_HELP] = {"help", 'h', OPTION_KIND_FLAG, NULL, NULL, NULL, NULL, "print this help and exit"},
};

const struct option_spec *options_spec(enum option_id id) {
    return &specs[id];
}

/* Whether word is one of the words in list. */
static bool choice_known(const char *list, const char *word) {
    size_t length = strcspn(word, " ");
    for (const char *at = list; length > 0 && word[length] == '\0' && at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, word, length) == 0 && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool number_read(const char *text, int64_t *number) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits] != '\0') {
        return false;
    }
    *number = strtoll(text, NULL, 10);
    return true;
}

/* Seconds with at most three decimals, to milliseconds; up to about eleven days. */
static bool seconds_read(const char *text, int64_t *milliseconds) {
    size_t whole = strspn(text, "0123456789");
    const char *fraction = text + whole + (text[whole] == '.');
    size_t decimals = strspn(fraction, "0123456789");
    if (whole + decimals == 0 || whole > 6 || decimals > 3 || fraction[decimals] != '\0') {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i < whole; i++) {
        value = value * 10 + (text[i] - '0');
    }
    for (size_t i = 0; i < 3; i++) {
        value = value * 10 + (i < decimals ? fraction[i] - '0' : 0);
    }
    *milliseconds = value;
    return true;
}

/* What a value of the kind looks like, for people. */
static const char *kind_hint(const struct option_spec *spec) {
    switch (spec->kind) {
    case OPTION_KIND_CHOICE:
        return spec->choices;
    case OPTION_KIND_NUMBER:
        return "a whole number such as 100";
    case OPTION_KIND_SECONDS:
        return "seconds such as 10 or 0.5";
    case OPTION_KIND_REGION:
        return "a GB/T 2260 code such as 330106, 33 for a province, or 000000 for the whole";
    case OPTION_KIND_DAY:
        return "a date such as 2021-10-28";
    default:
        return "a text that is not empty";
    }
}

static bool value_read(const struct option_spec *spec, const char *text, int64_t *number) {
    uint32_t value = 0;
    switch (spec->kind) {
    case OPTION_KIND_CHOICE:
        return choice_known(spec->choices, text);
    case OPTION_KIND_NUMBER:
        return number_read(text, number);
    case OPTION_KIND_SECONDS:
        return seconds_read(text, number);
    case OPTION_KIND_REGION:
        if (!region_parse(text, &value)) {
            return false;
        }
        *number = value;
        return true;
    case OPTION_KIND_DAY:
        if (!day_parse(text, strlen(text), &value)) {
            return false;
        }
        *number = value;
        return true;
    case OPTION_KIND_TEXT:
        return text[0] != '\0';
    default:
        return true;
    }
}

/* Takes a value that came from the command line or, if environment is set, from there. */
static bool value_set(struct arguments *arguments, enum option_id id, const char *text, bool environment) {
    const struct option_spec *spec = &specs[id];
    if (!value_read(spec, text, &arguments->number[id])) {
        diagnostic_error(arguments->command->name, "%s%s: '%s' does not fit: give %s", environment ? "" : "--",
                         environment ? spec->environment : spec->name, text, kind_hint(spec));
        return false;
    }
    arguments->text[id] = text;
    return true;
}

/* Fills what the command line left open. */
static bool defaults_set(struct arguments *arguments, const enum option_id *ids) {
    for (; *ids != OPTION_NONE; ids++) {
        const struct option_spec *spec = &specs[*ids];
        const char *environment = spec->environment != NULL ? getenv(spec->environment) : NULL;
        if (arguments->text[*ids] != NULL) {
            continue;
        }
        if (environment != NULL && environment[0] != '\0') {
            if (!value_set(arguments, *ids, environment, true)) {
                return false;
            }
        } else if (spec->fallback != NULL && !value_set(arguments, *ids, spec->fallback, false)) {
            return false;
        }
    }
    return true;
}

enum { GETOPT_FIRST = 256 }; /* above every character: the value that getopt_long returns for the first option */

/* Writes what getopt_long wants. Both arrays have room for every option. */
static void getopt_fill(const enum option_id *ids, struct option *longs, char *shorts) {
    *shorts++ = ':';
    for (; *ids != OPTION_NONE; ids++, longs++) {
        const struct option_spec *spec = &specs[*ids];
        bool value = spec->kind != OPTION_KIND_FLAG;
        *longs = (struct option){
            .name = spec->name, .has_arg = value ? required_argument : no_argument, .val = GETOPT_FIRST + (int)*ids};
        if (spec->letter != 0) {
            *shorts++ = spec->letter;
            if (value) {
                *shorts++ = ':';
            }
        }
    }
    *longs = (struct option){.name = NULL};
    *shorts = '\0';
}

static enum option_id id_of_result(const enum option_id *ids, int result) {
    if (result >= GETOPT_FIRST) {
        return (enum option_id)(result - GETOPT_FIRST);
    }
    while (*ids != OPTION_NONE && specs[*ids].letter != result) {
        ids++;
    }
    return *ids;
}

/* Tells about what getopt_long does not take. */
static void complain(const struct command *command, char **argv, int result) {
    const char *word = argv[optind - 1];
    if (result == ':') {
        diagnostic_error(command->name, "%s needs a value: see 'tally %s --help'", word, command->name);
    } else if (optopt > 0 && optopt < GETOPT_FIRST) {
        diagnostic_error(command->name, "unknown option -%c: see 'tally %s --help'", optopt, command->name);
    } else {
        diagnostic_error(command->name, "unknown, ambiguous or wrongly used option %s: see 'tally %s --help'", word,
                         command->name);
    }
}

static bool operands_take(const struct command *command, int count, char **operands, struct arguments *arguments) {
    if (arguments->text[OPTION_HELP] != NULL) {
        return true;
    }
    if (count < command->operand_min) {
        diagnostic_error(command->name, "%s is missing: see 'tally %s --help'", command->operands, command->name);
        return false;
    }
    if (count > command->operand_max) {
        diagnostic_error(command->name, "'%s' is one argument too many: see 'tally %s --help'",
                         operands[command->operand_max], command->name);
        return false;
    }
    for (int i = 0; i < count; i++) {
        arguments->operand[i] = operands[i];
    }
    arguments->operand_count = (size_t)count;
    return true;
}

bool options_parse(const struct command *command, int argc, char **argv, struct arguments *arguments) {
    enum option_id ids[OPTION_IDS + 1];
    commands_options(command, ids);
    struct option longs[OPTION_IDS + 1];
    char shorts[2 * OPTION_IDS + 2];
    getopt_fill(ids, longs, shorts);
    *arguments = (struct arguments){.command = command};
    opterr = 0;
    optind = 0; /* glibc: start anew */
    int result;
    while ((result = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (result == '?' || result == ':') {
            complain(command, argv, result);
            return false;
        }
        if (!value_set(arguments, id_of_result(ids, result), optarg != NULL ? optarg : "", false)) {
            return false;
        }
    }
    if (!defaults_set(arguments, ids)) {
        return false;
    }
    arguments->language = language_choose(arguments->text[OPTION_LANG]);
    return operands_take(command, argc - optind, argv + optind, arguments);
}
