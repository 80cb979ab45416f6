#include "answers.h"

#include <stdlib.h>

#include "answer.h"
#include "proto/limits.h"

/* Sets *out when the block holds everything. An overrun cannot be the user's fault: sizes come from the message. */
static enum tally_error finish(struct answer *answer, void *out) {
    if (answer->block == NULL) {
        return TALLY_MEMORY;
    }
    if (answer->overrun) {
        free(answer->block);
        return TALLY_PROTOCOL;
    }
    *(void **)out = answer->block;
    return TALLY_OK;
}

/* Every one of the columns, a list that ends with SIZE_MAX, is as long as rows. */
static bool columns_even(size_t rows, const size_t *lengths) {
    for (; *lengths != SIZE_MAX; lengths++) {
        if (*lengths != rows) {
            return false;
        }
    }
    return true;
}
#define EVEN(rows, ...) columns_even(rows, (const size_t[]){__VA_ARGS__, SIZE_MAX})

enum tally_error answers_totals(const Tally__Totals *message, size_t body_bytes, struct tally_totals_answer **answer) {
    struct answer made;
    size_t count = message->n_cell_category;
    (void)body_bytes; /* no texts */
    if (count > CATEGORIES_MAX * STATUSES_MAX ||
        !EVEN(count, message->n_cell_status, message->n_cell_projects, message->n_cell_contract_value,
              message->n_cell_participants, message->n_cell_migrant_participants)) {
        return TALLY_PROTOCOL;
    }
    answer_init(&made, sizeof **answer + count * sizeof(struct tally_watch_cell));
    struct tally_totals_answer *root = answer_take(&made, 1, sizeof *root);
    struct tally_watch_cell *cells = answer_take(&made, count, sizeof *cells);
    if (root != NULL && cells != NULL) {
        *root = (struct tally_totals_answer){.epoch = message->epoch,
                                             .version = message->version,
                                             .time_ms = message->time_ms,
                                             .region = message->region,
                                             .day = message->day,
                                             .totals = {message->projects, message->contract_value,
                                                        message->participants, message->migrant_participants},
                                             .cell_count = count,
                                             .cells = cells};
        for (size_t i = 0; i < count; i++) {
            cells[i] =
                (struct tally_watch_cell){message->cell_category[i],
                                          message->cell_status[i],
                                          {message->cell_projects[i], message->cell_contract_value[i],
                                           message->cell_participants[i], message->cell_migrant_participants[i]}};
        }
    }
    return finish(&made, answer);
}

enum tally_error answers_regions(const Tally__Regions *message, size_t body_bytes,
                                 struct tally_regions_answer **answer) {
    struct answer made;
    size_t count = message->n_child;
    (void)body_bytes; /* no texts */
    if (!EVEN(count, message->n_projects, message->n_contract_value, message->n_participants,
              message->n_migrant_participants)) {
        return TALLY_PROTOCOL;
    }
    answer_init(&made, sizeof **answer + count * sizeof(struct tally_region_totals));
    struct tally_regions_answer *root = answer_take(&made, 1, sizeof *root);
    struct tally_region_totals *regions = answer_take(&made, count, sizeof *regions);
    if (root != NULL && regions != NULL) {
        *root = (struct tally_regions_answer){.epoch = message->epoch,
                                              .version = message->version,
                                              .time_ms = message->time_ms,
                                              .region = message->region,
                                              .day = message->day,
                                              .count = count,
                                              .regions = regions};
        for (size_t i = 0; i < count; i++) {
            regions[i] = (struct tally_region_totals){message->child[i],
                                                      {message->projects[i], message->contract_value[i],
                                                       message->participants[i], message->migrant_participants[i]}};
        }
    }
    return finish(&made, answer);
}

static struct tally_project_state project_state(struct answer *made, const Tally__Projects *message, size_t i) {
    return (struct tally_project_state){
        .project = {.code = answer_text(made, message->code[i]),
                    .region = message->region[i],
                    .category = message->category[i],
                    .status = message->status[i],
                    .contract_value = message->contract_value[i],
                    .participants = message->participants[i],
                    .migrant_participants = message->migrant_participants[i],
                    .effective_day = message->effective_day[i],
                    .name = answer_text(made, message->name[i]),
                    .contractor = answer_text(made, message->contractor[i]),
                    .start_day = message->start_day[i],
                    .completion_day = message->completion_day[i]},
        .node = answer_text(made, message->node[i]),
        .updated_version = message->updated_version[i],
        .updated_ms = message->updated_ms[i],
    };
}

