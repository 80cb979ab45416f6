#include "commands.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/diagnostic.h"
#include "client/cli/help.h"

#define OPTIONS(...) \
    (const enum option_id[]) { \
        __VA_ARGS__ __VA_OPT__(, ) OPTION_NONE \
    }

static const struct command table[] = {
    {.name = "push",
     .operands = "FILE|-",
     .operand_min = 1,
     .operand_max = 1,
     .words = "FILE",
     .summary = "report the projects of a spreadsheet or a stream",
     .detail =
         "Reads CSV, TSV or NDJSON from FILE, or from standard input for -, and reports each row as the full present "
         "state of one project. The header names the columns in Chinese or English: 项目代码 code, 项目名称 name, "
         "行政区划代码 region, 竞赛类别 category, 状态 status, 合同造价(元|万元|亿元|分) "
         "contract_value_yuan|wan|yi|fen, 参与人数 participants, 其中农民工 migrant_participants, 承建单位 "
         "contractor, 开工日期 start_date, 竣工日期 completion_date, 生效日期 effective_date. Other columns are "
         "ignored, with a warning. Rows that cannot be taken are named by their number in the spreadsheet (the header "
         "is row 1) with the reason; the other rows count. The last line on standard output tells how many rows were "
         "accepted, refused, and duplicate (among the accepted: the daemon already knew exactly this).",
     .exits = "0 all rows accepted; 1 some refused; 2 none accepted; 75 not all receipts came in time; 130 interrupted",
     .example = "push --node zhejiang --rejects refused.csv enrolments.csv",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_NODE, OPTION_INPUT_FORMAT, OPTION_ENCODING, OPTION_DRY_RUN,
                        OPTION_REJECTS, OPTION_SHORT_CODES, OPTION_OUTBOX, OPTION_NO_OUTBOX, OPTION_TIMEOUT,
                        OPTION_INGEST, OPTION_QUERY, OPTION_KEY, OPTION_DAEMON_KEY),
     .run = push_run},
    {.name = "watch",
     .operands = "",
     .summary = "follow the totals live",
     .detail =
         "Shows the regions directly below one, ranked, with their totals, what changed since the watching began, "
         "and how old the figures are; stale figures are marked. Ends with Ctrl-C. When standard output is "
         "not a terminal it prints NDJSON, one object for each changed region.",
     .example = "watch --region 33 --by participants",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_REGION, OPTION_BY, OPTION_ONCE, OPTION_COUNT, OPTION_TOTALS,
                        OPTION_QUERY, OPTION_KEY, OPTION_DAEMON_KEY),
     .run = watch_run},
    {.name = "totals",
     .operands = "",
     .summary = "print the totals of a region, now or on a day",
     .detail = "Totals over the statuses that count. Totals on a day are everything effective up to its end, as known "
               "now.",
     .example = "totals --region 310000 --format json",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_REGION, OPTION_AT, OPTION_OUTPUT_FORMAT, OPTION_QUERY, OPTION_KEY,
                        OPTION_DAEMON_KEY),
     .run = totals_run},
    {.name = "report",
     .operands = "",
     .summary = "print the totals as a sentence",
     .detail =
         "The sentence that goes to the news: how many projects had enrolled by a day since the start, what their "
         "contracts are worth and how many take part. Figures are cut, never rounded up.",
     .example = "report --at 2021-10-28 --lang zh",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_REGION, OPTION_AT, OPTION_MIGRANTS, OPTION_QUERY, OPTION_KEY,
                        OPTION_DAEMON_KEY),
     .run = report_run},
    {.name = "project",
     .operands = "CODE",
     .operand_min = 1,
     .operand_max = 1,
     .summary = "print what is known of one project",
     .detail = "The last state that the owning node reported, at most a second old.",
     .exits = "0 found; 1 there is no such project",
     .example = "project 2101-330106-04-01-123456",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_OUTPUT_FORMAT, OPTION_QUERY, OPTION_KEY, OPTION_DAEMON_KEY),
     .run = project_run},
    {.name = "projects",
     .operands = "",
     .summary = "list the projects of a region",
     .detail = "In order of region and code. The CSV can be corrected and pushed again.",
     .example = "projects --region 3301 --format csv",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_REGION, OPTION_LIMIT, OPTION_OUTPUT_FORMAT, OPTION_QUERY, OPTION_KEY,
                        OPTION_DAEMON_KEY),
     .run = projects_run},
    {.name = "history",
     .operands = "",
     .summary = "print the totals of each day on which they changed",
     .detail = "The curve since the start, by the days on which updates became true, whenever they were received.",
     .example = "history --region 31 --from 2021-07-01 --format csv",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_REGION, OPTION_FROM, OPTION_TO, OPTION_OUTPUT_FORMAT, OPTION_QUERY,
                        OPTION_KEY, OPTION_DAEMON_KEY),
     .run = history_run},
    {.name = "nodes",
     .operands = "",
     .summary = "list the reporting units and what they sent",
     .detail = "Each configured node with its regions, whether it is connected, when its last batch came, and its rows "
               "since the daemon started.",
     .example = "nodes",
     .options = OPTIONS(OPTION_OUTPUT_FORMAT, OPTION_QUERY, OPTION_KEY, OPTION_DAEMON_KEY),
     .run = nodes_run},
    {.name = "competitions",
     .operands = "",
     .summary = "list the competitions with their categories and statuses",
     .detail =
         "What the daemon's competition files say: period, regions, categories, statuses and which of them count.",
     .example = "competitions --lang zh",
     .options = OPTIONS(OPTION_OUTPUT_FORMAT, OPTION_QUERY, OPTION_KEY, OPTION_DAEMON_KEY),
     .run = competitions_run},
    {.name = "status",
     .operands = "",
     .summary = "print how the daemon is",
     .detail =
         "Versions and how far the stages lag behind each other, sizes, every counter that is not zero, and nodes "
         "that are silent.",
     .example = "status --format json",
     .options = OPTIONS(OPTION_OUTPUT_FORMAT, OPTION_QUERY, OPTION_KEY, OPTION_DAEMON_KEY),
     .run = status_run},
    {.name = "verify",
     .operands = "",
     .summary = "have the daemon recount everything and compare",
     .detail = "The daemon adds up its whole journal from zero, beside its work, and compares the result with the live "
               "totals.",
     .exits = "0 equal; 1 different or failed",
     .example = "verify",
     .options = OPTIONS(OPTION_TIMEOUT, OPTION_QUERY, OPTION_KEY, OPTION_DAEMON_KEY),
     .run = verify_run},
    {.name = "demo",
     .operands = "",
     .summary = "push a synthetic data set from four nodes and watch the totals climb",
     .detail =
         "Four processes, one each for the nodes shanghai, jiangsu, zhejiang and anhui, push invented projects in real "
         "counties, with amendments and withdrawals among them, that end at exactly 780 projects, 941.0 billion yuan "
         "and 600,000 participants on 2021-10-28. It ends with the report in both languages and with a verification. "
         "Every project's name says that it is synthetic. Running it again changes nothing: the daemon answers that it "
         "knows the final states, refuses earlier ones, and the totals stay.",
     .exits = "0 the totals are exactly those and verified; 1 they are not",
     .example = "demo --pace 30",
     .options = OPTIONS(OPTION_COMPETITION, OPTION_SEED, OPTION_PACE, OPTION_WRITE, OPTION_NODE, OPTION_OUTBOX,
                        OPTION_TIMEOUT, OPTION_INGEST, OPTION_TOTALS, OPTION_QUERY),
     .run = demo_run},
    {.name = "keygen",
     .operands = "FILE",
     .operand_min = 1,
     .operand_max = 1,
     .words = "FILE",
     .summary = "make a pair of keys for a node, a dashboard, an operator or the daemon",
     .detail = "Writes the secret key to FILE, which only its owner may read, and the public key to FILE.pub. Keep the "
               "first to "
               "yourself and give the second, or its 64 digits, to the daemon's operator, who enters it into the "
               "configuration. "
               "A key is never written over.",
     .exits = "0 made; 73 FILE or FILE.pub is there already or cannot be written",
     .example = "keygen zhejiang.key --for \"Zhejiang Federation of Trade Unions\"",
     .options = OPTIONS(OPTION_WHOSE),
     .run = keygen_run},
    {.name = "completion",
     .operands = "bash",
     .operand_min = 1,
     .operand_max = 1,
     .words = "bash",
     .summary = "print the completion script for a shell",
     .detail = "Load it with: source <(tally completion bash)",
     .example = "completion bash > ~/.local/share/bash-completion/completions/tally",
     .options = OPTIONS(),
     .run = completion_run},
    {.name = "help",
     .operands = "[COMMAND]",
     .operand_max = 1,
     .words = "COMMAND",
     .summary = "print help, of a command if one is named",
     .detail = "The same as COMMAND --help.",
     .example = "help push",
     .options = OPTIONS(OPTION_MAN),
     .run = help_run},
    {.name = "version",
     .operands = "",
     .summary = "print the version",
     .detail = "The version of the program and of its library.",
     .example = "version",
     .options = OPTIONS(),
     .run = version_run},
};

