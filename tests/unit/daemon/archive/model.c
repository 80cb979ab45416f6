#include "model.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/figures.h"
#include "tree.h"

enum { NODES = 16, KEPT = 32, CELLS_MAX = 4096, DECODE_BYTES = BATCH_ARENA_BYTES };

struct model_project {
    uint16_t competition;
    char code[PROJECT_CODE_BYTES_MAX + 1];
    uint16_t owner;
    uint16_t day;
    uint32_t region;
    uint32_t category;
    uint32_t status;
    int64_t value;
    int64_t heads;
    int64_t migrants;
    uint64_t updated_version;
    char name[TEXT_BYTES_MAX + 1]; /* what is known by now */
    char contractor[TEXT_BYTES_MAX + 1];
    uint32_t start_day;
    uint32_t completion_day;
    char said[600]; /* what the last row with any text said, presence included */
};

struct model_day {
    uint16_t competition;
    uint16_t day;
    uint32_t region;
    struct sums sums;
    bool seen; /* while checking */
};

struct model_cell {
    cell_key_t key;
};

struct model_receipt {
    struct receipt receipt;
    struct entry_refusal refusals[BATCH_ROWS_MAX];
};

struct model {
    uint64_t projects_max;
    uint64_t version;
    void *projects; /* trees */
    void *days;
    void *cells;
    uint64_t project_count;
    uint64_t cell_count;
    uint64_t refused[REFUSAL_CODE_LIMIT];
    uint64_t unchanged;
    int64_t *walls_ms; /* of entries, by version */
    struct definition competitions[COMPETITIONS_MAX];
    uint64_t sequences[NODES];
    struct model_receipt *receipts[NODES][KEPT]; /* by sequence modulo KEPT */
    uint8_t *memory;
};

static int compare_projects(const void *a, const void *b) {
    const struct model_project *left = a;
    const struct model_project *right = b;
    return left->competition != right->competition ? left->competition - right->competition
                                                   : strcmp(left->code, right->code);
}

static int compare_days(const void *a, const void *b) {
    const struct model_day *left = a;
    const struct model_day *right = b;
    if (left->competition != right->competition) {
        return left->competition - right->competition;
    }
    return left->region != right->region ? (int)left->region - (int)right->region : left->day - right->day;
}

static int compare_cells(const void *a, const void *b) {
    const struct model_cell *left = a;
    const struct model_cell *right = b;
    return left->key < right->key ? -1 : left->key > right->key;
}

struct model *model_create(uint64_t projects_max) {
    struct model *model = calloc(1, sizeof *model);
    cr_assert_not_null(model);
    model->projects_max = projects_max;
    model->memory = malloc(DECODE_BYTES);
    for (size_t node = 0; node < NODES; node++) {
        for (size_t i = 0; i < KEPT; i++) {
            model->receipts[node][i] = calloc(1, sizeof *model->receipts[node][i]);
        }
    }
    return model;
}

void model_destroy(struct model *model) {
    tree_destroy(model->projects);
    tree_destroy(model->days);
    tree_destroy(model->cells);
    for (size_t node = 0; node < NODES; node++) {
        for (size_t i = 0; i < KEPT; i++) {
            free(model->receipts[node][i]);
        }
    }
    free(model->memory);
    free(model->walls_ms);
    free(model);
}

uint64_t model_refused(const struct model *model, unsigned code) {
    return model->refused[code];
}

uint64_t model_unchanged(const struct model *model) {
    return model->unchanged;
}

uint64_t model_projects(const struct model *model) {
    return model->project_count;
}

/* ---- following ---- */

static struct model_project *find_project(const struct model *model, const struct model_project *key) {
    return tree_find(&model->projects, key, compare_projects);
}

static void change_day(struct model *model, const struct model_project *project, uint16_t day, int sign) {
    if ((model->competitions[project->competition].counts >> project->status & 1) == 0) {
        return;
    }
    struct model_day key = {.competition = project->competition, .region = project->region, .day = day};
    struct model_day *stored = tree_find(&model->days, &key, compare_days);
    if (stored == NULL) {
        stored = malloc(sizeof *stored);
        *stored = key;
        tree_add(&model->days, stored, compare_days);
    }
    stored->sums.projects += sign;
    stored->sums.contract_value += sign * project->value;
    stored->sums.participants += sign * project->heads;
    stored->sums.migrant_participants += sign * project->migrants;
}

