#include "daemon/archive/window.h"

#include <criterion/criterion.h>

static const struct window_pages no_pages;

static struct cached_project *add(struct window *window, uint32_t i) {
    return project_cache_add(&window->cache, i * UINT64_C(0x9E3779B97F4A7C15), 0, &i, sizeof i);
}

Test(window, has_room_while_the_largest_batch_fits_into_its_projects) {
    struct window window;
    cr_assert_eq(window_init(&window, BATCH_ROWS_MAX + 2), ERROR_NONE);
    cr_assert(window_has_room(&window, &no_pages));
    add(&window, 1);
    add(&window, 2);
    cr_assert(window_has_room(&window, &no_pages));
    add(&window, 3);
    cr_assert_not(window_has_room(&window, &no_pages));
    window_settle(&window);
    cr_assert(window_has_room(&window, &no_pages));
    window_fini(&window);
}

Test(window, has_room_while_a_transaction_can_hold_the_pages) {
    struct window window;
    struct window_pages large = {.projects = 1 << 20, .regions = 1 << 20, .texts = 1 << 20};
    struct window_pages small = {.projects = 1000, .regions = 1000, .texts = 1000};
    cr_assert_eq(window_init(&window, 1 << 20), ERROR_NONE);
    struct figures figures = {.region = 330106};
    for (uint32_t i = 1; i <= 2 * WINDOW_PAGES_MAX; i++) {
        struct cached_project *project = add(&window, i);
        project->exists = true;
        project->figures.region = project->stored_region = 330106;
        window_set_figures(&window, project, &figures);
    }
    cr_assert_eq(window.moved_count, 0);
    cr_assert_not(window_has_room(&window, &large));
    cr_assert(window_has_room(&window, &small));
    window_fini(&window);
}

Test(window, counts_projects_that_move_and_those_that_move_back) {
    struct window window;
    cr_assert_eq(window_init(&window, 1 << 20), ERROR_NONE);
    struct cached_project *project = add(&window, 1);
    struct figures here = {.region = 330106};
    struct figures there = {.region = 310101};
    window_set_figures(&window, project, &here);
    window_set_figures(&window, project, &there);
    cr_assert_eq(window.moved_count, 1);
    cr_assert_eq(window.changed_count, 1);
    window_settle(&window);
    cr_assert_eq(window.moved_count, 0);
    window_set_figures(&window, project, &here);
    cr_assert_eq(window.moved_count, 1);
    window_set_figures(&window, project, &there);
    cr_assert_eq(window.moved_count, 0);
    window_fini(&window);
}

Test(window, keeps_a_text_that_comes_again_and_again_once) {
    struct window window;
    cr_assert_eq(window_init(&window, 1 << 20), ERROR_NONE);
    struct cached_project *project = add(&window, 1);
    char text[] = "滨江污水处理厂二期";
    char *names[] = {text};
    struct batch batch = {.rows = 1, .name = names};
    for (int i = 0; i < 100; i++) {
        window_take_texts(&window, project, &batch, 0);
    }
    cr_assert_eq(window.text_bytes_used, sizeof text - 1);
    cr_assert_eq(window.texts_count, 1);
    cr_assert_eq(window.texts[0].given, WINDOW_NAME);
    window_fini(&window);
}
