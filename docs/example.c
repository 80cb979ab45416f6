/* Reports one project as node zhejiang and reads the totals of its province back.
 * Build it with: cc example.c $(pkg-config --cflags --libs tally) */
#include <inttypes.h>
#include <stdio.h>
#include <tally/tally.h>

int main(int count, char **arguments) {
    struct tally_node_options reporter = {.endpoint = count > 1 ? arguments[1] : "tcp://127.0.0.1:7501"};
    struct tally_query_options reader = {.endpoint = count > 2 ? arguments[2] : "tcp://127.0.0.1:7503"};
    struct tally_project project = {.code = "2101-330106-04-01-123456", .region = 330106, .category = 1, .status = 1};
    struct tally_node_progress progress = {0};
    struct tally_totals_answer *answer = NULL;
    struct tally_query *query = NULL;
    struct tally_node *node = NULL;
    char message[256] = "";
    reporter.node = "zhejiang";
    project.contract_value = INT64_C(125000000000); /* fen: 1.25 billion yuan */
    project.participants = 820;
    enum tally_error error = tally_node_open(&reporter, &node, message);
    if (error == TALLY_OK && (error = tally_node_put(node, "csj-2021", &project, 1, true)) == TALLY_OK &&
        (error = tally_node_flush(node, 10000)) == TALLY_OK) { /* now the daemon has it for good, or has refused it */
        tally_node_progress(node, &progress);
        error = tally_query_open(&reader, &query, message);
    }
    while (error == TALLY_OK && (answer == NULL || answer->version < progress.version)) {
        tally_answer_free(answer); /* the totals follow the receipt in a moment */
        answer = NULL;
        error = tally_query_totals(query, "csj-2021", 330000, 0, &answer);
    }
    if (error == TALLY_OK) {
        printf("330000: %" PRIu64 " projects, %" PRId64 " fen\n", answer->totals.projects,
               answer->totals.contract_value);
    } else {
        fprintf(stderr, "%s %s\n", tally_error_text(error), message);
    }
    tally_answer_free(answer);
    tally_query_close(&query);
    tally_node_close(&node);
    return error == TALLY_OK ? 0 : 1;
}
