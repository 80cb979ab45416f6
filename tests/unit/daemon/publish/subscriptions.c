#include "daemon/publish/subscriptions.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proto/limits.h"

static enum subscription_match match(struct subscriptions *subscriptions, const char *topic) {
    return subscriptions_match(subscriptions, topic, strlen(topic));
}

static bool add(struct subscriptions *subscriptions, const char *prefix) {
    return subscriptions_add(subscriptions, prefix, strlen(prefix));
}

Test(subscriptions, a_prefix_matches_what_it_begins) {
    struct subscriptions *subscriptions = subscriptions_create(1);
    cr_assert(add(subscriptions, "csj-2021/33"));
    cr_assert(add(subscriptions, "csj-2021/320000"));
    cr_assert_eq(match(subscriptions, "csj-2021/330106"), SUBSCRIPTION_FRESH);
    cr_assert_eq(match(subscriptions, "csj-2021/320000"), SUBSCRIPTION_FRESH);
    cr_assert_eq(match(subscriptions, "csj-2021/320100"), SUBSCRIPTION_NONE);
    cr_assert_eq(match(subscriptions, "csj-2022/330106"), SUBSCRIPTION_NONE);
    cr_assert_eq(match(subscriptions, "csj-2021/3"), SUBSCRIPTION_NONE);
    subscriptions_destroy(subscriptions);
}

Test(subscriptions, the_empty_prefix_matches_everything) {
    struct subscriptions *subscriptions = subscriptions_create(1);
    cr_assert_eq(match(subscriptions, "a/000000"), SUBSCRIPTION_NONE);
    cr_assert(add(subscriptions, ""));
    cr_assert_eq(match(subscriptions, "a/000000"), SUBSCRIPTION_FRESH);
    subscriptions_remove(subscriptions, "", 0);
    cr_assert_eq(match(subscriptions, "a/000000"), SUBSCRIPTION_NONE);
    subscriptions_destroy(subscriptions);
}

Test(subscriptions, fresh_until_settled_and_again_when_it_comes_again) {
    struct subscriptions *subscriptions = subscriptions_create(1);
    add(subscriptions, "a/33");
    subscriptions_settle(subscriptions);
    cr_assert_eq(match(subscriptions, "a/330106"), SUBSCRIPTION_WANTED);
    add(subscriptions, "a/33");
    cr_assert_eq(subscriptions_count(subscriptions), 1);
    cr_assert_eq(match(subscriptions, "a/330106"), SUBSCRIPTION_FRESH);
    subscriptions_settle(subscriptions);
    add(subscriptions, "a/3301");
    cr_assert_eq(match(subscriptions, "a/330200"), SUBSCRIPTION_WANTED);
    cr_assert_eq(match(subscriptions, "a/330106"), SUBSCRIPTION_FRESH);
    subscriptions_destroy(subscriptions);
}

Test(subscriptions, a_prefix_longer_than_any_topic_is_left_out) {
    struct subscriptions *subscriptions = subscriptions_create(1);
    char longest[TOPIC_BYTES_MAX + 1];
    memset(longest, 'x', sizeof longest);
    cr_assert(subscriptions_add(subscriptions, longest, TOPIC_BYTES_MAX + 1));
    cr_assert_eq(subscriptions_count(subscriptions), 0);
    subscriptions_remove(subscriptions, longest, TOPIC_BYTES_MAX + 1);
    cr_assert(subscriptions_add(subscriptions, longest, TOPIC_BYTES_MAX));
    cr_assert_eq(subscriptions_match(subscriptions, longest, TOPIC_BYTES_MAX), SUBSCRIPTION_FRESH);
    subscriptions_destroy(subscriptions);
}

static size_t numbered(char *buffer, size_t size, unsigned number) {
    return (size_t)snprintf(buffer, size, "k/%u", number);
}

Test(subscriptions, the_bound_holds_and_room_comes_back) {
    struct subscriptions *subscriptions = subscriptions_create(7);
    char prefix[16];
    for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++) {
        cr_assert(subscriptions_add(subscriptions, prefix, numbered(prefix, sizeof prefix, i)));
    }
    cr_assert_not(subscriptions_add(subscriptions, "late", 4));
    cr_assert(add(subscriptions, "k/0"), "one that is there needs no room");
    subscriptions_remove(subscriptions, "k/17", 4);
    cr_assert(subscriptions_add(subscriptions, "late", 4));
    cr_assert_eq(subscriptions_count(subscriptions), SUBSCRIPTIONS_MAX);
    subscriptions_destroy(subscriptions);
}

/* Against a plain array of flags: removing must never lose a neighbour of the same run of slots. */
Test(subscriptions, random_adding_and_removing_keeps_exactly_what_is_there) {
    enum { NAMES = 3000, STEPS = 200000 };
    static bool there[NAMES];
    struct subscriptions *subscriptions = subscriptions_create(42);
    uint64_t random = 20211028;
    size_t count = 0;
    char prefix[16];
    for (int step = 0; step < STEPS; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned number = (unsigned)(random >> 33) % NAMES;
        size_t size = numbered(prefix, sizeof prefix, number + 10000);
        bool adds = (random >> 20 & 3) != 0;
        count += (size_t)adds - (size_t)there[number];
        there[number] = adds;
        if (adds) {
            cr_assert(subscriptions_add(subscriptions, prefix, size));
        } else {
            subscriptions_remove(subscriptions, prefix, size);
        }
        cr_assert_eq(subscriptions_count(subscriptions), count);
    }
    for (unsigned number = 0; number < NAMES; number++) {
        size_t size = numbered(prefix, sizeof prefix, number + 10000);
        cr_assert_eq(subscriptions_match(subscriptions, prefix, size) != SUBSCRIPTION_NONE, there[number]);
    }
    subscriptions_destroy(subscriptions);
}
