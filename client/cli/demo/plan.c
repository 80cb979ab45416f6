#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/demo/dice.h"
#include "proto/day.h"
#include "proto/limits.h"
#include "proto/region.h"

enum {
    COUNT = PLAN_PROJECTS + PLAN_WITHDRAWN + PLAN_ANNOUNCED,
    STEPS_MAX = 5,
    COUNTIES_MAX = 512,
    FEN_PER_WAN_YUAN = 1000000,
    DAYS_MIN = 60,
    TEXT_BYTES = 2 * (TEXT_BYTES_MAX + 1) + PROJECT_CODE_BYTES_MAX + 1,
};

const struct plan_node plan_nodes[PLAN_NODES] = {
    {"shanghai", 310000}, {"jiangsu", 320000}, {"zhejiang", 330000}, {"anhui", 340000}};

static const uint32_t node_percent[PLAN_NODES] = {22, 29, 27, 22};

/* The part of each status in the story, by what counts. */
struct roles {
    bool has_announced;
    bool has_withdrawn;
    uint32_t announced;
    uint32_t withdrawn;
    size_t counting_count;
    uint32_t counting[STATUSES_MAX]; /* in the order in which projects pass through them */
};

/* One project of the story. */
struct actor {
    unsigned node;
    uint32_t region;
    uint32_t category;
    uint32_t enrolled_day;
    int64_t value_wan;
    int64_t participants;
    int64_t migrants;
    const char *code;
    const char *name;
    const char *contractor;
};

/* What the making of a plan needs; too large for the stack. */
struct draft {
    struct dice dice;
    const struct tally_competition *competition;
    struct roles roles;
    size_t county_count[PLAN_NODES];
    const struct region *counties[PLAN_NODES][COUNTIES_MAX];
    struct actor actors[COUNT];
    uint64_t value_weight[COUNT];
    uint64_t heads_weight[COUNT];
    int64_t parts[COUNT];
    struct plan *plan;
};

uint32_t plan_last_day(void) {
    return day_from_date((struct day_date){.year = 2021, .month = 10, .day = 28});
}

void plan_share(int64_t total, const uint64_t *weights, size_t count, int64_t *parts) {
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
    }
    int64_t left = total - (int64_t)count; /* one for each */
    int64_t given = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t part = (int64_t)((unsigned __int128)left * weights[i] / sum);
        parts[i] = 1 + part;
        given += part;
    }
    /* Cutting left fewer than count over. */
    for (size_t i = 0; given < left; i++, given++) {
        parts[i % count]++;
    }
}

static void find_roles(const struct tally_competition *competition, struct roles *roles) {
    for (size_t i = 0; i < competition->status_count && i < STATUSES_MAX; i++) {
        const struct tally_label *status = &competition->statuses[i];
        if (status->counts) {
            roles->counting[roles->counting_count++] = status->code;
        } else if (roles->counting_count == 0) {
            roles->has_announced = true;
            roles->announced = status->code;
        } else {
            roles->has_withdrawn = true;
            roles->withdrawn = status->code;
        }
    }
}

static void find_counties(struct draft *draft) {
    size_t count;
    const struct region *list = region_list(&count);
    for (size_t i = 0; i < count; i++) {
        for (unsigned node = 0; node < PLAN_NODES; node++) {
            if (region_level(list[i].code) == REGION_LEVEL_COUNTY &&
                region_within(list[i].code, plan_nodes[node].province) && draft->county_count[node] < COUNTIES_MAX) {
                draft->counties[node][draft->county_count[node]++] = &list[i];
            }
        }
    }
}

static bool takes_part(const struct tally_competition *competition, uint32_t province) {
    for (size_t i = 0; i < competition->region_count; i++) {
        if (region_within(province, competition->regions[i])) {
            return true;
        }
    }
    return competition->region_count == 0;
}

/* Whether the competition can hold the story. */
static bool check(const struct draft *draft, char *message) {
    const struct tally_competition *competition = draft->competition;
    char day[DAY_TEXT_BYTES];
    for (unsigned node = 0; node < PLAN_NODES; node++) {
        if (!takes_part(competition, plan_nodes[node].province)) {
            snprintf(message, PLAN_MESSAGE_BYTES, "region %06u does not take part in %s: choose another competition",
                     (unsigned)plan_nodes[node].province, competition->key);
            return false;
        }
    }
    if (competition->first_day + DAYS_MIN > plan_last_day() || competition->category_count == 0 ||
        draft->roles.counting_count == 0) {
        snprintf(message, PLAN_MESSAGE_BYTES,
                 "%s cannot hold the demonstration: it needs a start well before %s, a category, and a status that "
                 "counts",
                 competition->key, day_format(plan_last_day(), day));
        return false;
    }
    return true;
}

