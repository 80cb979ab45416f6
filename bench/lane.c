#include "bench/lane.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

/* Any day within the competition does. */
enum { FIRST_DAY = 18718, DAY = 19000, DAY_MS = 86400000, REGIONS = 4 };

#define KEY "bench"

static void describe(struct lane *lane) {
    static const uint32_t regions[REGIONS] = {310000, 320000, 330000, 340000};
    lane->competition = (struct competition){.key = KEY,
                                             .first_day = FIRST_DAY,
                                             .last_day = UINT16_MAX,
                                             .region_count = REGIONS,
                                             .category_mask = 0x7,
                                             .status_mask = 0xF,
                                             .counts = 0xE};
    lane->node = (struct node_right){.name = "node-0000", .region_count = REGIONS};
    memcpy(lane->competition.regions, regions, sizeof regions);
    memcpy(lane->node.regions, regions, sizeof regions);
    for (size_t status = 0; status < STATUSES_MAX; status++) {
        lane->competition.statuses[status].defined = (lane->competition.status_mask >> status & 1) != 0;
        lane->competition.statuses[status].counts = (lane->competition.counts >> status & 1) != 0;
    }
}

static void define(struct lane *lane, size_t i, enum entry_kind kind, struct definition definition) {
    struct entry *entry = &lane->definitions[i];
    definition_encode(&definition, lane->definition_bodies[i]);
    *entry = (struct entry){.kind = kind,
                            .wall_ms = (int64_t)DAY * DAY_MS,
                            .day = DAY,
                            .body = lane->definition_bodies[i],
                            .body_bytes = DEFINITION_BYTES,
                            .definition = definition,
                            .version = ++lane->version};
    ledger_apply(lane->ledger, entry);
}

static bool make_tables(struct lane *lane) {
    const struct lane_options *options = &lane->options;
    lane->builder = builder_create();
    lane->rows = calloc(options->rows, sizeof *lane->rows);
    lane->slots = calloc(options->slots, sizeof *lane->slots);
    lane->arenas = memory_reserve(options->slots * BATCH_ARENA_BYTES);
    lane->ledger = ledger_create(options->projects);
    return lane->builder != NULL && lane->rows != NULL && lane->slots != NULL && lane->arenas != NULL &&
           lane->ledger != NULL;
}

bool lane_init(struct lane *lane, const struct lane_options *options) {
    CHECK(options->slots > 0 && options->slots <= LANE_SLOTS_MAX && options->rows > 0 &&
          options->rows <= BATCH_ROWS_MAX);
    *lane = (struct lane){.options = *options};
    if (!workload_init(&lane->workload, options->projects, options->seed) || !make_tables(lane)) {
        lane_fini(lane);
        return false;
    }
    workload_sender_init(&lane->sender, &lane->workload, 1, 0, options->seed);
    for (size_t i = 0; i < options->slots; i++) {
        arena_init(&lane->slots[i].arena, (uint8_t *)lane->arenas + i * BATCH_ARENA_BYTES, BATCH_ARENA_BYTES);
    }
    describe(lane);
    define(lane, 0, ENTRY_COMPETITION, definition_of_competition(&lane->competition));
    define(lane, 1, ENTRY_NODE, definition_of_node(&lane->node));
    return true;
}

void lane_fini(struct lane *lane) {
    for (size_t i = 0; lane->slots != NULL && i < lane->options.slots; i++) {
        parcel_release(&lane->slots[i].parcel);
    }
    ledger_destroy(lane->ledger);
    memory_release(lane->arenas, lane->options.slots * BATCH_ARENA_BYTES);
    free(lane->slots);
    free(lane->rows);
    builder_destroy(lane->builder);
    workload_fini(&lane->workload);
    *lane = (struct lane){0};
}

static void pack(struct lane *lane, struct lane_slot *slot, size_t count) {
    builder_start(lane->builder, KEY);
    for (size_t i = 0; i < count; i++) {
        CHECK(builder_add(lane->builder, &lane->rows[i], lane->options.rows));
    }
    parcel_release(&slot->parcel);
    slot->parcel = builder_pack(lane->builder, (struct builder_mark){0});
    CHECK(slot->parcel != NULL && parcel_number(&slot->parcel, ++lane->sequence));
}

size_t lane_fill_in_order(struct lane *lane) {
    size_t filled = 0;
    size_t count;
    while (filled < lane->options.slots &&
           (count = workload_fill_in_order(&lane->sender, lane->rows, lane->options.rows)) > 0) {
        pack(lane, &lane->slots[filled++], count);
    }
    return filled;
}

size_t lane_fill_random(struct lane *lane) {
    for (size_t i = 0; i < lane->options.slots; i++) {
        workload_fill_random(&lane->sender, lane->rows, lane->options.rows);
        pack(lane, &lane->slots[i], lane->options.rows);
    }
    return lane->options.slots;
}

void lane_decode(struct lane_slot *slot) {
    arena_reset(&slot->arena);
    CHECK(batch_decode(slot->parcel->body, slot->parcel->body_bytes, &slot->arena, &slot->entry.batch) == REFUSAL_NONE);
}

void lane_admit(struct lane *lane, struct lane_slot *slot) {
    struct entry *entry = &slot->entry;
    entry->kind = ENTRY_BATCH;
    entry->node = lane->node.number;
    entry->competition = lane->competition.number;
    entry->batch_code = REFUSAL_NONE;
    entry->sequence = entry->batch.sequence;
    entry->wall_ms = (int64_t)DAY * DAY_MS;
    entry->day = DAY;
    entry->body = slot->parcel->body;
    entry->body_bytes = slot->parcel->body_bytes;
    admission_judge(entry, &lane->competition, &lane->node, &lane->memo);
    entry->version = ++lane->version;
    CHECK(entry->refused_by_intake == 0);
}

void lane_apply(struct lane *lane, struct lane_slot *slot) {
    ledger_apply(lane->ledger, &slot->entry);
    CHECK(slot->entry.accepted == slot->entry.batch.rows);
}
