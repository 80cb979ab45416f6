#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/counter.h"
#include "desk.h"

static void send_frames(struct desk *desk, const char *header, const void *body, size_t body_bytes) {
    desk_send(desk, (const void *[]){header, body}, (size_t[]){FRAME_HEADER_BYTES, body_bytes}, 2);
}

Test(refusals, frames_that_are_not_a_header_and_a_body) {
    struct desk desk;
    desk_open(&desk, 0);
    const char *header = "T1\x20\0";
    desk_send(&desk, (const void *[]){header}, (size_t[]){4}, 1);
    desk_expect_refusal(&desk, REFUSAL_FRAMES_MALFORMED, 0, MESSAGE_TOTALS_QUERY);
    desk_send(&desk, (const void *[]){header, "", ""}, (size_t[]){4, 0, 0}, 3);
    desk_expect_refusal(&desk, REFUSAL_FRAMES_MALFORMED, 0, MESSAGE_TOTALS_QUERY);
    desk_send(&desk, (const void *[]){"", header, ""}, (size_t[]){0, 4, 0}, 3); /* as a REQ socket would */
    desk_expect_refusal(&desk, REFUSAL_FRAMES_MALFORMED, 0, 0);
    desk_send(&desk, (const void *[]){"T1\x20", ""}, (size_t[]){3, 0}, 2);
    desk_expect_refusal(&desk, REFUSAL_FRAMES_MALFORMED, 0, 0);
    desk_send(&desk, (const void *[]){"", ""}, (size_t[]){0, 0}, 2);
    desk_expect_refusal(&desk, REFUSAL_FRAMES_MALFORMED, 0, 0);
    cr_assert_eq(counter_read(COUNTER_QUERY_REFUSALS), 5);
    cr_assert_eq(counter_refused_read(REFUSAL_FRAMES_MALFORMED), 5);
    desk_close(&desk);
}

Test(refusals, a_header_of_another_protocol_or_with_flags) {
    struct desk desk;
    desk_open(&desk, 0);
    send_frames(&desk, "X1\x20\0", "", 0);
    desk_expect_refusal(&desk, REFUSAL_PROTOCOL_UNSUPPORTED, 0, 0);
    send_frames(&desk, "T2\x20\0", "", 0);
    desk_expect_refusal(&desk, REFUSAL_PROTOCOL_UNSUPPORTED, 0, 0);
    send_frames(&desk, "T1\x20\1", "", 0);
    desk_expect_refusal(&desk, REFUSAL_PROTOCOL_UNSUPPORTED, 0, 0);
    desk_close(&desk);
}

Test(refusals, types_that_are_no_question) {
    struct desk desk;
    desk_open(&desk, 0);
    for (unsigned type = 0; type < 256; type++) {
        if (type >= MESSAGE_TOTALS_QUERY && type <= MESSAGE_VERIFY_QUERY && type % 2 == 0) {
            continue;
        }
        char header[] = {'T', '1', (char)type, 0};
        send_frames(&desk, header, "", 0);
        desk_expect_refusal(&desk, REFUSAL_TYPE_UNKNOWN, 0, type);
    }
    desk_close(&desk);
}

Test(refusals, bodies_that_do_not_decode_or_decode_to_too_much) {
    struct desk desk;
    desk_open(&desk, 0);
    send_frames(&desk, "T1\x20\0", "\xFF\xFF\xFF", 3);
    desk_expect_refusal(&desk, REFUSAL_BODY_MALFORMED, 0, MESSAGE_TOTALS_QUERY);
    send_frames(&desk, "T1\x20\0",
                "\x12\x7F"
                "csj",
                5); /* a text longer than the body */
    desk_expect_refusal(&desk, REFUSAL_BODY_MALFORMED, 0, MESSAGE_TOTALS_QUERY);
    size_t size = 1 << 20;
    uint8_t *body = malloc(size + 1);
    for (size_t i = 0; i < size; i += 2) {
        body[i] = 0x78; /* a field that nobody knows, half a million times */
        body[i + 1] = 1;
    }
    send_frames(&desk, "T1\x2C\0", body, size);
    desk_expect_refusal(&desk, REFUSAL_BODY_MALFORMED, 0, MESSAGE_COMPETITIONS_QUERY);
    send_frames(&desk, "T1\x2C\0", body, size + 1);
    desk_expect_refusal(&desk, REFUSAL_BODY_TOO_LARGE, 0, MESSAGE_COMPETITIONS_QUERY);
    free(body);
    desk_close(&desk);
}

static void ask_totals(struct desk *desk, const char *competition, uint32_t region) {
    Tally__TotalsQuery question = TALLY__TOTALS_QUERY__INIT;
    question.competition = (char *)(uintptr_t)competition;
    question.region = region;
    desk_ask(desk, MESSAGE_TOTALS_QUERY, &question.base);
}

