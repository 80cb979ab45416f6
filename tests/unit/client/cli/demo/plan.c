#include "client/cli/demo/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/region.h"
#include "proto/text.h"
#include "tests/unit/client/cli/competition.h"

static char message[PLAN_MESSAGE_BYTES];

static bool counts(const struct tally_competition *competition, uint32_t status) {
    for (size_t i = 0; i < competition->status_count; i++) {
        if (competition->statuses[i].code == status) {
            return competition->statuses[i].counts;
        }
    }
    cr_assert_fail("status %u is not of the competition", status);
    return false;
}

/* Applies the updates as a daemon would: the last state of each project, up to a day. */
static struct tally_totals totals_on(const struct plan *plan, const struct tally_competition *competition,
                                     uint32_t day) {
    enum { INDEX_MAX = 1024 };
    const struct tally_project *state[INDEX_MAX] = {0};
    struct tally_totals totals = {0};
    for (size_t i = 0; i < plan->count; i++) {
        cr_assert(plan->updates[i].index < INDEX_MAX);
        if (plan->updates[i].project.effective_day <= day) {
            state[plan->updates[i].index] = &plan->updates[i].project;
        }
    }
    for (size_t i = 0; i < INDEX_MAX; i++) {
        if (state[i] != NULL && counts(competition, state[i]->status)) {
            totals.projects++;
            totals.contract_value += state[i]->contract_value;
            totals.participants += state[i]->participants;
            totals.migrant_participants += state[i]->migrant_participants;
        }
    }
    return totals;
}

Test(plan, totals_are_exact_for_every_seed) {
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct plan *plan = plan_create(seed, competition_sample(), message);
        cr_assert_not_null(plan, "%s", message);
        struct tally_totals totals = totals_on(plan, competition_sample(), plan_last_day());
        cr_assert_eq(totals.projects, 780, "seed %d", (int)seed);
        cr_assert_eq(totals.contract_value, INT64_C(94100000000000), "seed %d", (int)seed);
        cr_assert_eq(totals.participants, 600000, "seed %d", (int)seed);
        cr_assert(totals.migrant_participants > 240000 && totals.migrant_participants < 480000);
        plan_destroy(&plan);
    }
}

Test(plan, the_same_seed_makes_the_same_plan_and_another_one_another) {
    struct plan *a = plan_create(7, competition_sample(), message);
    struct plan *b = plan_create(7, competition_sample(), message);
    struct plan *c = plan_create(8, competition_sample(), message);
    cr_assert_eq(a->count, b->count);
    bool differs = a->count != c->count;
    for (size_t i = 0; i < a->count; i++) {
        const struct tally_project *left = &a->updates[i].project;
        const struct tally_project *right = &b->updates[i].project;
        cr_assert_str_eq(left->code, right->code);
        cr_assert_str_eq(left->name, right->name);
        cr_assert_eq(left->contract_value, right->contract_value);
        cr_assert_eq(left->participants, right->participants);
        cr_assert_eq(left->effective_day, right->effective_day);
        cr_assert_eq(left->status, right->status);
        differs = differs || left->contract_value != c->updates[i].project.contract_value;
    }
    cr_assert(differs);
    plan_destroy(&a);
    plan_destroy(&b);
    plan_destroy(&c);
}

Test(plan, every_row_is_one_that_a_daemon_takes) {
    const struct tally_competition *competition = competition_sample();
    struct plan *plan = plan_create(20211028, competition, message);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_update *update = &plan->updates[i];
        const struct tally_project *project = &update->project;
        const struct region *county = region_find(project->region);
        cr_assert_not_null(county, "%u is in the list", project->region);
        cr_assert_eq(region_level(project->region), REGION_LEVEL_COUNTY);
        cr_assert(region_within(project->region, plan_nodes[update->node].province));
        cr_assert(text_is_code(project->code, strlen(project->code)));
        cr_assert(strlen(project->code) > 0 && strlen(project->code) <= PROJECT_CODE_BYTES_MAX);
        cr_assert(text_valid(project->name, strlen(project->name)) && strlen(project->name) <= TEXT_BYTES_MAX);
        cr_assert(strstr(project->name, "演示") != NULL && strstr(project->name, "synthetic") != NULL);
        cr_assert(project->contract_value > 0 && project->contract_value <= CONTRACT_VALUE_FEN_MAX);
        cr_assert(project->participants > 0 && project->migrant_participants >= 0);
        cr_assert(project->migrant_participants <= project->participants);
        cr_assert(project->effective_day >= competition->first_day && project->effective_day <= plan_last_day());
        cr_assert(project->start_day < project->completion_day && project->completion_day < 65536);
        (void)counts(competition, project->status);
    }
    plan_destroy(&plan);
}

