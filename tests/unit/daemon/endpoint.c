#include "daemon/endpoint.h"

#include <criterion/criterion.h>
#include <string.h>

Test(endpoint, loopback_and_ipc_are_allowed) {
    static const char *const good[] = {"tcp://127.0.0.1:7501", "tcp://127.255.0.9:1", "tcp://[::1]:65535",
                                       "ipc:///run/tally/ingest"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert_null(endpoint_objection(good[i], false), "%s", good[i]);
    }
}

Test(endpoint, addresses_that_others_reach_are_refused) {
    static const char *const open[] = {"tcp://0.0.0.0:7501",     "tcp://*:7501",
                                       "tcp://192.168.1.2:7501", "tcp://[::]:7501",
                                       "tcp://eth0:7501",        "tcp://example.org:7501",
                                       "tcp://128.0.0.1:7501",   "tcp://127.0.0.1.:7501",
                                       "tcp://::1:7501",         "tcp://127.0.0.1;0.0.0.0:7501",
                                       "tcp://[::1%lo]:7501",    "tcp://:7501"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        const char *objection = endpoint_objection(open[i], false);
        cr_assert_not_null(objection, "%s", open[i]);
        cr_assert_not_null(strstr(objection, "without keys only this machine may connect"), "%s", open[i]);
    }
}

Test(endpoint, localhost_is_refused_because_it_is_a_name) {
    cr_assert_str_eq(endpoint_objection("tcp://localhost:7501", false),
                     "the name localhost may resolve to anything; write 127.0.0.1");
}

Test(endpoint, tcp_needs_a_port) {
    static const char *const bad[] = {"tcp://127.0.0.1",        "tcp://127.0.0.1:",       "tcp://127.0.0.1:0",
                                      "tcp://127.0.0.1:65536",  "tcp://127.0.0.1:*",      "tcp://127.0.0.1:075",
                                      "tcp://127.0.0.1:7501/x", "tcp://127.0.0.1:999999", "tcp://"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *objection = endpoint_objection(bad[i], false);
        cr_assert_not_null(objection, "%s", bad[i]);
        cr_assert_not_null(strstr(objection, "a port from 1 to 65535"), "%s", bad[i]);
    }
}

Test(endpoint, a_long_host_is_refused) {
    char endpoint[200] = "tcp://";
    memset(endpoint + 6, '1', 100);
    strcpy(endpoint + 106, ":7501");
    cr_assert_str_eq(endpoint_objection(endpoint, false), "its host is too long; write 127.0.0.1");
}

Test(endpoint, ipc_needs_a_path_that_fits) {
    char endpoint[160] = "ipc:///";
    memset(endpoint + 7, 'x', 106);
    cr_assert_null(endpoint_objection(endpoint, false));
    endpoint[113] = 'x';
    cr_assert_not_null(strstr(endpoint_objection(endpoint, false), "107 bytes"));
    cr_assert_not_null(strstr(endpoint_objection("ipc://run/tally", false), "must begin with /"));
    cr_assert_not_null(strstr(endpoint_objection("ipc://@tally", false), "must begin with /"));
    cr_assert_not_null(strstr(endpoint_objection("ipc://*", false), "must begin with /"));
}

Test(endpoint, other_transports_are_refused) {
    cr_assert_str_eq(endpoint_objection("inproc://ingest", false), "it must begin with tcp:// or ipc://");
    cr_assert_str_eq(endpoint_objection("127.0.0.1:7501", false), "it must begin with tcp:// or ipc://");
}

Test(endpoint, others_may_reach_addresses_in_numbers) {
    static const char *const good[] = {"tcp://0.0.0.0:7501", "tcp://*:7501",    "tcp://192.168.1.2:7501",
                                       "tcp://[::]:7501",    "tcp://[::1]:1",   "tcp://[2001:db8::7]:7501",
                                       "tcp://127.0.0.1:1",  "ipc:///run/tally"};
    static const char *const bad[] = {"tcp://eth0:7501", "tcp://example.org:7501", "tcp://127.0.0.1.:7501",
                                      "tcp://::1:7501",  "tcp://[]:7501",          "tcp://[::g]:7501",
                                      "tcp://:7501",     "tcp://[::1:7501"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert_null(endpoint_objection(good[i], true), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *objection = endpoint_objection(bad[i], true);
        cr_assert_not_null(objection, "%s", bad[i]);
        cr_assert_not_null(strstr(objection, "not an address of this machine in numbers"), "%s", bad[i]);
    }
}
