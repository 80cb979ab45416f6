#include "tally/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "clock.h"
#include "link.h"
#include "proto/limits.h"
#include "proto/text.h"
#include "socket.h"

enum {
    TIMEOUT_MS_DEFAULT = 5000,
    /* Unpacking 4 MiB takes several times that; address space only until it is used. */
    ARENA_BYTES = 64 << 20,
    COMPETITION_TEXT_BYTES_MAX = 255, /* may be sent; the daemon refuses what it does not know */
};

#define NS_PER_MS INT64_C(1000000)

struct tally_query {
    void *context;
    struct credentials credentials;
    struct link link; /* closed after a time-out: late answers end with the old one */
    char *endpoint;
    int timeout_ms;
    uint64_t request;
    unsigned refusal;
    void *arena_memory;
    struct arena arena;
    char message[FAULT_MESSAGE_BYTES];
};

/* Every answer begins like this, and so does a Refusal. */
struct numbered {
    ProtobufCMessage base;
    uint64_t request;
};
#define NUMBERED(type) \
    _Static_assert(offsetof(type, request) == offsetof(struct numbered, request), "answers must begin alike")
NUMBERED(Tally__Totals);
NUMBERED(Tally__Regions);
NUMBERED(Tally__Projects);
NUMBERED(Tally__History);
NUMBERED(Tally__Nodes);
NUMBERED(Tally__Competitions);
NUMBERED(Tally__Status);
NUMBERED(Tally__Verification);
NUMBERED(Tally__Refusal);
#undef NUMBERED

enum tally_error tally_query_open(const struct tally_query_options *options, struct tally_query **query,
                                  char *message) {
    if (!socket_endpoint_valid(options->endpoint)) {
        return fault_set(message, TALLY_INVALID, "the endpoint must be tcp://HOST:PORT or ipc://PATH");
    }
    if (options->timeout_ms < 0) {
        return fault_set(message, TALLY_INVALID, "the time-out is not negative");
    }
    struct tally_query *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return fault_memory(message);
    }
    opened->endpoint = strdup(options->endpoint);
    opened->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
    opened->context = socket_context_create();
    opened->arena_memory = malloc(ARENA_BYTES);
    if (opened->endpoint == NULL || opened->context == NULL || opened->arena_memory == NULL) {
        tally_query_close(&opened);
        return fault_memory(message);
    }
    enum tally_error error = credentials_read(&opened->credentials, options->key_file, options->daemon_key, message);
    if (error != TALLY_OK) {
        tally_query_close(&opened);
        return error;
    }
    arena_init(&opened->arena, opened->arena_memory, ARENA_BYTES);
    link_init(&opened->link, opened->context, opened->endpoint, &opened->credentials);
    *query = opened;
    return TALLY_OK;
}

void tally_query_close(struct tally_query **query) {
    if (query == NULL || *query == NULL) {
        return;
    }
    struct tally_query *closing = *query;
    *query = NULL;
    link_close(&closing->link);
    socket_context_destroy(&closing->context);
    credentials_forget(&closing->credentials);
    free(closing->arena_memory);
    free(closing->endpoint);
    free(closing);
}

const char *tally_query_message(const struct tally_query *query) {
    return query->message;
}

unsigned tally_query_refusal(const struct tally_query *query) {
    return query->refusal;
}

void tally_answer_free(void *answer) {
    free(answer);
}

/* ---- asking ---- */

/* A question on its way, and the kind of answer that it wants. */
struct question {
    enum message_type type;
    const ProtobufCMessage *message;
    uint64_t request;
    enum message_type answer_type;
    const ProtobufCMessageDescriptor *descriptor;
};

static enum tally_error send_question(struct tally_query *query, const struct question *question) {
    query->refusal = 0;
    query->message[0] = '\0';
    if (query->link.socket == NULL) {
        enum tally_error error = link_renew(&query->link, query->message);
        if (error != TALLY_OK) {
            return error;
        }
    }
    if (!socket_send_message(query->link.socket, question->type, question->message)) {
        link_close(&query->link);
        return fault_memory(query->message);
    }
    return TALLY_OK;
}

/* Waits until something can be read, or the connection was turned away. */
static bool wait_until(struct tally_query *query, int64_t deadline_ns) {
    for (;;) {
        int64_t left_ms = (deadline_ns - clock_now_ns() + NS_PER_MS - 1) / NS_PER_MS;
        zmq_pollitem_t items[] = {{.socket = query->link.socket, .events = ZMQ_POLLIN},
                                  {.socket = query->link.monitor, .events = ZMQ_POLLIN}};
        int ready = left_ms > 0 ? zmq_poll(items, 2, (long)left_ms) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0 || (items[0].revents & ZMQ_POLLIN) != 0) {
            return ready > 0;
        }
        if (link_lost(&query->link) && query->link.turned_away) {
            return false;
        }
    }
}

