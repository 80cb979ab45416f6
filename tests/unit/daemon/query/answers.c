#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/counter.h"
#include "desk.h"

#define FREE(message) protobuf_c_message_free_unpacked(&(message)->base, NULL)

static Tally__Totals *ask_totals(struct desk *desk, uint32_t region, uint32_t day) {
    Tally__TotalsQuery question = TALLY__TOTALS_QUERY__INIT;
    question.competition = "csj-2021";
    question.region = region;
    question.day = day;
    desk_ask(desk, MESSAGE_TOTALS_QUERY, &question.base);
    return desk_answer(desk, MESSAGE_TOTALS, &tally__totals__descriptor);
}

Test(answers, totals_now_count_what_counts_and_show_every_cell) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__Totals *answer = ask_totals(&desk, 330000, 0);
    cr_assert_str_eq(answer->competition, "csj-2021");
    cr_assert_eq(answer->region, 330000);
    cr_assert_eq(answer->epoch, DESK_EPOCH);
    cr_assert_eq(answer->version, DESK_VERSION);
    cr_assert_gt(answer->time_ms, 1600000000000);
    cr_assert_eq(answer->projects, 5);
    cr_assert_eq(answer->contract_value, 500);
    cr_assert_eq(answer->participants, 50);
    cr_assert_eq(answer->migrant_participants, 15);
    cr_assert_eq(answer->n_cell_projects, 3);
    cr_assert_eq(answer->cell_category[1], 2);
    cr_assert_eq(answer->cell_status[1], 0);
    cr_assert_eq(answer->cell_projects[1], 1);
    FREE(answer);
    answer = ask_totals(&desk, 340000, 0);
    cr_assert_eq(answer->projects, 0);
    cr_assert_eq(answer->n_cell_projects, 0);
    FREE(answer);
    desk_close(&desk);
}

Test(answers, totals_as_of_a_day_are_those_of_its_end) {
    struct desk desk;
    desk_open(&desk, 0);
    static const struct {
        uint32_t day;
        uint64_t projects;
    } wanted[] = {{1, 0},
                  {DESK_FIRST_DAY + 9, 0},
                  {DESK_FIRST_DAY + 10, 2},
                  {DESK_FIRST_DAY + 29, 5},
                  {DESK_FIRST_DAY + 30, 10},
                  {70000, 10},
                  {UINT32_MAX, 10}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        Tally__Totals *answer = ask_totals(&desk, 0, wanted[i].day);
        cr_assert_eq(answer->projects, wanted[i].projects, "day %u", wanted[i].day);
        cr_assert_neq(answer->day, 0);
        cr_assert_eq(answer->n_cell_projects, 0);
        FREE(answer);
    }
    desk_close(&desk);
}

static Tally__Regions *ask_regions(struct desk *desk, uint32_t region, uint32_t day) {
    Tally__RegionsQuery question = TALLY__REGIONS_QUERY__INIT;
    question.competition = "csj-2021";
    question.region = region;
    question.day = day;
    desk_ask(desk, MESSAGE_REGIONS_QUERY, &question.base);
    return desk_answer(desk, MESSAGE_REGIONS, &tally__regions__descriptor);
}

Test(answers, regions_are_those_directly_below) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__Regions *answer = ask_regions(&desk, 0, 0);
    cr_assert_eq(answer->n_child, 2);
    cr_assert_eq(answer->child[0], 310000);
    cr_assert_eq(answer->child[1], 330000);
    cr_assert_eq(answer->projects[1], 5);
    cr_assert_eq(answer->migrant_participants[1], 15);
    cr_assert_eq(answer->version, DESK_VERSION);
    cr_assert_eq(answer->epoch, DESK_EPOCH);
    FREE(answer);
    answer = ask_regions(&desk, 330000, DESK_FIRST_DAY + 10);
    cr_assert_eq(answer->n_child, 2);
    cr_assert_eq(answer->child[0], 330100);
    cr_assert_eq(answer->projects[0], 2);
    cr_assert_eq(answer->projects[1], 0);
    cr_assert_eq(answer->day, DESK_FIRST_DAY + 10);
    FREE(answer);
    answer = ask_regions(&desk, 330106, 0);
    cr_assert_eq(answer->n_child, 0);
    FREE(answer);
    desk_close(&desk);
}

