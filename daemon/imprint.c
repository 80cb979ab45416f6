#include "imprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/base/capture.h"
#include "daemon/base/check.h"
#include "daemon/base/memory.h"

enum { BLOCKS_FIRST = 1024 };

struct stored_block {
    uint64_t due_version; /* at which it is compared; while loading, its own */
    uint64_t hash;
    uint32_t number;
};

/* Things of which the order does not matter: the sum of their hashes, and how many there are. */
struct digest {
    uint64_t sum;
    uint64_t count;
};

struct imprint {
    const atomic_bool *stopping;
    struct state_reach reach;

    struct stored_block *blocks; /* in order of their numbers; once sealed, of the versions at which they are due */
    size_t block_count;
    size_t block_capacity;
    size_t compared;         /* blocks, from the first */
    uint32_t blocks_in_line; /* 0, 1, 2 ... up to here are all there */

    cell_key_t *cells; /* address space for LEAF_CELLS_MAX */
    uint32_t cell_count;
    uint32_t cells_compared; /* of the recount's, in the order of their numbers ... */
    uint32_t cells_equal;    /* ... and how many from the first were the stored ones */

    struct digest days;
    struct digest definitions;
    uint64_t sequences[NODES_MAX];

    struct capture capture; /* how the recounting ledger tells its cells */
};

/* ---- making ---- */

struct imprint *imprint_create(const atomic_bool *stopping) {
    struct imprint *imprint = calloc(1, sizeof *imprint);
    if (imprint == NULL) {
        return NULL;
    }
    imprint->stopping = stopping;
    imprint->cells = memory_reserve(LEAF_CELLS_MAX * sizeof *imprint->cells);
    if (imprint->cells == NULL || capture_init(&imprint->capture) != ERROR_NONE) {
        imprint_destroy(imprint);
        return NULL;
    }
    return imprint;
}

void imprint_destroy(struct imprint *imprint) {
    if (imprint != NULL) {
        free(imprint->blocks);
        memory_release(imprint->cells, LEAF_CELLS_MAX * sizeof *imprint->cells);
        capture_fini(&imprint->capture);
        free(imprint);
    }
}

/* ---- hashing ---- */

static void add_hash(struct digest *digest, const void *bytes, size_t size, uint64_t seed) {
    digest->sum += XXH3_64bits_withSeed(bytes, size, seed);
    digest->count++;
}

static bool digests_equal(const struct digest *a, const struct digest *b) {
    return a->sum == b->sum && a->count == b->count;
}

/* Not of its version: the recount's copy is as new as the recount. */
static uint64_t hash_projects(const struct project_block *block) {
    return XXH3_64bits(block->projects, sizeof block->projects);
}

/* Days that came to nothing may be there or not. */
static void add_day(struct digest *days, uint16_t competition, uint32_t region, uint16_t day, const struct sums *sums) {
    if (!sums_zero(sums)) {
        uint64_t place = (uint64_t)competition << 48 | (uint64_t)region << 16 | day;
        add_hash(days, sums, sizeof *sums, place);
    }
}

static void add_definition(struct digest *definitions, enum entry_kind kind, const struct definition *definition) {
    uint8_t bytes[DEFINITION_BYTES];
    definition_encode(definition, bytes);
    add_hash(definitions, bytes, sizeof bytes, (uint64_t)kind);
}

/* ---- loading ---- */

static enum error go_on(const struct imprint *imprint) {
    bool stop = atomic_load_explicit(imprint->stopping, memory_order_acquire); /* with verification_stop */
    return stop ? ERROR_BUSY : ERROR_NONE;
}

static enum error load_definition(void *context, enum entry_kind kind, const struct definition *definition) {
    struct imprint *imprint = context;
    add_definition(&imprint->definitions, kind, definition);
    return go_on(imprint);
}

static enum error load_cell(void *context, cell_key_t cell) {
    struct imprint *imprint = context;
    if (imprint->cell_count == LEAF_CELLS_MAX) {
        return ERROR_DAMAGED;
    }
    imprint->cells[imprint->cell_count++] = cell;
    return go_on(imprint);
}

