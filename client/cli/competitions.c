#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/output.h"
#include "proto/day.h"

static const struct output_column columns[] = {
    {"competition", "competition", "竞赛", OUTPUT_TEXT},
    {"title", "title", "名称", OUTPUT_TEXT},
    {"place", "place", "范围", OUTPUT_TEXT},
    {"first_day", "from", "开始", OUTPUT_DAY},
    {"last_day", "to", "结束", OUTPUT_DAY},
    {"regions", "regions", "地区", OUTPUT_TEXT},
    {"categories", "categories", "类别", OUTPUT_TEXT},
    {"statuses", "statuses (+ counts)", "状态(+ 计入汇总)", OUTPUT_TEXT},
};

enum { LIST_BYTES = 4096 };

/* Appends a word to a list with separators; what does not fit is left out. */
static void append(char *list, const char *separator, const char *mark, const char *word) {
    size_t used = strlen(list);
    snprintf(list + used, LIST_BYTES - used, "%s%s%s", used > 0 ? separator : "", mark, word);
}

/* Keys for programs, labels for people. */
static void append_labels(char *list, const struct tally_label *labels, size_t count, bool statuses, bool table,
                          enum language language) {
    for (size_t i = 0; i < count; i++) {
        const char *label = table ? language_pick(language, labels[i].en, labels[i].zh) : labels[i].key;
        append(list, table ? ", " : ",", statuses && labels[i].counts ? "+" : "", label);
    }
}

static void print_competition(struct output *output, const struct tally_competition *competition, bool table,
                              enum language language) {
    char regions[LIST_BYTES] = "";
    char categories[LIST_BYTES] = "";
    char statuses[LIST_BYTES] = "";
    for (size_t i = 0; i < competition->region_count; i++) {
        char code[8];
        snprintf(code, sizeof code, "%06" PRIu32, competition->regions[i]);
        append(regions, ",", "", code);
    }
    append_labels(categories, competition->categories, competition->category_count, false, table, language);
    append_labels(statuses, competition->statuses, competition->status_count, true, table, language);
    output_text(output, competition->key);
    output_text(output, language_pick(language, competition->en, competition->zh));
    output_text(output, language_pick(language, competition->place_en, competition->place_zh));
    output_value(output, competition->first_day);
    output_value(output, competition->last_day);
    output_text(output, regions);
    output_text(output, categories);
    output_text(output, statuses);
}

static void print_json_label(const struct tally_label *label, bool status, bool first) {
    printf("%s{\"code\":%" PRIu32 ",\"key\":", first ? "" : ",", label->code);
    output_json_string(stdout, label->key);
    fputs(",\"zh\":", stdout);
    output_json_string(stdout, label->zh);
    fputs(",\"en\":", stdout);
    output_json_string(stdout, label->en);
    printf("%s}", !status ? "" : label->counts ? ",\"counts\":true" : ",\"counts\":false");
}

/* Everything that the daemon says, both languages, for programs. */
static void print_json(const struct tally_competition *competition, bool first) {
    const struct {
        const char *key;
        const char *value;
    } texts[] = {{"title_zh", competition->zh},
                 {"title_en", competition->en},
                 {"place_zh", competition->place_zh},
                 {"place_en", competition->place_en}};
    char first_day[DAY_TEXT_BYTES];
    char last_day[DAY_TEXT_BYTES];
    printf("%s\n{\"competition\":\"%s\"", first ? "" : ",", competition->key);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        printf(",\"%s\":", texts[i].key);
        output_json_string(stdout, texts[i].value);
    }
    printf(",\"first_day\":\"%s\",\"last_day\":\"%s\",\"regions\":[", day_format(competition->first_day, first_day),
           day_format(competition->last_day, last_day));
    for (size_t i = 0; i < competition->region_count; i++) {
        printf("%s\"%06" PRIu32 "\"", i > 0 ? "," : "", competition->regions[i]);
    }
    fputs("],\"categories\":[", stdout);
    for (size_t i = 0; i < competition->category_count; i++) {
        print_json_label(&competition->categories[i], false, i == 0);
    }
    fputs("],\"statuses\":[", stdout);
    for (size_t i = 0; i < competition->status_count; i++) {
        print_json_label(&competition->statuses[i], true, i == 0);
    }
    printf("],\"target_projects\":%" PRIu64 ",\"target_contract_value_fen\":\"%" PRId64
           "\",\"target_participants\":%" PRId64 "}",
           competition->target_projects, competition->target_contract_value, competition->target_participants);
}

static int print_all_json(const struct tally_competitions_answer *answer) {
    putchar('[');
    for (size_t i = 0; i < answer->count; i++) {
        print_json(&answer->competitions[i], i == 0);
    }
    puts("\n]");
    return EX_OK;
}

/* A competition has long lists: in a table it is a record of its own. */
static int print(const struct arguments *arguments, const struct tally_competitions_answer *answer) {
    enum output_format format = output_format_of_name(arguments->text[OPTION_OUTPUT_FORMAT]);
    if (format == OUTPUT_JSON) {
        return print_all_json(answer);
    }
    bool table = format == OUTPUT_TABLE;
    struct output *output = NULL;
    bool fine = true;
    for (size_t i = 0; i < answer->count; i++) {
        if (output == NULL) {
            fputs(table && i > 0 ? "\n" : "", stdout);
            output = output_create(stdout, format, table ? OUTPUT_RECORD : OUTPUT_LIST, arguments->language, columns,
                                   sizeof columns / sizeof columns[0]);
        }
        print_competition(output, &answer->competitions[i], table, arguments->language);
        if (table || i + 1 == answer->count) {
            fine = output_finish(&output) && fine;
        }
    }
    return fine ? EX_OK : EX_IOERR;
}

int competitions_run(const struct arguments *arguments) {
    struct connection connection;
    struct tally_competitions_answer *answer = NULL;
    int code = connection_open(arguments, &connection);
    if (code == EX_OK) {
        enum tally_error error = tally_query_competitions(connection.query, &answer);
        code = error == TALLY_OK ? print(arguments, answer) : connection_failure(&connection, error);
    }
    tally_answer_free(answer);
    connection_close(&connection);
    return code;
}
