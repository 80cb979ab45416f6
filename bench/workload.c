#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "proto/region.h"

enum {
    COUNTIES_MAX = 512,
    CATEGORIES = 3,
    STATUSES = 4,
    HUGE_PAGE_BYTES = 2 << 20,
    DRAWN_AHEAD = 32, /* projects that are being fetched into the cache while rows are filled */
};

_Static_assert(sizeof(struct workload_project) == 32, "two to a cache line");

/* SplitMix64 (Steele, Lea and Flood 2014): each number follows from a count alone, so that the processor makes several at
 * once. */
static uint64_t next_random(uint64_t *state) {
    uint64_t mixed = *state += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
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
    size_t bytes = (projects * sizeof *workload->list + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    workload->list = aligned_alloc(HUGE_PAGE_BYTES, bytes);
    if (workload->list == NULL) {
        return false;
    }
    (void)madvise(workload->list, bytes, MADV_HUGEPAGE); /* where there are none it is only slower */
    uint32_t counties[COUNTIES_MAX] = {0};
    size_t county_count = list_counties(counties);
    uint64_t random = seed;
    for (size_t i = 0; i < projects; i++) {
        struct workload_project *project = &workload->list[i];
        project->region = counties[below(&random, county_count)];
        snprintf(project->code, sizeof project->code, "21%02zu-%06u-04-01-%06zu", i / 1000000 % 100,
                 project->region % 1000000u, i % 1000000);
    }
    return true;
}

void workload_fini(struct workload *workload) {
    free(workload->list);
    *workload = (struct workload){0};
}

size_t workload_number(const struct workload *workload, const struct tally_project *row) {
    return (size_t)(row->code - workload->list[0].code) / sizeof workload->list[0];
}

void workload_sender_init(struct workload_sender *sender, const struct workload *workload, size_t senders,
                          size_t number, uint64_t seed) {
    *sender = (struct workload_sender){.workload = workload, .senders = senders, .sender = number, .next = number};
    uint64_t start = (seed << 20) + number;
    sender->random = next_random(&start); /* far from the other senders' counts */
}

static void fill(struct workload_sender *sender, struct tally_project *row, const struct workload_project *project) {
    uint64_t random = next_random(&sender->random);
    int64_t participants = (int64_t)(random & 1023);
    *row = (struct tally_project){
        .code = project->code,
        .region = project->region,
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
        fill(sender, &rows[count++], &sender->workload->list[sender->next]);
        sender->next += sender->senders;
    }
    return count;
}

static const struct workload_project *draw(struct workload_sender *sender, size_t share) {
    const struct workload_project *drawn =
        &sender->workload->list[sender->sender + below(&sender->random, share) * sender->senders];
    __builtin_prefetch(drawn);
    return drawn;
}

/* Projects are drawn some rows ahead of being filled in: one miss after the other would be most of the time. */
void workload_fill_random(struct workload_sender *sender, struct tally_project *rows, size_t count) {
    const struct workload_project *drawn[DRAWN_AHEAD];
    size_t share = (sender->workload->projects - sender->sender + sender->senders - 1) / sender->senders;
    for (size_t i = 0; i < DRAWN_AHEAD && i < count; i++) {
        drawn[i] = draw(sender, share);
    }
    for (size_t i = 0; i < count; i++) {
        const struct workload_project *project = drawn[i % DRAWN_AHEAD];
        if (i + DRAWN_AHEAD < count) {
            drawn[i % DRAWN_AHEAD] = draw(sender, share);
        }
        fill(sender, &rows[i], project);
    }
}