static unsigned draw_node(struct dice *dice) {
    uint32_t throw = dice_below(dice, 100);
    unsigned node = 0;
    while (node + 1 < PLAN_NODES && throw >= node_percent[node]) {
        throw -= node_percent[node];
        node++;
    }
    return node;
}

/* The first category is the commonest. */
static const struct tally_label *draw_category(struct draft *draft) {
    const struct tally_competition *competition = draft->competition;
    if (dice_chance(&draft->dice, 45)) {
        return &competition->categories[0];
    }
    return &competition->categories[dice_below(&draft->dice, (uint32_t)competition->category_count)];
}

/* Writes what a project is called; every name says that it is invented. */
static void write_texts(struct draft *draft, size_t index, const struct region *county,
                        const struct tally_label *category) {
    struct actor *actor = &draft->actors[index];
    char *code = draft->plan->texts + index * TEXT_BYTES;
    char *name = code + PROJECT_CODE_BYTES_MAX + 1;
    char *contractor = name + TEXT_BYTES_MAX + 1;
    snprintf(code, PROJECT_CODE_BYTES_MAX + 1, "SYNTHETIC-%06u-%04zu", (unsigned)county->code % 1000000, index + 1);
    snprintf(name, TEXT_BYTES_MAX + 1, "演示项目%04zu %s%.60s (synthetic)", index + 1, county->zh, category->zh);
    snprintf(contractor, TEXT_BYTES_MAX + 1, "演示建设集团第%u公司 (synthetic)",
             (unsigned)dice_between(&draft->dice, 1, 40));
    actor->code = code;
    actor->name = name;
    actor->contractor = contractor;
}

static void cast(struct draft *draft, size_t index) {
    /* Of the exponents of 2, in 64ths: 1.77 for values, so that half of them are below 0.47 of the mean. */
    enum { DEVIATION_VALUE = 113, DEVIATION_HEADS = 58 };
    struct actor *actor = &draft->actors[index];
    struct dice *dice = &draft->dice;
    actor->node = draw_node(dice);
    const struct region *county =
        draft->counties[actor->node][dice_below(dice, (uint32_t)draft->county_count[actor->node])];
    const struct tally_label *category = draw_category(draft);
    actor->region = county->code;
    actor->category = category->code;
    write_texts(draft, index, county, category);
    /* More join as time goes on: the later of two days, half of the time. */
    uint32_t span = draft->plan->last_day - draft->plan->first_day;
    uint32_t day = dice_below(dice, span + 1);
    uint32_t other = dice_below(dice, span + 1);
    actor->enrolled_day = draft->plan->first_day + (dice_chance(dice, 50) && other > day ? other : day);
    int64_t value = (int64_t)dice_normal(dice) * DEVIATION_VALUE / 64;
    int64_t heads = value * 2 / 5 + (int64_t)dice_normal(dice) * DEVIATION_HEADS / 64;
    draft->value_weight[index] = dice_power(value);
    draft->heads_weight[index] = dice_power(heads);
}

/* Figures of the projects that count add up exactly; those of the others are like them. */
static void give_figures(struct draft *draft) {
    int64_t total_wan = PLAN_CONTRACT_VALUE / FEN_PER_WAN_YUAN;
    plan_share(total_wan, draft->value_weight, PLAN_PROJECTS, draft->parts);
    for (size_t i = 0; i < COUNT; i++) {
        draft->actors[i].value_wan = draft->parts[i < PLAN_PROJECTS ? i : i - PLAN_PROJECTS];
    }
    plan_share(PLAN_PARTICIPANTS, draft->heads_weight, PLAN_PROJECTS, draft->parts);
    for (size_t i = 0; i < COUNT; i++) {
        struct actor *actor = &draft->actors[i];
        actor->participants = draft->parts[i < PLAN_PROJECTS ? i : i - PLAN_PROJECTS];
        actor->migrants = actor->participants * (int64_t)dice_between(&draft->dice, 45, 75) / 100;
    }
}

/* Appends a state of a project; percent of its final figures. */
static void add_update(struct draft *draft, unsigned index, uint32_t status, uint32_t day, unsigned percent) {
    struct plan *plan = draft->plan;
    const struct actor *actor = &draft->actors[index];
    struct plan_update *update = &plan->updates[plan->count];
    bool follows = plan->count > 0 && update[-1].index == index;
    plan->count++;
    int64_t wan = actor->value_wan * percent / 100;
    int64_t heads = actor->participants * percent / 100;
    int64_t migrants = actor->migrants * percent / 100;
    *update = (struct plan_update){
        .node = actor->node, .index = index, .step = follows ? update[-1].step + 1 : 0, .last = true};
    update->project =
        (struct tally_project){.code = actor->code,
                               .region = actor->region,
                               .category = actor->category,
                               .status = status,
                               .contract_value = (wan > 0 ? wan : 1) * FEN_PER_WAN_YUAN,
                               .participants = heads > 0 ? heads : 1,
                               .migrant_participants = migrants,
                               .effective_day = day,
                               .name = actor->name,
                               .contractor = actor->contractor,
                               .start_day = plan->first_day - 100 + (uint32_t)(actor->value_wan % 190),
                               .completion_day = plan->last_day + 90 + (uint32_t)(actor->value_wan % 1200)};
    if (follows) {
        update[-1].last = false;
    }
}