static Tally__History *ask_history(struct desk *desk, uint32_t region, uint32_t first_day, uint32_t last_day) {
    Tally__HistoryQuery question = TALLY__HISTORY_QUERY__INIT;
    question.competition = "csj-2021";
    question.region = region;
    question.first_day = first_day;
    question.last_day = last_day;
    desk_ask(desk, MESSAGE_HISTORY_QUERY, &question.base);
    return desk_answer(desk, MESSAGE_HISTORY, &tally__history__descriptor);
}

Test(answers, history_has_the_days_on_which_something_changed) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__History *answer = ask_history(&desk, 0, 0, 0);
    cr_assert_eq(answer->n_day, 3);
    cr_assert_eq(answer->day[0], DESK_FIRST_DAY + 10);
    cr_assert_eq(answer->projects[0], 2);
    cr_assert_eq(answer->projects[1], 5);
    cr_assert_eq(answer->contract_value[2], 1000);
    FREE(answer);
    answer = ask_history(&desk, 0, DESK_FIRST_DAY + 11, DESK_FIRST_DAY + 29);
    cr_assert_eq(answer->n_day, 1);
    cr_assert_eq(answer->day[0], DESK_FIRST_DAY + 20);
    cr_assert_eq(answer->projects[0], 5, "what came before is in it");
    FREE(answer);
    answer = ask_history(&desk, 340000, 0, 0);
    cr_assert_eq(answer->n_day, 0);
    FREE(answer);
    desk_close(&desk);
}

static Tally__Projects *ask_project(struct desk *desk, const char *code) {
    Tally__ProjectQuery question = TALLY__PROJECT_QUERY__INIT;
    question.competition = "csj-2021";
    question.code = (char *)(uintptr_t)code;
    desk_ask(desk, MESSAGE_PROJECT_QUERY, &question.base);
    return desk_answer(desk, MESSAGE_PROJECTS, &tally__projects__descriptor);
}

Test(answers, a_project_comes_with_its_texts_or_not_at_all) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__Projects *answer = ask_project(&desk, "2101-330106-01");
    cr_assert_eq(answer->n_code, 1);
    cr_assert_str_eq(answer->code[0], "2101-330106-01");
    cr_assert_eq(answer->region[0], 330106);
    cr_assert_eq(answer->category[0], 2);
    cr_assert_eq(answer->status[0], 1);
    cr_assert_eq(answer->contract_value[0], 2000);
    cr_assert_eq(answer->participants[0], 20);
    cr_assert_eq(answer->migrant_participants[0], 2);
    cr_assert_eq(answer->effective_day[0], DESK_FIRST_DAY + 3);
    cr_assert_str_eq(answer->name[0], "西湖区项目2");
    cr_assert_str_eq(answer->contractor[0], "浙江建工");
    cr_assert_eq(answer->start_day[0], 18000);
    cr_assert_eq(answer->completion_day[0], 19000);
    cr_assert_str_eq(answer->node[0], "shanghai");
    cr_assert_eq(answer->updated_version[0], 102);
    cr_assert_eq(answer->updated_ms[0], 1635400000000);
    cr_assert_eq(answer->version, DESK_VERSION - 1);
    cr_assert_str_eq(answer->next_code, "");
    FREE(answer);
    static const char *const unknown[] = {"", "2101-330106-09", "2101-330106-01-and-more-than-a-code-can-be-long"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        answer = ask_project(&desk, unknown[i]);
        cr_assert_eq(answer->n_code, 0);
        cr_assert_eq(answer->version, DESK_VERSION - 1);
        FREE(answer);
    }
    desk_close(&desk);
}

static Tally__Projects *ask_page(struct desk *desk, uint32_t region, uint32_t limit, const Tally__Projects *before) {
    Tally__ProjectsQuery question = TALLY__PROJECTS_QUERY__INIT;
    question.competition = "csj-2021";
    question.region = region;
    question.limit = limit;
    if (before != NULL) {
        question.after_region = before->next_region;
        question.after_code = before->next_code;
    }
    desk_ask(desk, MESSAGE_PROJECTS_QUERY, &question.base);
    return desk_answer(desk, MESSAGE_PROJECTS, &tally__projects__descriptor);
}

