#include <criterion/criterion.h>
#include <string.h>
#include <zmq.h>

#include "peer.h"
#include "rows.h"
#include "tally.pb-c.h"

static struct peer daemon_end;
static _Atomic unsigned totals_told;
static _Atomic unsigned fresh_told;
static _Atomic unsigned stale_told;
static _Atomic uint64_t last_projects;

static void on_totals(void *context, const struct tally_watch_region *region) {
    (void)context;
    last_projects = region->totals.projects;
    totals_told++;
}

static void on_state(void *context, const struct tally_watch_state *state) {
    (void)context;
    if (state->connected) {
        fresh_told++;
    } else {
        stale_told++;
    }
}

static void set_up(void) {
    peer_open(&daemon_end, ZMQ_XPUB);
}

static void tear_down(void) {
    peer_close(&daemon_end);
}

TestSuite(watcher, .init = set_up, .fini = tear_down, .timeout = 60);

static struct tally_watcher *open_watcher(uint32_t stale_ms) {
    static const char *const prefixes[] = {"33"};
    char message[256] = "";
    struct tally_watcher *watcher = NULL;
    struct tally_watcher_options options = {.endpoint = daemon_end.endpoint,
                                            .competition = ROWS_COMPETITION,
                                            .prefixes = prefixes,
                                            .prefix_count = 1,
                                            .stale_ms = stale_ms,
                                            .on_totals = on_totals,
                                            .on_state = on_state};
    cr_assert_eq(tally_watcher_open(&options, &watcher, message), TALLY_OK, "%s", message);
    peer_expect_subscription(&daemon_end, "heartbeat");
    peer_expect_subscription(&daemon_end, "csj-2021/33");
    return watcher;
}

static void publish(uint64_t epoch, uint32_t region, uint64_t version, uint64_t projects) {
    Tally__Totals totals = TALLY__TOTALS__INIT;
    char competition[] = ROWS_COMPETITION;
    char topic[32];
    uint32_t code = 1;
    uint64_t count = projects;
    int64_t figure = 5;
    totals.competition = competition;
    totals.region = region;
    totals.epoch = epoch;
    totals.version = version;
    totals.projects = projects;
    totals.n_cell_category = totals.n_cell_status = totals.n_cell_projects = totals.n_cell_contract_value = 1;
    totals.n_cell_participants = totals.n_cell_migrant_participants = 1;
    totals.cell_category = totals.cell_status = &code;
    totals.cell_projects = &count;
    totals.cell_contract_value = totals.cell_participants = totals.cell_migrant_participants = &figure;
    snprintf(topic, sizeof topic, "%s/%06u", competition, region);
    peer_publish(&daemon_end, topic, MESSAGE_TOTALS, &totals.base);
}

static void beat(uint64_t epoch, uint64_t version) {
    Tally__Heartbeat message = TALLY__HEARTBEAT__INIT;
    message.epoch = epoch;
    message.version = version;
    message.time_ms = 123;
    peer_publish(&daemon_end, "heartbeat", MESSAGE_HEARTBEAT, &message.base);
}

Test(watcher, keeps_a_mirror_and_tells_of_changes) {
    struct tally_watcher *watcher = open_watcher(0);
    struct tally_watch_region region;
    struct tally_watch_state state;
    struct tally_watch_cell cells[4];
    tally_watcher_state(watcher, &state);
    cr_assert(!state.connected);
    cr_assert_eq(state.age_ms, -1);
    cr_assert(!tally_watcher_get(watcher, 330000, &region, cells, 4));
    publish(9, 330000, 5, 50);
    PEER_UNTIL(totals_told == 1);
    cr_assert_eq(last_projects, 50);
    cr_assert_eq(fresh_told, 1);
    publish(9, 330000, 5, 51);
    publish(9, 330000, 4, 40);
    publish(9, 330100, 6, 6);
    PEER_UNTIL(totals_told == 2);
    cr_assert(tally_watcher_get(watcher, 330000, &region, cells, 4));
    cr_assert_eq(region.totals.projects, 50);
    cr_assert_eq(region.cell_count, 1);
    cr_assert_eq(cells[0].totals.participants, 5);
    cr_assert_eq(tally_watcher_regions(watcher, &region, 1), 2);
    beat(9, 8);
    PEER_UNTIL((tally_watcher_state(watcher, &state), state.version == 8));
    cr_assert(state.connected);
    cr_assert_eq(state.epoch, 9);
    cr_assert_eq(state.time_ms, 123);
    cr_assert_geq(state.age_ms, 0);
    tally_watcher_close(&watcher);
    cr_assert_null(watcher);
}

