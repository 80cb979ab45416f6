#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/output.h"

static const struct output_column columns[] = {
    {"day", "day", "日期", OUTPUT_DAY},
    {"projects", "projects", "项目数", OUTPUT_NUMBER},
    {"contract_value", "contract value", "合同总造价", OUTPUT_FEN},
    {"participants", "participants", "参与人数", OUTPUT_NUMBER},
    {"migrant_participants", "migrant workers", "其中农民工", OUTPUT_NUMBER},
};

static int print(const struct arguments *arguments, const struct tally_history_answer *answer) {
    struct output *output =
        output_create(stdout, output_format_of_name(arguments->text[OPTION_OUTPUT_FORMAT]), OUTPUT_LIST,
                      arguments->language, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < answer->count; i++) {
        const struct tally_history_point *point = &answer->points[i];
        output_value(output, point->day);
        output_value(output, (int64_t)point->totals.projects);
        output_value(output, point->totals.contract_value);
        output_value(output, point->totals.participants);
        output_value(output, point->totals.migrant_participants);
    }
    return output_finish(&output) ? EX_OK : EX_IOERR;
}

int history_run(const struct arguments *arguments) {
    struct connection connection;
    struct tally_history_answer *answer = NULL;
    int code = connection_open_competition(arguments, &connection);
    if (code == EX_OK) {
        enum tally_error error = tally_query_history(
            connection.query, connection.competition->key, (uint32_t)arguments->number[OPTION_REGION],
            (uint32_t)arguments->number[OPTION_FROM], (uint32_t)arguments->number[OPTION_TO], &answer);
        code = error == TALLY_OK ? print(arguments, answer) : connection_failure(&connection, error);
    }
    tally_answer_free(answer);
    connection_close(&connection);
    return code;
}
