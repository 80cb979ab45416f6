#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config.h"
#include "folder.h"

static struct folder folder;
static char path[FOLDER_PATH_BYTES];
static struct config *current;

#define HEAD \
    "key = metro\ntitle-zh = A\ntitle-en = A\nplace-zh = A\nplace-en = A\nlast-day = 2026-12-31\nregions = {33}\n"
#define PERIOD "first-day = 2026-01-01\n"
#define CATEGORIES "category a { code = 0 zh = A en = A }\ncategory b { code = 1 zh = B en = B }\n"
#define STATUSES \
    "status a { code = 0 zh = A en = A counts = true }\nstatus b { code = 5 zh = B en = B counts = false }\n"
#define NODE "node a { title-zh = A title-en = A regions = {33} }\n"

static struct config *load(const char *settings, const char *competition) {
    struct fault fault = {0};
    folder_write(&folder, "tallyd.conf", settings);
    folder_write(&folder, "competitions/metro.conf", competition);
    struct config *config = config_load(path, &fault);
    cr_assert_not_null(config, "%s", fault.text);
    return config;
}

static void enter(void) {
    folder_init(&folder);
    folder_join(&folder, "tallyd.conf", path);
    folder_make(&folder, "competitions");
    current = load(NODE, HEAD PERIOD CATEGORIES STATUSES);
}

static void leave(void) {
    config_destroy(current);
    folder_fini(&folder);
}

TestSuite(config_change, .init = enter, .fini = leave);

static void expect_allowed(struct config *next) {
    struct fault fault = {0};
    cr_assert_eq(config_check_change(current, next, &fault), ERROR_NONE, "%s", fault.text);
    cr_assert_eq(fault.error, ERROR_NONE);
    config_destroy(next);
}

/* expected without the folder. */
static void expect_refused(struct config *next, const char *expected) {
    struct fault fault = {0};
    cr_assert_eq(config_check_change(current, next, &fault), ERROR_CONFIGURATION, "%s", expected);
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_str_eq(fault.text + strlen(folder.path) + 1, expected);
    config_destroy(next);
}

Test(config_change, what_a_reload_takes_up_may_change) {
    expect_allowed(load(NODE, HEAD PERIOD CATEGORIES STATUSES));
    expect_allowed(load("log-level = debug\nnode b { title-zh = B title-en = B regions = {31, 32} }\n",
                        HEAD PERIOD CATEGORIES STATUSES));
    expect_allowed(load("",
                        "key = metro\ntitle-zh = B\ntitle-en = B\nplace-zh = B\nplace-en = B\nlast-day = 2027-12-31\n"
                        "regions = {31}\ntargets { projects = 1 }\n" PERIOD CATEGORIES STATUSES
                        "category c { code = 9 zh = C en = C }\nstatus c { code = 9 zh = C en = C counts = true }\n"));
}

Test(config_change, a_competition_may_be_added_and_the_folder_moved) {
    folder_make(&folder, "other");
    folder_write(&folder, "other/metro.conf", HEAD PERIOD CATEGORIES STATUSES);
    folder_copy(&folder, "other/csj-2021.conf", SOURCE_DIRECTORY "/competitions/csj-2021.conf");
    expect_allowed(load("competitions-directory = other\n", HEAD PERIOD CATEGORIES STATUSES));
}

Test(config_change, each_setting_that_needs_a_restart_is_named) {
    static const char *const lines[][2] = {
        {"data-directory", "data-directory = x\n"},
        {"ingest-endpoint", "ingest-endpoint = tcp://127.0.0.1:1\n"},
        {"totals-endpoint", "totals-endpoint = tcp://127.0.0.1:1\n"},
        {"query-endpoint", "query-endpoint = tcp://127.0.0.1:1\n"},
        {"window", "window = 31\n"},
        {"batch-slots", "batch-slots = 32\n"},
        {"group-size-mib", "group-size-mib = 15\n"},
        {"publish-interval-ms", "publish-interval-ms = 51\n"},
        {"projects-max", "projects-max = 1\n"},
        {"segment-size-mib", "segment-size-mib = 1\n"},
        {"disk-reserve-mib", "disk-reserve-mib = 16\n"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char expected[128];
        snprintf(expected, sizeof expected,
                 "tallyd.conf: changed, but read only at start: %s; restart, or put them back", lines[i][0]);
        expect_refused(load(lines[i][1], HEAD PERIOD CATEGORIES STATUSES), expected);
    }
    expect_refused(load("window = 3\nlog-level = debug\ndata-directory = x\n", HEAD PERIOD CATEGORIES STATUSES),
                   "tallyd.conf: changed, but read only at start: data-directory, window; restart, or put them back");
}

Test(config_change, a_competition_may_not_go) {
    folder_make(&folder, "other");
    folder_copy(&folder, "other/csj-2021.conf", SOURCE_DIRECTORY "/competitions/csj-2021.conf");
    expect_refused(load("competitions-directory = other\n", HEAD PERIOD CATEGORIES STATUSES),
                   "other: competition metro is gone, but its projects are counted; put its file back, or restart");
}

Test(config_change, the_first_day_stays) {
    expect_refused(load("", HEAD "first-day = 2026-01-02\n" CATEGORIES STATUSES),
                   "competitions/metro.conf: first-day must stay 2026-01-01: the curve since the start hangs on it");
}

Test(config_change, a_status_keeps_whether_it_counts) {
    expect_refused(
        load("", HEAD PERIOD CATEGORIES "status a { code = 0 zh = A en = A counts = true }\n"
                                        "status b { code = 5 zh = B en = B counts = true }\n"),
        "competitions/metro.conf: status 'b' must keep counts = false, as totals were published with it; define "
        "another one for what is to count otherwise");
    expect_refused(
        load("", HEAD PERIOD CATEGORIES "status a { code = 0 zh = A en = A counts = false }\n"
                                        "status b { code = 5 zh = B en = B counts = false }\n"
                                        "status c { code = 6 zh = C en = C counts = true }\n"),
        "competitions/metro.conf: status 'a' must keep counts = true, as totals were published with it; define "
        "another one for what is to count otherwise");
}

Test(config_change, codes_keep_their_meaning) {
    expect_refused(load("", HEAD PERIOD CATEGORIES "status a { code = 0 zh = A en = A counts = true }\n"),
                   "competitions/metro.conf: status 'b' (code 5) is gone, but projects may have it; put it back");
    expect_refused(load("", HEAD PERIOD "category a { code = 0 zh = A en = A }\n" STATUSES),
                   "competitions/metro.conf: category 'b' (code 1) is gone, but projects may have it; put it back");
    expect_refused(
        load("", HEAD PERIOD "category a { code = 0 zh = A en = A }\ncategory c { code = 1 zh = B en = B }\n" STATUSES),
        "competitions/metro.conf: category code 1 was 'b' and is now 'c'; give the new one a code that was "
        "never used");
}
