#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "daemon/base/check.h"
#include "daemon/base/memory.h"

/* ---- which blocks changed ---- */

static size_t blocks_of(uint32_t projects) {
    return ((size_t)projects + BLOCK_PROJECTS - 1) / BLOCK_PROJECTS;
}

enum error ledger_init_rounds(struct ledger *ledger) {
    ledger->rounds.changed = memory_reserve(blocks_of(ledger->projects.capacity));
    ledger->texts = malloc(TEXT_CHANGES_MAX * sizeof *ledger->texts);
    return ledger->rounds.changed != NULL && ledger->texts != NULL ? ERROR_NONE : ERROR_MEMORY;
}

void ledger_fini_rounds(struct ledger *ledger) {
    memory_release(ledger->rounds.changed, blocks_of(ledger->projects.capacity));
    free(ledger->texts);
}

/* The first block from `from` on that changed, or end. */
static uint32_t next_changed(const struct rounds *rounds, uint32_t from, uint32_t end) {
    if (from >= end) {
        return end;
    }
    const uint8_t *found = memchr(rounds->changed + from, 1, end - from);
    return found == NULL ? end : (uint32_t)(found - rounds->changed);
}

void ledger_read_block(const struct ledger *ledger, uint32_t number, struct project_block *block) {
    uint32_t first = number * BLOCK_PROJECTS;
    uint32_t left = first < ledger->projects.count ? ledger->projects.count - first : 0;
    uint32_t count = left < BLOCK_PROJECTS ? left : BLOCK_PROJECTS;
    block->version = ledger->version;
    memcpy(block->projects, ledger->projects.records + first, count * sizeof block->projects[0]);
    memset(block->projects + count, 0, (BLOCK_PROJECTS - count) * sizeof block->projects[0]);
}

static void take_block(struct ledger *ledger, struct capture *capture, uint32_t block) {
    struct rounds *rounds = &ledger->rounds;
    capture->block_numbers[capture->block_count] = block;
    ledger_read_block(ledger, block, &capture->blocks[capture->block_count]);
    capture->block_count++;
    rounds->changed[block] = 0;
    rounds->changed_count--;
}

/* A block that is not full is the last, so the round ends with it, and when there are more the next round comes to it first:
 * stored projects never have a gap. */
static void take_blocks(struct ledger *ledger, const struct capture_request *request, struct capture *capture) {
    struct rounds *rounds = &ledger->rounds;
    uint32_t end = (uint32_t)blocks_of(ledger->projects.count);
    if (rounds->next == 0) {
        rounds->version = ledger->version;
    }
    uint32_t block = next_changed(rounds, rounds->next, end);
    while (block < end && capture->block_count < request->blocks_max) {
        take_block(ledger, capture, block);
        block = next_changed(rounds, block + 1, end);
    }
    rounds->next = block;
    if (block == end) {
        rounds->complete_version = rounds->version;
        rounds->next = 0;
    }
    if (rounds->changed_count == 0) {
        rounds->complete_version = ledger->version;
    }
}

/* ---- all the rest ---- */

static void take_cells(struct ledger *ledger, struct capture *capture) {
    capture->first_cell = ledger->captured_cells;
    capture->cell_count = ledger->cube.count;
    for (uint32_t i = capture->first_cell; i < capture->cell_count; i++) {
        capture->cell_keys[i - capture->first_cell] = ledger->cube.cells[i].key;
    }
    ledger->captured_cells = capture->cell_count;
}

static size_t take_days(struct curves *curves, enum curve_reader reader, struct snapshot_day *days) {
    const struct curve_changes *changes = &curves->changes[reader];
    size_t count = changes->count;
    for (size_t i = 0; i < count; i++) {
        const struct curve_point *point = &changes->points[i];
        const struct curve *curve = &curves->curves[point->curve];
        days[i] = (struct snapshot_day){.competition = curve->competition,
                                        .first_day = curve->first_day,
                                        .region = curve->region,
                                        .day = (uint16_t)(curve->first_day + point->day),
                                        .sums = *curves_row(curves, point->curve, point->day)};
    }
    curves_settle(curves, reader);
    return count;
}

static void take_definitions(struct ledger *ledger, struct capture *capture) {
    capture->definitions_changed = ledger->definitions_changed;
    if (ledger->definitions_changed) {
        memcpy(capture->defined_competition, ledger->defined_competition, sizeof capture->defined_competition);
        memcpy(capture->defined_node, ledger->defined_node, sizeof capture->defined_node);
        memcpy(capture->competitions, ledger->competitions, sizeof capture->competitions);
        memcpy(capture->nodes, ledger->nodes, sizeof capture->nodes);
        ledger->definitions_changed = false;
    }
}

bool ledger_capture_due(const struct ledger *ledger) {
    return !ledger_catching_up(ledger) &&
           (ledger->version != ledger->captured_version || ledger->rounds.changed_count > 0 || ledger->rounds.next > 0);
}

enum error ledger_capture(struct ledger *ledger, const struct capture_request *request, struct capture *capture) {
    CHECK(!ledger_catching_up(ledger) && request->blocks_max > 0 && request->blocks_max <= CAPTURE_BLOCKS_MAX);
    enum error error = capture_reserve(capture, ledger->cube.count - ledger->captured_cells,
                                       ledger->curves.changes[CURVE_READER_ARCHIVE].count);
    if (error != ERROR_NONE) {
        return error;
    }
    capture->block_count = 0;
    take_blocks(ledger, request, capture);
    capture->version = ledger->version;
    capture->complete_version = ledger->rounds.complete_version;
    capture->wall_ms = ledger->wall_ms;
    capture->more = ledger->rounds.changed_count > 0 || ledger->rounds.next > 0;
    capture->project_count = ledger->projects.count;
    take_cells(ledger, capture);
    capture->day_count = take_days(&ledger->curves, CURVE_READER_ARCHIVE, capture->days);
    memcpy(capture->texts, ledger->texts, ledger->text_count * sizeof *ledger->texts);
    capture->text_count = ledger->text_count;
    ledger->text_count = 0;
    memcpy(capture->sequences, ledger->sequences, sizeof capture->sequences);
    take_definitions(ledger, capture);
    ledger->captured_version = ledger->version;
    return ERROR_NONE;
}

/* ---- the publisher's snapshot ---- */

bool ledger_changed(const struct ledger *ledger) {
    return ledger->version != ledger->filled_version || ledger->cube.changed_count > 0 ||
           ledger->curves.changes[CURVE_READER_TOTALS].count > 0;
}

enum error ledger_fill(struct ledger *ledger, struct snapshot *snapshot) {
    const struct cube *cube = &ledger->cube;
    enum error error =
        snapshot_reserve(snapshot, cube->changed_count, ledger->curves.changes[CURVE_READER_TOTALS].count);
    if (error != ERROR_NONE) {
        return error;
    }
    for (uint32_t i = 0; i < cube->changed_count; i++) {
        const struct cell *cell = &cube->cells[cube->changed[i]];
        snapshot->cells[i] = (struct snapshot_cell){.key = cell->key, .sums = cell->sums};
    }
    snapshot->version = ledger->version;
    snapshot->projects = ledger->projects.count;
    snapshot->cell_count = cube->changed_count;
    snapshot->day_count = take_days(&ledger->curves, CURVE_READER_TOTALS, snapshot->days);
    ledger->filled_version = ledger->version;
    cube_settle(&ledger->cube);
    return ERROR_NONE;
}
