#include "client/lib/answers.h"

#include <criterion/criterion.h>
#include <string.h>

#include "client/lib/answer.h"

Test(answers, totals_come_with_their_cells) {
    Tally__Totals message = TALLY__TOTALS__INIT;
    uint32_t codes[] = {1, 2};
    uint64_t projects[] = {3, 4};
    int64_t values[] = {-5, 6};
    struct tally_totals_answer *answer = NULL;
    message.region = 330000;
    message.projects = 7;
    message.contract_value = 8;
    message.n_cell_category = message.n_cell_status = message.n_cell_projects = message.n_cell_contract_value = 2;
    message.n_cell_participants = message.n_cell_migrant_participants = 2;
    message.cell_category = message.cell_status = codes;
    message.cell_projects = projects;
    message.cell_contract_value = message.cell_participants = message.cell_migrant_participants = values;
    cr_assert_eq(answers_totals(&message, 60, &answer), TALLY_OK);
    cr_assert_eq(answer->region, 330000);
    cr_assert_eq(answer->totals.projects, 7);
    cr_assert_eq(answer->cell_count, 2);
    cr_assert_eq(answer->cells[1].status, 2);
    cr_assert_eq(answer->cells[0].totals.contract_value, -5);
    tally_answer_free(answer);
    answer = NULL;
    message.n_cell_status = 1;
    cr_assert_eq(answers_totals(&message, 60, &answer), TALLY_PROTOCOL);
    message.n_cell_category = message.n_cell_status = message.n_cell_projects = message.n_cell_contract_value = 257;
    message.n_cell_participants = message.n_cell_migrant_participants = 257;
    cr_assert_eq(answers_totals(&message, 60, &answer), TALLY_PROTOCOL);
    cr_assert_null(answer);
}

/* One project; texts take as much as they can of a body of this size. */
static Tally__Projects *one_project(void) {
    static Tally__Projects message;
    static char code[] = "2101-330106";
    static char name[] = "钱塘江过江通道";
    static char empty[] = "";
    static char node[] = "zhejiang";
    static char *codes[] = {code};
    static char *names[] = {name};
    static char *contractors[] = {empty};
    static char *nodes[] = {node};
    static uint32_t u32[] = {330106};
    static int64_t i64[] = {INT64_C(1000000000000000)};
    static uint64_t u64[] = {12};
    message = (Tally__Projects)TALLY__PROJECTS__INIT;
    message.n_code = message.n_region = message.n_category = message.n_status = message.n_contract_value = 1;
    message.n_participants = message.n_migrant_participants = message.n_effective_day = message.n_name = 1;
    message.n_contractor = message.n_start_day = message.n_completion_day = message.n_node = 1;
    message.n_updated_version = message.n_updated_ms = 1;
    message.code = codes;
    message.name = names;
    message.contractor = contractors;
    message.node = nodes;
    message.region = message.category = message.status = message.effective_day = u32;
    message.start_day = message.completion_day = u32;
    message.contract_value = message.participants = message.migrant_participants = i64;
    message.updated_version = message.updated_ms = u64;
    message.next_code = code;
    return &message;
}

Test(answers, projects_are_whole_and_uneven_columns_are_refused) {
    struct tally_projects_answer *answer = NULL;
    Tally__Projects *message = one_project();
    size_t bytes = tally__projects__get_packed_size(message);
    cr_assert_eq(answers_projects(message, bytes, &answer), TALLY_OK);
    cr_assert_eq(answer->count, 1);
    cr_assert_str_eq(answer->projects[0].project.code, "2101-330106");
    cr_assert_str_eq(answer->projects[0].project.name, "钱塘江过江通道");
    cr_assert_str_eq(answer->projects[0].project.contractor, "");
    cr_assert_str_eq(answer->projects[0].node, "zhejiang");
    cr_assert_str_eq(answer->next_code, "2101-330106");
    tally_answer_free(answer);
    answer = NULL;
    size_t *lengths[] = {&message->n_code,
                         &message->n_region,
                         &message->n_category,
                         &message->n_status,
                         &message->n_contract_value,
                         &message->n_participants,
                         &message->n_migrant_participants,
                         &message->n_effective_day,
                         &message->n_name,
                         &message->n_contractor,
                         &message->n_start_day,
                         &message->n_completion_day,
                         &message->n_node,
                         &message->n_updated_version,
                         &message->n_updated_ms};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        *lengths[i] = 0;
        cr_assert_eq(answers_projects(message, bytes, &answer), TALLY_PROTOCOL, "column %zu", i);
        *lengths[i] = 1;
    }
    cr_assert_null(answer);
}