Test(plan, days_never_go_back_and_the_last_state_is_marked) {
    struct plan *plan = plan_create(3, competition_sample(), message);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_update *update = &plan->updates[i];
        cr_assert(i == 0 || plan->updates[i - 1].project.effective_day <= update->project.effective_day);
        bool later = false;
        for (size_t j = i + 1; j < plan->count; j++) {
            if (plan->updates[j].index == update->index) {
                cr_assert_eq(plan->updates[j].step, update->step + 1);
                cr_assert_str_eq(plan->updates[j].project.code, update->project.code);
                later = true;
                break;
            }
        }
        cr_assert_eq(update->last, !later);
    }
    plan_destroy(&plan);
}

Test(plan, the_story_has_amendments_withdrawals_and_a_climb) {
    const struct tally_competition *competition = competition_sample();
    struct plan *plan = plan_create(20211028, competition, message);
    size_t withdrawn = 0;
    size_t announced = 0;
    size_t amended = 0;
    size_t nodes[PLAN_NODES] = {0};
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_update *update = &plan->updates[i];
        withdrawn += update->project.status == 9;
        announced += update->project.status == 0;
        nodes[update->node]++;
        for (size_t j = i + 1; j < plan->count; j++) {
            amended += plan->updates[j].index == update->index &&
                       plan->updates[j].project.contract_value != update->project.contract_value;
        }
    }
    cr_assert_eq(withdrawn, PLAN_WITHDRAWN);
    cr_assert(announced > 100);
    cr_assert(amended > 100);
    for (unsigned node = 0; node < PLAN_NODES; node++) {
        cr_assert(nodes[node] > 100, "%s", plan_nodes[node].name);
    }
    uint64_t spring = totals_on(plan, competition, 18718 + 60).projects;
    uint64_t summer = totals_on(plan, competition, 18718 + 140).projects;
    cr_assert(spring > 50 && spring < 350, "%d", (int)spring);
    cr_assert(summer > spring + 100 && summer < 700, "%d", (int)summer);
    plan_destroy(&plan);
}

Test(plan, a_competition_with_one_status_and_one_category_can_hold_it) {
    static const struct tally_label status = {.code = 1, .key = "in", .zh = "在", .en = "In", .counts = true};
    static const struct tally_label category = {.code = 7, .key = "all", .zh = "全部", .en = "All"};
    struct tally_competition competition = *competition_sample();
    competition.statuses = &status;
    competition.status_count = 1;
    competition.categories = &category;
    competition.category_count = 1;
    struct plan *plan = plan_create(1, &competition, message);
    cr_assert_not_null(plan, "%s", message);
    struct tally_totals totals = totals_on(plan, &competition, plan_last_day());
    cr_assert_eq(totals.projects, 780);
    cr_assert_eq(totals.contract_value, PLAN_CONTRACT_VALUE);
    plan_destroy(&plan);
}

Test(plan, a_competition_that_cannot_hold_it_is_told_why) {
    struct tally_competition competition = *competition_sample();
    competition.first_day = plan_last_day();
    cr_assert_null(plan_create(1, &competition, message));
    cr_assert(strstr(message, "2021-10-28") != NULL, "%s", message);
    competition = *competition_sample();
    competition.region_count = 3;
    cr_assert_null(plan_create(1, &competition, message));
    cr_assert(strstr(message, "340000") != NULL, "%s", message);
    competition = *competition_sample();
    competition.status_count = 1;
    cr_assert_null(plan_create(1, &competition, message));
}

Test(plan, shares_add_up_whatever_the_weights) {
    static const uint64_t weights[][4] = {{1, 1, 1, 1}, {1, 1000000, 3, 7}, {0, 0, 0, 1}, {UINT32_MAX, 1, 2, 3}};
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        for (int64_t total = 4; total < 2000; total += 13) {
            int64_t parts[4];
            plan_share(total, weights[i], 4, parts);
            cr_assert_eq(parts[0] + parts[1] + parts[2] + parts[3], total);
            for (size_t j = 0; j < 4; j++) {
                cr_assert(parts[j] >= 1);
            }
        }
    }
}