Test(answers, pages_of_any_size_show_each_project_once_in_order) {
    struct desk desk;
    desk_open(&desk, 0);
    for (uint32_t limit = 1; limit <= DESK_PROJECTS + 1; limit++) {
        size_t seen = 0;
        Tally__Projects *page = NULL;
        do {
            Tally__Projects *next = ask_page(&desk, 0, limit, page);
            if (page != NULL) {
                FREE(page);
            }
            page = next;
            cr_assert_gt(page->n_code, 0, "no page is empty");
            for (size_t i = 0; i < page->n_code; i++, seen++) {
                cr_assert_str_eq(page->code[i], desk_projects[seen].code);
            }
        } while (page->next_code[0] != '\0');
        FREE(page);
        cr_assert_eq(seen, DESK_PROJECTS, "limit %u", limit);
    }
    desk_close(&desk);
}

Test(answers, a_page_holds_the_region_and_what_lies_in_it) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__Projects *answer = ask_page(&desk, 330100, 0, NULL);
    cr_assert_eq(answer->n_code, 3);
    FREE(answer);
    answer = ask_page(&desk, 330106, UINT32_MAX, NULL);
    cr_assert_eq(answer->n_code, 2);
    FREE(answer);
    desk_close(&desk);
}

/* A place to go on from that is longer than any code is the place of its beginning. */
Test(answers, a_page_may_begin_after_any_text) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__Projects after = TALLY__PROJECTS__INIT;
    after.next_region = 330106;
    after.next_code = "2101-330106-01xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    Tally__Projects *answer = ask_page(&desk, 0, 0, &after);
    cr_assert_eq(answer->n_code, 2);
    cr_assert_str_eq(answer->code[0], "2101-330106-02");
    FREE(answer);
    desk_close(&desk);
}

Test(answers, nodes_are_all_there_with_what_they_sent) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__NodesQuery question = TALLY__NODES_QUERY__INIT;
    desk_ask(&desk, MESSAGE_NODES_QUERY, &question.base);
    Tally__Nodes *answer = desk_answer(&desk, MESSAGE_NODES, &tally__nodes__descriptor);
    cr_assert_eq(answer->n_name, 3);
    cr_assert_str_eq(answer->name[0], "anhui");
    cr_assert_str_eq(answer->regions[0], "");
    cr_assert_str_eq(answer->regions[1], "310000");
    cr_assert_str_eq(answer->regions[2], "310000,330106");
    cr_assert_str_eq(answer->title_zh[2], "单位2");
    cr_assert_str_eq(answer->title_en[2], "Unit 2");
    cr_assert_not(answer->connected[0]);
    cr_assert(answer->connected[1]);
    cr_assert_eq(answer->sequence[1], 17);
    cr_assert_eq(answer->last_batch_ms[1], 1635400000000);
    cr_assert_eq(answer->rows_accepted[1], 100);
    cr_assert_eq(answer->rows_unchanged[1], 20);
    cr_assert_eq(answer->rows_refused[1], 3);
    FREE(answer);
    desk_close(&desk);
}

Test(answers, competitions_come_with_their_categories_and_statuses) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__CompetitionsQuery question = TALLY__COMPETITIONS_QUERY__INIT;
    desk_ask(&desk, MESSAGE_COMPETITIONS_QUERY, &question.base);
    Tally__Competitions *answer = desk_answer(&desk, MESSAGE_COMPETITIONS, &tally__competitions__descriptor);
    cr_assert_eq(answer->n_competition, 2);
    const Tally__Competition *competition = answer->competition[0];
    cr_assert_str_eq(competition->key, "csj-2021");
    cr_assert_str_eq(competition->zh, "长三角竞赛");
    cr_assert_str_eq(competition->place_zh, "长三角地区");
    cr_assert_str_eq(competition->place_en, "the delta");
    cr_assert_eq(competition->first_day, DESK_FIRST_DAY);
    cr_assert_eq(competition->last_day, 20000);
    cr_assert_eq(competition->n_region, 2);
    cr_assert_eq(competition->region[1], 330000);
    cr_assert_eq(competition->n_category, 1);
    cr_assert_eq(competition->category[0]->code, 2);
    cr_assert_str_eq(competition->category[0]->key, "skills");
    cr_assert_eq(competition->n_status, 2);
    cr_assert_not(competition->status[0]->counts);
    cr_assert(competition->status[1]->counts);
    cr_assert_str_eq(competition->status[1]->zh, "已报名");
    cr_assert_eq(competition->target_projects, 1000);
    cr_assert_eq(competition->target_contract_value, 7);
    cr_assert_eq(competition->target_participants, 9);
    cr_assert_eq(answer->competition[1]->n_status, 0);
    FREE(answer);
    desk_close(&desk);
}

