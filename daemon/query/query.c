#include "query.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "answer.h"
#include "daemon/access/socket.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/counter.h"
#include "daemon/base/memory.h"
#include "proto/region.h"

enum {
    QUESTIONS_A_TURN_MAX = 32, /* the same thread publishes */
    QUESTION_ARENA_BYTES = 64 << 10,
    SCRATCH_BYTES = 4 << 20,
    FRAME_BYTES_MAX = 2 << 20, /* a larger frame closes the connection: PROTOCOL.md, "Errors" */
    QUEUE_MESSAGES = 64,       /* in each direction, for each peer: twice what may be on its way */
    LOG_INTERVAL_S = 10,
};

struct query {
    struct query_options options;
    void *socket;
    void *question_memory;
    struct arena question_arena;
    void *scratch_memory;
    struct answer_desk desk;
};

/* What came in: one message, and why it cannot be a question. */
struct arrival {
    zmq_msg_t from;
    zmq_msg_t body;
    unsigned type;
    enum refusal refusal;
};

enum { ANYBODY = 1 << ROLE_NODE | 1 << ROLE_DASHBOARD | 1 << ROLE_OPERATOR, OPERATORS = 1 << ROLE_OPERATOR };

/* With the roles that may ask: docs/keys.md. Whose projects and which nodes are told is decided where they are looked up. */
static const struct kind {
    enum message_type type;
    unsigned roles; /* a bit for each enum role */
    const ProtobufCMessageDescriptor *descriptor;
    answer_function *answer;
} kinds[] = {
    {MESSAGE_TOTALS_QUERY, ANYBODY, &tally__totals_query__descriptor, answer_totals},
    {MESSAGE_REGIONS_QUERY, ANYBODY, &tally__regions_query__descriptor, answer_regions},
    {MESSAGE_PROJECT_QUERY, ANYBODY, &tally__project_query__descriptor, answer_project},
    {MESSAGE_PROJECTS_QUERY, ANYBODY, &tally__projects_query__descriptor, answer_projects},
    {MESSAGE_HISTORY_QUERY, ANYBODY, &tally__history_query__descriptor, answer_history},
    {MESSAGE_NODES_QUERY, ANYBODY, &tally__nodes_query__descriptor, answer_nodes},
    {MESSAGE_COMPETITIONS_QUERY, ANYBODY, &tally__competitions_query__descriptor, answer_competitions},
    {MESSAGE_STATUS_QUERY, ANYBODY, &tally__status_query__descriptor, answer_status},
    {MESSAGE_VERIFY_QUERY, OPERATORS, &tally__verify_query__descriptor, answer_verify},
};

/* ---- for the answers ---- */

enum refusal answer_pack(struct answer_desk *desk, enum message_type type, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > desk->options->answer_bytes_max) {
        return REFUSAL_ANSWER_TOO_LARGE;
    }
    protobuf_c_message_pack(message, desk->packed);
    desk->packed_bytes = size;
    desk->type = type;
    return REFUSAL_NONE;
}

const struct competition *answer_competition(const struct answer_desk *desk, const char *key) {
    return registry_competition(desk->registry, key, strlen(key));
}

bool answer_may_read(const struct answer_desk *desk, uint32_t region) {
    const struct key_right *sender = desk->sender;
    for (size_t i = 0; sender != NULL && i < sender->read_count; i++) {
        if (region_within(region, sender->reads[i])) {
            return true;
        }
    }
    return sender == NULL;
}

void *answer_room(struct answer_desk *desk, size_t count, size_t size) {
    void *room = arena_allocate(&desk->scratch, count * size); /* count is bounded by what there can be */
    return room != NULL ? memset(room, 0, count * size) : NULL;
}

enum refusal answer_stored_failed(struct answer_desk *desk, enum error error) {
    log_event_limited(&desk->stored_limit, clock_monotonic_ns(), LOG_INTERVAL_S * INT64_C(1000000000), LOG_ERROR,
                      "stored-state-unreadable", "error=\"%s\"", error_text(error));
    return REFUSAL_NOT_READY;
}

/* ---- in ---- */

static bool receive(struct query *query, struct arrival *arrival) {
    arrival->type = 0;
    if (!socket_receive_message(query->socket, &arrival->from, &arrival->refusal, &arrival->type, &arrival->body)) {
        return false;
    }
    if (arrival->refusal == REFUSAL_NONE && zmq_msg_size(&arrival->body) > BATCH_BYTES_MAX) {
        arrival->refusal = REFUSAL_BODY_TOO_LARGE;
    }
    return true;
}

/* ---- out ---- */

/* ROUTER_MANDATORY tells with the first frame whether the peer is there and takes it; the others then follow. */
static void send_packed(struct query *query, zmq_msg_t *to) {
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write(header, query->desk.type);
    bool sent = socket_send(query->socket, zmq_msg_data(to), zmq_msg_size(to), ZMQ_SNDMORE) &&
                socket_send(query->socket, header, sizeof header, ZMQ_SNDMORE) &&
                socket_send(query->socket, query->desk.packed, query->desk.packed_bytes, 0);
    counter_add(COUNTER_QUERY_ANSWERS_UNSENT, sent ? 0 : 1);
}

