#include "daemon/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"

#define NODE_LINE(name) "node " name " { title-zh = \"甲\" title-en = A regions = {31} }\n"

static struct folder folder;
static char path[FOLDER_PATH_BYTES];

static void enter(void) {
    folder_init(&folder);
    folder_join(&folder, "tallyd.conf", path);
    folder_make(&folder, "competitions");
    folder_copy(&folder, "competitions/csj-2021.conf", SOURCE_DIRECTORY "/competitions/csj-2021.conf");
}

static void leave(void) {
    folder_fini(&folder);
}

TestSuite(config, .init = enter, .fini = leave);

static struct config *load(const char *text) {
    struct fault fault = {0};
    folder_write(&folder, "tallyd.conf", text);
    struct config *config = config_load(path, &fault);
    cr_assert_not_null(config, "%s", fault.text);
    return config;
}

/* expected without the folder. */
static void expect_fault(const char *text, const char *expected) {
    struct fault fault = {0};
    folder_write(&folder, "tallyd.conf", text);
    cr_assert_null(config_load(path, &fault), "%s", text);
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_eq(strncmp(fault.text, folder.path, strlen(folder.path)), 0, "%s", fault.text);
    cr_assert_str_eq(fault.text + strlen(folder.path) + 1, expected);
}

static void expect_in_folder(const char *found, const char *name) {
    char expected[FOLDER_PATH_BYTES];
    cr_assert_str_eq(found, folder_join(&folder, name, expected));
}

/* All but what depends on the folder. */
static void expect_defaults(const struct config *config) {
    cr_assert_str_eq(config->data_directory, "/var/lib/tally");
    cr_assert_str_eq(config->ingest_endpoint, "tcp://127.0.0.1:7501");
    cr_assert_str_eq(config->totals_endpoint, "tcp://127.0.0.1:7502");
    cr_assert_str_eq(config->query_endpoint, "tcp://127.0.0.1:7503");
    cr_assert_eq(config->log_level, LOG_INFO);
    cr_assert_eq(config->window, 32);
    cr_assert_eq(config->batch_slots, 64);
    cr_assert_eq(config->group_bytes, 16u << 20);
    cr_assert_eq(config->publish_interval_ms, 70);
    cr_assert_eq(config->projects_max, 50000000);
    cr_assert_eq(config->segment_bytes, UINT64_C(1) << 30);
    cr_assert_eq(config->disk_reserve_bytes, UINT64_C(256) << 20);
}

Test(config, an_empty_file_gives_the_defaults) {
    struct config *config = load("");
    expect_defaults(config);
    cr_assert_str_eq(config->path, path);
    expect_in_folder(config->competitions_directory, "competitions");
    cr_assert_eq(config->registry->competition_count, 1);
    cr_assert_eq(config->registry->node_count, 0);
    config_destroy(config);
}

Test(config, the_commented_example_holds_the_defaults_and_the_four_nodes) {
    folder_copy(&folder, "tallyd.conf", SOURCE_DIRECTORY "/docs/tallyd.conf");
    struct fault fault = {0};
    struct config *config = config_load(path, &fault);
    cr_assert_not_null(config, "%s", fault.text);
    expect_defaults(config);
    expect_in_folder(config->competitions_directory, "competitions");
    cr_assert_eq(config->registry->node_count, 4);
    const struct node_right *zhejiang = registry_node(config->registry, "zhejiang", strlen("zhejiang"));
    cr_assert_not_null(zhejiang);
    cr_assert(zhejiang->region_count == 1 && zhejiang->regions[0] == 330000);
    cr_assert_str_eq(zhejiang->zh, "浙江省总工会");
    config_destroy(config);
}

Test(config, the_commented_example_names_every_setting) {
    static const char *const names[] = {"data-directory",  "competitions-directory",
                                        "ingest-endpoint", "totals-endpoint",
                                        "query-endpoint",  "log-level",
                                        "window",          "batch-slots",
                                        "group-size-mib",  "publish-interval-ms",
                                        "projects-max",    "segment-size-mib",
                                        "disk-reserve-mib"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64];
        char expected[128];
        folder_copy(&folder, "tallyd.conf", SOURCE_DIRECTORY "/docs/tallyd.conf");
        FILE *file = fopen(path, "ae");
        cr_assert_not_null(file);
        snprintf(text, sizeof text, "%s = 1\n", names[i]);
        fputs(text, file);
        cr_assert_eq(fclose(file), 0);
        struct fault fault = {0};
        cr_assert_null(config_load(path, &fault));
        snprintf(expected, sizeof expected, ": %s is given twice, first on line ", names[i]);
        cr_assert_not_null(strstr(fault.text, expected), "%s", fault.text);
    }
}

