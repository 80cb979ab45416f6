/* What admission remembers of regions never changes a verdict: random batches over many regions, competitions and rights,
 * with the memo kept as intake keeps it, against a judge that remembers nothing. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "daemon/intake/admission.h"
#include "tests/support/columns.h"
#include "tests/support/random.h"
#include "tests/support/seed.h"

enum { TODAY = 18900, COMPETITIONS = 4, NODES = 6, REGIONS = 3000 };

static const uint32_t provinces[] = {11, 31, 32, 33, 34, 65, 99, 0, 35};

static uint32_t random_region(struct random *random) {
    uint32_t province = provinces[random_below(random, sizeof provinces / sizeof provinces[0])];
    uint64_t depth = random_below(random, 4);
    uint32_t city = depth > 0 ? (uint32_t)random_below(random, 20) : 0;
    uint32_t county = depth > 1 ? (uint32_t)random_below(random, 30) : 0;
    uint32_t region = province * 10000 + city * 100 + county;
    return random_once_in(random, 50) ? region + 1000000 : region;
}

/* By the digits as text, without anything of proto/region.c. */
static bool lies_in(uint32_t region, uint32_t scope) {
    uint32_t unit = scope % 10000 == 0 ? 10000 : scope % 100 == 0 ? 100 : 1;
    return region / unit == scope / unit;
}

static bool lies_in_any(uint32_t region, const uint32_t *scopes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (lies_in(region, scopes[i])) {
            return true;
        }
    }
    return false;
}

static bool known(uint32_t region) {
    static const uint8_t codes[] = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42,
                                    43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82};
    for (size_t i = 0; i < sizeof codes; i++) {
        if (region / 10000 == codes[i]) {
            return true;
        }
    }
    return false;
}

static enum refusal judge(uint32_t region, const struct competition *competition, const struct node_right *node) {
    if (!known(region)) {
        return REFUSAL_REGION_UNKNOWN;
    }
    if (!lies_in_any(region, competition->regions, competition->region_count)) {
        return REFUSAL_REGION_OUTSIDE_COMPETITION;
    }
    return lies_in_any(region, node->regions, node->region_count) ? REFUSAL_NONE : REFUSAL_REGION_NOT_YOURS;
}

static size_t draw_scopes(struct random *random, uint32_t *scopes) {
    size_t count = 1 + (size_t)random_below(random, 5);
    for (size_t i = 0; i < count; i++) {
        do {
            uint32_t unit = random_once_in(random, 3) ? 1 : 10000;
            scopes[i] = random_region(random) / unit * unit;
        } while (!known(scopes[i]));
    }
    return count;
}

Test(admission_memo, never_changes_a_verdict) {
    struct random random = {.state = seed_of("admission_memo", 61)};
    static struct competition competitions[COMPETITIONS];
    static struct node_right nodes[NODES];
    static struct admission_memo memos[NODES];
    for (size_t i = 0; i < COMPETITIONS; i++) {
        competitions[i] = (struct competition){.first_day = 18000, .category_mask = 1, .status_mask = 1};
        competitions[i].region_count = draw_scopes(&random, competitions[i].regions);
    }
    for (size_t i = 0; i < NODES; i++) {
        nodes[i].region_count = draw_scopes(&random, nodes[i].regions);
    }
    uint32_t regions[REGIONS];
    for (size_t i = 0; i < REGIONS; i++) {
        regions[i] = random_region(&random);
    }
    struct columns *columns = columns_create();
    struct entry *entry = calloc(1, sizeof *entry);
    uint64_t verdicts[REFUSAL_CODE_LIMIT] = {0};
    for (int batch = 0; batch < 3000; batch++) {
        columns_clear(columns);
        size_t rows = 1 + (size_t)random_below(&random, 200);
        size_t spread = 1 + (size_t)random_below(&random, REGIONS);
        for (size_t i = 0; i < rows; i++) {
            columns_add(columns, &(struct columns_row){.code = "p", .region = regions[random_below(&random, spread)]});
        }
        size_t node = (size_t)random_below(&random, NODES);
        /* Mostly the same competition as before, as a node does: else the memo would always be fresh. */
        size_t competition =
            random_once_in(&random, 20) ? (size_t)random_below(&random, COMPETITIONS) : node % COMPETITIONS;
        entry->day = TODAY;
        entry->batch = columns_batch(columns, (struct columns_present){0}, 1, "");
        admission_judge(entry, &competitions[competition], &nodes[node], &memos[node]);
        for (size_t i = 0; i < rows; i++) {
            enum refusal expected = judge(columns->region[i], &competitions[competition], &nodes[node]);
            cr_assert_eq(entry->verdicts[i], expected, "region %06u: %s, not %s", columns->region[i],
                         refusal_name(entry->verdicts[i]), refusal_name(expected));
            verdicts[expected]++;
        }
    }
    cr_assert(verdicts[REFUSAL_NONE] > 1000 && verdicts[REFUSAL_REGION_UNKNOWN] > 1000 &&
              verdicts[REFUSAL_REGION_OUTSIDE_COMPETITION] > 1000 && verdicts[REFUSAL_REGION_NOT_YOURS] > 1000);
    free(entry);
    free(columns);
}
