#include "row.h"

#include <strings.h>

#include "client/cli/reader/damage.h"
#include "proto/day.h"
#include "proto/money.h"
#include "proto/region.h"
#include "proto/text.h"

/* What the readers below work on. */
struct row {
    const struct row_cells *cells;
    const struct row_rules *rules;
    struct problem *problem;
};

/* Notes what is wrong; returns false for the reader to return. */
static bool fail(struct row *row, enum field field, enum problem_kind kind) {
    *row->problem = (struct problem){.kind = kind, .field = field, .cell = slice_trim(row->cells->cell[field])};
    return false;
}

static bool refuse(struct row *row, enum field field, enum refusal refusal) {
    fail(row, field, PROBLEM_REFUSAL);
    row->problem->refusal = refusal;
    return false;
}

/* The trimmed cell of a field, or false if it has none and must. */
static bool take(struct row *row, enum field field, struct slice *cell) {
    *cell = row->cells->present[field] ? slice_trim(row->cells->cell[field]) : (struct slice){.text = "", .size = 0};
    return cell->size > 0 || fail(row, field, PROBLEM_EMPTY);
}

static bool read_code(struct row *row, char *out) {
    struct slice cell;
    if (!take(row, FIELD_CODE, &cell)) {
        return refuse(row, FIELD_CODE, REFUSAL_CODE_EMPTY);
    }
    enum problem_kind damage = damage_in_code(cell, row->rules->digits_expected, row->rules->digits_as_they_are);
    if (damage != PROBLEM_NONE) {
        return fail(row, FIELD_CODE, damage);
    }
    if (cell.size > PROJECT_CODE_BYTES_MAX) {
        return refuse(row, FIELD_CODE, REFUSAL_CODE_TOO_LONG);
    }
    if (!text_is_code(cell.text, cell.size)) {
        return refuse(row, FIELD_CODE, REFUSAL_CODE_NOT_PRINTABLE);
    }
    memcpy(out, cell.text, cell.size);
    out[cell.size] = '\0';
    return true;
}

static bool region_takes_part(const struct tally_competition *competition, uint32_t region) {
    for (size_t i = 0; i < competition->region_count; i++) {
        if (region_within(region, competition->regions[i])) {
            return true;
        }
    }
    return competition->region_count == 0;
}

static bool read_region(struct row *row, uint32_t *region) {
    struct slice cell;
    if (!take(row, FIELD_REGION, &cell)) {
        return false;
    }
    enum problem_kind damage = damage_in_region(cell);
    if (damage != PROBLEM_NONE) {
        return fail(row, FIELD_REGION, damage);
    }
    uint32_t code = 0;
    for (size_t i = 0; i < cell.size; i++) {
        code = code * 10 + (uint32_t)(cell.text[i] - '0');
    }
    if (!region_valid(code)) {
        return refuse(row, FIELD_REGION, REFUSAL_REGION_UNKNOWN);
    }
    if (!region_takes_part(row->rules->competition, code)) {
        return refuse(row, FIELD_REGION, REFUSAL_REGION_OUTSIDE_COMPETITION);
    }
    *region = code;
    return true;
}

static bool label_is(const char *label, struct slice cell) {
    return strlen(label) == cell.size && strncasecmp(label, cell.text, cell.size) == 0;
}

/* A category or status by key, either label, or number. */
static bool read_label(struct row *row, enum field field, uint32_t *code) {
    const struct tally_competition *competition = row->rules->competition;
    bool category = field == FIELD_CATEGORY;
    const struct tally_label *labels = category ? competition->categories : competition->statuses;
    size_t count = category ? competition->category_count : competition->status_count;
    struct slice cell;
    if (!take(row, field, &cell)) {
        return false;
    }
    uint32_t number = UINT32_MAX;
    if (slice_digits(cell) && cell.size <= 2) {
        number = (uint32_t)(cell.text[0] - '0');
        number = cell.size == 2 ? number * 10 + (uint32_t)(cell.text[1] - '0') : number;
    }
    for (size_t i = 0; i < count; i++) {
        const struct tally_label *label = &labels[i];
        if (label_is(label->key, cell) || label_is(label->zh, cell) || label_is(label->en, cell) ||
            label->code == number) {
            *code = label->code;
            return true;
        }
    }
    return refuse(row, field, category ? REFUSAL_CATEGORY_UNKNOWN : REFUSAL_STATUS_UNKNOWN);
}

static bool read_value(struct row *row, int64_t *fen) {
    static const enum problem_kind kinds[] = {
        [MONEY_EMPTY] = PROBLEM_EMPTY,       [MONEY_NOT_NUMBER] = PROBLEM_NOT_NUMBER,
        [MONEY_EXPONENT] = PROBLEM_EXPONENT, [MONEY_SEPARATOR] = PROBLEM_SEPARATOR,
        [MONEY_TOO_FINE] = PROBLEM_TOO_FINE, [MONEY_TOO_LARGE] = PROBLEM_TOO_LARGE,
    };
    struct slice cell;
    if (!take(row, FIELD_CONTRACT_VALUE, &cell)) {
        return false;
    }
    enum problem_kind damage = damage_in_number(cell);
    if (damage != PROBLEM_NONE) {
        return fail(row, FIELD_CONTRACT_VALUE, damage);
    }
    enum money_error error = money_parse(cell.text, cell.size, row->cells->unit, fen);
    if (error != MONEY_OK) {
        return fail(row, FIELD_CONTRACT_VALUE, kinds[error]);
    }
    if (*fen < 0) {
        return refuse(row, FIELD_CONTRACT_VALUE, REFUSAL_VALUE_NEGATIVE);
    }
    return *fen <= CONTRACT_VALUE_FEN_MAX || refuse(row, FIELD_CONTRACT_VALUE, REFUSAL_VALUE_TOO_LARGE);
}