enum { COMMAND_COUNT = sizeof table / sizeof table[0] };

const struct command *commands_list(size_t *count) {
    *count = COMMAND_COUNT;
    return table;
}

const struct command *commands_find(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

enum { NAME_BYTES_MAX = 24 };

/* Levenshtein distance; b is at most NAME_BYTES_MAX long. */
static size_t distance(const char *a, const char *b) {
    size_t row[NAME_BYTES_MAX + 1];
    size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            size_t change = diagonal + (a[i] != b[j]);
            size_t shift = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < shift ? change : shift;
        }
    }
    return row[width];
}

const char *commands_nearest(const char *name) {
    const char *nearest = NULL;
    size_t least = 3;
    if (strlen(name) > NAME_BYTES_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t far = distance(name, table[i].name);
        if (far < least && far < strlen(table[i].name)) {
            least = far;
            nearest = table[i].name;
        }
    }
    return nearest;
}

void commands_options(const struct command *command, enum option_id *ids) {
    for (const enum option_id *id = command->options; *id != OPTION_NONE; id++) {
        *ids++ = *id;
    }
    *ids++ = OPTION_LANG;
    *ids++ = OPTION_COLOR;
    *ids++ = OPTION_HELP;
    *ids = OPTION_NONE;
}

static int unknown_command(const char *name) {
    const char *nearest = commands_nearest(name);
    if (nearest != NULL) {
        diagnostic_error(NULL, "unknown command '%s': did you mean '%s'?", name, nearest);
    } else {
        diagnostic_error(NULL, "unknown command '%s': see 'tally help'", name);
    }
    return EX_USAGE;
}

int commands_run(int argc, char **argv) {
    if (argc < 2) {
        help_overview(stderr);
        return EX_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    } else if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    const struct command *command = commands_find(name);
    if (command == NULL) {
        return unknown_command(name);
    }
    struct arguments arguments;
    if (!options_parse(command, argc - 1, argv + 1, &arguments)) {
        return EX_USAGE;
    }
    if (options_given(&arguments, OPTION_HELP)) {
        help_command(stdout, command);
        return EX_OK;
    }
    return command->run(&arguments);
}