Test(watcher, tells_that_it_is_stale_and_that_it_is_fresh_again) {
    struct tally_watcher *watcher = open_watcher(50);
    beat(9, 1);
    PEER_UNTIL(fresh_told == 1);
    PEER_UNTIL(stale_told == 1);
    beat(9, 2);
    PEER_UNTIL(fresh_told == 2);
    tally_watcher_close(&watcher);
}

Test(watcher, heals_when_the_daemon_comes_back_with_another_epoch) {
    struct tally_watcher *watcher = open_watcher(0);
    struct tally_watch_region region;
    publish(9, 330000, 5, 50);
    publish(9, 330100, 5, 50);
    PEER_UNTIL(totals_told == 2);
    peer_down(&daemon_end);
    peer_up(&daemon_end);
    peer_expect_subscription(&daemon_end, "csj-2021/33");
    peer_expect_subscription(&daemon_end, "heartbeat");
    publish(10, 330000, 1, 7);
    PEER_UNTIL(tally_watcher_get(watcher, 330000, &region, NULL, 0) && region.totals.projects == 7);
    cr_assert(!tally_watcher_get(watcher, 330100, &region, NULL, 0), "of another epoch");
    PEER_UNTIL(fresh_told == 2);
    tally_watcher_close(&watcher);
}

Test(watcher, ignores_what_is_not_meant_for_it_or_is_broken) {
    struct tally_watcher *watcher = open_watcher(0);
    Tally__Totals totals = TALLY__TOTALS__INIT;
    char other[] = "other";
    char ours[] = ROWS_COMPETITION;
    uint32_t code = 1;
    totals.competition = other;
    totals.version = 1;
    peer_publish(&daemon_end, "csj-2021/330000", MESSAGE_TOTALS, &totals.base);
    totals.competition = ours;
    totals.n_cell_category = 1;
    totals.cell_category = &code;
    peer_publish(&daemon_end, "csj-2021/330000", MESSAGE_TOTALS, &totals.base);
    zmq_send(daemon_end.socket, "csj-2021/330000", 15, ZMQ_SNDMORE);
    zmq_send(daemon_end.socket, "T1", 2, 0);
    zmq_send(daemon_end.socket, "csj-2021/330000", 15, 0);
    publish(9, 330000, 5, 50);
    PEER_UNTIL(totals_told == 1);
    cr_assert_eq(last_projects, 50);
    tally_watcher_close(&watcher);
}

/* libzmq drops subscriptions that do not fit the socket's queue, without a word. */
Test(watcher, subscribes_to_as_many_prefixes_as_it_takes) {
    static char digits[TALLY_PREFIXES_MAX][7];
    static const char *prefixes[TALLY_PREFIXES_MAX + 1];
    for (unsigned i = 0; i < TALLY_PREFIXES_MAX; i++) {
        snprintf(digits[i], sizeof digits[i], "%06u", 330000 + i);
        prefixes[i] = digits[i];
    }
    prefixes[TALLY_PREFIXES_MAX] = "34";
    struct tally_watcher *watcher = NULL;
    struct tally_watcher_options options = {.endpoint = daemon_end.endpoint,
                                            .competition = ROWS_COMPETITION,
                                            .prefixes = prefixes,
                                            .prefix_count = TALLY_PREFIXES_MAX};
    cr_assert_eq(tally_watcher_open(&options, &watcher, NULL), TALLY_OK);
    peer_expect_subscription(&daemon_end, "heartbeat");
    for (unsigned i = 0; i < TALLY_PREFIXES_MAX; i++) {
        char topic[32];
        snprintf(topic, sizeof topic, "csj-2021/%.6s", digits[i]);
        peer_expect_subscription(&daemon_end, topic);
    }
    tally_watcher_close(&watcher);
    options.prefix_count++;
    cr_assert_eq(tally_watcher_open(&options, &watcher, NULL), TALLY_INVALID);
}

Test(watcher, does_not_open_with_wrong_options) {
    static const char *const wrong[] = {"33a"};
    static const char *const long_one[] = {"3301060"};
    char message[256];
    struct tally_watcher *watcher = NULL;
    struct tally_watcher_options options = {.endpoint = "nowhere", .competition = ROWS_COMPETITION};
    cr_assert_eq(tally_watcher_open(&options, &watcher, message), TALLY_INVALID);
    options.endpoint = daemon_end.endpoint;
    options.competition = "Not A Key";
    cr_assert_eq(tally_watcher_open(&options, &watcher, message), TALLY_INVALID);
    options.competition = ROWS_COMPETITION;
    options.prefixes = wrong;
    options.prefix_count = 1;
    cr_assert_eq(tally_watcher_open(&options, &watcher, message), TALLY_INVALID);
    options.prefixes = long_one;
    cr_assert_eq(tally_watcher_open(&options, &watcher, NULL), TALLY_INVALID);
    tally_watcher_close(&watcher);
}