Test(refusals, a_competition_or_region_that_does_not_exist) {
    struct desk desk;
    desk_open(&desk, 0);
    ask_totals(&desk, "csj-2022", 0);
    desk_expect_refusal(&desk, REFUSAL_COMPETITION_UNKNOWN, desk.request, MESSAGE_TOTALS_QUERY);
    ask_totals(&desk, "", 0);
    desk_expect_refusal(&desk, REFUSAL_COMPETITION_UNKNOWN, desk.request, MESSAGE_TOTALS_QUERY);
    static const uint32_t unknown[] = {1, 999999, 990000, 1000000, 3301060, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        ask_totals(&desk, "csj-2021", unknown[i]);
        desk_expect_refusal(&desk, REFUSAL_REGION_UNKNOWN, desk.request, MESSAGE_TOTALS_QUERY);
    }
    Tally__RegionsQuery regions = TALLY__REGIONS_QUERY__INIT;
    desk_ask(&desk, MESSAGE_REGIONS_QUERY, &regions.base);
    desk_expect_refusal(&desk, REFUSAL_COMPETITION_UNKNOWN, desk.request, MESSAGE_REGIONS_QUERY);
    Tally__HistoryQuery history = TALLY__HISTORY_QUERY__INIT;
    history.competition = "csj-2021";
    history.region = 7;
    desk_ask(&desk, MESSAGE_HISTORY_QUERY, &history.base);
    desk_expect_refusal(&desk, REFUSAL_REGION_UNKNOWN, desk.request, MESSAGE_HISTORY_QUERY);
    Tally__ProjectQuery project = TALLY__PROJECT_QUERY__INIT;
    desk_ask(&desk, MESSAGE_PROJECT_QUERY, &project.base);
    desk_expect_refusal(&desk, REFUSAL_COMPETITION_UNKNOWN, desk.request, MESSAGE_PROJECT_QUERY);
    Tally__ProjectsQuery projects = TALLY__PROJECTS_QUERY__INIT;
    projects.competition = "csj-2021";
    projects.region = 7;
    desk_ask(&desk, MESSAGE_PROJECTS_QUERY, &projects.base);
    desk_expect_refusal(&desk, REFUSAL_REGION_UNKNOWN, desk.request, MESSAGE_PROJECTS_QUERY);
    desk_close(&desk);
}

Test(refusals, an_answer_that_would_be_too_large) {
    struct desk desk;
    desk_open(&desk, 64);
    ask_totals(&desk, "csj-2021", 0);
    desk_expect_refusal(&desk, REFUSAL_ANSWER_TOO_LARGE, desk.request, MESSAGE_TOTALS_QUERY);
    Tally__NodesQuery question = TALLY__NODES_QUERY__INIT;
    desk_ask(&desk, MESSAGE_NODES_QUERY, &question.base);
    desk_expect_refusal(&desk, REFUSAL_ANSWER_TOO_LARGE, desk.request, MESSAGE_NODES_QUERY);
    desk_close(&desk);
}

Test(refusals, a_stored_state_that_cannot_be_read) {
    struct desk desk;
    desk_open(&desk, 0);
    desk.stored_error = ERROR_DAMAGED;
    Tally__ProjectsQuery projects = TALLY__PROJECTS_QUERY__INIT;
    projects.competition = "csj-2021";
    desk_ask(&desk, MESSAGE_PROJECTS_QUERY, &projects.base);
    desk_expect_refusal(&desk, REFUSAL_NOT_READY, desk.request, MESSAGE_PROJECTS_QUERY);
    Tally__ProjectQuery project = TALLY__PROJECT_QUERY__INIT;
    project.competition = "csj-2021";
    desk_ask(&desk, MESSAGE_PROJECT_QUERY, &project.base);
    desk_expect_refusal(&desk, REFUSAL_NOT_READY, desk.request, MESSAGE_PROJECT_QUERY);
    desk_close(&desk);
}

/* After everything above the endpoint still answers, and a peer that has gone costs nothing. */
Test(refusals, the_endpoint_stays_usable) {
    struct desk desk;
    desk_open(&desk, 0);
    send_frames(&desk, "T1\x20\0", "\xFF\xFF\xFF", 3);
    void *gone = zmq_socket(desk.zmq, ZMQ_DEALER);
    int linger_ms = 1000;
    zmq_setsockopt(gone, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_connect(gone, desk.endpoint);
    for (int i = 0; i < 100; i++) {
        zmq_send(gone, "T1\x2E\0", 4, ZMQ_SNDMORE);
        zmq_send(gone, "", 0, 0);
    }
    zmq_close(gone);
    for (int i = 0; i < 10; i++) {
        ask_totals(&desk, "csj-2021", 0);
        cr_assert_eq(desk.type, MESSAGE_TOTALS);
    }
    desk_close(&desk);
}

Test(refusals, an_endpoint_that_cannot_be_bound_is_a_fault_with_a_text) {
    struct desk desk;
    desk_open(&desk, 0);
    struct query_options options = {.zmq_context = desk.zmq, .endpoint = "ipc:///nowhere/at/all/query"};
    struct fault fault = {0};
    cr_assert_null(query_create(&options, &fault));
    cr_assert_eq(fault.error, ERROR_NETWORK);
    cr_assert_not_null(strstr(fault.text, options.endpoint));
    desk_close(&desk);
}
