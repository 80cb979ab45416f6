#include "daemon/publish/audience.h"

#include <criterion/criterion.h>
#include <string.h>

struct scene {
    struct audience audience;
    struct rollup *rollup;
    struct registry *registry;
    uint64_t version;
};

static void open_scene(struct scene *scene) {
    cr_assert_eq(audience_init(&scene->audience, 3), ERROR_NONE);
    scene->rollup = rollup_create();
    scene->registry = registry_create(1, 0);
    scene->registry->competitions[0] = (struct competition){.number = 5, .key = "csj-2021", .counts = 2};
    scene->version = 0;
}

static void close_scene(struct scene *scene) {
    audience_fini(&scene->audience);
    rollup_destroy(scene->rollup);
    registry_release(scene->registry);
}

static void change(struct scene *scene, uint16_t competition, uint32_t region) {
    struct snapshot_cell cell = {.key = cell_key(competition, region, 0, 1),
                                 .sums = {.projects = (int64_t)++scene->version}};
    struct snapshot snapshot = {.version = scene->version, .cell_count = 1, .cells = &cell};
    cr_assert_eq(rollup_apply(scene->rollup, &snapshot), ERROR_NONE);
}

static void decide_and_note(struct scene *scene) {
    audience_decide(&scene->audience, scene->rollup, scene->registry);
    size_t count;
    const uint32_t *changed = rollup_changed(scene->rollup, &count);
    audience_note(&scene->audience, changed, count);
    rollup_settle(scene->rollup);
}

static bool due(const struct scene *scene, uint16_t competition, uint32_t region) {
    uint32_t number = rollup_find(scene->rollup, competition, region);
    size_t times = 0;
    for (uint32_t i = 0; i < scene->audience.due_count; i++) {
        times += scene->audience.due[i] == number;
    }
    cr_assert_leq(times, 1);
    return times == 1;
}

static void subscribe(struct scene *scene, const char *prefix) {
    cr_assert(audience_subscribe(&scene->audience, prefix, strlen(prefix)));
}

Test(audience, a_change_is_due_only_where_somebody_listens) {
    struct scene scene;
    open_scene(&scene);
    subscribe(&scene, "csj-2021/3301");
    change(&scene, 5, 330106);
    change(&scene, 5, 310101);
    decide_and_note(&scene);
    cr_assert(due(&scene, 5, 330106));
    cr_assert(due(&scene, 5, 330100));
    cr_assert_eq(scene.audience.due_count, 2);
    audience_settle(&scene.audience);
    change(&scene, 5, 310101);
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 0);
    close_scene(&scene);
}

Test(audience, a_new_subscription_makes_what_it_matches_due_although_nothing_changed) {
    struct scene scene;
    open_scene(&scene);
    change(&scene, 5, 330106);
    change(&scene, 5, 310101);
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 0);
    cr_assert_not(audience_undecided(&scene.audience, scene.rollup));
    for (int times = 0; times < 2; times++) { /* the second time it comes from another subscriber */
        subscribe(&scene, "csj-2021/33");
        cr_assert(audience_undecided(&scene.audience, scene.rollup));
        decide_and_note(&scene);
        cr_assert_eq(scene.audience.due_count, 3);
        cr_assert(due(&scene, 5, 330000));
        audience_settle(&scene.audience);
    }
    subscribe(&scene, "heartbeat");
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 0);
    close_scene(&scene);
}

Test(audience, what_nobody_wants_any_more_is_not_due) {
    struct scene scene;
    open_scene(&scene);
    change(&scene, 5, 330106);
    subscribe(&scene, "csj-2021/");
    subscribe(&scene, "csj-2021/330106");
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 4);
    audience_unsubscribe(&scene.audience, "csj-2021/", strlen("csj-2021/"));
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 1);
    cr_assert(due(&scene, 5, 330106));
    close_scene(&scene);
}

Test(audience, a_competition_is_told_only_while_the_registry_has_it) {
    struct scene scene;
    open_scene(&scene);
    subscribe(&scene, "");
    change(&scene, 6, 330106);
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 0);
    scene.registry->competitions[0].number = 6;
    audience_distrust(&scene.audience);
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 4);
    scene.registry->competitions[0].number = 5;
    audience_distrust(&scene.audience);
    decide_and_note(&scene);
    cr_assert_eq(scene.audience.due_count, 0);
    close_scene(&scene);
}

Test(audience, refreshing_comes_round_to_every_wanted_region) {
    enum { PARTS = 10 };
    struct scene scene;
    open_scene(&scene);
    for (uint32_t county = 1; county <= 30; county++) {
        change(&scene, 5, 330100 + county);
        change(&scene, 5, 310100 + county);
    }
    subscribe(&scene, "csj-2021/33");
    decide_and_note(&scene);
    uint32_t wanted = scene.audience.due_count;
    cr_assert_eq(wanted, 32);
    audience_settle(&scene.audience);
    audience_refresh(&scene.audience, PARTS);
    cr_assert_leq(scene.audience.due_count, 7, "a part is small");
    for (int part = 1; part < PARTS; part++) {
        audience_refresh(&scene.audience, PARTS);
    }
    cr_assert_eq(scene.audience.due_count, wanted);
    close_scene(&scene);
}

Test(audience, refreshing_nothing_is_fine) {
    struct scene scene;
    open_scene(&scene);
    audience_refresh(&scene.audience, 60);
    cr_assert_eq(scene.audience.due_count, 0);
    close_scene(&scene);
}