Test(config, every_setting_is_taken) {
    folder_make(&folder, "other");
    folder_copy(&folder, "other/csj-2021.conf", SOURCE_DIRECTORY "/competitions/csj-2021.conf");
    struct config *config = load("data-directory = /srv/tally\ncompetitions-directory = other\n"
                                 "ingest-endpoint = tcp://127.0.0.1:1\ntotals-endpoint = \"tcp://[::1]:2\"\n"
                                 "query-endpoint = ipc:///run/tally/query\nlog-level = warning\nwindow = 1\n"
                                 "batch-slots = 1024\ngroup-size-mib = 256\npublish-interval-ms = 10\n"
                                 "projects-max = 1000000000\nsegment-size-mib = 1\ndisk-reserve-mib = 16777216\n");
    cr_assert_str_eq(config->data_directory, "/srv/tally");
    expect_in_folder(config->competitions_directory, "other");
    cr_assert_str_eq(config->ingest_endpoint, "tcp://127.0.0.1:1");
    cr_assert_str_eq(config->totals_endpoint, "tcp://[::1]:2");
    cr_assert_str_eq(config->query_endpoint, "ipc:///run/tally/query");
    cr_assert_eq(config->log_level, LOG_WARNING);
    cr_assert_eq(config->window, 1);
    cr_assert_eq(config->batch_slots, 1024);
    cr_assert_eq(config->group_bytes, 256u << 20);
    cr_assert_eq(config->publish_interval_ms, 10);
    cr_assert_eq(config->projects_max, 1000000000);
    cr_assert_eq(config->segment_bytes, 1 << 20);
    cr_assert_eq(config->disk_reserve_bytes, UINT64_C(1) << 44);
    config_destroy(config);
}

Test(config, relative_paths_lie_in_the_folder_of_the_file) {
    struct config *config = load("data-directory = state/tally\n");
    expect_in_folder(config->data_directory, "state/tally");
    config_destroy(config);
}

Test(config, a_relative_path_of_the_file_itself_becomes_absolute) {
    struct fault fault = {0};
    folder_write(&folder, "tallyd.conf", "data-directory = state\n");
    cr_assert_eq(chdir(folder.path), 0);
    struct config *config = config_load("tallyd.conf", &fault);
    cr_assert_not_null(config, "%s", fault.text);
    cr_assert_str_eq(config->path, path);
    expect_in_folder(config->data_directory, "state");
    config_destroy(config);
}

Test(config, wrong_settings_are_told_with_file_line_and_what_to_do) {
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"\n# x\nwindows = 3\n", "tallyd.conf:3: no such option 'windows'"},
        {"window = 0", "tallyd.conf:1: window is '0'; it must be a whole number from 1 to 32"},
        {"window = 33", "tallyd.conf:1: window is '33'; it must be a whole number from 1 to 32"},
        {"\nbatch-slots = 1", "tallyd.conf:2: batch-slots is '1'; it must be a whole number from 2 to 1024"},
        {"\nbatch-slots = 48", "tallyd.conf:2: batch-slots is '48'; it must be a power of two, such as 64"},
        {"group-size-mib = 257", "tallyd.conf:1: group-size-mib is '257'; it must be a whole number from 1 to 256"},
        {"publish-interval-ms = 9",
         "tallyd.conf:1: publish-interval-ms is '9'; it must be a whole number from 10 to 1000"},
        {"projects-max = 50,000,000", "tallyd.conf:1: unexpected token ','"},
        {"projects-max = 0", "tallyd.conf:1: projects-max is '0'; it must be a whole number from 1 to 1000000000"},
        {"segment-size-mib = \"1 GiB\"",
         "tallyd.conf:1: segment-size-mib is '1 GiB'; it must be a whole number from 1 to 1048576"},
        {"disk-reserve-mib = 15",
         "tallyd.conf:1: disk-reserve-mib is '15'; it must be a whole number from 16 to 16777216"},
        {"log-level = loud", "tallyd.conf:1: log-level is 'loud'; it must be one of debug, info, warning, error"},
        {"data-directory = \"\"", "tallyd.conf:1: data-directory is empty"},
        {"window = 3\nwindow = 3", "tallyd.conf:2: window is given twice, first on line 1; keep one"},
        {"\n\ningest-endpoint = tcp://localhost:7501", "tallyd.conf:3: ingest-endpoint is 'tcp://localhost:7501': "
                                                       "the name localhost may resolve to anything; write "
                                                       "127.0.0.1"},
        {"query-endpoint = tcp://0.0.0.0:7503",
         "tallyd.conf:1: query-endpoint is 'tcp://0.0.0.0:7503': without keys only this machine may connect: whoever "
         "reaches another address could speak for any node; make keys (docs/keys.md) and set key-file, or "
         "write tcp://127.0.0.1:PORT, tcp://[::1]:PORT or ipc://PATH"},
        {"totals-endpoint = tcp://127.0.0.1:7503",
         "tallyd.conf: two endpoints are the same; ingest-endpoint, totals-endpoint and query-endpoint each need an "
         "address of their own"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_fault(cases[i].text, cases[i].expected);
    }
}