enum tally_error answers_projects(const Tally__Projects *message, size_t body_bytes,
                                  struct tally_projects_answer **answer) {
    struct answer made;
    size_t count = message->n_code;
    if (count > PAGE_ROWS_MAX ||
        !EVEN(count, message->n_region, message->n_category, message->n_status, message->n_contract_value,
              message->n_participants, message->n_migrant_participants, message->n_effective_day, message->n_name,
              message->n_contractor, message->n_start_day, message->n_completion_day, message->n_node,
              message->n_updated_version, message->n_updated_ms)) {
        return TALLY_PROTOCOL;
    }
    answer_init(&made, sizeof **answer + count * sizeof(struct tally_project_state) + body_bytes);
    struct tally_projects_answer *root = answer_take(&made, 1, sizeof *root);
    struct tally_project_state *projects = answer_take(&made, count, sizeof *projects);
    if (root != NULL && projects != NULL) {
        *root = (struct tally_projects_answer){.version = message->version,
                                               .count = count,
                                               .projects = projects,
                                               .next_region = message->next_region,
                                               .next_code = answer_text(&made, message->next_code)};
        for (size_t i = 0; i < count; i++) {
            projects[i] = project_state(&made, message, i);
        }
    }
    return finish(&made, answer);
}

enum tally_error answers_history(const Tally__History *message, size_t body_bytes,
                                 struct tally_history_answer **answer) {
    struct answer made;
    size_t count = message->n_day;
    (void)body_bytes; /* no texts */
    if (!EVEN(count, message->n_projects, message->n_contract_value, message->n_participants,
              message->n_migrant_participants)) {
        return TALLY_PROTOCOL;
    }
    answer_init(&made, sizeof **answer + count * sizeof(struct tally_history_point));
    struct tally_history_answer *root = answer_take(&made, 1, sizeof *root);
    struct tally_history_point *points = answer_take(&made, count, sizeof *points);
    if (root != NULL && points != NULL) {
        *root = (struct tally_history_answer){.epoch = message->epoch,
                                              .version = message->version,
                                              .region = message->region,
                                              .count = count,
                                              .points = points};
        for (size_t i = 0; i < count; i++) {
            points[i] = (struct tally_history_point){message->day[i],
                                                     {message->projects[i], message->contract_value[i],
                                                      message->participants[i], message->migrant_participants[i]}};
        }
    }
    return finish(&made, answer);
}

enum tally_error answers_nodes(const Tally__Nodes *message, size_t body_bytes, struct tally_nodes_answer **answer) {
    struct answer made;
    size_t count = message->n_name;
    if (!EVEN(count, message->n_regions, message->n_connected, message->n_sequence, message->n_last_batch_ms,
              message->n_rows_accepted, message->n_rows_unchanged, message->n_rows_refused, message->n_title_zh,
              message->n_title_en)) {
        return TALLY_PROTOCOL;
    }
    answer_init(&made, sizeof **answer + count * sizeof(struct tally_node_state) + body_bytes);
    struct tally_nodes_answer *root = answer_take(&made, 1, sizeof *root);
    struct tally_node_state *nodes = answer_take(&made, count, sizeof *nodes);
    if (root != NULL && nodes != NULL) {
        *root = (struct tally_nodes_answer){.time_ms = message->time_ms, .count = count, .nodes = nodes};
        for (size_t i = 0; i < count; i++) {
            nodes[i] = (struct tally_node_state){.name = answer_text(&made, message->name[i]),
                                                 .zh = answer_text(&made, message->title_zh[i]),
                                                 .en = answer_text(&made, message->title_en[i]),
                                                 .regions = answer_text(&made, message->regions[i]),
                                                 .connected = message->connected[i] != 0,
                                                 .sequence = message->sequence[i],
                                                 .last_batch_ms = message->last_batch_ms[i],
                                                 .rows_accepted = message->rows_accepted[i],
                                                 .rows_unchanged = message->rows_unchanged[i],
                                                 .rows_refused = message->rows_refused[i]};
        }
    }
    return finish(&made, answer);
}

/* ---- competitions ---- */

static const struct tally_label *labels(struct answer *made, Tally__Label *const *messages, size_t count) {
    struct tally_label *list = answer_take(made, count, sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = (struct tally_label){.code = messages[i]->code,
                                       .key = answer_text(made, messages[i]->key),
                                       .zh = answer_text(made, messages[i]->zh),
                                       .en = answer_text(made, messages[i]->en),
                                       .counts = messages[i]->counts != 0};
    }
    return list;
}