Test(answers, a_body_size_that_lies_is_refused_and_nothing_is_overrun) {
    struct tally_projects_answer *answer = NULL;
    Tally__Projects *message = one_project();
    static char text[4096];
    memset(text, 'x', sizeof text - 1);
    message->next_code = text;
    cr_assert_eq(answers_projects(message, 10, &answer), TALLY_PROTOCOL);
}

Test(answers, competitions_come_with_their_lists) {
    Tally__Competitions message = TALLY__COMPETITIONS__INIT;
    Tally__Competition one = TALLY__COMPETITION__INIT;
    Tally__Competition two = TALLY__COMPETITION__INIT;
    Tally__Label label = TALLY__LABEL__INIT;
    Tally__Competition *list[] = {&one, &two};
    Tally__Label *labels[] = {&label, &label, &label};
    uint32_t regions[] = {310000, 320000, 330000};
    char key[] = "csj-2021";
    char zh[] = "已报名";
    struct tally_competitions_answer *answer = NULL;
    label.code = 1;
    label.zh = zh;
    label.counts = 1;
    one.key = key;
    one.n_region = 3;
    one.region = regions;
    one.n_category = 2;
    one.category = labels;
    one.n_status = 3;
    one.status = labels;
    message.n_competition = 2;
    message.competition = list;
    size_t bytes = tally__competitions__get_packed_size(&message);
    cr_assert_eq(answers_competitions(&message, bytes, &answer), TALLY_OK);
    cr_assert_eq(answer->count, 2);
    cr_assert_str_eq(answer->competitions[0].key, "csj-2021");
    cr_assert_eq(answer->competitions[0].regions[2], 330000);
    cr_assert_eq(answer->competitions[0].category_count, 2);
    cr_assert_str_eq(answer->competitions[0].statuses[2].zh, "已报名");
    cr_assert(answer->competitions[0].statuses[2].counts);
    cr_assert_str_eq(answer->competitions[1].key, "");
    cr_assert_eq(answer->competitions[1].status_count, 0);
    tally_answer_free(answer);
    one.n_status = 17;
    cr_assert_eq(answers_competitions(&message, bytes, &answer), TALLY_PROTOCOL);
}

Test(answers, uneven_columns_of_every_other_answer_are_refused) {
    Tally__Regions regions = TALLY__REGIONS__INIT;
    Tally__History history = TALLY__HISTORY__INIT;
    Tally__Nodes nodes = TALLY__NODES__INIT;
    Tally__Status status = TALLY__STATUS__INIT;
    struct tally_regions_answer *a = NULL;
    struct tally_history_answer *b = NULL;
    struct tally_nodes_answer *c = NULL;
    struct tally_status_answer *d = NULL;
    cr_assert_eq(answers_regions(&regions, 0, &a), TALLY_OK);
    cr_assert_eq(answers_history(&history, 0, &b), TALLY_OK);
    cr_assert_eq(answers_nodes(&nodes, 0, &c), TALLY_OK);
    cr_assert_eq(answers_status(&status, 0, &d), TALLY_OK);
    cr_assert_str_eq(d->condition, "");
    tally_answer_free(a);
    tally_answer_free(b);
    tally_answer_free(c);
    tally_answer_free(d);
    regions.n_child = history.n_day = nodes.n_name = status.n_counter_name = 1;
    cr_assert_eq(answers_regions(&regions, 0, &a), TALLY_PROTOCOL);
    cr_assert_eq(answers_history(&history, 0, &b), TALLY_PROTOCOL);
    cr_assert_eq(answers_nodes(&nodes, 0, &c), TALLY_PROTOCOL);
    cr_assert_eq(answers_status(&status, 0, &d), TALLY_PROTOCOL);
}

Test(answers, a_verification_has_its_texts) {
    Tally__Verification message = TALLY__VERIFICATION__INIT;
    char state[] = "equal";
    struct tally_verification_answer *answer = NULL;
    message.state = state;
    message.entries = 9;
    cr_assert_eq(answers_verification(&message, tally__verification__get_packed_size(&message), &answer), TALLY_OK);
    cr_assert_str_eq(answer->state, "equal");
    cr_assert_str_eq(answer->text, "");
    cr_assert_eq(answer->entries, 9);
    tally_answer_free(answer);
}

Test(answers, pieces_of_a_block_are_aligned_and_bounded) {
    struct answer answer;
    answer_init(&answer, 16);
    cr_assert_not_null(answer_take(&answer, 1, 3));
    void *second = answer_take(&answer, 1, 8);
    cr_assert_eq((uintptr_t)second % 8, 0);
    cr_assert_null(answer_take(&answer, SIZE_MAX / 4, 8));
    cr_assert(answer.overrun);
    tally_answer_free(answer.block);
}
