#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "peer.h"
#include "proto/refusal.h"
#include "rows.h"
#include "tally.pb-c.h"

static struct peer daemon_end;

static void set_up(void) {
    peer_open(&daemon_end, ZMQ_ROUTER);
}

static void tear_down(void) {
    peer_close(&daemon_end);
}

TestSuite(query, .init = set_up, .fini = tear_down, .timeout = 60);

/* Asks on a thread of its own while the test plays the daemon. */
struct asking {
    struct tally_query *query;
    pthread_t thread;
    enum tally_error error;
    struct tally_totals_answer *totals;
};

static struct tally_query *open_query(int timeout_ms) {
    char message[256] = "";
    struct tally_query *query = NULL;
    struct tally_query_options options = {.endpoint = daemon_end.endpoint, .timeout_ms = timeout_ms};
    cr_assert_eq(tally_query_open(&options, &query, message), TALLY_OK, "%s", message);
    return query;
}

static void *ask(void *argument) {
    struct asking *asking = argument;
    asking->error = tally_query_totals(asking->query, ROWS_COMPETITION, 330000, 18900, &asking->totals);
    return NULL;
}

static const Tally__TotalsQuery *start_asking(struct asking *asking) {
    asking->totals = NULL;
    pthread_create(&asking->thread, NULL, ask, asking);
    return peer_expect(&daemon_end, MESSAGE_TOTALS_QUERY, &tally__totals_query__descriptor);
}

static void answer_totals(uint64_t request, uint64_t projects) {
    Tally__Totals totals = TALLY__TOTALS__INIT;
    totals.request = request;
    totals.region = 330000;
    totals.projects = projects;
    peer_answer(&daemon_end, MESSAGE_TOTALS, &totals.base);
}

Test(query, asks_and_gets_the_answer_with_its_number) {
    struct asking asking = {.query = open_query(0)};
    const Tally__TotalsQuery *question = start_asking(&asking);
    cr_assert_str_eq(question->competition, ROWS_COMPETITION);
    cr_assert_eq(question->region, 330000);
    cr_assert_eq(question->day, 18900);
    answer_totals(question->request + 7, 1);
    answer_totals(question->request, 780);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_OK);
    cr_assert_eq(asking.totals->totals.projects, 780);
    tally_answer_free(asking.totals);
    tally_query_close(&asking.query);
}

Test(query, tells_why_it_was_refused) {
    struct asking asking = {.query = open_query(0)};
    const Tally__TotalsQuery *question = start_asking(&asking);
    peer_refusal(&daemon_end, question->request, REFUSAL_COMPETITION_UNKNOWN);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_REFUSED);
    cr_assert_null(asking.totals);
    cr_assert_eq(tally_query_refusal(asking.query), REFUSAL_COMPETITION_UNKNOWN);
    cr_assert_not_null(strstr(tally_query_message(asking.query), "competition-unknown"));
    start_asking(&asking);
    peer_refusal(&daemon_end, 0, REFUSAL_TYPE_UNKNOWN);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_REFUSED, "a daemon that could not read the number");
    tally_query_close(&asking.query);
}

Test(query, an_answer_that_comes_too_late_is_not_taken_for_the_next_one) {
    struct asking asking = {.query = open_query(100)};
    const Tally__TotalsQuery *question = start_asking(&asking);
    uint64_t late = question->request;
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_TIMEOUT);
    cr_assert_not_null(strstr(tally_query_message(asking.query), "100 ms"));
    answer_totals(late, 1);
    question = start_asking(&asking);
    cr_assert_neq(question->request, late);
    answer_totals(late, 2);
    answer_totals(question->request, 3);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_OK);
    cr_assert_eq(asking.totals->totals.projects, 3);
    tally_answer_free(asking.totals);
    tally_query_close(&asking.query);
}

Test(query, bears_nonsense) {
    static const uint8_t header[] = {'T', '1', MESSAGE_TOTALS, 0};
    static const uint8_t other[] = {'T', '1', MESSAGE_NODES, 0};
    struct asking asking = {.query = open_query(0)};
    Tally__Totals uneven = TALLY__TOTALS__INIT;
    uint32_t code = 1;
    start_asking(&asking);
    peer_answer_bytes(&daemon_end, "HTTP/1.1 400", 12, "", 0);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_PROTOCOL);
    start_asking(&asking);
    peer_answer_bytes(&daemon_end, header, sizeof header, "\xff\xff", 2);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_PROTOCOL);
    start_asking(&asking);
    peer_answer_bytes(&daemon_end, other, sizeof other, "", 0);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_PROTOCOL);
    uneven.request = start_asking(&asking)->request;
    uneven.n_cell_status = 1;
    uneven.cell_status = &code;
    peer_answer(&daemon_end, MESSAGE_TOTALS, &uneven.base);
    pthread_join(asking.thread, NULL);
    cr_assert_eq(asking.error, TALLY_PROTOCOL);
    cr_assert_null(asking.totals);
    tally_query_close(&asking.query);
}

