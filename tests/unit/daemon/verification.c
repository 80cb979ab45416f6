#include "daemon/verification.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

#include "daemon/base/clock.h"
#include "scene.h"

Test(verification, says_nothing_before_it_is_asked) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 5});
    struct verification_progress progress;
    scene.source.read(scene.source.context, &progress);
    cr_assert_eq(progress.state, VERIFICATION_NONE);
    scene_close(&scene);
}

Test(verification, is_equal_when_all_three_agree_and_can_be_asked_again) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 300, .behind = 17});
    for (int times = 0; times < 3; times++) {
        struct verification_progress progress = scene_verify(&scene);
        scene_expect(&progress, VERIFICATION_EQUAL, "equal to the live totals, and to the stored state as of");
        cr_assert_eq(progress.entries, entries_version(scene.entries));
        cr_assert_eq(progress.entries_expected, progress.entries);
        cr_assert_eq(progress.version, rollup_version(scene.live));
        cr_assert_eq(progress.projects, rollup_projects(scene.live));
    }
    scene_close(&scene);
}

Test(verification, goes_only_as_far_as_the_live_totals_went) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 100});
    history_extend(&scene.history, 100);
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_EQUAL, "equal");
    cr_assert_eq(progress.entries, rollup_version(scene.live));
    scene_close(&scene);
}

Test(verification, nothing_stored_yet_is_fine) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 30, .behind = 30 + 3 + 2}); /* definitions come first */
    cr_assert_eq(scene.stored.version, 0);
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_EQUAL, "the stored state as of 0");
    scene_close(&scene);
}

Test(verification, an_empty_journal_is_fine) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 0});
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_EQUAL, "0 projects in 0 competitions");
    scene_close(&scene);
}

Test(verification, finds_a_live_total_that_is_wrong) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 200, .behind = 3});
    struct rollup_tables tables = rollup_tables(scene.live);
    tables.sums->cells[tables.sums->count / 2].sums.contract_value += 1;
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_DIFFERENT, "the totals of competition");
    tables.sums->cells[tables.sums->count / 2].sums.contract_value -= 1;
    progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_EQUAL, "equal");
    scene_close(&scene);
}

Test(verification, finds_a_live_day_that_is_wrong) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 200, .behind = 3});
    struct rollup_tables tables = rollup_tables(scene.live);
    size_t row = tables.leaf_days->curves[1].day_high;
    tables.leaf_days->days[row * tables.leaf_days->limit + 1].participants -= 1;
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_DIFFERENT, "what days changed of competition");
    scene_close(&scene);
}

/* ---- what fails ---- */

Test(verification, a_damaged_journal_is_a_failure_not_a_difference) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 200});
    entries_fail_from(scene.entries, 77, ERROR_DAMAGED);
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_FAILED,
                 "the journal cannot be replayed after entry 76: stored data is damaged");
    scene_close(&scene);
}

Test(verification, a_stored_state_that_cannot_be_read_is_a_failure) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 20});
    scene.stored_error = ERROR_IO;
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_FAILED, "the stored state cannot be read");
    cr_assert_eq(progress.entries, 0);
    scene_close(&scene);
}

Test(verification, live_totals_that_never_come_are_a_failure) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 20});
    scene.capture_error = ERROR_BUSY;
    struct verification_progress progress = scene_verify(&scene);
    scene_expect(&progress, VERIFICATION_FAILED, "the live totals did not reach version");
    cr_assert_gt(atomic_load(&scene.captures), 1);
    scene_close(&scene);
}

/* The journal of the test never ends a read by itself while it is held back, so that the stop comes in the middle. */
static enum error slow_read(void *context, uint64_t after_version, size_t bytes_max, entry_visit *visit, void *visitor,
                            uint64_t *last_version) {
    struct scene *scene = context;
    (void)after_version;
    (void)bytes_max;
    struct entry_source source = entries_source(scene->entries);
    atomic_store(&scene->captures, -1); /* tells the test that the replay has begun */
    for (;;) {
        uint64_t ignored = 0;
        enum error error = source.read(source.context, 0, 1, visit, visitor, &ignored);
        if (error == ERROR_BUSY) {
            *last_version = ignored;
            return error;
        }
    }
}

Test(verification, a_stop_in_the_middle_does_not_wait_for_the_end) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 20});
    verification_destroy(scene.verification);
    struct verification_options options = scene_options(&scene);
    options.journal = (struct entry_source){.context = &scene, .read = slow_read};
    struct fault fault = {0};
    scene.verification = verification_start(&options, &fault);
    scene.source = verification_source(scene.verification);
    scene.source.start(scene.source.context);
    int64_t end_ns = clock_monotonic_ns() + SCENE_DEADLINE_MS * INT64_C(1000000);
    while (atomic_load(&scene.captures) != -1) {
        cr_assert_gt(clock_left_ms(end_ns), 0);
    }
    scene_close(&scene);
}

Test(verification, nothing_begins_after_the_stop) {
    struct scene scene;
    scene_open(&scene, &(struct scene_plan){.batches = 5});
    verification_stop(scene.verification);
    struct verification_progress progress = scene_verify(&scene);
    cr_assert_eq(progress.state, VERIFICATION_NONE);
    scene_close(&scene);
}
