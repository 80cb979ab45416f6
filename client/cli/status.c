#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/output.h"
#include "client/cli/terminal.h"

static const struct output_column columns[] = {
    {"condition", "condition", "状况", OUTPUT_TEXT},
    {"software", "software", "软件", OUTPUT_TEXT},
    {"time", "time", "时间", OUTPUT_TIME},
    {"started", "started", "启动", OUTPUT_TIME},
    {"projects", "projects known", "已知项目", OUTPUT_NUMBER},
    {"version_durable", "version durable", "已落盘版本", OUTPUT_NUMBER},
    {"version_applied", "version applied", "已汇总版本", OUTPUT_NUMBER},
    {"version_folded", "version folded", "已归档版本", OUTPUT_NUMBER},
    {"lag_applied", "lag of totals", "汇总滞后", OUTPUT_NUMBER},
    {"lag_folded", "lag of archive", "归档滞后", OUTPUT_NUMBER},
    {"journal_bytes", "journal", "日志大小", OUTPUT_BYTES},
    {"state_bytes", "state", "状态库大小", OUTPUT_BYTES},
    {"disk_free_bytes", "disk free", "磁盘剩余", OUTPUT_BYTES},
    {"nodes_silent", "silent nodes", "未报送单位", OUTPUT_TEXT},
};

static const struct output_column counter_columns[] = {
    {"counter", "counter", "计数器", OUTPUT_TEXT},
    {"value", "value", "值", OUTPUT_NUMBER},
    {"help", "meaning", "含义", OUTPUT_TEXT},
};

enum { LIST_BYTES = 2048 };

/* Names the nodes that are not connected or have sent nothing since the daemon started. */
static void list_silent(const struct tally_nodes_answer *nodes, char *list) {
    list[0] = '\0';
    for (size_t i = 0; i < nodes->count; i++) {
        const struct tally_node_state *node = &nodes->nodes[i];
        size_t used = strlen(list);
        if (!node->connected || node->last_batch_ms == 0) {
            snprintf(list + used, LIST_BYTES - used, "%s%s", used > 0 ? " " : "", node->name);
        }
    }
}

static int64_t lag(uint64_t ahead, uint64_t behind) {
    return ahead > behind ? (int64_t)(ahead - behind) : 0;
}

static bool print_state(const struct arguments *arguments, enum output_format format,
                        const struct tally_status_answer *status, const struct tally_nodes_answer *nodes) {
    char silent[LIST_BYTES];
    list_silent(nodes, silent);
    struct output *output =
        output_create(stdout, format, OUTPUT_RECORD, arguments->language, columns, sizeof columns / sizeof columns[0]);
    output_text(output, status->condition);
    output_text(output, status->software);
    output_value(output, (int64_t)status->time_ms);
    output_value(output, (int64_t)status->started_ms);
    output_value(output, (int64_t)status->projects);
    output_value(output, (int64_t)status->version_durable);
    output_value(output, (int64_t)status->version_applied);
    output_value(output, (int64_t)status->version_folded);
    output_value(output, lag(status->version_durable, status->version_applied));
    output_value(output, lag(status->version_durable, status->version_folded));
    output_value(output, (int64_t)status->journal_bytes);
    output_value(output, (int64_t)status->state_bytes);
    output_value(output, (int64_t)status->disk_free_bytes);
    output_text(output, silent);
    return output_finish(&output);
}

static bool print_counters(const struct arguments *arguments, enum output_format format,
                           const struct tally_status_answer *status) {
    struct output *output = output_create(stdout, format, OUTPUT_LIST, arguments->language, counter_columns,
                                          sizeof counter_columns / sizeof counter_columns[0]);
    for (size_t i = 0; i < status->counter_count; i++) {
        if (status->counters[i].value != 0) {
            output_text(output, status->counters[i].name);
            output_value(output, (int64_t)status->counters[i].value);
            output_text(output, status->counters[i].help);
        }
    }
    return output_finish(&output);
}

/* One JSON document: {"state": {...}, "counters": [...]}. Two CSV tables with an empty line between. */
static int print(const struct arguments *arguments, const struct tally_status_answer *status,
                 const struct tally_nodes_answer *nodes) {
    enum output_format format = output_format_of_name(arguments->text[OPTION_OUTPUT_FORMAT]);
    bool json = format == OUTPUT_JSON;
    fputs(json ? "{\"state\":" : "", stdout);
    bool fine = print_state(arguments, format, status, nodes);
    fputs(json ? ",\"counters\":" : "\n", stdout);
    fine = print_counters(arguments, format, status) && fine;
    fputs(json ? "}\n" : "", stdout);
    return fine ? EX_OK : EX_IOERR;
}

int status_run(const struct arguments *arguments) {
    struct connection connection;
    struct tally_status_answer *status = NULL;
    struct tally_nodes_answer *nodes = NULL;
    int code = connection_open(arguments, &connection);
    if (code == EX_OK) {
        enum tally_error error = tally_query_status(connection.query, &status);
        error = error == TALLY_OK ? tally_query_nodes(connection.query, &nodes) : error;
        code = error == TALLY_OK ? print(arguments, status, nodes) : connection_failure(&connection, error);
    }
    tally_answer_free(nodes);
    tally_answer_free(status);
    connection_close(&connection);
    return code;
}