static enum tally_error refused(struct tally_query *query, const Tally__Refusal *refusal) {
    query->refusal = refusal->code;
    return fault_set(query->message, TALLY_REFUSED, "%s: %s", refusal_name(refusal->code),
                     *refusal->text != '\0' ? refusal->text : refusal_text(refusal->code));
}

/* Looks at one message. TIMEOUT means that it is not ours: wait on. A refusal without number is ours, because nothing
 * of an earlier question can come through this socket except answers that carry theirs. */
static enum tally_error look(struct tally_query *query, const struct question *question, struct socket_message *came,
                             const void **answer) {
    bool refusal = came->type == MESSAGE_REFUSAL;
    arena_reset(&query->arena);
    const struct numbered *body = NULL;
    if (refusal || came->type == question->answer_type) {
        body = socket_unpack(came, refusal ? &tally__refusal__descriptor : question->descriptor, &query->arena);
    }
    if (body == NULL) {
        return fault_set(query->message, TALLY_PROTOCOL, "what %s answered cannot be read; check the endpoint",
                         query->endpoint);
    }
    if (body->request != question->request && !(refusal && body->request == 0)) {
        return TALLY_TIMEOUT;
    }
    *answer = body;
    return refusal ? refused(query, (const Tally__Refusal *)body) : TALLY_OK;
}

static enum tally_error await_answer(struct tally_query *query, const struct question *question, const void **answer,
                                     size_t *body_bytes) {
    int64_t deadline_ns = clock_now_ns() + query->timeout_ms * NS_PER_MS;
    while (wait_until(query, deadline_ns)) {
        struct socket_message came;
        enum socket_receipt receipt = socket_receive(query->link.socket, 2, &came);
        if (receipt == SOCKET_GARBAGE) {
            return fault_set(query->message, TALLY_PROTOCOL, "%s does not speak protocol version 1", query->endpoint);
        }
        if (receipt == SOCKET_MESSAGE) {
            enum tally_error error = look(query, question, &came, answer);
            *body_bytes = zmq_msg_size(&came.body);
            zmq_msg_close(&came.body);
            if (error != TALLY_TIMEOUT) {
                return error;
            }
        }
    }
    if (query->link.turned_away) {
        query->refusal = REFUSAL_NOT_ALLOWED;
        link_tell_turned_away(&query->link, query->message);
        return TALLY_REFUSED;
    }
    return fault_set(query->message, TALLY_TIMEOUT, "no answer from %s within %d ms", query->endpoint,
                     query->timeout_ms);
}

static enum tally_error ask(struct tally_query *query, const struct question *question, const void **answer,
                            size_t *body_bytes) {
    enum tally_error error = send_question(query, question);
    if (error == TALLY_OK) {
        error = await_answer(query, question, answer, body_bytes);
    }
    if (error == TALLY_TIMEOUT || error == TALLY_PROTOCOL || query->link.turned_away) {
        link_close(&query->link);
    }
    return error;
}

/* The last word on an answer that was read. */
static enum tally_error conclude(struct tally_query *query, enum tally_error error) {
    if (error != TALLY_OK) {
        return fault_set(query->message, error, "%s",
                         error == TALLY_PROTOCOL ? "the columns of the answer are not equally long"
                                                 : tally_error_text(error));
    }
    return TALLY_OK;
}

static bool text_sendable(const char *text) {
    size_t bytes = text != NULL ? strnlen(text, COMPETITION_TEXT_BYTES_MAX + 1) : COMPETITION_TEXT_BYTES_MAX + 1;
    return bytes <= COMPETITION_TEXT_BYTES_MAX && text_is_utf8(text, bytes);
}

static enum tally_error invalid(struct tally_query *query, const char *what) {
    query->refusal = 0;
    return fault_set(query->message, TALLY_INVALID, "%s", what);
}

static char *borrowed(const char *text) {
    return (char *)(uintptr_t)text; /* protobuf-c's fields are not const; packing only reads them */
}

/* ---- the questions ---- */

static const char competition_invalid[] = "the competition key must be text of at most 255 bytes";

enum tally_error tally_query_totals(struct tally_query *query, const char *competition, uint32_t region, uint32_t day,
                                    struct tally_totals_answer **answer) {
    if (!text_sendable(competition)) {
        return invalid(query, competition_invalid);
    }
    Tally__TotalsQuery message = TALLY__TOTALS_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    message.competition = borrowed(competition);
    message.region = region;
    message.day = day;
    struct question question = {MESSAGE_TOTALS_QUERY, &message.base, message.request, MESSAGE_TOTALS,
                                &tally__totals__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_totals(body, bytes, answer)) : error;
}