static void note_cell(struct model *model, const struct model_project *project) {
    struct model_cell key = {
        cell_key(project->competition, project->region, (uint8_t)project->category, (uint8_t)project->status)};
    if (tree_find(&model->cells, &key, compare_cells) == NULL) {
        struct model_cell *cell = malloc(sizeof *cell);
        *cell = key;
        tree_add(&model->cells, cell, compare_cells);
        model->cell_count++;
    }
}

/* What row i says, on top of what is known (NULL for a new project). */
static void say(struct model_project *said, const struct model_project *known, const struct batch *batch, size_t i) {
    if (known != NULL) {
        memcpy(said->name, known->name, sizeof said->name);
        memcpy(said->contractor, known->contractor, sizeof said->contractor);
        memcpy(said->said, known->said, sizeof said->said);
        said->start_day = known->start_day;
        said->completion_day = known->completion_day;
    }
    if (batch->name != NULL) {
        strcpy(said->name, batch->name[i]);
    }
    if (batch->contractor != NULL) {
        strcpy(said->contractor, batch->contractor[i]);
    }
    said->start_day = batch->start_day != NULL ? batch->start_day[i] : said->start_day;
    said->completion_day = batch->completion_day != NULL ? batch->completion_day[i] : said->completion_day;
    if (batch->name != NULL || batch->contractor != NULL || batch->start_day != NULL || batch->completion_day != NULL) {
        snprintf(said->said, sizeof said->said, "%s|%s|%" PRId64 "|%" PRId64,
                 batch->name != NULL ? batch->name[i] : "(none)",
                 batch->contractor != NULL ? batch->contractor[i] : "(none)",
                 batch->start_day != NULL ? (int64_t)batch->start_day[i] : -1,
                 batch->completion_day != NULL ? (int64_t)batch->completion_day[i] : -1);
    }
}

static bool same(const struct model_project *a, const struct model_project *b) {
    return a->region == b->region && a->category == b->category && a->status == b->status && a->value == b->value &&
           a->heads == b->heads && a->migrants == b->migrants && strcmp(a->said, b->said) == 0;
}

static unsigned judge(const struct model *model, const struct model_project *known, const struct model_project *new) {
    if (known != NULL && known->owner != new->owner) {
        return REFUSAL_PROJECT_NOT_YOURS;
    }
    if (known != NULL && new->day < known->day) {
        return REFUSAL_DAY_BEFORE_LAST;
    }
    if (known != NULL && same(known, new)) {
        return REFUSAL_NONE;
    }
    bool room = known != NULL || model->project_count < model->projects_max;
    return room ? REFUSAL_NONE : REFUSAL_TOTALS_FULL;
}

/* Returns the refusal code, 0 if the row counts. */
static unsigned follow_row(struct model *model, const struct entry_record *record, const struct batch *batch, size_t i,
                           const char *code, bool *unchanged) {
    struct model_project new = {.competition = record->competition,
                                .owner = record->node,
                                .day = record->day,
                                .region = batch->region[i],
                                .category = batch->category[i],
                                .status = batch->status[i],
                                .value = batch->contract_value[i],
                                .heads = batch->participants[i],
                                .migrants = batch->migrant_participants[i],
                                .updated_version = record->version};
    if (batch->effective_day != NULL && batch->effective_day[i] != 0) {
        new.day = (uint16_t)batch->effective_day[i];
    }
    strcpy(new.code, code);
    struct model_project *known = find_project(model, &new);
    say(&new, known, batch, i);
    unsigned refusal = judge(model, known, &new);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    *unchanged = known != NULL && same(known, &new);
    if (*unchanged && known->day == new.day) {
        new.updated_version = known->updated_version;
    }
    if (!*unchanged) {
        if (known != NULL) {
            change_day(model, known, new.day, -1);
        }
        change_day(model, &new, new.day, +1);
        note_cell(model, &new);
    }
    if (known == NULL) {
        known = malloc(sizeof *known);
        memcpy(known, &new, sizeof new);
        tree_add(&model->projects, known, compare_projects);
        model->project_count++;
    }
    memcpy(known, &new, sizeof new);
    return REFUSAL_NONE;
}

