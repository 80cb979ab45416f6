#include "daemon/publish/publisher.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "proto/frame.h"
#include "rig.h"

static void expect_silence(void *subscriber, const char *beside) {
    struct heard heard;
    while (rig_hear(subscriber, &heard, 150)) {
        cr_assert(beside != NULL && strcmp(heard.topic, beside) == 0, "heard %s", heard.topic);
        heard_free(&heard);
    }
}

Test(publisher, who_joins_late_gets_the_present_totals_of_everything_that_matches) {
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, 0);
    rig_publish(&rig, 1, 330106, 3);
    rig_publish(&rig, 2, 330203, 4);
    rig_publish(&rig, 3, 310101, 8);
    cr_assert(publisher_drain(rig.publisher, 3, RIG_DEADLINE_MS));
    void *subscriber = rig_subscribe(&rig, "csj-2021/33");
    unsigned seen = 0;
    while (seen < 5) {
        struct heard heard;
        cr_assert(rig_hear(subscriber, &heard, RIG_DEADLINE_MS));
        static const struct {
            const char *topic;
            uint64_t projects;
        } wanted[] = {{"csj-2021/330000", 7},
                      {"csj-2021/330100", 3},
                      {"csj-2021/330106", 3},
                      {"csj-2021/330200", 4},
                      {"csj-2021/330203", 4}};
        bool known = false;
        for (size_t i = 0; i < 5; i++) {
            if (strcmp(heard.topic, wanted[i].topic) == 0) {
                cr_assert_eq(heard.totals->projects, wanted[i].projects);
                known = true;
            }
        }
        cr_assert(known, "%s was not asked for", heard.topic);
        cr_assert_eq(heard.totals->epoch, RIG_EPOCH);
        cr_assert_eq(heard.totals->version, 3);
        cr_assert_str_eq(heard.totals->competition, "csj-2021");
        cr_assert_eq(heard.totals->contract_value, (int64_t)heard.totals->projects * 100);
        cr_assert_eq(heard.totals->n_cell_projects, 1);
        cr_assert_gt(heard.totals->time_ms, 1600000000000);
        heard_free(&heard);
        seen++;
    }
    expect_silence(subscriber, "csj-2021/330000"); /* which a refresh may send again */
    zmq_close(subscriber);
    rig_close(&rig);
}

Test(publisher, a_change_reaches_exactly_the_topics_above_it_at_once_when_idle) {
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, 2000000); /* were it to wait for an interval, it would be seconds */
    void *all = rig_subscribe(&rig, "csj-2021/000000");
    void *city = rig_subscribe(&rig, "csj-2021/3301");
    void *other = rig_subscribe(&rig, "csj-2021/31");
    rig_publish(&rig, 1, 330106, 1);
    int64_t before_ns = clock_monotonic_ns();
    rig_hear_until(all, "csj-2021/000000", 1);
    cr_assert_lt(clock_monotonic_ns() - before_ns, INT64_C(4000000000));
    rig_hear_until(city, "csj-2021/330100", 1);
    expect_silence(other, NULL);
    zmq_close(all);
    zmq_close(city);
    zmq_close(other);
    rig_close(&rig);
}

Test(publisher, beats_each_second_with_its_version) {
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, 0);
    void *subscriber = rig_subscribe(&rig, TOPIC_HEARTBEAT);
    rig_publish(&rig, 41, 330106, 1);
    struct heard heard;
    uint64_t last_ms = 0;
    for (int i = 0; i < 3; i++) {
        cr_assert(rig_hear(subscriber, &heard, RIG_DEADLINE_MS));
        cr_assert_str_eq(heard.topic, TOPIC_HEARTBEAT);
        cr_assert_eq(heard.heartbeat->epoch, RIG_EPOCH);
        cr_assert(i == 0 || heard.heartbeat->version == 41);
        cr_assert(i == 0 || heard.heartbeat->time_ms - last_ms >= 900, "%lu", heard.heartbeat->time_ms - last_ms);
        last_ms = heard.heartbeat->time_ms;
        heard_free(&heard);
    }
    zmq_close(subscriber);
    rig_close(&rig);
}