static enum error grow(struct imprint *imprint) {
    size_t capacity = imprint->block_capacity == 0 ? (size_t)BLOCKS_FIRST : imprint->block_capacity * 2;
    struct stored_block *longer = realloc(imprint->blocks, capacity * sizeof *longer);
    if (longer == NULL) {
        return ERROR_MEMORY;
    }
    imprint->blocks = longer;
    imprint->block_capacity = capacity;
    return ERROR_NONE;
}

static enum error load_block(void *context, uint32_t number, const struct project_block *block) {
    struct imprint *imprint = context;
    if (imprint->block_count == imprint->block_capacity && grow(imprint) != ERROR_NONE) {
        return ERROR_MEMORY;
    }
    imprint->blocks_in_line += imprint->blocks_in_line == number;
    imprint->blocks[imprint->block_count++] =
        (struct stored_block){.due_version = block->version, .hash = hash_projects(block), .number = number};
    return go_on(imprint);
}

static enum error load_day(void *context, uint16_t competition, uint32_t region, uint16_t day,
                           const struct sums *sums) {
    struct imprint *imprint = context;
    add_day(&imprint->days, competition, region, day, sums);
    return go_on(imprint);
}

static enum error load_sequence(void *context, uint16_t node, uint64_t sequence) {
    struct imprint *imprint = context;
    imprint->sequences[node] = sequence;
    return go_on(imprint);
}

struct state_loader imprint_loader(struct imprint *imprint) {
    return (struct state_loader){.context = imprint,
                                 .definition = load_definition,
                                 .cell = load_cell,
                                 .block = load_block,
                                 .day = load_day,
                                 .sequence = load_sequence};
}