/* Digits with perhaps a sign; 18 at most, so that they fit. */
static bool read_heads(struct row *row, enum field field, enum refusal negative, enum refusal large, int64_t *heads) {
    struct slice cell;
    if (!take(row, field, &cell)) {
        return false;
    }
    enum problem_kind damage = damage_in_number(cell);
    if (damage != PROBLEM_NONE) {
        return fail(row, field, damage);
    }
    bool minus = cell.text[0] == '-';
    struct slice digits = {.text = cell.text + minus, .size = cell.size - minus};
    if (!slice_digits(digits)) {
        fen_t fen;
        bool fraction = money_parse(cell.text, cell.size, MONEY_UNIT_YI_YUAN, &fen) == MONEY_OK;
        return fail(row, field, fraction ? PROBLEM_NOT_WHOLE : PROBLEM_NOT_NUMBER);
    }
    if (minus) {
        return refuse(row, field, negative);
    }
    int64_t value = 0;
    for (size_t i = 0; i < digits.size && value <= PARTICIPANTS_MAX; i++) {
        value = value * 10 + (digits.text[i] - '0');
    }
    if (value > PARTICIPANTS_MAX) {
        return refuse(row, field, large);
    }
    *heads = value;
    return true;
}

static bool read_all_heads(struct row *row, struct tally_project *project) {
    if (!read_heads(row, FIELD_PARTICIPANTS, REFUSAL_PARTICIPANTS_NEGATIVE, REFUSAL_PARTICIPANTS_TOO_LARGE,
                    &project->participants)) {
        return false;
    }
    if (!row->cells->present[FIELD_MIGRANTS]) {
        return true;
    }
    if (!read_heads(row, FIELD_MIGRANTS, REFUSAL_MIGRANTS_NEGATIVE, REFUSAL_PARTICIPANTS_TOO_LARGE,
                    &project->migrant_participants)) {
        return false;
    }
    return project->migrant_participants <= project->participants ||
           refuse(row, FIELD_MIGRANTS, REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS);
}

/* An empty cell makes the text empty; an absent column leaves it as it was. */
static bool read_text(struct row *row, enum field field, char *out, const char **text) {
    if (!row->cells->present[field]) {
        return true;
    }
    struct slice cell = slice_trim(row->cells->cell[field]);
    if (cell.size > TEXT_BYTES_MAX) {
        return refuse(row, field, REFUSAL_TEXT_TOO_LONG);
    }
    if (!text_valid(cell.text, cell.size)) {
        return refuse(row, field, REFUSAL_TEXT_NOT_VALID);
    }
    memcpy(out, cell.text, cell.size);
    out[cell.size] = '\0';
    *text = out;
    return true;
}

static bool read_day(struct row *row, enum field field, uint32_t *day) {
    if (!row->cells->present[field]) {
        return true;
    }
    struct slice cell = slice_trim(row->cells->cell[field]);
    if (cell.size == 0 || day_parse(cell.text, cell.size, day)) {
        return true;
    }
    if (slice_digits(cell) && cell.size == 5) {
        return fail(row, field, PROBLEM_DATE_SERIAL);
    }
    enum problem_kind damage = damage_in_number(cell);
    return fail(row, field, damage != PROBLEM_NONE ? damage : PROBLEM_DATE);
}

static bool read_days(struct row *row, struct tally_project *project) {
    if (!read_day(row, FIELD_START, &project->start_day) ||
        !read_day(row, FIELD_COMPLETION, &project->completion_day) ||
        !read_day(row, FIELD_EFFECTIVE, &project->effective_day)) {
        return false;
    }
    uint32_t day = project->effective_day;
    if (day != 0 && day < row->rules->competition->first_day) {
        return refuse(row, FIELD_EFFECTIVE, REFUSAL_DAY_BEFORE_START);
    }
    return day <= row->rules->today + 1 || refuse(row, FIELD_EFFECTIVE, REFUSAL_DAY_IN_FUTURE);
}

enum problem_kind row_read(const struct row_cells *cells, const struct row_rules *rules, struct row_texts *texts,
                           struct tally_project *project, struct problem *problem) {
    struct row row = {.cells = cells, .rules = rules, .problem = problem};
    *problem = (struct problem){.kind = PROBLEM_NONE, .field = FIELD_UNKNOWN};
    *project = (struct tally_project){.code = texts->code};
    bool fine = read_code(&row, texts->code) && read_region(&row, &project->region) &&
                read_label(&row, FIELD_CATEGORY, &project->category) &&
                read_label(&row, FIELD_STATUS, &project->status) && read_value(&row, &project->contract_value) &&
                read_all_heads(&row, project) && read_text(&row, FIELD_NAME, texts->name, &project->name) &&
                read_text(&row, FIELD_CONTRACTOR, texts->contractor, &project->contractor) && read_days(&row, project);
    return fine ? PROBLEM_NONE : problem->kind;
}