static const uint32_t *regions(struct answer *made, const uint32_t *codes, size_t count) {
    uint32_t *list = answer_take(made, count, sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = codes[i];
    }
    return list;
}

static struct tally_competition competition(struct answer *made, const Tally__Competition *message) {
    return (struct tally_competition){
        .key = answer_text(made, message->key),
        .zh = answer_text(made, message->zh),
        .en = answer_text(made, message->en),
        .place_zh = answer_text(made, message->place_zh),
        .place_en = answer_text(made, message->place_en),
        .first_day = message->first_day,
        .last_day = message->last_day,
        .region_count = message->n_region,
        .regions = regions(made, message->region, message->n_region),
        .category_count = message->n_category,
        .categories = labels(made, message->category, message->n_category),
        .status_count = message->n_status,
        .statuses = labels(made, message->status, message->n_status),
        .target_projects = message->target_projects,
        .target_contract_value = message->target_contract_value,
        .target_participants = message->target_participants,
    };
}

static size_t competition_bytes(const Tally__Competition *message) {
    enum { LIST_PADDING = 3 * 8 }; /* each of the three lists begins aligned */
    return sizeof(struct tally_competition) + message->n_region * sizeof(uint32_t) +
           (message->n_category + message->n_status) * sizeof(struct tally_label) + LIST_PADDING;
}

enum tally_error answers_competitions(const Tally__Competitions *message, size_t body_bytes,
                                      struct tally_competitions_answer **answer) {
    struct answer made;
    size_t count = message->n_competition;
    size_t size = sizeof **answer + body_bytes;
    for (size_t i = 0; i < count; i++) {
        const Tally__Competition *one = message->competition[i];
        if (one->n_category > CATEGORIES_MAX || one->n_status > STATUSES_MAX) {
            return TALLY_PROTOCOL;
        }
        size += competition_bytes(one);
    }
    answer_init(&made, size);
    struct tally_competitions_answer *root = answer_take(&made, 1, sizeof *root);
    struct tally_competition *list = answer_take(&made, count, sizeof *list);
    if (root != NULL && list != NULL) {
        *root = (struct tally_competitions_answer){.count = count, .competitions = list};
        for (size_t i = 0; i < count; i++) {
            list[i] = competition(&made, message->competition[i]);
        }
    }
    return finish(&made, answer);
}

/* ---- the daemon itself ---- */

enum tally_error answers_status(const Tally__Status *message, size_t body_bytes, struct tally_status_answer **answer) {
    struct answer made;
    size_t count = message->n_counter_name;
    if (!EVEN(count, message->n_counter_value, message->n_counter_help)) {
        return TALLY_PROTOCOL;
    }
    answer_init(&made, sizeof **answer + count * sizeof(struct tally_counter) + body_bytes);
    struct tally_status_answer *root = answer_take(&made, 1, sizeof *root);
    struct tally_counter *counters = answer_take(&made, count, sizeof *counters);
    if (root != NULL && counters != NULL) {
        *root = (struct tally_status_answer){.software = answer_text(&made, message->software),
                                             .epoch = message->epoch,
                                             .time_ms = message->time_ms,
                                             .started_ms = message->started_ms,
                                             .version_durable = message->version_durable,
                                             .version_applied = message->version_applied,
                                             .version_folded = message->version_folded,
                                             .projects = message->projects,
                                             .disk_free_bytes = message->disk_free_bytes,
                                             .journal_bytes = message->journal_bytes,
                                             .state_bytes = message->state_bytes,
                                             .condition = answer_text(&made, message->condition),
                                             .counter_count = count,
                                             .counters = counters};
        for (size_t i = 0; i < count; i++) {
            counters[i] = (struct tally_counter){.name = answer_text(&made, message->counter_name[i]),
                                                 .help = answer_text(&made, message->counter_help[i]),
                                                 .value = message->counter_value[i]};
        }
    }
    return finish(&made, answer);
}

enum tally_error answers_verification(const Tally__Verification *message, size_t body_bytes,
                                      struct tally_verification_answer **answer) {
    struct answer made;
    answer_init(&made, sizeof **answer + body_bytes);
    struct tally_verification_answer *root = answer_take(&made, 1, sizeof *root);
    if (root != NULL) {
        *root = (struct tally_verification_answer){.state = answer_text(&made, message->state),
                                                   .entries = message->entries,
                                                   .entries_expected = message->entries_expected,
                                                   .version = message->version,
                                                   .projects = message->projects,
                                                   .text = answer_text(&made, message->text),
                                                   .started_ms = message->started_ms,
                                                   .finished_ms = message->finished_ms};
    }
    return finish(&made, answer);
}
