#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/output.h"

static const struct output_column columns[] = {
    {"node", "node", "报送单位", OUTPUT_TEXT},
    {"title", "title", "名称", OUTPUT_TEXT},
    {"regions", "regions", "地区", OUTPUT_TEXT},
    {"connected", "connected", "在线", OUTPUT_FLAG},
    {"sequence", "batches", "批次", OUTPUT_NUMBER},
    {"last_batch", "last batch", "最近批次", OUTPUT_TIME},
    {"rows_accepted", "accepted", "接受行", OUTPUT_NUMBER},
    {"rows_unchanged", "duplicate", "重复行", OUTPUT_NUMBER},
    {"rows_refused", "refused", "拒绝行", OUTPUT_NUMBER},
};

static int print(const struct arguments *arguments, const struct tally_nodes_answer *answer) {
    struct output *output =
        output_create(stdout, output_format_of_name(arguments->text[OPTION_OUTPUT_FORMAT]), OUTPUT_LIST,
                      arguments->language, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < answer->count; i++) {
        const struct tally_node_state *node = &answer->nodes[i];
        output_text(output, node->name);
        output_text(output, language_pick(arguments->language, node->en, node->zh));
        output_text(output, node->regions);
        output_value(output, node->connected);
        output_value(output, (int64_t)node->sequence);
        output_value(output, (int64_t)node->last_batch_ms);
        output_value(output, (int64_t)node->rows_accepted);
        output_value(output, (int64_t)node->rows_unchanged);
        output_value(output, (int64_t)node->rows_refused);
    }
    return output_finish(&output) ? EX_OK : EX_IOERR;
}

int nodes_run(const struct arguments *arguments) {
    struct connection connection;
    struct tally_nodes_answer *answer = NULL;
    int code = connection_open(arguments, &connection);
    if (code == EX_OK) {
        enum tally_error error = tally_query_nodes(connection.query, &answer);
        code = error == TALLY_OK ? print(arguments, answer) : connection_failure(&connection, error);
    }
    tally_answer_free(answer);
    connection_close(&connection);
    return code;
}