Test(config, a_path_that_is_too_long_is_refused) {
    static char text[CONFIG_PATH_BYTES + 64];
    strcpy(text, "data-directory = ");
    memset(text + strlen(text), 'x', CONFIG_PATH_BYTES - 2);
    struct fault fault = {0};
    folder_write(&folder, "tallyd.conf", text);
    cr_assert_null(config_load(path, &fault));
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_not_null(strstr(fault.text, "the path is longer than 4095 bytes; choose a shorter one"), "%s",
                       fault.text);
}

Test(config, a_file_that_is_not_there_is_told) {
    struct fault fault = {0};
    cr_assert_null(config_load(path, &fault));
    cr_assert_eq(fault.error, ERROR_CONFIGURATION);
    cr_assert_str_eq(fault.text + strlen(folder.path), "/tallyd.conf: cannot be opened: No such file or directory");
}

Test(config, nodes_are_taken_in_order_of_their_names) {
    struct config *config =
        load("node zhong { title-zh = \"中\" title-en = Z regions = {\"all\"} }\n" NODE_LINE("b-2") NODE_LINE("b"));
    const struct registry *registry = config->registry;
    cr_assert_eq(registry->node_count, 3);
    cr_assert_str_eq(registry->nodes[0].name, "b");
    cr_assert_str_eq(registry->nodes[1].name, "b-2");
    cr_assert_str_eq(registry->nodes[2].name, "zhong");
    cr_assert_eq(registry->nodes[0].number, NUMBER_NONE);
    cr_assert(registry->nodes[0].region_count == 1 && registry->nodes[0].regions[0] == 310000);
    cr_assert(registry->nodes[2].region_count == 1 && registry->nodes[2].regions[0] == 0);
    cr_assert_str_eq(registry->nodes[2].zh, "中");
    cr_assert_str_eq(registry->nodes[2].en, "Z");
    config_destroy(config);
}

Test(config, wrong_nodes_are_told_with_their_line) {
    expect_fault(NODE_LINE("a") NODE_LINE("a"), "tallyd.conf:2: found duplicate title 'a'");
    expect_fault("\n" NODE_LINE("Shanghai"),
                 "tallyd.conf:2: node 'Shanghai': the name must be 1 to 32 of a-z, 0-9 and -, "
                 "beginning with a letter or digit");
    expect_fault(NODE_LINE("a23456789-123456789-123456789-123"),
                 "tallyd.conf:1: node 'a23456789-123456789-123456789-123': the name must be 1 to 32 of a-z, 0-9 and -, "
                 "beginning with a letter or digit");
    expect_fault("node a {\n title-en = A\n regions = {31}\n}", "tallyd.conf:4: node 'a': title-zh is missing");
    expect_fault("node a {\n title-zh = A\n regions = {31}\n}", "tallyd.conf:4: node 'a': title-en is missing");
    expect_fault("node a {\n title-zh = A\n title-en = A\n}",
                 "tallyd.conf:4: node 'a': regions is missing or empty; list region codes, such as {33}");
    expect_fault("node a {\n title-zh = A\n title-en = A\n regions = {\n31,\n310101}\n}",
                 "tallyd.conf:6: node 'a': regions: 310000 and 310101 overlap: one lies in the other; leave one out");
    expect_fault("node a {\n title = A\n}", "tallyd.conf:2: node 'a': no such option 'title'");
    expect_fault("node { }", "tallyd.conf:1: missing title for section 'node'");
}

