#include "daemon/numbering.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct numbering *make_numbering(void) {
    struct numbering *numbering = calloc(1, sizeof *numbering);
    cr_assert_not_null(numbering);
    return numbering;
}

static void name_all(struct registry *registry, const char *prefix) {
    for (size_t i = 0; i < registry->competition_count; i++) {
        struct competition *competition = &registry->competitions[i];
        snprintf(competition->key, sizeof competition->key, "%s-%zu", prefix, i);
        competition->number = NUMBER_NONE;
        competition->first_day = (uint16_t)(18718 + i);
        competition->status_mask = 0x1F;
        competition->counts = 0x0E;
    }
    for (size_t i = 0; i < registry->node_count; i++) {
        snprintf(registry->nodes[i].name, sizeof registry->nodes[i].name, "%s-node-%zu", prefix, i);
        registry->nodes[i].number = NUMBER_NONE;
    }
}

static struct registry *make_registry(const char *prefix, size_t competitions, size_t nodes) {
    struct registry *registry = registry_create(competitions, nodes);
    cr_assert_not_null(registry);
    name_all(registry, prefix);
    return registry;
}

static void assign(struct numbering *numbering, struct registry *registry) {
    struct fault fault = {0};
    cr_assert_eq(numbering_assign(numbering, registry, &fault), ERROR_NONE, "%s", fault.text);
}

static void expect_refused(struct numbering *numbering, struct registry *registry, enum error error, const char *text) {
    struct numbering *before = make_numbering();
    *before = *numbering;
    struct fault fault = {0};
    cr_assert_eq(numbering_assign(numbering, registry, &fault), error);
    cr_assert_eq(fault.error, error);
    cr_assert_not_null(strstr(fault.text, text), "\"%s\" does not tell of %s", fault.text, text);
    cr_assert_eq(memcmp(before, numbering, sizeof *before), 0, "something was learnt");
    free(before);
}

Test(numbering, gives_numbers_in_the_order_in_which_things_come) {
    struct numbering *numbering = make_numbering();
    struct registry *registry = make_registry("a", 3, 4);
    assign(numbering, registry);
    for (uint16_t i = 0; i < 3; i++) {
        cr_assert_eq(registry->competitions[i].number, i);
        cr_assert_str_eq(numbering->competitions[i].key, registry->competitions[i].key);
        cr_assert_eq(numbering->competitions[i].first_day, 18718 + i);
    }
    for (uint16_t i = 0; i < 4; i++) {
        cr_assert_eq(registry->nodes[i].number, i);
    }
    cr_assert(numbering->competition_count == 3 && numbering->node_count == 4);
    registry_release(registry);
    free(numbering);
}

Test(numbering, a_number_is_never_given_to_another) {
    struct numbering *numbering = make_numbering();
    struct registry *first = make_registry("a", 2, 2);
    struct registry *other = make_registry("b", 2, 2);
    struct registry *again = make_registry("a", 3, 3);
    assign(numbering, first);
    assign(numbering, other);
    assign(numbering, again);
    for (uint16_t i = 0; i < 2; i++) {
        cr_assert(other->competitions[i].number == 2 + i && other->nodes[i].number == 2 + i);
        cr_assert(again->competitions[i].number == i && again->nodes[i].number == i);
    }
    cr_assert(again->competitions[2].number == 4 && again->nodes[2].number == 4);
    registry_release(first);
    registry_release(other);
    registry_release(again);
    free(numbering);
}

/* A competition and a node of one name have nothing to do with each other. */
Test(numbering, competitions_and_nodes_are_numbered_apart) {
    struct numbering *numbering = make_numbering();
    struct registry *registry = make_registry("a", 1, 1);
    snprintf(registry->nodes[0].name, sizeof registry->nodes[0].name, "%s", registry->competitions[0].key);
    assign(numbering, registry);
    cr_assert(registry->competitions[0].number == 0 && registry->nodes[0].number == 0);
    registry_release(registry);
    free(numbering);
}

/* ---- what the journal knows ---- */

static struct definition make_definition(uint16_t number) {
    struct definition definition = {.number = number, .statuses = 0x1F, .counts = 0x0E, .first_day = 18718};
    snprintf(definition.key, sizeof definition.key, "a-%u", number);
    return definition;
}

Test(numbering, goes_on_after_what_the_journal_knows) {
    struct numbering *numbering = make_numbering();
    struct definition definition = make_definition(0);
    cr_assert_eq(numbering_learn(numbering, ENTRY_COMPETITION, &definition), ERROR_NONE);
    struct definition node = {.number = 0, .key = "somebody"};
    cr_assert_eq(numbering_learn(numbering, ENTRY_NODE, &node), ERROR_NONE);
    struct registry *registry = make_registry("a", 2, 1);
    assign(numbering, registry);
    cr_assert(registry->competitions[0].number == 0 && registry->competitions[1].number == 1);
    cr_assert_eq(registry->nodes[0].number, 1);
    registry_release(registry);
    free(numbering);
}

/* A number may have been given and taken back before the journal heard of it. */
Test(numbering, a_number_left_out_is_not_given_again) {
    struct numbering *numbering = make_numbering();
    struct definition later = make_definition(1);
    cr_assert_eq(numbering_learn(numbering, ENTRY_COMPETITION, &later), ERROR_NONE);
    cr_assert_eq(numbering->competition_count, 2);
    struct registry *registry = make_registry("a", 1, 0);
    assign(numbering, registry);
    cr_assert_eq(registry->competitions[0].number, 2);
    registry_release(registry);
    struct definition earlier = make_definition(0);
    cr_assert_eq(numbering_learn(numbering, ENTRY_COMPETITION, &earlier), ERROR_NONE);
    earlier.statuses = 0x3F;
    cr_assert_eq(numbering_learn(numbering, ENTRY_COMPETITION, &earlier), ERROR_NONE);
    cr_assert(numbering->competition_count == 3 && numbering->competitions[0].statuses == 0x3F);
    free(numbering);
}

