#include "history.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/check.h"

const uint32_t history_regions[HISTORY_REGIONS] = {310101, 320102, 330000, 330100, 330106, 330110, 340104};

enum { CATEGORIES = 3, STATUSES = 5, COUNTING = 0x0E, BATCHES_PER_DAY = 3 };

static const char *const names[] = {"", "地铁十九号线", "滨江污水处理厂二期", "Bridge 7", "城市运行保障中心"};
static const char *const contractors[] = {"", "中建八局", "浙江建工集团", "Shanghai Tunnel"};

static uint64_t below(struct history *history, uint64_t limit) {
    return random_below(&history->random, limit);
}

static void define(struct history *history) {
    struct definition definition = {
        .statuses = (1 << STATUSES) - 1, .counts = COUNTING, .first_day = HISTORY_FIRST_DAY};
    for (uint16_t i = 0; i < history->shape.competitions; i++) {
        definition.number = i;
        snprintf(definition.key, sizeof definition.key, "competition-%u", i);
        entries_define(history->entries, ENTRY_COMPETITION, &definition);
    }
    definition = (struct definition){0};
    for (uint16_t i = 0; i < history->shape.nodes; i++) {
        definition.number = i;
        snprintf(definition.key, sizeof definition.key, "node-%u", i);
        entries_define(history->entries, ENTRY_NODE, &definition);
    }
}

void history_init(struct history *history, struct entries *entries, uint64_t seed, const struct history_shape *shape) {
    *history = (struct history){.random = {.state = seed}, .shape = *shape, .entries = entries};
    history->rows = calloc(shape->rows_max, sizeof *history->rows);
    history->codes = calloc(shape->rows_max, sizeof *history->codes);
    history->refusals = calloc(shape->rows_max, sizeof *history->refusals);
    CHECK(history->rows != NULL && history->codes != NULL && history->refusals != NULL);
    history->shape.value_max = shape->value_max != 0 ? shape->value_max : 1000000000;
    history->shape.day_span = shape->day_span != 0 ? shape->day_span : 60;
    define(history);
}

void history_fini(struct history *history) {
    free(history->rows);
    free(history->refusals);
    free(history->codes);
}

/* Mostly one of the node's own projects. */
static uint64_t draw_project(struct history *history, uint16_t node) {
    uint64_t project = below(history, history->shape.projects);
    uint64_t own = project - project % history->shape.nodes + node;
    return own < history->shape.projects && !random_once_in(&history->random, 8) ? own : project;
}

/* Few different figures, so that rows often say what is known. */
static void draw_row(struct history *history, size_t i, uint16_t node, uint16_t today) {
    struct entries_row *row = &history->rows[i];
    uint64_t project = draw_project(history, node);
    if (i > 0 && random_once_in(&history->random, 8)) {
        *row = history->rows[below(history, i)];
        snprintf(history->codes[i], sizeof history->codes[i], "%s", row->code);
        row->code = history->codes[i];
        if (random_once_in(&history->random, 2)) {
            return;
        }
    } else {
        const char *format = project % 5 == 0 ? "%05u" : "2101-330106-04-01-%06u";
        snprintf(history->codes[i], sizeof history->codes[i], format, (unsigned)project);
        row->code = history->codes[i];
    }
    uint64_t back = random_once_in(&history->random, 3) ? below(history, history->shape.day_span) : 0;
    row->region = history_regions[below(history, 4) == 0 ? below(history, HISTORY_REGIONS) : project % HISTORY_REGIONS];
    row->category = (uint32_t)below(history, CATEGORIES);
    row->status = (uint32_t)(below(history, 3) == 0 ? below(history, STATUSES) : 1);
    row->contract_value = history->shape.value_max - (int64_t)(below(history, 3) * 12345);
    row->participants = (int64_t)(1000 + below(history, 3));
    row->migrant_participants = (int64_t)below(history, 2) * 500;
    row->effective_day = random_once_in(&history->random, 6) ? 0 : (uint32_t)(today - back);
    row->name = names[below(history, sizeof names / sizeof names[0])];
    row->contractor = contractors[below(history, sizeof contractors / sizeof contractors[0])];
    row->start_day = random_once_in(&history->random, 3) ? 0 : today;
    row->completion_day = row->start_day + (uint32_t)below(history, 3);
}

/* Rows that intake refused: what they say must not matter to anybody. */
static size_t draw_refusals(struct history *history, size_t rows) {
    size_t count = 0;
    uint64_t rate = random_once_in(&history->random, 10) ? 2 : 40;
    for (size_t i = 0; i < rows; i++) {
        if (random_once_in(&history->random, rate)) {
            uint16_t code = (uint16_t)(below(history, 2) == 0 ? REFUSAL_CODE_EMPTY : REFUSAL_REGION_UNKNOWN);
            history->refusals[count++] = (struct entry_refusal){.row = (uint16_t)i, .code = code};
            if (code == REFUSAL_CODE_EMPTY) {
                history->rows[i].code = "";
            }
            history->rows[i].region = UINT32_MAX;
            history->rows[i].contract_value = -1;
        }
    }
    return count;
}

static void add_batch(struct history *history) {
    uint16_t node = (uint16_t)below(history, history->shape.nodes);
    uint16_t today =
        (uint16_t)(HISTORY_FIRST_DAY + history->shape.day_span + history->batches / BATCHES_PER_DAY % 4000);
    size_t rows = 1 + below(history, history->shape.rows_max);
    for (size_t i = 0; i < rows; i++) {
        draw_row(history, i, node, today);
    }
    struct entries_batch batch = {.node = node,
                                  .competition = (uint16_t)below(history, history->shape.competitions),
                                  .day = today,
                                  .wall_ms = (int64_t)history->batches * 1000,
                                  .columns = (unsigned)below(history, ENTRIES_ALL_COLUMNS + 1),
                                  .rows = history->rows,
                                  .count = rows,
                                  .refusals = history->refusals,
                                  .refusal_count = draw_refusals(history, rows)};
    entries_add_batch(history->entries, &batch);
}

void history_extend(struct history *history, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        history->batches++;
        if (random_once_in(&history->random, 25)) {
            entries_add_refused(history->entries, (uint16_t)below(history, history->shape.nodes),
                                (uint32_t)below(history, 100), REFUSAL_COLUMNS_UNEVEN);
        } else {
            add_batch(history);
        }
    }
}