/* Plays a daemon that answers every kind of question with an empty answer. */
static void *answer_all(void *argument) {
    static const struct {
        enum message_type question;
        enum message_type answer;
        const ProtobufCMessageDescriptor *descriptor;
    } kinds[] = {
        {MESSAGE_REGIONS_QUERY, MESSAGE_REGIONS, &tally__regions_query__descriptor},
        {MESSAGE_PROJECT_QUERY, MESSAGE_PROJECTS, &tally__project_query__descriptor},
        {MESSAGE_PROJECTS_QUERY, MESSAGE_PROJECTS, &tally__projects_query__descriptor},
        {MESSAGE_HISTORY_QUERY, MESSAGE_HISTORY, &tally__history_query__descriptor},
        {MESSAGE_NODES_QUERY, MESSAGE_NODES, &tally__nodes_query__descriptor},
        {MESSAGE_COMPETITIONS_QUERY, MESSAGE_COMPETITIONS, &tally__competitions_query__descriptor},
        {MESSAGE_STATUS_QUERY, MESSAGE_STATUS, &tally__status_query__descriptor},
        {MESSAGE_VERIFY_QUERY, MESSAGE_VERIFICATION, &tally__verify_query__descriptor},
    };
    (void)argument;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const Tally__NodesQuery *question = peer_expect(&daemon_end, kinds[i].question, kinds[i].descriptor);
        Tally__Nodes answer = TALLY__NODES__INIT; /* all answers are alike when only the request is set */
        answer.request = question->request;
        peer_answer(&daemon_end, kinds[i].answer, &answer.base);
    }
    return NULL;
}

Test(query, every_question_finds_its_answer) {
    struct tally_query *query = open_query(0);
    struct tally_regions_answer *regions = NULL;
    struct tally_projects_answer *projects = NULL;
    struct tally_history_answer *history = NULL;
    struct tally_nodes_answer *nodes = NULL;
    struct tally_competitions_answer *competitions = NULL;
    struct tally_status_answer *status = NULL;
    struct tally_verification_answer *verification = NULL;
    pthread_t thread;
    pthread_create(&thread, NULL, answer_all, NULL);
    cr_assert_eq(tally_query_regions(query, ROWS_COMPETITION, 0, 0, &regions), TALLY_OK);
    cr_assert_eq(tally_query_project(query, ROWS_COMPETITION, "P-1", &projects), TALLY_OK);
    cr_assert_eq(projects->count, 0);
    tally_answer_free(projects);
    cr_assert_eq(tally_query_projects(query, ROWS_COMPETITION, 330000, 0, "", 10, &projects), TALLY_OK);
    cr_assert_str_eq(projects->next_code, "");
    cr_assert_eq(tally_query_history(query, ROWS_COMPETITION, 330000, 0, 0, &history), TALLY_OK);
    cr_assert_eq(tally_query_nodes(query, &nodes), TALLY_OK);
    cr_assert_eq(tally_query_competitions(query, &competitions), TALLY_OK);
    cr_assert_eq(tally_query_status(query, &status), TALLY_OK);
    cr_assert_eq(tally_query_verify(query, true, &verification), TALLY_OK);
    pthread_join(thread, NULL);
    tally_answer_free(regions);
    tally_answer_free(projects);
    tally_answer_free(history);
    tally_answer_free(nodes);
    tally_answer_free(competitions);
    tally_answer_free(status);
    tally_answer_free(verification);
    tally_query_close(&query);
}

Test(query, refuses_what_it_cannot_send) {
    struct tally_query *query = open_query(0);
    struct tally_projects_answer *answer = NULL;
    struct tally_totals_answer *totals = NULL;
    cr_assert_eq(tally_query_totals(query, NULL, 0, 0, &totals), TALLY_INVALID);
    cr_assert_eq(tally_query_project(query, ROWS_COMPETITION, "\xff", &answer), TALLY_INVALID);
    cr_assert_eq(tally_query_projects(query, ROWS_COMPETITION, 0, 0, "", 1001, &answer), TALLY_INVALID);
    cr_assert_not_null(strstr(tally_query_message(query), "1,000"));
    cr_assert_eq(tally_query_projects(query, ROWS_COMPETITION, 0, 0, NULL, 0, &answer), TALLY_INVALID);
    tally_query_close(&query);
}

Test(query, does_not_open_with_wrong_options) {
    char message[256];
    struct tally_query *query = NULL;
    struct tally_query_options options = {.endpoint = "http://127.0.0.1:7503"};
    cr_assert_eq(tally_query_open(&options, &query, message), TALLY_INVALID);
    options = (struct tally_query_options){.endpoint = daemon_end.endpoint, .timeout_ms = -1};
    cr_assert_eq(tally_query_open(&options, &query, NULL), TALLY_INVALID);
    tally_query_close(&query);
    tally_query_close(NULL);
}
