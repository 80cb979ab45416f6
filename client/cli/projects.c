/* Lists the projects of a region, and shows one. */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/diagnostic.h"
#include "client/cli/output.h"
#include "proto/limits.h"

/* The keys are those that push reads. */
static const struct output_column columns[] = {
    {"code", "code", "项目代码", OUTPUT_TEXT},
    {"name", "name", "项目名称", OUTPUT_TEXT},
    {"region", "region", "行政区划代码", OUTPUT_REGION},
    {"category", "category", "竞赛类别", OUTPUT_TEXT},
    {"status", "status", "状态", OUTPUT_TEXT},
    {"contract_value", "contract value", "合同造价", OUTPUT_FEN},
    {"participants", "participants", "参与人数", OUTPUT_NUMBER},
    {"migrant_participants", "migrant workers", "其中农民工", OUTPUT_NUMBER},
    {"contractor", "contractor", "承建单位", OUTPUT_TEXT},
    {"start_date", "start", "开工日期", OUTPUT_DAY},
    {"completion_date", "completion", "竣工日期", OUTPUT_DAY},
    {"effective_date", "effective", "生效日期", OUTPUT_DAY},
    {"node", "node", "报送单位", OUTPUT_TEXT},
    {"updated", "received", "接收时间", OUTPUT_TIME},
};

enum { COLUMN_COUNT = sizeof columns / sizeof columns[0], STORED_WAIT_MS = 2000, STORED_LOOK_MS = 20 };

/* The stored state follows the totals by a moment: who has just pushed wants to see it. Waits, at most STORED_WAIT_MS, until
 * all that is durable now is stored. */
static enum tally_error wait_for_stored(const struct connection *connection) {
    uint64_t wanted = 0;
    for (int waited_ms = 0;; waited_ms += STORED_LOOK_MS) {
        struct tally_status_answer *status = NULL;
        enum tally_error error = tally_query_status(connection->query, &status);
        if (error != TALLY_OK) {
            return error;
        }
        wanted = wanted == 0 ? status->version_durable : wanted;
        uint64_t stored = status->version_folded;
        tally_answer_free(status);
        if (stored >= wanted) {
            return TALLY_OK;
        }
        if (waited_ms >= STORED_WAIT_MS) {
            diagnostic_warning("projects", "the stored projects are %" PRIu64 " batches behind the totals just now",
                               wanted - stored);
            return TALLY_OK;
        }
        struct timespec pause = {.tv_nsec = STORED_LOOK_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
}

/* A label for people, a key for programs. */
static const char *label_text(const struct connection *connection, const struct tally_label *labels, size_t count,
                              uint32_t code, enum output_format format) {
    for (size_t i = 0; format != OUTPUT_TABLE && i < count; i++) {
        if (labels[i].code == code) {
            return labels[i].key;
        }
    }
    return connection_label(connection, labels, count, code);
}

static void print_project(const struct connection *connection, struct output *output, enum output_format format,
                          const struct tally_project_state *state) {
    const struct tally_competition *competition = connection->competition;
    const struct tally_project *project = &state->project;
    output_text(output, project->code);
    output_text(output, project->name);
    output_value(output, project->region);
    output_text(output, label_text(connection, competition->categories, competition->category_count, project->category,
                                   format));
    output_text(output,
                label_text(connection, competition->statuses, competition->status_count, project->status, format));
    output_value(output, project->contract_value);
    output_value(output, project->participants);
    output_value(output, project->migrant_participants);
    output_text(output, project->contractor);
    output_value(output, project->start_day);
    output_value(output, project->completion_day);
    output_value(output, project->effective_day);
    output_text(output, state->node);
    output_value(output, (int64_t)state->updated_ms);
}

/* Asks page after page and prints them, at most limit rows. */
static enum tally_error list(const struct connection *connection, struct output *output, enum output_format format,
                             uint64_t limit) {
    uint32_t region = (uint32_t)connection->arguments->number[OPTION_REGION];
    uint32_t after_region = 0;
    char after_code[PROJECT_CODE_BYTES_MAX + 1] = "";
    uint64_t left = limit;
    do {
        struct tally_projects_answer *page = NULL;
        uint32_t rows = left < PAGE_ROWS_MAX ? (uint32_t)left : PAGE_ROWS_MAX;
        enum tally_error error = tally_query_projects(connection->query, connection->competition->key, region,
                                                      after_region, after_code, rows, &page);
        if (error != TALLY_OK) {
            return error;
        }
        for (size_t i = 0; i < page->count && left > 0; i++, left--) {
            print_project(connection, output, format, &page->projects[i]);
        }
        after_region = page->next_region;
        snprintf(after_code, sizeof after_code, "%s", page->next_code);
        tally_answer_free(page);
    } while (after_code[0] != '\0' && left > 0);
    return TALLY_OK;
}

int projects_run(const struct arguments *arguments) {
    struct connection connection;
    int code = connection_open_competition(arguments, &connection);
    if (code == EX_OK) {
        enum output_format format = output_format_of_name(arguments->text[OPTION_OUTPUT_FORMAT]);
        uint64_t limit =
            options_given(arguments, OPTION_LIMIT) ? (uint64_t)arguments->number[OPTION_LIMIT] : UINT64_MAX;
        struct output *output = output_create(stdout, format, OUTPUT_LIST, arguments->language, columns, COLUMN_COUNT);
        enum tally_error error = wait_for_stored(&connection);
        if (error == TALLY_OK && limit > 0) {
            error = list(&connection, output, format, limit);
        }
        bool fine = output_finish(&output);
        code = error != TALLY_OK ? connection_failure(&connection, error) : fine ? EX_OK : EX_IOERR;
    }
    connection_close(&connection);
    return code;
}

static int show(const struct connection *connection, const struct tally_projects_answer *answer) {
    const struct arguments *arguments = connection->arguments;
    if (answer->count == 0) {
        diagnostic_error("project", "%s has no project %s: see 'tally projects'", connection->competition->key,
                         arguments->operand[0]);
        return EXIT_NEGATIVE;
    }
    enum output_format format = output_format_of_name(arguments->text[OPTION_OUTPUT_FORMAT]);
    struct output *output = output_create(stdout, format, OUTPUT_RECORD, arguments->language, columns, COLUMN_COUNT);
    print_project(connection, output, format, &answer->projects[0]);
    return output_finish(&output) ? EX_OK : EX_IOERR;
}

int project_run(const struct arguments *arguments) {
    struct connection connection;
    struct tally_projects_answer *answer = NULL;
    int code = connection_open_competition(arguments, &connection);
    if (code == EX_OK) {
        enum tally_error error = wait_for_stored(&connection);
        if (error == TALLY_OK) {
            error = tally_query_project(connection.query, connection.competition->key, arguments->operand[0], &answer);
        }
        code = error == TALLY_OK ? show(&connection, answer) : connection_failure(&connection, error);
    }
    tally_answer_free(answer);
    connection_close(&connection);
    return code;
}
