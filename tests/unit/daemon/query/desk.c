#include "desk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/base/clock.h"
#include "proto/region.h"

const struct desk_project desk_projects[DESK_PROJECTS] = {
    {"2101-310101-01", 310101}, {"2101-330100-01", 330100}, {"2101-330106-01", 330106},
    {"2101-330106-02", 330106}, {"2101-330203-01", 330203},
};

static void fill_project(struct stored_project *project, size_t number) {
    *project = (struct stored_project){.competition = DESK_COMPETITION,
                                       .figures = {.contract_value = (int64_t)number * 1000,
                                                   .participants = (uint32_t)number * 10,
                                                   .migrant_participants = (uint32_t)number,
                                                   .region = desk_projects[number].region,
                                                   .node = 1,
                                                   .effective_day = DESK_FIRST_DAY + 3,
                                                   .category = 2,
                                                   .status = 1},
                                       .start_day = 18000,
                                       .completion_day = 19000,
                                       .updated_version = 100 + number,
                                       .updated_ms = 1635400000000};
    snprintf(project->code, sizeof project->code, "%s", desk_projects[number].code);
    snprintf(project->name, sizeof project->name, "西湖区项目%zu", number);
    snprintf(project->contractor, sizeof project->contractor, "%s", number % 2 == 0 ? "浙江建工" : "");
}

static enum error find(void *context, uint16_t competition, const char *code, stored_visit *visit, void *visitor,
                       uint64_t *version) {
    struct desk *desk = context;
    cr_assert_leq(strlen(code), PROJECT_CODE_BYTES_MAX);
    *version = DESK_VERSION - 1;
    for (size_t i = 0; i < DESK_PROJECTS && competition == DESK_COMPETITION; i++) {
        if (strcmp(desk_projects[i].code, code) == 0) {
            struct stored_project project;
            fill_project(&project, i);
            visit(visitor, &project);
        }
    }
    return desk->stored_error;
}

static bool after(size_t number, uint32_t region, const char *code) {
    return desk_projects[number].region > region ||
           (desk_projects[number].region == region && strcmp(desk_projects[number].code, code) > 0);
}

static enum error list(void *context, uint16_t competition, uint32_t region, uint32_t after_region,
                       const char *after_code, size_t limit, stored_visit *visit, void *visitor, uint64_t *version) {
    struct desk *desk = context;
    cr_assert_leq(strlen(after_code), PROJECT_CODE_BYTES_MAX);
    *version = DESK_VERSION - 1;
    for (size_t i = 0; i < DESK_PROJECTS && competition == DESK_COMPETITION && limit > 0; i++) {
        if (region_within(desk_projects[i].region, region) && after(i, after_region, after_code)) {
            struct stored_project project;
            fill_project(&project, i);
            visit(visitor, &project);
            limit--;
        }
    }
    return desk->stored_error;
}

static void read_status(void *context, struct status_figures *figures) {
    (void)context;
    *figures = (struct status_figures){.version_durable = DESK_VERSION + 1,
                                       .version_folded = DESK_VERSION - 1,
                                       .disk_free_bytes = 1 << 30,
                                       .journal_bytes = 4096,
                                       .state_bytes = 8192,
                                       .condition = "ready"};
}

static void start_verification(void *context) {
    struct desk *desk = context;
    desk->verification_starts++;
}

static void read_verification(void *context, struct verification_progress *progress) {
    struct desk *desk = context;
    *progress = (struct verification_progress){.text = "as asked"};
    if (desk->verification_starts > 0) {
        progress->state = VERIFICATION_EQUAL;
        progress->entries = progress->entries_expected = progress->version = DESK_VERSION;
        progress->projects = 780;
        progress->started_ms = 1;
        progress->finished_ms = 2;
    }
}

static struct label label(const char *key, const char *zh, const char *en, bool counts) {
    struct label made = {.defined = true, .counts = counts};
    snprintf(made.key, sizeof made.key, "%s", key);
    snprintf(made.zh, sizeof made.zh, "%s", zh);
    snprintf(made.en, sizeof made.en, "%s", en);
    return made;
}

