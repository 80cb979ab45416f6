/* A stored state in memory, made of captures as the archive would write them, and loaded as recovery would. Memory running
 * out ends the test program. */
#ifndef TALLY_TESTS_SUPPORT_IMAGE_H
#define TALLY_TESTS_SUPPORT_IMAGE_H

#include "daemon/base/capture.h"
#include "daemon/ledger/ledger.h"
#include "sums_map.h"

struct image {
    uint64_t version;
    uint64_t complete_version;
    struct project_block *blocks; /* by number; version 0 = not stored */
    uint32_t block_count;
    cell_key_t *cells;
    uint32_t cell_count;
    struct sums_map days;
    uint64_t texts; /* changes so far */
    uint64_t sequences[NODES_MAX];
    bool defined_competition[COMPETITIONS_MAX];
    bool defined_node[NODES_MAX];
    struct definition competitions[COMPETITIONS_MAX];
    struct definition nodes[NODES_MAX];
};

void image_init(struct image *image);
void image_fini(struct image *image);

/* Checks that the capture goes on where the last one ended, and takes it in. */
void image_take(struct image *image, const struct capture *capture);

/* Fills a new ledger; what comes after complete_version is to be applied next. */
void image_load(const struct image *image, struct ledger *ledger);

#endif
