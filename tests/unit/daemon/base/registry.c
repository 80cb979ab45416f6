#include "daemon/base/registry.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct registry *make_registry(void) {
    struct registry *registry = registry_create(3, 2);
    cr_assert_not_null(registry);
    static const char *const keys[] = {"csj-2021", "csj-2021-x", "zjg-2022"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(registry->competitions[i].key, sizeof registry->competitions[i].key, "%s", keys[i]);
        registry->competitions[i].number = (uint16_t)(10 + i);
    }
    static const char *const names[] = {"jiangsu", "zhejiang"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(registry->nodes[i].name, sizeof registry->nodes[i].name, "%s", names[i]);
        registry->nodes[i].number = (uint16_t)(20 + i);
    }
    return registry;
}

Test(registry, finds_by_the_whole_key_only) {
    struct registry *registry = make_registry();
    cr_assert_eq(registry_competition(registry, "csj-2021", 8), &registry->competitions[0]);
    cr_assert_eq(registry_competition(registry, "csj-2021-x", 10), &registry->competitions[1]);
    cr_assert_eq(registry_competition(registry, "csj-2021-x", 8), &registry->competitions[0], "size ends the key");
    cr_assert_null(registry_competition(registry, "csj-2021-x", 9));
    cr_assert_null(registry_competition(registry, "csj", 3));
    cr_assert_null(registry_competition(registry, "", 0));
    cr_assert_null(registry_competition(registry, "CSJ-2021", 8));
    cr_assert_eq(registry_node(registry, "zhejiang", 8), &registry->nodes[1]);
    cr_assert_null(registry_node(registry, "zhejian", 7));
    cr_assert_null(registry_node(registry, "csj-2021", 8));
    registry_release(registry);
}

Test(registry, finds_by_number) {
    struct registry *registry = make_registry();
    cr_assert_eq(registry_competition_numbered(registry, 11), &registry->competitions[1]);
    cr_assert_null(registry_competition_numbered(registry, 13));
    cr_assert_null(registry_competition_numbered(registry, NUMBER_NONE));
    cr_assert_eq(registry_node_numbered(registry, 20), &registry->nodes[0]);
    cr_assert_null(registry_node_numbered(registry, 22));
    registry_release(registry);
}

Test(registry, without_competitions_and_nodes_finds_nothing) {
    struct registry *registry = registry_create(0, 0);
    cr_assert_not_null(registry);
    cr_assert_null(registry_competition(registry, "a", 1));
    cr_assert_null(registry_node_numbered(registry, 0));
    registry_release(registry);
    registry_release(NULL);
}

Test(registry, definitions_say_what_the_journal_must_know) {
    struct registry *registry = make_registry();
    struct competition *competition = &registry->competitions[0];
    competition->status_mask = 0x1F;
    competition->counts = 0x0E;
    competition->first_day = 18718;
    struct definition definition = definition_of_competition(competition);
    cr_assert(definition.number == 10 && definition.statuses == 0x1F && definition.counts == 0x0E &&
              definition.first_day == 18718);
    cr_assert_str_eq(definition.key, "csj-2021");
    struct definition node = definition_of_node(&registry->nodes[1]);
    cr_assert(node.number == 21 && node.statuses == 0 && node.counts == 0 && node.first_day == 0);
    cr_assert_str_eq(node.key, "zhejiang");
    registry_release(registry);
}

Test(registry, a_slot_hands_over_the_newest_and_lets_go_of_the_others) {
    struct registry_slot slot = {.next = NULL};
    struct registry *first = make_registry();
    struct registry *second = make_registry();
    struct registry *third = make_registry();
    struct registry *current = registry_hold(first);
    cr_assert(!registry_take(&slot, &current), "nothing was offered");
    registry_offer(&slot, second);
    registry_offer(&slot, third);
    cr_assert_eq(atomic_load(&second->references), 1, "it was never taken: the slot let it go");
    cr_assert(registry_take(&slot, &current));
    cr_assert_eq(current, third);
    cr_assert_eq(atomic_load(&first->references), 1, "the stage let it go");
    cr_assert(!registry_take(&slot, &current), "once is enough");
    cr_assert_eq(atomic_load(&third->references), 2);
    registry_release(current);
    registry_release(first);
    registry_release(second);
    registry_release(third);
}