static void fill_competition(struct competition *competition) {
    *competition = (struct competition){.number = DESK_COMPETITION,
                                        .key = "csj-2021",
                                        .zh = "长三角竞赛",
                                        .en = "The competition",
                                        .place_zh = "长三角地区",
                                        .place_en = "the delta",
                                        .first_day = DESK_FIRST_DAY,
                                        .last_day = 20000,
                                        .region_count = 2,
                                        .regions = {310000, 330000},
                                        .counts = 1u << 1,
                                        .target_projects = 1000,
                                        .target_contract_value = 7,
                                        .target_participants = 9};
    competition->categories[2] = label("skills", "技能", "Skills", false);
    competition->statuses[0] = label("declared", "申报", "Declared", false);
    competition->statuses[1] = label("enrolled", "已报名", "Enrolled", true);
}

static void fill_nodes(struct registry *registry) {
    static const char *const names[] = {"anhui", "shanghai", "zhejiang"};
    for (size_t i = 0; i < 3; i++) {
        struct node_right *node = &registry->nodes[i];
        *node = (struct node_right){.number = (uint16_t)i, .region_count = i, .regions = {310000, 330106}};
        snprintf(node->name, sizeof node->name, "%s", names[i]);
        snprintf(node->zh, sizeof node->zh, "单位%zu", i);
        snprintf(node->en, sizeof node->en, "Unit %zu", i);
    }
}

static void fill_rollup(struct rollup *rollup) {
    struct snapshot_cell cells[] = {
        {.key = cell_key(DESK_COMPETITION, 330106, 2, 1), .sums = {3, 300, 30, 13}},
        {.key = cell_key(DESK_COMPETITION, 330106, 2, 0), .sums = {1, 100, 10, 1}},
        {.key = cell_key(DESK_COMPETITION, 330203, 0, 1), .sums = {2, 200, 20, 2}},
        {.key = cell_key(DESK_COMPETITION, 310101, 0, 1), .sums = {5, 500, 50, 5}},
    };
    struct snapshot_day days[] = {
        {DESK_COMPETITION, DESK_FIRST_DAY, 330106, DESK_FIRST_DAY + 10, {2, 150, 15, 6}},
        {DESK_COMPETITION, DESK_FIRST_DAY, 330106, DESK_FIRST_DAY + 20, {1, 150, 15, 7}},
        {DESK_COMPETITION, DESK_FIRST_DAY, 330203, DESK_FIRST_DAY + 20, {2, 200, 20, 2}},
        {DESK_COMPETITION, DESK_FIRST_DAY, 310101, DESK_FIRST_DAY + 30, {5, 500, 50, 5}},
    };
    struct snapshot snapshot = {
        .version = DESK_VERSION, .projects = 11, .cell_count = 4, .cells = cells, .day_count = 4, .days = days};
    cr_assert_eq(rollup_apply(rollup, &snapshot), ERROR_NONE);
}

static void connect_dealer(struct desk *desk) {
    desk->dealer = zmq_socket(desk->zmq, ZMQ_DEALER);
    int zero = 0;
    zmq_setsockopt(desk->dealer, ZMQ_LINGER, &zero, sizeof zero);
    cr_assert_eq(zmq_connect(desk->dealer, desk->endpoint), 0);
}

void desk_open(struct desk *desk, size_t answer_bytes_max) {
    memset(desk, 0, sizeof *desk);
    snprintf(desk->folder, sizeof desk->folder, "/tmp/tally-query-XXXXXX");
    cr_assert_not_null(mkdtemp(desk->folder));
    snprintf(desk->endpoint, sizeof desk->endpoint, "ipc://%s/query", desk->folder);
    desk->zmq = zmq_ctx_new();
    desk->rollup = rollup_create();
    fill_rollup(desk->rollup);
    desk->registry = registry_create(2, 3);
    fill_competition(&desk->registry->competitions[0]);
    desk->registry->competitions[1] = (struct competition){.number = 6, .key = "empty"};
    fill_nodes(desk->registry);
    desk->presences = calloc(NODES_MAX, sizeof *desk->presences);
    desk->presences[1] = (struct presence){.connected = true,
                                           .sequence = 17,
                                           .last_batch_ms = 1635400000000,
                                           .rows_accepted = 100,
                                           .rows_unchanged = 20,
                                           .rows_refused = 3};
    struct query_options options = {
        .zmq_context = desk->zmq,
        .endpoint = desk->endpoint,
        .epoch = DESK_EPOCH,
        .started_ms = 1635000000000,
        .software = "tallyd 0.1.0",
        .stored = {.context = desk, .find = find, .list = list},
        .presences = desk->presences,
        .status = {.context = desk, .read = read_status},
        .verification = {.context = desk, .start = start_verification, .read = read_verification},
        .answer_bytes_max = answer_bytes_max};
    struct fault fault = {0};
    desk->query = query_create(&options, &fault);
    cr_assert_not_null(desk->query, "%s", fault.text);
    connect_dealer(desk);
}