Test(numbering, definitions_beyond_the_limits_are_damage) {
    struct numbering *numbering = make_numbering();
    for (uint16_t i = 0; i < COMPETITIONS_MAX; i++) {
        struct definition definition = make_definition(i);
        cr_assert_eq(numbering_learn(numbering, ENTRY_COMPETITION, &definition), ERROR_NONE);
    }
    struct definition beyond = make_definition(COMPETITIONS_MAX);
    cr_assert_eq(numbering_learn(numbering, ENTRY_COMPETITION, &beyond), ERROR_DAMAGED);
    for (uint16_t i = 0; i < NODES_MAX; i++) {
        struct definition definition = make_definition(i);
        cr_assert_eq(numbering_learn(numbering, ENTRY_NODE, &definition), ERROR_NONE);
    }
    beyond = make_definition(NODES_MAX);
    cr_assert_eq(numbering_learn(numbering, ENTRY_NODE, &beyond), ERROR_DAMAGED);
    free(numbering);
}

/* ---- what the configuration may not do ---- */

Test(numbering, the_first_day_cannot_change) {
    struct numbering *numbering = make_numbering();
    struct registry *registry = make_registry("a", 2, 1);
    assign(numbering, registry);
    registry->competitions[1].first_day++;
    expect_refused(numbering, registry, ERROR_CONFIGURATION, "2021-04-02");
    registry->competitions[1].first_day--;
    assign(numbering, registry);
    registry_release(registry);
    free(numbering);
}

Test(numbering, a_status_keeps_whether_it_counts) {
    struct numbering *numbering = make_numbering();
    struct registry *registry = make_registry("a", 1, 1);
    struct competition *competition = &registry->competitions[0];
    assign(numbering, registry);
    for (unsigned code = 0; code < 5; code++) {
        snprintf(competition->statuses[code].key, sizeof competition->statuses[code].key, "status-%u", code);
        competition->counts ^= (uint16_t)(1u << code);
        char text[32];
        snprintf(text, sizeof text, "status-%u (code %u)", code, code);
        expect_refused(numbering, registry, ERROR_CONFIGURATION, text);
        competition->counts ^= (uint16_t)(1u << code);
    }
    assign(numbering, registry);
    registry_release(registry);
    free(numbering);
}

Test(numbering, a_status_cannot_be_taken_away) {
    struct numbering *numbering = make_numbering();
    struct registry *registry = make_registry("a", 1, 1);
    struct competition *competition = &registry->competitions[0];
    assign(numbering, registry);
    for (unsigned code = 0; code < 5; code++) {
        competition->status_mask &= (uint16_t) ~(1u << code);
        competition->counts &= competition->status_mask;
        char text[32];
        snprintf(text, sizeof text, "code %u", code);
        expect_refused(numbering, registry, ERROR_CONFIGURATION, text);
        competition->status_mask = 0x1F;
        competition->counts = 0x0E;
    }
    registry_release(registry);
    free(numbering);
}

Test(numbering, statuses_can_be_added_counting_or_not_and_then_bind) {
    struct numbering *numbering = make_numbering();
    struct registry *registry = make_registry("a", 1, 1);
    struct competition *competition = &registry->competitions[0];
    assign(numbering, registry);
    competition->status_mask |= 1 << 15 | 1 << 5;
    competition->counts |= 1 << 15;
    assign(numbering, registry);
    cr_assert(numbering->competitions[0].statuses == 0x803F && numbering->competitions[0].counts == 0x800E);
    competition->counts |= 1 << 5;
    expect_refused(numbering, registry, ERROR_CONFIGURATION, "code 5");
    registry_release(registry);
    free(numbering);
}

/* The new ones before the one that contradicts are not learnt either. */
Test(numbering, what_contradicts_is_refused_as_a_whole) {
    struct numbering *numbering = make_numbering();
    struct registry *known = make_registry("z", 1, 0);
    assign(numbering, known);
    struct registry *registry = make_registry("a", 3, 5);
    registry->competitions[2] = known->competitions[0];
    registry->competitions[2].first_day++;
    expect_refused(numbering, registry, ERROR_CONFIGURATION, "z-0");
    cr_assert(numbering->competition_count == 1 && numbering->node_count == 0);
    registry_release(known);
    registry_release(registry);
    free(numbering);
}

Test(numbering, there_are_only_so_many_numbers) {
    struct numbering *numbering = make_numbering();
    struct registry *full = make_registry("a", COMPETITIONS_MAX, NODES_MAX);
    assign(numbering, full);
    cr_assert_eq(full->nodes[NODES_MAX - 1].number, NODES_MAX - 1);
    assign(numbering, full);
    struct registry *competition = make_registry("b", 1, 0);
    struct registry *node = make_registry("b", 0, 1);
    expect_refused(numbering, competition, ERROR_LIMIT, "256");
    expect_refused(numbering, node, ERROR_LIMIT, "4096");
    registry_release(full);
    registry_release(competition);
    registry_release(node);
    free(numbering);
}