enum tally_error tally_query_regions(struct tally_query *query, const char *competition, uint32_t region, uint32_t day,
                                     struct tally_regions_answer **answer) {
    if (!text_sendable(competition)) {
        return invalid(query, competition_invalid);
    }
    Tally__RegionsQuery message = TALLY__REGIONS_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    message.competition = borrowed(competition);
    message.region = region;
    message.day = day;
    struct question question = {MESSAGE_REGIONS_QUERY, &message.base, message.request, MESSAGE_REGIONS,
                                &tally__regions__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_regions(body, bytes, answer)) : error;
}

enum tally_error tally_query_project(struct tally_query *query, const char *competition, const char *code,
                                     struct tally_projects_answer **answer) {
    if (!text_sendable(competition) || !text_sendable(code)) {
        return invalid(query, "competition key and project code must be text of at most 255 bytes");
    }
    Tally__ProjectQuery message = TALLY__PROJECT_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    message.competition = borrowed(competition);
    message.code = borrowed(code);
    struct question question = {MESSAGE_PROJECT_QUERY, &message.base, message.request, MESSAGE_PROJECTS,
                                &tally__projects__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_projects(body, bytes, answer)) : error;
}

enum tally_error tally_query_projects(struct tally_query *query, const char *competition, uint32_t region,
                                      uint32_t after_region, const char *after_code, uint32_t limit,
                                      struct tally_projects_answer **answer) {
    if (!text_sendable(competition) || !text_sendable(after_code)) {
        return invalid(query, "competition key and project code must be text of at most 255 bytes");
    }
    if (limit > PAGE_ROWS_MAX) {
        return invalid(query, "a page has at most 1,000 projects");
    }
    Tally__ProjectsQuery message = TALLY__PROJECTS_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    message.competition = borrowed(competition);
    message.region = region;
    message.after_region = after_region;
    message.after_code = borrowed(after_code);
    message.limit = limit;
    struct question question = {MESSAGE_PROJECTS_QUERY, &message.base, message.request, MESSAGE_PROJECTS,
                                &tally__projects__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_projects(body, bytes, answer)) : error;
}

enum tally_error tally_query_history(struct tally_query *query, const char *competition, uint32_t region,
                                     uint32_t first_day, uint32_t last_day, struct tally_history_answer **answer) {
    if (!text_sendable(competition)) {
        return invalid(query, competition_invalid);
    }
    Tally__HistoryQuery message = TALLY__HISTORY_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    message.competition = borrowed(competition);
    message.region = region;
    message.first_day = first_day;
    message.last_day = last_day;
    struct question question = {MESSAGE_HISTORY_QUERY, &message.base, message.request, MESSAGE_HISTORY,
                                &tally__history__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_history(body, bytes, answer)) : error;
}

enum tally_error tally_query_nodes(struct tally_query *query, struct tally_nodes_answer **answer) {
    Tally__NodesQuery message = TALLY__NODES_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    struct question question = {MESSAGE_NODES_QUERY, &message.base, message.request, MESSAGE_NODES,
                                &tally__nodes__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_nodes(body, bytes, answer)) : error;
}

enum tally_error tally_query_competitions(struct tally_query *query, struct tally_competitions_answer **answer) {
    Tally__CompetitionsQuery message = TALLY__COMPETITIONS_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    struct question question = {MESSAGE_COMPETITIONS_QUERY, &message.base, message.request, MESSAGE_COMPETITIONS,
                                &tally__competitions__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_competitions(body, bytes, answer)) : error;
}

enum tally_error tally_query_status(struct tally_query *query, struct tally_status_answer **answer) {
    Tally__StatusQuery message = TALLY__STATUS_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    struct question question = {MESSAGE_STATUS_QUERY, &message.base, message.request, MESSAGE_STATUS,
                                &tally__status__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_status(body, bytes, answer)) : error;
}

enum tally_error tally_query_verify(struct tally_query *query, bool start, struct tally_verification_answer **answer) {
    Tally__VerifyQuery message = TALLY__VERIFY_QUERY__INIT;
    const void *body = NULL;
    size_t bytes = 0;
    message.request = ++query->request;
    message.start = start;
    struct question question = {MESSAGE_VERIFY_QUERY, &message.base, message.request, MESSAGE_VERIFICATION,
                                &tally__verification__descriptor};
    enum tally_error error = ask(query, &question, &body, &bytes);
    return error == TALLY_OK ? conclude(query, answers_verification(body, bytes, answer)) : error;
}
