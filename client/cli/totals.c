#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/output.h"

static const struct output_column columns[] = {
    {"competition", "competition", "竞赛", OUTPUT_TEXT},
    {"region", "region code", "行政区划代码", OUTPUT_REGION},
    {"region_name", "region", "地区", OUTPUT_TEXT},
    {"day", "as of", "截至", OUTPUT_DAY},
    {"projects", "projects", "项目数", OUTPUT_NUMBER},
    {"contract_value", "contract value", "合同总造价", OUTPUT_FEN},
    {"participants", "participants", "参与人数", OUTPUT_NUMBER},
    {"migrant_participants", "migrant workers", "其中农民工", OUTPUT_NUMBER},
    {"version", "version", "版本", OUTPUT_NUMBER},
    {"time", "at", "时间", OUTPUT_TIME},
};

static const struct output_column cell_columns[] = {
    {"category", "category", "竞赛类别", OUTPUT_TEXT},
    {"status", "status", "状态", OUTPUT_TEXT},
    {"counts", "counts", "计入", OUTPUT_FLAG},
    {"projects", "projects", "项目数", OUTPUT_NUMBER},
    {"contract_value", "contract value", "合同总造价", OUTPUT_FEN},
    {"participants", "participants", "参与人数", OUTPUT_NUMBER},
    {"migrant_participants", "migrant workers", "其中农民工", OUTPUT_NUMBER},
};

static bool status_counts(const struct tally_competition *competition, uint32_t status) {
    for (size_t i = 0; i < competition->status_count; i++) {
        if (competition->statuses[i].code == status) {
            return competition->statuses[i].counts;
        }
    }
    return false;
}

/* The split by category and status, which only tables show: JSON and CSV are one record. */
static bool print_cells(const struct connection *connection, const struct tally_totals_answer *answer) {
    const struct tally_competition *competition = connection->competition;
    struct output *output = output_create(stdout, OUTPUT_TABLE, OUTPUT_LIST, connection->arguments->language,
                                          cell_columns, sizeof cell_columns / sizeof cell_columns[0]);
    putchar('\n');
    for (size_t i = 0; i < answer->cell_count; i++) {
        const struct tally_watch_cell *cell = &answer->cells[i];
        output_text(output,
                    connection_label(connection, competition->categories, competition->category_count, cell->category));
        output_text(output,
                    connection_label(connection, competition->statuses, competition->status_count, cell->status));
        output_value(output, status_counts(competition, cell->status));
        output_value(output, (int64_t)cell->totals.projects);
        output_value(output, cell->totals.contract_value);
        output_value(output, cell->totals.participants);
        output_value(output, cell->totals.migrant_participants);
    }
    return output_finish(&output);
}

static int print(const struct connection *connection, const struct tally_totals_answer *answer) {
    const struct arguments *arguments = connection->arguments;
    enum output_format format = output_format_of_name(arguments->text[OPTION_OUTPUT_FORMAT]);
    char name[8];
    struct output *output =
        output_create(stdout, format, OUTPUT_RECORD, arguments->language, columns, sizeof columns / sizeof columns[0]);
    output_text(output, connection->competition->key);
    output_value(output, answer->region);
    output_text(output, connection_region_name(connection, answer->region, name));
    output_value(output, answer->day);
    output_value(output, (int64_t)answer->totals.projects);
    output_value(output, answer->totals.contract_value);
    output_value(output, answer->totals.participants);
    output_value(output, answer->totals.migrant_participants);
    output_value(output, (int64_t)answer->version);
    output_value(output, (int64_t)answer->time_ms);
    bool fine = output_finish(&output);
    if (fine && format == OUTPUT_TABLE && answer->cell_count > 0) {
        fine = print_cells(connection, answer);
    }
    return fine ? EX_OK : EX_IOERR;
}

int totals_run(const struct arguments *arguments) {
    struct connection connection;
    struct tally_totals_answer *answer = NULL;
    int code = connection_open_competition(arguments, &connection);
    if (code == EX_OK) {
        enum tally_error error = tally_query_totals(connection.query, connection.competition->key,
                                                    (uint32_t)arguments->number[OPTION_REGION],
                                                    (uint32_t)arguments->number[OPTION_AT], &answer);
        code = error == TALLY_OK ? print(&connection, answer) : connection_failure(&connection, error);
    }
    tally_answer_free(answer);
    connection_close(&connection);
    return code;
}