/* A day from after on, up to the last. */
static uint32_t later(struct draft *draft, uint32_t after) {
    uint32_t last = draft->plan->last_day;
    uint32_t step = dice_between(&draft->dice, 5, 70);
    return after + step > last ? last : after + step;
}

static void tell_story(struct draft *draft, unsigned index) {
    const struct roles *roles = &draft->roles;
    struct dice *dice = &draft->dice;
    const struct actor *actor = &draft->actors[index];
    uint32_t day = actor->enrolled_day;
    bool announced_only = index >= PLAN_PROJECTS + PLAN_WITHDRAWN;
    if (roles->has_announced && (announced_only || dice_chance(dice, 40))) {
        uint32_t ahead = dice_between(dice, 3, 30);
        uint32_t earliest = draft->plan->first_day;
        add_update(draft, index, roles->announced,
                   announced_only           ? day
                   : day < earliest + ahead ? earliest
                                            : day - ahead,
                   100);
    }
    if (announced_only) {
        return;
    }
    bool amended = dice_chance(dice, 25);
    add_update(draft, index, roles->counting[0], day, amended ? dice_between(dice, 70, 130) : 100);
    uint32_t status = roles->counting[0];
    if (amended) {
        day = later(draft, day);
        add_update(draft, index, status, day, 100);
    }
    if (index >= PLAN_PROJECTS) {
        add_update(draft, index, roles->withdrawn, later(draft, day), 100);
        return;
    }
    static const uint32_t move_percent[] = {60, 8};
    for (size_t i = 1; i < roles->counting_count && i <= 2 && dice_chance(dice, move_percent[i - 1]); i++) {
        day = later(draft, day);
        add_update(draft, index, roles->counting[i], day, 100);
    }
}

static int by_day(const void *a, const void *b) {
    const struct plan_update *left = a;
    const struct plan_update *right = b;
    uint32_t left_day = left->project.effective_day;
    uint32_t right_day = right->project.effective_day;
    if (left_day != right_day) {
        return left_day < right_day ? -1 : 1;
    }
    if (left->index != right->index) {
        return left->index < right->index ? -1 : 1;
    }
    return left->step < right->step ? -1 : left->step > right->step;
}

/* Whether the story has room for a project of this number: some need a status that the competition may lack. */
static bool plays(const struct roles *roles, size_t index) {
    if (index < PLAN_PROJECTS) {
        return true;
    }
    return index < PLAN_PROJECTS + PLAN_WITHDRAWN ? roles->has_withdrawn : roles->has_announced;
}

static void make(struct draft *draft) {
    for (size_t i = 0; i < COUNT; i++) {
        cast(draft, i);
    }
    give_figures(draft);
    for (unsigned i = 0; i < COUNT; i++) {
        if (plays(&draft->roles, i)) {
            tell_story(draft, i);
        }
    }
    qsort(draft->plan->updates, draft->plan->count, sizeof *draft->plan->updates, by_day);
}

struct plan *plan_create(uint64_t seed, const struct tally_competition *competition, char *message) {
    struct draft *draft = calloc(1, sizeof *draft);
    struct plan *plan = calloc(1, sizeof *plan);
    if (draft == NULL || plan == NULL) {
        goto memory;
    }
    dice_init(&draft->dice, seed);
    draft->competition = competition;
    draft->plan = plan;
    find_roles(competition, &draft->roles);
    if (!check(draft, message)) {
        goto fail;
    }
    find_counties(draft);
    plan->first_day = competition->first_day;
    plan->last_day = plan_last_day();
    plan->updates = calloc((size_t)COUNT * STEPS_MAX, sizeof *plan->updates);
    plan->texts = calloc(COUNT, TEXT_BYTES);
    if (plan->updates == NULL || plan->texts == NULL) {
        goto memory;
    }
    make(draft);
    free(draft);
    return plan;
memory:
    snprintf(message, PLAN_MESSAGE_BYTES, "out of memory");
fail:
    plan_destroy(&plan);
    free(draft);
    return NULL;
}

void plan_destroy(struct plan **plan) {
    if (*plan != NULL) {
        free((*plan)->updates);
        free((*plan)->texts);
        free(*plan);
        *plan = NULL;
    }
}
