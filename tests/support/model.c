#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1 << 16 };

struct model {
    uint64_t projects_max;
    struct model_project *buckets[BUCKETS];
    struct model_project **projects; /* project_count of them, in the order in which they came */
    uint64_t project_count;
    uint16_t counts[COMPETITIONS_MAX];
    uint64_t sequences[NODES_MAX];
    uint64_t refused[REFUSAL_CODE_LIMIT];
    uint64_t unchanged;
    uint64_t accepted;
};

static void *must(void *memory) {
    if (memory == NULL) {
        abort();
    }
    return memory;
}

struct model *model_create(uint64_t projects_max) {
    struct model *model = must(calloc(1, sizeof *model));
    model->projects_max = projects_max;
    return model;
}

void model_destroy(struct model *model) {
    for (uint64_t i = 0; i < model->project_count; i++) {
        free(model->projects[i]->texts);
        free(model->projects[i]->states);
        free(model->projects[i]);
    }
    free(model->projects);
    free(model);
}

/* ---- projects ---- */

static size_t bucket_of(uint16_t competition, const char *code) {
    uint32_t hash = 2166136261u ^ competition; /* FNV-1a */
    for (; *code != '\0'; code++) {
        hash = (hash ^ (uint8_t)*code) * 16777619u;
    }
    return hash % BUCKETS;
}

static struct model_project *find(struct model *model, uint16_t competition, const char *code) {
    struct model_project *project = model->buckets[bucket_of(competition, code)];
    while (project != NULL && (project->competition != competition || strcmp(project->code, code) != 0)) {
        project = project->next;
    }
    return project;
}

static struct model_project *add(struct model *model, uint16_t competition, uint16_t owner, const char *code) {
    struct model_project *project = must(calloc(1, sizeof *project));
    struct model_project **bucket = &model->buckets[bucket_of(competition, code)];
    project->competition = competition;
    project->owner = owner;
    snprintf(project->code, sizeof project->code, "%s", code);
    project->next = *bucket;
    *bucket = project;
    model->projects = must(realloc(model->projects, (model->project_count + 1) * sizeof(struct model_project *)));
    model->projects[model->project_count++] = project;
    return project;
}

static struct model_state *last_of(const struct model_project *project) {
    return project->state_count > 0 ? &project->states[project->state_count - 1] : NULL;
}

static void keep(struct model_project *project, const struct model_state *state) {
    project->states = must(realloc(project->states, (project->state_count + 1) * sizeof *state));
    project->states[project->state_count++] = *state;
}

/* ---- rows ---- */

/* The texts and dates that a row carries, as one text; NULL if its batch has no such column. A column that is left out
 * differs from an empty text and from a date of 0. */
static char *texts_of(const struct batch *batch, size_t row) {
    if (batch->name == NULL && batch->contractor == NULL && batch->start_day == NULL && batch->completion_day == NULL) {
        return NULL;
    }
    char *texts;
    int size = asprintf(&texts, "%s%s\n%s%s\n%" PRId64 "\n%" PRId64, batch->name != NULL ? "name " : "",
                        batch->name != NULL ? batch->name[row] : "", batch->contractor != NULL ? "contractor " : "",
                        batch->contractor != NULL ? batch->contractor[row] : "",
                        batch->start_day != NULL ? (int64_t)batch->start_day[row] : -1,
                        batch->completion_day != NULL ? (int64_t)batch->completion_day[row] : -1);
    return must(size < 0 ? NULL : texts);
}

static bool same_state(const struct model_state *a, const struct model_state *b) {
    return a->region == b->region && a->category == b->category && a->status == b->status &&
           a->contract_value == b->contract_value && a->participants == b->participants &&
           a->migrant_participants == b->migrant_participants;
}

static bool same_texts(const struct model_project *project, const char *texts) {
    return texts == NULL || (project->texts != NULL && strcmp(project->texts, texts) == 0);
}

static enum refusal judge(const struct model *model, const struct entry *entry, const struct model_project *project,
                          const struct model_state *state) {
    if (project == NULL) {
        return model->project_count < model->projects_max ? REFUSAL_NONE : REFUSAL_TOTALS_FULL;
    }
    if (project->owner != entry->node) {
        return REFUSAL_PROJECT_NOT_YOURS;
    }
    return state->day < project->last_day ? REFUSAL_DAY_BEFORE_LAST : REFUSAL_NONE;
}

static struct model_state state_of(const struct model *model, const struct entry *entry, size_t row) {
    const struct batch *batch = &entry->batch;
    uint32_t day = batch->effective_day != NULL ? batch->effective_day[row] : 0;
    return (struct model_state){
        .day = day != 0 ? (uint16_t)day : entry->day,
        .counts = (model->counts[entry->competition] & 1u << batch->status[row]) != 0,
        .region = batch->region[row],
        .category = batch->category[row],
        .status = batch->status[row],
        .contract_value = batch->contract_value[row],
        .participants = batch->participants[row],
        .migrant_participants = batch->migrant_participants[row],
    };
}

