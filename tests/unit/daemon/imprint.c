/* What verification finds in a stored state that is not what the journal adds up to. */
#include "daemon/imprint.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "scene.h"

Test(imprint, compares_blocks_of_several_versions) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 300, .behind = 17});
    const struct image *stored = &scene.stored;
    cr_assert_lt(stored->complete_version, stored->version, "the last round must not have come to its end");
    bool newer = false;
    bool older = false;
    for (uint32_t i = 0; i < stored->block_count; i++) {
        newer = newer || stored->blocks[i].version > stored->complete_version;
        older = older || stored->blocks[i].version < stored->complete_version;
    }
    cr_assert(newer && older);
    scene_expect_equal(&scene);
    scene_close(&scene);
}

/* Each block in turn, whether or not it was stored before the state was complete. */
Test(imprint, finds_a_stored_project_that_is_wrong_in_any_block) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 200, .behind = 40});
    for (uint32_t i = 0; i < scene.stored.block_count; i++) {
        char text[64];
        snprintf(text, sizeof text, "block %u of the stored projects (from project code ", i);
        struct project_record *project = &scene.stored.blocks[i].projects[0];
        project->migrant_participants ^= 1;
        scene_expect_different(&scene, text);
        project->migrant_participants ^= 1;
    }
    scene_expect_equal(&scene);
    scene_close(&scene);
}

Test(imprint, finds_a_block_that_was_not_written_again_when_it_changed) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 200, .behind = 0, .blocks_max = CAPTURE_BLOCKS_MAX});
    struct project_block *block = &scene.stored.blocks[1];
    cr_assert_eq(scene.stored.complete_version, scene.stored.version);
    struct ledger *earlier = scene_replay(&scene, 1 << 14);
    cr_assert(ledger_projects(earlier) > 2 * BLOCK_PROJECTS && ledger_version(earlier) < scene.stored.version);
    ledger_read_block(earlier, 1, block); /* it was like this once, at the version that it says */
    scene_expect_different(&scene, "block 1 of the stored projects");
    ledger_destroy(earlier);
    scene_close(&scene);
}

Test(imprint, finds_a_block_that_is_missing_or_too_many) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 200, .behind = 5, .blocks_max = CAPTURE_BLOCKS_MAX});
    struct image *stored = &scene.stored;
    cr_assert_gt(stored->block_count, 4);
    uint64_t version = stored->blocks[3].version;
    stored->blocks[3].version = 0;
    scene_expect_different(&scene, "block 3 of the stored projects (from project code ");
    stored->blocks[3].version = version;
    stored->block_count--;
    scene_expect_different(&scene, "is missing");
    stored->block_count++;
    stored->blocks = realloc(stored->blocks, (stored->block_count + 1) * sizeof *stored->blocks);
    stored->blocks[stored->block_count] = stored->blocks[0];
    stored->block_count++;
    scene_expect_different(&scene, "of which the journal has none");
    stored->block_count--;
    scene_expect_equal(&scene);
    scene_close(&scene);
}

Test(imprint, finds_what_else_is_wrong_in_the_stored_state) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 200, .behind = 5});
    struct image *stored = &scene.stored;
    stored->cells[1] ^= 1;
    scene_expect_different(&scene, "the cells in the stored state");
    stored->cells[1] ^= 1;
    stored->cell_count--;
    scene_expect_different(&scene, "the cells in the stored state");
    stored->cell_count++;
    uint64_t day = (uint64_t)1 << 48 | (uint64_t)330106 << 16 | (HISTORY_FIRST_DAY + 70);
    sums_map_at(&stored->days, day)->participants += 1;
    scene_expect_different(&scene, "what days changed in the stored state");
    sums_map_at(&stored->days, day)->participants -= 1;
    stored->competitions[1].counts ^= 1;
    scene_expect_different(&scene, "the definitions in the stored state");
    stored->competitions[1].counts ^= 1;
    stored->sequences[2] += 1;
    scene_expect_different(&scene, "the nodes' sequences in the stored state");
    stored->sequences[2] -= 1;
    scene_expect_equal(&scene);
    scene_close(&scene);
}

/* More texts change than a ledger notes between two captures. */
Test(imprint, lets_the_recount_go_on_however_many_texts_change) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 120, .behind = 3, .projects = 20000, .rows_max = 4000});
    cr_assert_gt(scene.stored.texts, TEXT_CHANGES_MAX);
    scene_expect_equal(&scene);
    scene.stored.cells[scene.stored.cell_count - 1] ^= 1;
    scene_expect_different(&scene, "the cells in the stored state");
    scene_close(&scene);
}