/* The ledger answers as fast as it is asked; what is published keeps to the interval, in order, and ends right. */
Test(publisher, many_changes_are_conflated_and_versions_never_go_back) {
    enum { INTERVAL_MS = 50, RUN_MS = 1000 };
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, INTERVAL_MS * 1000);
    void *subscriber = rig_subscribe(&rig, "csj-2021/000000");
    rig_publish(&rig, 1, 330106, 1);
    rig_hear_until(subscriber, "csj-2021/000000", 1);
    int64_t start_ns = clock_monotonic_ns();
    uint64_t version = 1;
    while (clock_monotonic_ns() - start_ns < RUN_MS * INT64_C(1000000)) {
        version += 10;
        rig_publish(&rig, version, 330106, (int64_t)version);
    }
    cr_assert(rig_wanted(&rig, RIG_DEADLINE_MS)); /* the last one was published */
    int64_t ran_ms = (clock_monotonic_ns() - start_ns) / 1000000;
    uint64_t last = 1;
    int heard_count = 0;
    struct heard heard;
    while (last < version) {
        cr_assert(rig_hear(subscriber, &heard, RIG_DEADLINE_MS));
        cr_assert_geq(heard.totals->version, last);
        cr_assert_eq(heard.totals->projects, heard.totals->version);
        last = heard.totals->version;
        heard_count++;
        heard_free(&heard);
    }
    cr_assert_leq(heard_count, ran_ms / INTERVAL_MS + 1);
    cr_assert_gt(heard_count, 2);
    zmq_close(subscriber);
    rig_close(&rig);
}

Test(publisher, what_nobody_subscribes_to_is_not_packed) {
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, 1000);
    void *subscriber = rig_subscribe(&rig, "csj-2021/330106");
    rig_publish(&rig, 1, 330106, 1);
    rig_publish(&rig, 2, 310101, 1);
    rig_hear_until(subscriber, "csj-2021/330106", 1);
    zmq_setsockopt(subscriber, ZMQ_UNSUBSCRIBE, "csj-2021/330106", strlen("csj-2021/330106"));
    zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "csj-2021/310000", strlen("csj-2021/310000"));
    rig_hear_until(subscriber, "csj-2021/310000", 1); /* so the end of the other was taken too */
    uint64_t before = counter_read(COUNTER_PUBLISH_MESSAGES);
    for (int64_t i = 0; i < 100; i++) {
        rig_publish(&rig, 3 + (uint64_t)i, 330106, 2 + i);
    }
    rig_publish(&rig, 200, 310101, 2);
    rig_hear_until(subscriber, "csj-2021/310000", 2);
    cr_assert_leq(counter_read(COUNTER_PUBLISH_MESSAGES) - before, 4, "the one, and perhaps a refresh or two");
    zmq_close(subscriber);
    rig_close(&rig);
}