static enum refusal apply_row(struct model *model, const struct entry *entry, size_t row, const char *code,
                              uint32_t *unchanged) {
    struct model_project *project = find(model, entry->competition, code);
    struct model_state state = state_of(model, entry, row);
    char *texts = texts_of(&entry->batch, row);
    bool nothing_new = project != NULL && same_state(last_of(project), &state) && same_texts(project, texts);
    enum refusal refusal = judge(model, entry, project, &state);
    if (refusal != REFUSAL_NONE) {
        free(texts);
        return refusal;
    }
    *unchanged += nothing_new;
    project = project != NULL ? project : add(model, entry->competition, entry->node, code);
    project->last_day = state.day;
    if (!nothing_new) {
        keep(project, &state);
    }
    if (texts != NULL) {
        free(project->texts);
        project->texts = texts;
        project->text_hash = entry_text_hash(entry, row);
    }
    return REFUSAL_NONE;
}

static void apply_batch(struct model *model, const struct entry *entry, struct model_answer *answer) {
    size_t offset = 0;
    for (size_t row = 0; row < entry->batch.rows; row++) {
        size_t size = entry->batch.code_bytes[row];
        enum refusal verdict = (enum refusal)entry->verdicts[row];
        if (verdict == REFUSAL_NONE) {
            char code[PROJECT_CODE_BYTES_MAX + 1];
            snprintf(code, sizeof code, "%.*s", (int)size, (const char *)entry->batch.code + offset);
            verdict = apply_row(model, entry, row, code, &answer->unchanged);
        }
        offset += size;
        answer->verdicts[row] = (uint8_t)verdict;
        answer->refused += verdict != REFUSAL_NONE;
        answer->accepted += verdict == REFUSAL_NONE;
        model->refused[verdict] += verdict != REFUSAL_NONE;
    }
    model->unchanged += answer->unchanged;
    model->accepted += answer->accepted;
}

void model_apply(struct model *model, const struct entry *entry, struct model_answer *answer) {
    *answer = (struct model_answer){0};
    switch (entry->kind) {
    case ENTRY_COMPETITION:
        model->counts[entry->definition.number] = entry->definition.counts;
        return;
    case ENTRY_NODE:
        return;
    case ENTRY_BATCH_REFUSED:
        model->sequences[entry->node]++;
        answer->refused = (uint32_t)entry->batch.rows;
        return;
    case ENTRY_BATCH:
        model->sequences[entry->node]++;
        apply_batch(model, entry, answer);
        return;
    }
}

/* ---- looking ---- */

uint64_t model_project_count(const struct model *model) {
    return model->project_count;
}

const struct model_project *model_project(const struct model *model, uint64_t i) {
    return model->projects[i];
}

uint64_t model_sequence(const struct model *model, uint16_t node) {
    return model->sequences[node];
}

uint64_t model_refused(const struct model *model, unsigned code) {
    return model->refused[code];
}

uint64_t model_unchanged(const struct model *model) {
    return model->unchanged;
}

uint64_t model_accepted(const struct model *model) {
    return model->accepted;
}

uint64_t model_cell_key(uint16_t competition, uint32_t region, uint32_t category, uint32_t status) {
    return ((competition * UINT64_C(1000000) + region) * 100 + category) * 100 + status;
}

uint64_t model_day_key(uint16_t competition, uint32_t region, uint16_t day) {
    return (competition * UINT64_C(1000000) + region) * 100000 + day;
}

static void count(struct sums *sums, const struct model_state *state, int sign) {
    sums->projects += sign;
    sums->contract_value += sign * state->contract_value;
    sums->participants += sign * state->participants;
    sums->migrant_participants += sign * state->migrant_participants;
}

void model_recount(const struct model *model, struct sums_map *cells, struct sums_map *days) {
    for (uint64_t i = 0; i < model->project_count; i++) {
        const struct model_project *project = model->projects[i];
        const struct model_state *last = last_of(project);
        uint64_t cell = model_cell_key(project->competition, last->region, last->category, last->status);
        count(sums_map_at(cells, cell), last, 1);
        for (size_t k = 0; k < project->state_count; k++) {
            const struct model_state *state = &project->states[k];
            if (k > 0 && state[-1].counts) {
                uint64_t left = model_day_key(project->competition, state[-1].region, state->day);
                count(sums_map_at(days, left), &state[-1], -1);
            }
            if (state->counts) {
                count(sums_map_at(days, model_day_key(project->competition, state->region, state->day)), state, 1);
            }
        }
    }
}

struct sums model_as_of(const struct model *model, uint16_t competition, uint32_t region, uint16_t day) {
    struct sums sums = {0};
    for (uint64_t i = 0; i < model->project_count; i++) {
        const struct model_project *project = model->projects[i];
        const struct model_state *then = NULL;
        for (size_t k = 0; k < project->state_count && project->states[k].day <= day; k++) {
            then = &project->states[k];
        }
        if (project->competition == competition && then != NULL && then->counts && then->region == region) {
            count(&sums, then, 1);
        }
    }
    return sums;
}