static int by_due_version(const void *a, const void *b) {
    const struct stored_block *left = a;
    const struct stored_block *right = b;
    if (left->due_version != right->due_version) {
        return left->due_version < right->due_version ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

void imprint_seal(struct imprint *imprint, const struct state_reach *reach) {
    imprint->reach = *reach;
    for (size_t i = 0; i < imprint->block_count; i++) {
        struct stored_block *block = &imprint->blocks[i];
        block->due_version = block->due_version < reach->complete ? reach->complete : block->due_version;
    }
    if (imprint->block_count > 0) {
        qsort(imprint->blocks, imprint->block_count, sizeof *imprint->blocks, by_due_version);
    }
}

/* ---- comparing ---- */

/* Each capture tells the cells that are new since the one before, in the order of their numbers. */
static void compare_cells(struct imprint *imprint) {
    const struct capture *capture = &imprint->capture;
    CHECK(capture->first_cell == imprint->cells_compared);
    for (uint32_t i = capture->first_cell; i < capture->cell_count; i++) {
        bool same = i < imprint->cell_count && imprint->cells[i] == capture->cell_keys[i - capture->first_cell];
        imprint->cells_equal += same && imprint->cells_equal == i;
    }
    imprint->cells_compared = capture->cell_count;
}

enum error imprint_make_room(struct imprint *imprint, struct ledger *ledger) {
    static const struct capture_request one_block = {.blocks_max = 1};
    enum error error = ledger_capture(ledger, &one_block, &imprint->capture);
    if (error == ERROR_NONE) {
        compare_cells(imprint);
    }
    return error;
}

static bool block_equal(const struct stored_block *stored, const struct ledger *ledger, char *text) {
    struct project_block block;
    ledger_read_block(ledger, stored->number, &block);
    if (hash_projects(&block) == stored->hash) {
        return true;
    }
    const char *code = (const char *)block.projects[0].code;
    snprintf(text, IMPRINT_DIFFERENCE_BYTES,
             "at version %" PRIu64 ": block %" PRIu32
             " of the stored projects (%s%.*s) is not what the journal adds up to",
             stored->due_version, stored->number,
             code[0] != '\0' ? "from project code " : "of which the journal has none", PROJECT_CODE_BYTES_MAX, code);
    return false;
}

static bool blocks_equal(struct imprint *imprint, const struct ledger *ledger, char *text) {
    uint64_t version = ledger_version(ledger);
    while (imprint->compared < imprint->block_count && imprint->blocks[imprint->compared].due_version <= version) {
        if (!block_equal(&imprint->blocks[imprint->compared], ledger, text)) {
            return false;
        }
        imprint->compared++;
    }
    return true;
}

/* Whether no block is missing of those that a complete state has. */
static bool blocks_complete(const struct imprint *imprint, const struct ledger *ledger, char *text) {
    uint64_t needed = (ledger_projects(ledger) + BLOCK_PROJECTS - 1) / BLOCK_PROJECTS;
    if (imprint->blocks_in_line >= needed) {
        return true;
    }
    struct project_block block;
    ledger_read_block(ledger, imprint->blocks_in_line, &block);
    snprintf(text, IMPRINT_DIFFERENCE_BYTES,
             "at version %" PRIu64 ": block %" PRIu32 " of the stored projects (from project code %.*s) is missing",
             imprint->reach.complete, imprint->blocks_in_line, PROJECT_CODE_BYTES_MAX,
             (const char *)block.projects[0].code);
    return false;
}

static bool days_equal(const struct imprint *imprint, const struct curves *days) {
    struct digest digest = {0};
    for (uint32_t i = 0; i < days->count; i++) {
        const struct curve *curve = &days->curves[i];
        for (unsigned row = curve->day_low; row <= curve->day_high; row++) {
            uint16_t day = (uint16_t)(curve->first_day + row);
            add_day(&digest, curve->competition, curve->region, day, curves_row(days, i, (uint16_t)row));
        }
    }
    return digests_equal(&digest, &imprint->days);
}

static bool definitions_equal(const struct imprint *imprint, const struct ledger *ledger) {
    struct digest digest = {0};
    for (uint16_t i = 0; i < COMPETITIONS_MAX; i++) {
        const struct definition *definition = ledger_competition(ledger, i);
        if (definition != NULL) {
            add_definition(&digest, ENTRY_COMPETITION, definition);
        }
    }
    for (uint16_t i = 0; i < NODES_MAX; i++) {
        const struct definition *definition = ledger_node(ledger, i);
        if (definition != NULL) {
            add_definition(&digest, ENTRY_NODE, definition);
        }
    }
    return digests_equal(&digest, &imprint->definitions);
}

static bool sequences_equal(const struct imprint *imprint, const struct ledger *ledger) {
    bool equal = true;
    for (uint16_t i = 0; i < NODES_MAX && equal; i++) {
        equal = imprint->sequences[i] == ledger_sequence(ledger, i);
    }
    return equal;
}

/* Everything that is stored whole. */
static bool rest_equal(const struct imprint *imprint, const struct ledger *ledger, const struct curves *days,
                       char *text) {
    bool cells = imprint->cells_equal == imprint->cell_count && imprint->cell_count == imprint->cells_compared;
    const char *what = !cells                                ? "the cells"
                       : !days_equal(imprint, days)          ? "what days changed"
                       : !definitions_equal(imprint, ledger) ? "the definitions"
                       : !sequences_equal(imprint, ledger)   ? "the nodes' sequences"
                                                             : NULL;
    if (what != NULL) {
        snprintf(text, IMPRINT_DIFFERENCE_BYTES,
                 "at version %" PRIu64 ": %s in the stored state differ from the recount of the journal",
                 imprint->reach.version, what);
    }
    return what == NULL;
}

bool imprint_due(const struct imprint *imprint, uint64_t version) {
    return version == imprint->reach.complete || version == imprint->reach.version ||
           (imprint->compared < imprint->block_count && imprint->blocks[imprint->compared].due_version <= version);
}

enum error imprint_compare(struct imprint *imprint, struct ledger *ledger, const struct curves *days, bool *equal,
                           char *text) {
    uint64_t version = ledger_version(ledger);
    enum error error = version == imprint->reach.version ? imprint_make_room(imprint, ledger) : ERROR_NONE;
    if (error == ERROR_NONE) {
        *equal = blocks_equal(imprint, ledger, text) &&
                 (version != imprint->reach.complete || blocks_complete(imprint, ledger, text)) &&
                 (version != imprint->reach.version || rest_equal(imprint, ledger, days, text));
    }
    return error;
}