static uint64_t counter_in(const Tally__Status *status, const char *name) {
    for (size_t i = 0; i < status->n_counter_name; i++) {
        if (strcmp(status->counter_name[i], name) == 0) {
            cr_assert_gt(strlen(status->counter_help[i]), 0);
            return status->counter_value[i];
        }
    }
    cr_assert_fail("there is no counter %s", name);
    return 0;
}

Test(answers, status_tells_versions_sizes_and_every_counter) {
    struct desk desk;
    desk_open(&desk, 0);
    counter_add(COUNTER_JOURNAL_GROUPS, 4);
    counter_refused(REFUSAL_REGION_NOT_YOURS, 9);
    Tally__StatusQuery question = TALLY__STATUS_QUERY__INIT;
    desk_ask(&desk, MESSAGE_STATUS_QUERY, &question.base);
    Tally__Status *answer = desk_answer(&desk, MESSAGE_STATUS, &tally__status__descriptor);
    cr_assert_str_eq(answer->software, "tallyd 0.1.0");
    cr_assert_eq(answer->epoch, DESK_EPOCH);
    cr_assert_eq(answer->started_ms, 1635000000000);
    cr_assert_eq(answer->version_durable, DESK_VERSION + 1);
    cr_assert_eq(answer->version_applied, DESK_VERSION);
    cr_assert_eq(answer->version_folded, DESK_VERSION - 1);
    cr_assert_eq(answer->projects, 11);
    cr_assert_eq(answer->disk_free_bytes, 1 << 30);
    cr_assert_eq(answer->journal_bytes, 4096);
    cr_assert_eq(answer->state_bytes, 8192);
    cr_assert_str_eq(answer->condition, "ready");
    cr_assert_eq(answer->n_counter_name, answer->n_counter_value);
    cr_assert_eq(answer->n_counter_name, answer->n_counter_help);
    cr_assert_eq(counter_in(answer, "journal_groups"), 4);
    cr_assert_eq(counter_in(answer, "refused_region_not_yours"), 9);
    cr_assert_eq(counter_in(answer, "refused_draining"), 0);
    FREE(answer);
    desk_close(&desk);
}

static Tally__Verification *ask_verify(struct desk *desk, bool start) {
    Tally__VerifyQuery question = TALLY__VERIFY_QUERY__INIT;
    question.start = start;
    desk_ask(desk, MESSAGE_VERIFY_QUERY, &question.base);
    return desk_answer(desk, MESSAGE_VERIFICATION, &tally__verification__descriptor);
}

Test(answers, verify_starts_only_when_asked_to_and_tells_how_far_it_is) {
    struct desk desk;
    desk_open(&desk, 0);
    Tally__Verification *answer = ask_verify(&desk, false);
    cr_assert_str_eq(answer->state, "none");
    cr_assert_eq(desk.verification_starts, 0);
    FREE(answer);
    answer = ask_verify(&desk, true);
    cr_assert_eq(desk.verification_starts, 1);
    cr_assert_str_eq(answer->state, "equal");
    cr_assert_eq(answer->entries, DESK_VERSION);
    cr_assert_eq(answer->entries_expected, DESK_VERSION);
    cr_assert_eq(answer->version, DESK_VERSION);
    cr_assert_eq(answer->projects, 780);
    cr_assert_str_eq(answer->text, "as asked");
    cr_assert_eq(answer->started_ms, 1);
    cr_assert_eq(answer->finished_ms, 2);
    FREE(answer);
    desk_close(&desk);
}
