#include "answer.h"
#include "proto/day.h"

static bool region_askable(uint32_t region) {
    return region == REGION_ALL || region_valid(region);
}

/* Days beyond what can be stored are after everything. */
static uint16_t clamp_day(uint32_t day) {
    return day < DAY_LIMIT ? (uint16_t)day : DAY_LIMIT - 1;
}

/* The checks that the three questions share. */
static enum refusal look_up(const struct answer_desk *desk, const char *key, uint32_t region,
                            const struct competition **competition) {
    *competition = answer_competition(desk, key);
    if (*competition == NULL) {
        return REFUSAL_COMPETITION_UNKNOWN;
    }
    if (!region_askable(region)) {
        return REFUSAL_REGION_UNKNOWN;
    }
    return rollup_whole(desk->rollup) ? REFUSAL_NONE : REFUSAL_NOT_READY;
}

enum refusal answer_totals(struct answer_desk *desk, const ProtobufCMessage *question) {
    const Tally__TotalsQuery *query = (const Tally__TotalsQuery *)question;
    const struct competition *competition;
    enum refusal refusal = look_up(desk, query->competition, query->region, &competition);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    if (query->day == 0) {
        totals_fill(&desk->totals, desk->rollup, competition, query->region);
    } else {
        totals_fill_as_of(&desk->totals, desk->rollup, competition, query->region, clamp_day(query->day));
    }
    desk->totals.message.request = query->request;
    desk->totals.message.epoch = desk->options->epoch;
    desk->totals.message.time_ms = (uint64_t)desk->time_ms;
    return answer_pack(desk, MESSAGE_TOTALS, &desk->totals.message.base);
}

/* Columns of sums, one row for each region or day. */
struct columns {
    uint32_t *head; /* child or day */
    uint64_t *projects;
    int64_t *contract_value;
    int64_t *participants;
    int64_t *migrant_participants;
};

static bool make_columns(struct answer_desk *desk, struct columns *columns, size_t rows) {
    columns->head = answer_room(desk, rows, sizeof *columns->head);
    columns->projects = answer_room(desk, rows, sizeof *columns->projects);
    columns->contract_value = answer_room(desk, rows, sizeof *columns->contract_value);
    columns->participants = answer_room(desk, rows, sizeof *columns->participants);
    columns->migrant_participants = answer_room(desk, rows, sizeof *columns->migrant_participants);
    return columns->head != NULL && columns->projects != NULL && columns->contract_value != NULL &&
           columns->participants != NULL && columns->migrant_participants != NULL;
}

static void put_row(struct columns *columns, size_t row, uint32_t head, const struct sums *sums) {
    columns->head[row] = head;
    columns->projects[row] = (uint64_t)sums->projects;
    columns->contract_value[row] = sums->contract_value;
    columns->participants[row] = sums->participants;
    columns->migrant_participants[row] = sums->migrant_participants;
}

enum refusal answer_regions(struct answer_desk *desk, const ProtobufCMessage *question) {
    const Tally__RegionsQuery *query = (const Tally__RegionsQuery *)question;
    const struct competition *competition;
    enum refusal refusal = look_up(desk, query->competition, query->region, &competition);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    uint32_t numbers[ROLLUP_CHILDREN_MAX];
    size_t count = rollup_children(desk->rollup, competition->number, query->region, numbers);
    struct columns columns;
    if (!make_columns(desk, &columns, count)) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        struct sums sums = query->day == 0 ? rollup_totals(desk->rollup, numbers[i], competition->counts)
                                           : rollup_as_of(desk->rollup, numbers[i], clamp_day(query->day));
        put_row(&columns, i, rollup_region(desk->rollup, numbers[i]).region, &sums);
    }
    Tally__Regions answer = TALLY__REGIONS__INIT;
    answer.request = query->request;
    answer.competition = query->competition;
    answer.region = query->region;
    answer.epoch = desk->options->epoch;
    answer.version = rollup_version(desk->rollup);
    answer.time_ms = (uint64_t)desk->time_ms;
    answer.day = query->day != 0 ? clamp_day(query->day) : 0;
    answer.n_child = answer.n_projects = answer.n_contract_value = count;
    answer.n_participants = answer.n_migrant_participants = count;
    answer.child = columns.head;
    answer.projects = columns.projects;
    answer.contract_value = columns.contract_value;
    answer.participants = columns.participants;
    answer.migrant_participants = columns.migrant_participants;
    return answer_pack(desk, MESSAGE_REGIONS, &answer.base);
}

/* The points of the asked days; returns how many, or CURVE_DAYS_MAX + 1 if there is no room for them. */
static size_t find_points(struct answer_desk *desk, const Tally__HistoryQuery *query, uint16_t competition,
                          struct rollup_point **points) {
    uint32_t number = rollup_find(desk->rollup, competition, query->region);
    if (number == REGION_NONE) {
        return 0;
    }
    *points = answer_room(desk, CURVE_DAYS_MAX, sizeof **points);
    if (*points == NULL) {
        return CURVE_DAYS_MAX + 1;
    }
    uint16_t last_day = query->last_day != 0 ? clamp_day(query->last_day) : DAY_LIMIT - 1;
    return rollup_history(desk->rollup, number, clamp_day(query->first_day), last_day, *points);
}

enum refusal answer_history(struct answer_desk *desk, const ProtobufCMessage *question) {
    const Tally__HistoryQuery *query = (const Tally__HistoryQuery *)question;
    const struct competition *competition;
    enum refusal refusal = look_up(desk, query->competition, query->region, &competition);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    struct rollup_point *points = NULL;
    size_t count = find_points(desk, query, competition->number, &points);
    struct columns columns;
    if (count > CURVE_DAYS_MAX || !make_columns(desk, &columns, count)) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        put_row(&columns, i, points[i].day, &points[i].sums);
    }
    Tally__History answer = TALLY__HISTORY__INIT;
    answer.request = query->request;
    answer.competition = query->competition;
    answer.region = query->region;
    answer.epoch = desk->options->epoch;
    answer.version = rollup_version(desk->rollup);
    answer.n_day = answer.n_projects = answer.n_contract_value = count;
    answer.n_participants = answer.n_migrant_participants = count;
    answer.day = columns.head;
    answer.projects = columns.projects;
    answer.contract_value = columns.contract_value;
    answer.participants = columns.participants;
    answer.migrant_participants = columns.migrant_participants;
    return answer_pack(desk, MESSAGE_HISTORY, &answer.base);
}