static void pack_refusal(struct answer_desk *desk, uint64_t request, unsigned message_type, enum refusal code) {
    Tally__Refusal message = TALLY__REFUSAL__INIT;
    message.request = request;
    message.code = code;
    message.name = (char *)(uintptr_t)refusal_name(code); /* packing only reads these */
    message.text = (char *)(uintptr_t)refusal_text(code);
    message.message_type = message_type;
    desk->packed_bytes = protobuf_c_message_pack(&message.base, desk->packed);
    desk->type = MESSAGE_REFUSAL;
    counter_add(COUNTER_QUERY_REFUSALS, 1);
    counter_refused(code, 1);
}

/* ---- one question ---- */

static const struct kind *find_kind(unsigned type) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].type == type) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* Every question has its request number as its first field. */
static uint64_t request_of(const ProtobufCMessage *question) {
    uint64_t request;
    memcpy(&request, (const char *)question + question->descriptor->fields[0].offset, sizeof request);
    return request;
}

/* By the registry of now: a key that was taken away since the connection was made may ask nothing. */
static bool let_ask(struct query *query, const struct kind *kind, zmq_msg_t *body) {
    struct answer_desk *desk = &query->desk;
    desk->sender = desk->registry->keyed ? socket_sender(body, desk->registry) : NULL;
    return !desk->registry->keyed || (desk->sender != NULL && (kind->roles >> desk->sender->role & 1) != 0);
}

static enum refusal answer(struct query *query, struct arrival *arrival, uint64_t *request) {
    if (arrival->refusal != REFUSAL_NONE) {
        return arrival->refusal;
    }
    const struct kind *kind = find_kind(arrival->type);
    if (kind == NULL) {
        return REFUSAL_TYPE_UNKNOWN;
    }
    arena_reset(&query->question_arena);
    arena_reset(&query->desk.scratch);
    const ProtobufCMessage *question =
        protobuf_c_message_unpack(kind->descriptor, &query->question_arena.allocator, zmq_msg_size(&arrival->body),
                                  zmq_msg_data(&arrival->body)); /* the arena takes all of it back at once */
    if (question == NULL) {
        return REFUSAL_BODY_MALFORMED;
    }
    *request = request_of(question);
    if (!let_ask(query, kind, &arrival->body)) {
        return REFUSAL_NOT_ALLOWED;
    }
    return kind->answer(&query->desk, question);
}

static void take_question(struct query *query, struct arrival *arrival) {
    uint64_t request = 0;
    enum refusal refusal = answer(query, arrival, &request);
    if (refusal != REFUSAL_NONE) {
        pack_refusal(&query->desk, request, arrival->type, refusal);
    } else {
        counter_add(COUNTER_QUERY_QUESTIONS, 1);
    }
    send_packed(query, &arrival->from);
}

void query_serve(void *context, const struct rollup *rollup, const struct registry *registry) {
    struct query *query = context;
    query->desk.rollup = rollup;
    query->desk.registry = registry;
    query->desk.time_ms = clock_wall_ms();
    struct arrival arrival;
    zmq_msg_init(&arrival.from);
    zmq_msg_init(&arrival.body);
    for (int i = 0; i < QUESTIONS_A_TURN_MAX && receive(query, &arrival); i++) {
        take_question(query, &arrival);
    }
    zmq_msg_close(&arrival.from);
    zmq_msg_close(&arrival.body);
}

/* ---- life ---- */

static bool set_up_memory(struct query *query) {
    query->question_memory = memory_reserve(QUESTION_ARENA_BYTES);
    query->scratch_memory = memory_reserve(SCRATCH_BYTES);
    query->desk.packed = memory_reserve(ANSWER_BYTES_MAX);
    if (query->question_memory == NULL || query->scratch_memory == NULL || query->desk.packed == NULL) {
        return false;
    }
    arena_init(&query->question_arena, query->question_memory, QUESTION_ARENA_BYTES);
    arena_init(&query->desk.scratch, query->scratch_memory, SCRATCH_BYTES);
    return true;
}

struct query *query_create(const struct query_options *options, struct fault *fault) {
    CHECK(options->answer_bytes_max <= ANSWER_BYTES_MAX);
    struct query *query = calloc(1, sizeof *query);
    if (query == NULL || !set_up_memory(query)) {
        fault_set(fault, ERROR_MEMORY, "query endpoint %s: %s", options->endpoint, error_text(ERROR_MEMORY));
        goto fail;
    }
    query->options = *options;
    if (options->answer_bytes_max == 0) {
        query->options.answer_bytes_max = ANSWER_BYTES_MAX;
    }
    query->desk.options = &query->options;
    struct socket_options socket = {.type = ZMQ_ROUTER,
                                    .name = "query",
                                    .endpoint = options->endpoint,
                                    .keys = options->keys,
                                    .receive_queue = QUEUE_MESSAGES,
                                    .send_queue = QUEUE_MESSAGES,
                                    .frame_bytes_max = FRAME_BYTES_MAX};
    query->socket = socket_bind(options->zmq_context, &socket, fault);
    if (query->socket == NULL) {
        goto fail;
    }
    return query;
fail:
    query_destroy(query);
    return NULL;
}

void query_destroy(struct query *query) {
    if (query == NULL) {
        return;
    }
    if (query->socket != NULL) {
        zmq_close(query->socket);
    }
    memory_release(query->question_memory, QUESTION_ARENA_BYTES);
    memory_release(query->scratch_memory, SCRATCH_BYTES);
    memory_release(query->desk.packed, ANSWER_BYTES_MAX);
    free(query);
}

void *query_socket(const struct query *query) {
    return query->socket;
}