void desk_close(struct desk *desk) {
    zmq_close(desk->dealer);
    query_destroy(desk->query);
    zmq_ctx_term(desk->zmq);
    rollup_destroy(desk->rollup);
    registry_release(desk->registry);
    free(desk->presences);
    free(desk->body);
    char path[96];
    snprintf(path, sizeof path, "%s/query", desk->folder);
    unlink(path);
    rmdir(desk->folder);
}

/* Serves as the publisher's thread would, until the answer is there. */
static void serve_until_answered(struct desk *desk) {
    int64_t end_ns = clock_monotonic_ns() + DESK_DEADLINE_MS * INT64_C(1000000);
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = desk->dealer, .events = ZMQ_POLLIN},
                                  {.socket = query_socket(desk->query), .events = ZMQ_POLLIN}};
        zmq_poll(items, 2, clock_left_ms(end_ns));
        if ((items[0].revents & ZMQ_POLLIN) != 0) {
            return;
        }
        cr_assert_gt(clock_left_ms(end_ns), 0, "no answer");
        query_serve(desk->query, desk->rollup, desk->registry);
    }
}

static void take_answer(struct desk *desk) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    cr_assert_geq(zmq_msg_recv(&frame, desk->dealer, 0), 0);
    cr_assert_eq(frame_read(zmq_msg_data(&frame), zmq_msg_size(&frame), &desk->type), REFUSAL_NONE);
    cr_assert(zmq_msg_more(&frame));
    cr_assert_geq(zmq_msg_recv(&frame, desk->dealer, 0), 0);
    cr_assert_not(zmq_msg_more(&frame));
    free(desk->body);
    desk->body_bytes = zmq_msg_size(&frame);
    desk->body = malloc(desk->body_bytes + 1);
    memcpy(desk->body, zmq_msg_data(&frame), desk->body_bytes);
    zmq_msg_close(&frame);
}

void desk_send(struct desk *desk, const void *const *frames, const size_t *sizes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int flags = i + 1 < count ? ZMQ_SNDMORE : 0;
        cr_assert_geq(zmq_send(desk->dealer, frames[i], sizes[i], flags), 0);
    }
    serve_until_answered(desk);
    take_answer(desk);
}

void desk_ask(struct desk *desk, enum message_type type, ProtobufCMessage *question) {
    desk->request += 1000000007;
    memcpy((char *)question + question->descriptor->fields[0].offset, &desk->request, sizeof desk->request);
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write(header, type);
    size_t size = protobuf_c_message_get_packed_size(question);
    uint8_t *packed = malloc(size + 1);
    protobuf_c_message_pack(question, packed);
    desk_send(desk, (const void *[]){header, packed}, (size_t[]){sizeof header, size}, 2);
    free(packed);
}

void *desk_answer(struct desk *desk, enum message_type type, const ProtobufCMessageDescriptor *descriptor) {
    cr_assert_eq(desk->type, (unsigned)type, "answered with type %u", desk->type);
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, NULL, desk->body_bytes, desk->body);
    cr_assert_not_null(message);
    uint64_t request;
    memcpy(&request, (const char *)message + descriptor->fields[0].offset, sizeof request);
    cr_assert_eq(request, desk->request);
    return message;
}

void desk_expect_refusal(struct desk *desk, enum refusal code, uint64_t request, unsigned message_type) {
    cr_assert_eq(desk->type, MESSAGE_REFUSAL, "answered with type %u", desk->type);
    Tally__Refusal *refusal = tally__refusal__unpack(NULL, desk->body_bytes, desk->body);
    cr_assert_not_null(refusal);
    cr_assert_eq(refusal->code, code, "refused with %s", refusal->name);
    cr_assert_str_eq(refusal->name, refusal_name(code));
    cr_assert_str_eq(refusal->text, refusal_text(code));
    cr_assert_eq(refusal->request, request);
    cr_assert_eq(refusal->message_type, message_type);
    tally__refusal__free_unpacked(refusal, NULL);
}
