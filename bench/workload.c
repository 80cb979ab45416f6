#include "workload.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/region.h"

enum { COUNTIES_MAX = 512, CATEGORIES = 3, STATUSES = 4 };

/* xorshift64* (Vigna 2016): fast and good enough to spread keys. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static size_t below(uint64_t *state, size_t limit) {
    return (size_t)(((next_random(state) >> 32) * (uint64_t)limit) >> 32);
}

static size_t list_counties(uint32_t *counties) {
    size_t count;
    size_t found = 0;
    const struct region *regions = region_list(&count);
    for (size_t i = 0; i < count && found < COUNTIES_MAX; i++) {
        bool delta = region_within(regions[i].code, 310000) || region_within(regions[i].code, 320000) ||
                     region_within(regions[i].code, 330000) || region_within(regions[i].code, 340000);
        if (delta && region_level(regions[i].code) == REGION_LEVEL_COUNTY) {
            counties[found++] = regions[i].code;
        }
    }
    return found;
}

bool workload_init(struct workload *workload, size_t projects, uint64_t seed) {
    *workload = (struct workload){.projects = projects};
    workload->codes = malloc(projects * sizeof *workload->codes);
    workload->regions = malloc(projects * sizeof *workload->regions);
    if (workload->codes == NULL || workload->regions == NULL) {
        workload_fini(workload);
        return false;
    }
    uint32_t counties[COUNTIES_MAX] = {0};
    size_t county_count = list_counties(counties);
    uint64_t random = seed | 1;
    for (size_t i = 0; i < projects; i++) {
        uint32_t region = counties[below(&random, county_count)];
        workload->regions[i] = region;
        snprintf(workload->codes[i], WORKLOAD_CODE_BYTES, "21%02zu-%06u-04-01-%06zu", i / 1000000 % 100,
                 region % 1000000u, i % 1000000);
    }
    return true;
}

void workload_fini(struct workload *workload) {
    free(workload->codes);
    free(workload->regions);
    *workload = (struct workload){0};
}

void workload_sender_init(struct workload_sender *sender, const struct workload *workload, size_t senders,
                          size_t number, uint64_t seed) {
    *sender = (struct workload_sender){.workload = workload, .senders = senders, .sender = number, .next = number};
    sender->random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) + number * UINT64_C(0xBF58476D1CE4E5B9) + 1;
}

static void fill(struct workload_sender *sender, struct tally_project *row, size_t project) {
    uint64_t random = next_random(&sender->random);
    int64_t participants = (int64_t)(random & 1023);
    *row = (struct tally_project){
        .code = sender->workload->codes[project],
        .region = sender->workload->regions[project],
        .category = (uint32_t)(random >> 10 & 1023) % CATEGORIES,
        .status = (uint32_t)(random >> 20 & 1023) % STATUSES,
        .contract_value = (int64_t)(random >> 30 & 0x3FFFFFFF) * 100,
        .participants = participants,
        .migrant_participants = participants / 2,
    };
}

size_t workload_fill_in_order(struct workload_sender *sender, struct tally_project *rows, size_t max) {
    size_t count = 0;
    while (count < max && sender->next < sender->workload->projects) {
        fill(sender, &rows[count++], sender->next);
        sender->next += sender->senders;
    }
    return count;
}

void workload_fill_random(struct workload_sender *sender, struct tally_project *rows, size_t count) {
    size_t share = (sender->workload->projects - sender->sender + sender->senders - 1) / sender->senders;
    for (size_t i = 0; i < count; i++) {
        fill(sender, &rows[i], sender->sender + below(&sender->random, share) * sender->senders);
    }
}