static void follow_rows(struct model *model, const struct entry_record *record, struct model_receipt *kept) {
    struct arena arena;
    struct batch batch;
    arena_init(&arena, model->memory, DECODE_BYTES);
    cr_assert_eq(batch_decode(record->body, record->body_bytes, &arena, &batch), REFUSAL_NONE);
    const uint8_t *place = batch.code;
    size_t intake = 0;
    for (size_t i = 0; i < batch.rows; i++) {
        char code[PROJECT_CODE_BYTES_MAX + 1] = "";
        for (size_t byte = 0; byte < batch.code_bytes[i]; byte++) {
            code[byte] = (char)place[byte];
        }
        place += batch.code_bytes[i];
        bool unchanged = false;
        unsigned refusal;
        if (intake < record->refusal_count && record->refusals[intake].row == i) {
            refusal = record->refusals[intake++].code;
        } else {
            refusal = follow_row(model, record, &batch, i, code, &unchanged);
        }
        if (refusal != REFUSAL_NONE) {
            kept->refusals[kept->receipt.refusal_count++] =
                (struct entry_refusal){.row = (uint16_t)i, .code = (uint16_t)refusal};
            model->refused[refusal]++;
        } else {
            kept->receipt.accepted++;
            kept->receipt.unchanged += unchanged;
            model->unchanged += unchanged;
        }
    }
}

static enum error follow(void *context, const struct entry_record *record) {
    struct model *model = context;
    model->version = record->version;
    model->walls_ms = realloc(model->walls_ms, (record->version + 1) * sizeof *model->walls_ms);
    cr_assert_not_null(model->walls_ms);
    model->walls_ms[record->version] = record->wall_ms;
    if (record->kind == ENTRY_COMPETITION) {
        struct definition definition;
        cr_assert_eq(definition_decode(record->body, record->body_bytes, &definition), ERROR_NONE);
        model->competitions[definition.number] = definition;
    } else if (record->kind == ENTRY_BATCH || record->kind == ENTRY_BATCH_REFUSED) {
        struct model_receipt *kept = model->receipts[record->node][record->sequence % KEPT];
        model->sequences[record->node] = record->sequence;
        memset(kept, 0, sizeof *kept);
        kept->receipt = (struct receipt){.sequence = record->sequence,
                                         .version = record->version,
                                         .rows = record->rows,
                                         .batch_code = record->batch_code};
        if (record->kind == ENTRY_BATCH) {
            follow_rows(model, record, kept);
        }
    }
    return ERROR_NONE;
}

void model_follow(struct model *model, struct entries *entries, uint64_t version) {
    struct entry_source source = entries_source(entries);
    while (model->version < version) {
        uint64_t reached;
        cr_assert_eq(source.read(source.context, model->version, 1, follow, model, &reached), ERROR_NONE);
        cr_assert_eq(reached, model->version);
    }
}

/* ---- checking ---- */

struct checking {
    const struct model *model;
    struct stored_source source;
    const struct model_project *expected;
    cell_key_t cells[CELLS_MAX]; /* by number */
    uint32_t cell_count;
    uint64_t projects;
    uint64_t visited;
    uint64_t receipts;
};

/* The state notes the times of some versions; a project has that of the first of them that is not below its own. */
static bool is_a_time(const struct model *model, uint64_t version, int64_t wall_ms) {
    while (version <= model->version && model->walls_ms[version] != wall_ms) {
        version++;
    }
    return version <= model->version;
}

static void check_found(void *visitor, const struct stored_project *stored) {
    struct checking *checking = visitor;
    const struct model_project *expected = checking->expected;
    const struct figures *figures = &stored->figures;
    checking->visited++;
    cr_assert_str_eq(stored->code, expected->code);
    cr_assert_eq(stored->competition, expected->competition);
    cr_assert_str_eq(stored->name, expected->name);
    cr_assert_str_eq(stored->contractor, expected->contractor);
    cr_assert_eq(stored->start_day, expected->start_day);
    cr_assert_eq(stored->completion_day, expected->completion_day);
    cr_assert_eq(stored->updated_version, expected->updated_version, "%s: %" PRIu64 " %" PRIu64, expected->code,
                 stored->updated_version, expected->updated_version);
    cr_assert(is_a_time(checking->model, expected->updated_version, stored->updated_ms));
    cr_assert_eq(figures->contract_value, expected->value);
    cr_assert_eq(figures->participants, expected->heads);
    cr_assert_eq(figures->migrant_participants, expected->migrants);
    cr_assert_eq(figures->region, expected->region);
    cr_assert_eq(figures->category, expected->category);
    cr_assert_eq(figures->status, expected->status);
    cr_assert_eq(figures->effective_day, expected->day);
    cr_assert_eq(figures->node, expected->owner);
}

static void check_project(struct checking *checking, const struct project_record *record) {
    struct model_project key = {.competition = (uint16_t)record->competition};
    memcpy(key.code, record->code, sizeof record->code);
    cr_assert_lt(record->cell, checking->cell_count);
    cr_assert_eq(cell_key_competition(checking->cells[record->cell]), record->competition);
    checking->expected = find_project(checking->model, &key);
    cr_assert_not_null(checking->expected, "%s", key.code);
    checking->projects++;
    uint64_t version;
    cr_assert_eq(
        checking->source.find(checking->source.context, key.competition, key.code, check_found, checking, &version),
        ERROR_NONE);
    cr_assert_eq(version, checking->model->version);
}

