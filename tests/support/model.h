/* What the ledger must come to, worked out in the plainest way: every project keeps everything that was ever taken of it,
 * and every total is recounted from that. Written from the protocol's rules; shares with the daemon only what an entry and
 * sums look like. Memory running out ends the test program. */
#ifndef TALLY_TESTS_SUPPORT_MODEL_H
#define TALLY_TESTS_SUPPORT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/figures.h"
#include "sums_map.h"

struct model;

/* What a project became on a day. */
struct model_state {
    uint16_t day;
    bool counts;
    uint32_t region;
    uint32_t category;
    uint32_t status;
    int64_t contract_value;
    int64_t participants;
    int64_t migrant_participants;
};

struct model_project {
    uint16_t competition;
    uint16_t owner;
    uint16_t last_day; /* of the last row taken, whether or not it said anything new */
    char code[PROJECT_CODE_BYTES_MAX + 1];
    char *texts;        /* of the last row that had any: its columns, one after the other; NULL if none had */
    uint32_t text_hash; /* entry_text_hash of that row, for loading a ledger; not compared with */
    size_t state_count;
    struct model_state *states; /* in the order in which they were taken; days never go back */
    struct model_project *next; /* of the same bucket */
};

/* What the daemon must answer to a batch. */
struct model_answer {
    uint32_t accepted;
    uint32_t unchanged;
    uint32_t refused;
    uint8_t verdicts[BATCH_ROWS_MAX];
};

struct model *model_create(uint64_t projects_max);
void model_destroy(struct model *model);

/* Takes in the next entry, as decoded, with intake's verdicts in it; before the ledger has seen it. */
void model_apply(struct model *model, const struct entry *entry, struct model_answer *answer);

uint64_t model_project_count(const struct model *model);
const struct model_project *model_project(const struct model *model, uint64_t i);
uint64_t model_sequence(const struct model *model, uint16_t node);

/* Rows refused with a code, and rows that said nothing new, so far: so that a test sees that it tests something. */
uint64_t model_refused(const struct model *model, unsigned code);
uint64_t model_unchanged(const struct model *model);
uint64_t model_accepted(const struct model *model);

/* Keys of the maps below. */
uint64_t model_cell_key(uint16_t competition, uint32_t region, uint32_t category, uint32_t status);
uint64_t model_day_key(uint16_t competition, uint32_t region, uint16_t day);

/* Counts all projects again: present sums by cell, and what each day changed in what counts. Both maps are empty before. */
void model_recount(const struct model *model, struct sums_map *cells, struct sums_map *days);

/* Totals of what counted in a region as of the end of a day: looks at each project as it was then. */
struct sums model_as_of(const struct model *model, uint16_t competition, uint32_t region, uint16_t day);

#endif