Test(publisher, a_subscriber_that_sleeps_holds_up_nobody_and_gets_the_next_totals) {
    enum { REGIONS = 400, ROUNDS = 150 };
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, 100);
    void *sleeper = zmq_socket(rig.zmq, ZMQ_SUB);
    int option = 1;
    zmq_setsockopt(sleeper, ZMQ_RCVHWM, &option, sizeof option);
    option = 4096;
    zmq_setsockopt(sleeper, ZMQ_RCVBUF, &option, sizeof option);
    zmq_connect(sleeper, rig.endpoint);
    zmq_setsockopt(sleeper, ZMQ_SUBSCRIBE, "csj-2021/", strlen("csj-2021/"));
    void *awake = rig_subscribe(&rig, "csj-2021/000000");
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        cr_assert(rig_wanted(&rig, RIG_DEADLINE_MS));
        rig.exchange.snapshot.cell_count = 0;
        for (uint32_t i = 0; i < REGIONS; i++) {
            rig_cell(&rig, 330000 + 100 * (i / 90 + 1) + i % 90 + 1, (int64_t)round);
        }
        rig_offer(&rig, round);
    }
    rig_hear_until(awake, "csj-2021/000000", REGIONS * ROUNDS);
    cr_assert_gt(counter_read(COUNTER_PUBLISH_MESSAGES), 16384 * 2, "the sleeper's queue must have been full");
    rig_publish(&rig, ROUNDS + 1, 310101, 7);
    cr_assert(publisher_drain(rig.publisher, ROUNDS + 1, RIG_DEADLINE_MS));
    struct heard heard;
    size_t behind = 0;
    while (rig_hear(sleeper, &heard, 300)) { /* what was queued before it overflowed */
        behind++;
        heard_free(&heard);
    }
    cr_assert_lt(behind, REGIONS * ROUNDS);
    rig_publish(&rig, ROUNDS + 2, 310101, 8);
    rig_hear_until(sleeper, "csj-2021/310000", 8);
    option = 0;
    zmq_setsockopt(sleeper, ZMQ_LINGER, &option, sizeof option);
    zmq_close(sleeper);
    zmq_close(awake);
    rig_close(&rig);
}

Test(publisher, what_was_offered_before_the_stop_is_published) {
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, 60000000);
    rig_publish(&rig, 1, 330106,
                1); /* before anybody subscribes: that would be answered first, and the interval begin */
    cr_assert_not(publisher_drain(rig.publisher, 2, 0));
    void *subscriber = rig_subscribe(&rig, "");
    rig_hear_until(subscriber, "csj-2021/330106", 1);
    rig_publish(&rig, 2, 330106, 2); /* wanted at once, whatever the interval */
    cr_assert(publisher_drain(rig.publisher, 2, RIG_DEADLINE_MS));
    cr_assert_eq(publisher_version(rig.publisher), 2);
    rig_publish(&rig, 3, 330106, 3);
    publisher_stop(&rig.publisher);
    rig_hear_until(subscriber, "csj-2021/330106", 3);
    struct heard heard;
    uint64_t beaten = 0;
    while (rig_hear(subscriber, &heard, 100)) {
        beaten = heard.heartbeat != NULL ? heard.heartbeat->version : beaten;
        heard_free(&heard);
    }
    cr_assert_eq(beaten, 3, "the last heartbeat tells the last version");
    zmq_close(subscriber);
    rig_close(&rig);
}

Test(publisher, starts_with_what_the_exchange_holds) {
    static struct rig rig;
    rig_open(&rig);
    rig_cell(&rig, 330106, 780);
    rig_offer(&rig, 812);
    rig_start(&rig, 0);
    cr_assert_eq(publisher_version(rig.publisher), 812);
    void *subscriber = rig_subscribe(&rig, "csj-2021/000000");
    cr_assert_eq(rig_hear_until(subscriber, "csj-2021/000000", 780), 812);
    zmq_close(subscriber);
    rig_close(&rig);
}

/* Who comes between two publications is answered; the next change then waits for the first of them only. */
Test(publisher, what_is_new_does_not_wait_for_what_was_sent_again) {
    enum { INTERVAL_MS = 3000 };
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, INTERVAL_MS * 1000);
    int64_t start_ns = clock_monotonic_ns();
    rig_publish(&rig, 1, 330106, 1);
    void *subscriber = rig_subscribe(&rig, "csj-2021/330106");
    rig_hear_until(subscriber, "csj-2021/330106", 1);
    rig_publish(&rig, 2, 330106, 2);
    rig_hear_until(subscriber, "csj-2021/330106", 2);
    cr_assert_lt(clock_monotonic_ns() - start_ns, 2 * INTERVAL_MS * INT64_C(1000000));
    zmq_close(subscriber);
    rig_close(&rig);
}

