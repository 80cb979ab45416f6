#include "image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *what, int line) {
    fprintf(stderr, "image: line %d: %s\n", line, what);
    abort();
}

void image_init(struct image *image) {
    *image = (struct image){0};
    sums_map_init(&image->days);
}

void image_fini(struct image *image) {
    sums_map_fini(&image->days);
    free(image->blocks);
    free(image->cells);
}

static void take_blocks(struct image *image, const struct capture *capture) {
    for (uint32_t i = 0; i < capture->block_count; i++) {
        uint32_t number = capture->block_numbers[i];
        MUST(i == 0 || number > capture->block_numbers[i - 1]);
        MUST(capture->blocks[i].version == capture->version);
        if (number >= image->block_count) {
            image->blocks = realloc(image->blocks, (number + 1) * sizeof *image->blocks);
            MUST(image->blocks != NULL);
            memset(image->blocks + image->block_count, 0, (number + 1 - image->block_count) * sizeof *image->blocks);
            image->block_count = number + 1;
        }
        image->blocks[number] = capture->blocks[i];
    }
}

static void take_cells(struct image *image, const struct capture *capture) {
    MUST(capture->first_cell == image->cell_count);
    image->cells = realloc(image->cells, (capture->cell_count + 1) * sizeof *image->cells);
    MUST(image->cells != NULL);
    for (uint32_t i = capture->first_cell; i < capture->cell_count; i++) {
        image->cells[i] = capture->cell_keys[i - capture->first_cell];
    }
    image->cell_count = capture->cell_count;
}

void image_take(struct image *image, const struct capture *capture) {
    MUST(capture->version >= image->version && capture->complete_version >= image->complete_version);
    MUST(capture->complete_version <= capture->version);
    image->version = capture->version;
    image->complete_version = capture->complete_version;
    take_blocks(image, capture);
    take_cells(image, capture);
    for (size_t i = 0; i < capture->day_count; i++) {
        const struct snapshot_day *day = &capture->days[i];
        *sums_map_at(&image->days, (uint64_t)day->competition << 48 | (uint64_t)day->region << 16 | day->day) =
            day->sums;
    }
    image->texts += capture->text_count;
    memcpy(image->sequences, capture->sequences, sizeof image->sequences);
    if (capture->definitions_changed) {
        memcpy(image->defined_competition, capture->defined_competition, sizeof image->defined_competition);
        memcpy(image->defined_node, capture->defined_node, sizeof image->defined_node);
        memcpy(image->competitions, capture->competitions, sizeof image->competitions);
        memcpy(image->nodes, capture->nodes, sizeof image->nodes);
    }
}

static void load_definitions(const struct image *image, struct ledger *ledger) {
    for (size_t i = 0; i < COMPETITIONS_MAX; i++) {
        MUST(!image->defined_competition[i] ||
             ledger_load_definition(ledger, ENTRY_COMPETITION, &image->competitions[i]) == ERROR_NONE);
    }
    for (size_t i = 0; i < NODES_MAX; i++) {
        MUST(!image->defined_node[i] || ledger_load_definition(ledger, ENTRY_NODE, &image->nodes[i]) == ERROR_NONE);
    }
}

void image_load(const struct image *image, struct ledger *ledger) {
    load_definitions(image, ledger);
    for (uint32_t i = 0; i < image->cell_count; i++) {
        MUST(ledger_load_cell(ledger, image->cells[i]) == ERROR_NONE);
    }
    for (uint32_t i = 0; i < image->block_count; i++) {
        MUST(image->blocks[i].version == 0 || ledger_load_block(ledger, i, &image->blocks[i]) == ERROR_NONE);
    }
    for (size_t i = 0; i < image->days.capacity; i++) {
        const struct sums_place *place = &image->days.places[i];
        MUST(!place->used || ledger_load_day(ledger, (uint16_t)(place->key >> 48), (uint32_t)(place->key >> 16),
                                             (uint16_t)place->key, &place->sums) == ERROR_NONE);
    }
    for (uint16_t node = 0; node < NODES_MAX; node++) {
        ledger_load_sequence(ledger, node, image->sequences[node]);
    }
    ledger_resume(ledger, image->complete_version, image->version);
}