static char *many_nodes(size_t count) {
    enum { NODE_BYTES = 80 };
    char *text = calloc(count + 1, NODE_BYTES);
    cr_assert_not_null(text);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length +=
            (size_t)snprintf(text + length, NODE_BYTES, "node n%zu { title-zh = A title-en = A regions = {31} }\n", i);
    }
    return text;
}

Test(config, as_many_nodes_as_numbers_fit) {
    char *text = many_nodes(NODES_MAX);
    struct config *config = load(text);
    cr_assert_eq(config->registry->node_count, NODES_MAX);
    config_destroy(config);
    free(text);
    text = many_nodes(NODES_MAX + 1);
    expect_fault(text, "tallyd.conf: there are 4097 nodes; at most 4096 fit");
    free(text);
}

/* Writes a small competition of this key. */
static void write_competition(const char *key, const char *file) {
    char text[512];
    snprintf(text, sizeof text,
             "key = %s\ntitle-zh = A\ntitle-en = A\nplace-zh = A\nplace-en = A\nfirst-day = 2026-01-01\n"
             "last-day = 2026-12-31\nregions = {33}\ncategory a { code = 0 zh = A en = A }\n"
             "status a { code = 0 zh = A en = A counts = true }\n",
             key);
    folder_write(&folder, file, text);
}

Test(config, competitions_are_taken_in_order_of_their_keys) {
    write_competition("csj", "competitions/csj.conf");
    write_competition("a", "competitions/a.conf");
    struct config *config = load("");
    cr_assert_eq(config->registry->competition_count, 3);
    cr_assert_str_eq(config->registry->competitions[0].key, "a");
    cr_assert_str_eq(config->registry->competitions[1].key, "csj");
    cr_assert_str_eq(config->registry->competitions[2].key, "csj-2021");
    cr_assert_eq(config->registry->competitions[2].number, NUMBER_NONE);
    config_destroy(config);
}

Test(config, other_files_beside_competitions_are_left_alone) {
    folder_write(&folder, "competitions/README", "x");
    folder_write(&folder, "competitions/csj-2021.conf~", "x");
    folder_write(&folder, "competitions/.csj-2021.conf", "x");
    folder_write(&folder, "competitions/.conf", "x");
    folder_write(&folder, "competitions/old.conf.bak", "x");
    struct config *config = load("");
    cr_assert_eq(config->registry->competition_count, 1);
    config_destroy(config);
}

Test(config, wrong_competitions_are_told_with_their_file) {
    folder_write(&folder, "competitions/metro.conf", "key = metro\nwhat = 1\n");
    expect_fault("", "competitions/metro.conf:2: no such option 'what'");
    write_competition("csj-2021", "competitions/metro.conf");
    expect_fault("", "competitions/metro.conf:1: key is 'csj-2021', but the file is named metro.conf; the name must be "
                     "csj-2021.conf");
    folder_remove(&folder, "competitions/metro.conf");
    folder_make(&folder, "competitions/metro.conf");
    expect_fault("", "competitions/metro.conf: cannot be read: Is a directory");
}

Test(config, there_must_be_competitions) {
    expect_fault("competitions-directory = none",
                 "none: the competitions cannot be listed: No such file or directory; make the folder, or correct "
                 "competitions-directory");
    folder_remove(&folder, "competitions/csj-2021.conf");
    expect_fault("", "competitions: there is no competition in it; add at least one KEY.conf");
}

Test(config, as_many_competitions_as_numbers_fit) {
    for (int i = 1; i < COMPETITIONS_MAX; i++) {
        char key[16];
        char file[40];
        snprintf(key, sizeof key, "c%d", i);
        snprintf(file, sizeof file, "competitions/%s.conf", key);
        write_competition(key, file);
    }
    struct config *config = load("");
    cr_assert_eq(config->registry->competition_count, COMPETITIONS_MAX);
    config_destroy(config);
    write_competition("c0", "competitions/c0.conf");
    expect_fault("", "competitions: there are 257 competitions; at most 256 fit");
}

Test(config, destroying_nothing_is_fine) {
    config_destroy(NULL);
}