Test(publisher, a_reload_brings_a_competition_to_those_who_wait_for_it) {
    static struct rig rig;
    rig_open(&rig);
    registry_release(rig.registry);
    rig.registry = rig_registry(RIG_COMPETITION + 1, "other");
    rig_start(&rig, 1000);
    void *subscriber = rig_subscribe(&rig, "");
    rig_publish(&rig, 1, 330106, 1);
    expect_silence(subscriber, TOPIC_HEARTBEAT);
    struct registry *next = rig_registry(RIG_COMPETITION, "csj-2021");
    registry_offer(&rig.registry_slot, next);
    registry_release(next);
    rig_hear_until(subscriber, "csj-2021/330106", 1);
    zmq_close(subscriber);
    rig_close(&rig);
}

Test(publisher, a_capture_is_a_copy_of_a_version_that_is_late_enough) {
    static struct rig rig;
    char text[ROLLUP_DIFFERENCE_BYTES];
    rig_open(&rig);
    rig_start(&rig, 1000);
    rig_publish(&rig, 1, 330106, 1);
    cr_assert(rig_wanted(&rig, RIG_DEADLINE_MS));
    struct rollup *copy = rollup_create();
    cr_assert_eq(publisher_capture(rig.publisher, copy, 2, 50), ERROR_BUSY);
    cr_assert_eq(rollup_version(copy), 0);
    rig_publish(&rig, 5, 310101, 2);
    cr_assert_eq(publisher_capture(rig.publisher, copy, 2, RIG_DEADLINE_MS), ERROR_NONE);
    cr_assert_eq(rollup_version(copy), 5);

    struct rollup *expected = rollup_create();
    struct snapshot_cell cells[] = {
        {.key = cell_key(RIG_COMPETITION, 330106, 0, 1), .sums = {1, 100, 10, 1}},
        {.key = cell_key(RIG_COMPETITION, 310101, 0, 1), .sums = {2, 200, 20, 2}},
    };
    struct snapshot snapshot = {.version = 5, .projects = 5, .cell_count = 2, .cells = cells};
    cr_assert_eq(rollup_apply(expected, &snapshot), ERROR_NONE);
    cr_assert(rollup_equal(copy, "copy", expected, "expected", text), "%s", text);
    rollup_destroy(copy);
    rollup_destroy(expected);
    rig_close(&rig);
}

Test(publisher, an_endpoint_that_cannot_be_bound_is_a_fault_with_a_text) {
    static struct rig rig;
    rig_open(&rig);
    struct publisher_options options = rig_options(&rig, 0);
    options.endpoint = "ipc:///nowhere/at/all/totals";
    cr_assert_null(publisher_start(&options, rig.registry, &rig.fault));
    cr_assert_eq(rig.fault.error, ERROR_NETWORK);
    cr_assert_not_null(strstr(rig.fault.text, options.endpoint));
    rig_close(&rig);
}

/* Whatever subscribers send that is no subscription is thrown away, and frames behind it are not taken for one. */
Test(publisher, what_is_no_subscription_is_thrown_away) {
    static struct rig rig;
    rig_open(&rig);
    rig_start(&rig, 1000);
    void *rude = zmq_socket(rig.zmq, ZMQ_XSUB);
    int zero = 0;
    zmq_setsockopt(rude, ZMQ_LINGER, &zero, sizeof zero);
    zmq_connect(rude, rig.endpoint);
    zmq_send(rude, "", 0, 0);
    zmq_send(rude, "hello", 5, 0);
    zmq_send(rude, "hello", 5, ZMQ_SNDMORE);
    zmq_send(rude, "\1csj-2021/", 10, 0);
    zmq_send(rude, "\1heartbeat", 10, 0);
    struct heard heard;
    cr_assert(rig_hear(rude, &heard, RIG_DEADLINE_MS));
    heard_free(&heard);
    cr_assert_eq(counter_read(COUNTER_PUBLISH_SUBSCRIPTIONS), 1);
    rig_publish(&rig, 1, 330106, 1);
    rig_publish(&rig, 2, 330106, 2);
    cr_assert(publisher_drain(rig.publisher, 2, RIG_DEADLINE_MS));
    cr_assert_eq(counter_read(COUNTER_PUBLISH_MESSAGES), 0);
    zmq_close(rude);
    rig_close(&rig);
}