static enum error check_block(void *context, uint32_t number, const struct project_block *block) {
    struct checking *checking = context;
    cr_assert_leq(block->version, checking->model->version);
    for (size_t i = 0; i < BLOCK_PROJECTS; i++) {
        if (block->projects[i].code[0] != 0) {
            cr_assert_eq(checking->projects, (uint64_t)number * BLOCK_PROJECTS + i, "there must be no gap");
            check_project(checking, &block->projects[i]);
        }
    }
    return ERROR_NONE;
}

static enum error check_cell(void *context, cell_key_t key) {
    struct checking *checking = context;
    struct model_cell wanted = {key};
    cr_assert_not_null(tree_find(&checking->model->cells, &wanted, compare_cells));
    cr_assert_lt(checking->cell_count, CELLS_MAX);
    checking->cells[checking->cell_count++] = key;
    return ERROR_NONE;
}

static enum error check_day(void *context, uint16_t competition, uint32_t region, uint16_t day,
                            const struct sums *sums) {
    const struct checking *checking = context;
    struct model_day key = {.competition = competition, .region = region, .day = day};
    struct model_day *expected = tree_find(&checking->model->days, &key, compare_days);
    cr_assert_not_null(expected);
    cr_assert(sums_equal(&expected->sums, sums));
    expected->seen = true;
    return ERROR_NONE;
}

static void check_day_seen(void *thing) {
    struct model_day *day = thing;
    cr_assert(day->seen || sums_zero(&day->sums), "%u %u %u", day->competition, day->region, day->day);
    day->seen = false;
}

static enum error check_sequence(void *context, uint16_t node, uint64_t sequence) {
    const struct checking *checking = context;
    cr_assert_eq(sequence, checking->model->sequences[node]);
    return ERROR_NONE;
}

static enum error check_receipt(void *context, uint16_t node, const struct receipt *receipt) {
    struct checking *checking = context;
    const struct model_receipt *expected = checking->model->receipts[node][receipt->sequence % KEPT];
    const struct receipt *numbers = &expected->receipt;
    checking->receipts++;
    cr_assert_eq(receipt->sequence, numbers->sequence);
    cr_assert_eq(receipt->version, numbers->version);
    cr_assert_eq(receipt->rows, numbers->rows);
    cr_assert_eq(receipt->accepted, numbers->accepted);
    cr_assert_eq(receipt->unchanged, numbers->unchanged, "version %" PRIu64 ": %u %u", receipt->version,
                 receipt->unchanged, numbers->unchanged);
    cr_assert_eq(receipt->batch_code, numbers->batch_code);
    cr_assert_eq(receipt->refusal_count, numbers->refusal_count);
    for (size_t i = 0; i < receipt->refusal_count; i++) {
        cr_assert_eq(receipt->refusals[i].row, expected->refusals[i].row);
        cr_assert_eq(receipt->refusals[i].code, expected->refusals[i].code);
    }
    return ERROR_NONE;
}

static void check_tables(struct checking *checking, const struct state *state) {
    const struct model *model = checking->model;
    struct state_loader loader = {.context = checking,
                                  .cell = check_cell,
                                  .block = check_block,
                                  .day = check_day,
                                  .sequence = check_sequence,
                                  .receipt = check_receipt};
    struct fault fault = {0};
    struct state_reach reach;
    cr_assert_eq(state_load(state, &loader, &reach, &fault), ERROR_NONE, "%s", fault.text);
    cr_assert_eq(reach.complete, model->version);
    cr_assert_eq(reach.version, model->version);
    cr_assert_eq(state_version(state), model->version);
    cr_assert_eq(checking->projects, model->project_count);
    cr_assert_eq(checking->visited, model->project_count);
    cr_assert_eq(checking->cell_count, model->cell_count);
}

void model_check(const struct model *model, struct state *state) {
    struct checking *checking = calloc(1, sizeof *checking);
    *checking = (struct checking){.model = model, .source = state_source(state)};
    check_tables(checking, state);
    tree_walk(model->days, check_day_seen);
    uint64_t receipts = 0;
    for (size_t node = 0; node < NODES; node++) {
        receipts += model->sequences[node] < KEPT ? model->sequences[node] : KEPT;
    }
    cr_assert_eq(checking->receipts, receipts);
    free(checking);
}
