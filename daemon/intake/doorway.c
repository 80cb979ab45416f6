#include "doorway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/counter.h"
#include "proto/limits.h"
#include "tally.pb-c.h"

enum {
    ROUTING_BYTES = 5,
    FRAME_BYTES_MAX = 2 << 20, /* a larger frame closes the connection: PROTOCOL.md, "Errors" */
    WINDOW_SLACK = 16,         /* Hellos and repetitions beside the window */
    HANDSHAKE_MS = 2000,       /* idle connections must not fill the descriptor table */
    HEARTBEAT_INTERVAL_TCP_MS = 5000,
    HEARTBEAT_TIMEOUT_TCP_MS = 30000,
    LINGER_MS = 1000,
    REASONS_MAX = 64, /* different codes in one receipt: codes of rows are below 64 */
    DOORWAY_BUFFER_BYTES = 256 << 10,
};

/* The largest answer is a receipt that refuses every row: two packed numbers a row of at most 3 and 1 bytes, and each
 * reason's text once. */
_Static_assert(BATCH_ROWS_MAX * 4 + REASONS_MAX * 512 < DOORWAY_BUFFER_BYTES, "every answer fits the buffer");

static int set(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static bool configure(void *socket, int window) {
    int failed = set(socket, ZMQ_ROUTER_MANDATORY, 1);
    failed |= set(socket, ZMQ_RCVHWM, window + WINDOW_SLACK);
    failed |= set(socket, ZMQ_SNDHWM, 2 * window + WINDOW_SLACK);
    failed |= set(socket, ZMQ_LINGER, LINGER_MS);
    failed |= set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    failed |= set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_INTERVAL_TCP_MS);
    failed |= set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_TCP_MS);
    failed |= set(socket, ZMQ_IPV6, 1);
    int64_t frame_bytes_max = FRAME_BYTES_MAX;
    failed |= zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes_max, sizeof frame_bytes_max);
    return failed == 0;
}

enum error doorway_open(struct doorway *doorway, void *zmq_context, const char *endpoint, uint32_t window,
                        struct fault *fault) {
    *doorway = (struct doorway){.buffer = malloc(DOORWAY_BUFFER_BYTES)};
    if (doorway->buffer == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s: %s", endpoint, error_text(ERROR_MEMORY));
    }
    doorway->socket = zmq_socket(zmq_context, ZMQ_ROUTER);
    if (doorway->socket == NULL || !configure(doorway->socket, (int)window) ||
        zmq_bind(doorway->socket, endpoint) != 0) {
        fault_set(fault, ERROR_NETWORK, "ingest endpoint %s: %s", endpoint, zmq_strerror(errno));
        doorway_close(doorway);
        return fault->error;
    }
    return ERROR_NONE;
}

void doorway_close(struct doorway *doorway) {
    if (doorway->socket != NULL) {
        zmq_close(doorway->socket);
    }
    free(doorway->buffer);
    *doorway = (struct doorway){0};
}

/* ---- in ---- */

static bool receive_frame(void *socket, zmq_msg_t *frame) {
    int received;
    do {
        received = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    return received >= 0;
}

static void drop_rest(void *socket, zmq_msg_t *frame) {
    while (zmq_msg_more(frame) && receive_frame(socket, frame)) {
    }
}

static void read_routing(struct arrival *arrival, zmq_msg_t *frame) {
    const uint8_t *id = zmq_msg_data(frame);
    arrival->addressed = zmq_msg_size(frame) == ROUTING_BYTES && id[0] == 0;
    if (arrival->addressed) {
        memcpy(&arrival->routing, id + 1, sizeof arrival->routing);
    }
}

/* The frames after the routing id: a header, then the body as the last. Whatever is there is taken off the socket. */
static enum refusal read_frames(struct doorway *doorway, unsigned *type, zmq_msg_t *frame, zmq_msg_t *body) {
    if (!zmq_msg_more(frame) || !receive_frame(doorway->socket, frame)) {
        return REFUSAL_FRAMES_MALFORMED;
    }
    enum refusal refusal = frame_read(zmq_msg_data(frame), zmq_msg_size(frame), type);
    if (!zmq_msg_more(frame) || !receive_frame(doorway->socket, body)) {
        return REFUSAL_FRAMES_MALFORMED;
    }
    if (zmq_msg_more(body)) {
        drop_rest(doorway->socket, body);
        return REFUSAL_FRAMES_MALFORMED;
    }
    return refusal;
}

bool doorway_receive(struct doorway *doorway, struct arrival *arrival, zmq_msg_t *body) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool received = receive_frame(doorway->socket, &frame);
    if (received) {
        *arrival = (struct arrival){0};
        read_routing(arrival, &frame);
        arrival->refusal = read_frames(doorway, &arrival->type, &frame, body);
    }
    zmq_msg_close(&frame);
    return received;
}

/* ---- out ---- */

static int send_frame(void *socket, const void *bytes, size_t size, int flags) {
    int sent;
    do {
        sent = zmq_send(socket, bytes, size, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

/* ROUTER_MANDATORY tells with the first frame whether the peer is there and takes it; the others then follow. */
static enum sending send_message(struct doorway *doorway, routing_t to, enum message_type type,
                                 const ProtobufCMessage *message) {
    uint8_t id[ROUTING_BYTES] = {0};
    uint8_t header[FRAME_HEADER_BYTES];
    memcpy(id + 1, &to, sizeof to);
    frame_write(header, type);
    size_t size = protobuf_c_message_get_packed_size(message);
    CHECK(size <= DOORWAY_BUFFER_BYTES);
    protobuf_c_message_pack(message, doorway->buffer);
    if (send_frame(doorway->socket, id, sizeof id, ZMQ_SNDMORE) < 0) {
        counter_add(COUNTER_INTAKE_ANSWERS_UNSENT, 1);
        return errno == EAGAIN ? SENDING_FULL : SENDING_GONE;
    }
    if (send_frame(doorway->socket, header, sizeof header, ZMQ_SNDMORE) < 0 ||
        send_frame(doorway->socket, doorway->buffer, size, 0) < 0) {
        counter_add(COUNTER_INTAKE_ANSWERS_UNSENT, 1);
        return SENDING_GONE;
    }
    return SENDING_DONE;
}

enum sending doorway_welcome(struct doorway *doorway, routing_t to, const struct welcome *welcome) {
    Tally__Welcome message = TALLY__WELCOME__INIT;
    message.next_sequence = welcome->next_sequence;
    message.durable_sequence = welcome->durable_sequence;
    message.epoch = welcome->epoch;
    message.version = welcome->version;
    message.window = welcome->window;
    message.batch_rows_max = BATCH_ROWS_MAX;
    message.batch_bytes_max = BATCH_BYTES_MAX;
    return send_message(doorway, to, MESSAGE_WELCOME, &message.base);
}

/* What a receipt says of its refused rows, in columns, with each reason's text once. */
struct refused_columns {
    uint32_t rows[BATCH_ROWS_MAX];
    uint32_t codes[BATCH_ROWS_MAX];
    uint32_t reason_codes[REASONS_MAX];
    char *reason_texts[REASONS_MAX];
    size_t reason_count;
};

static void add_reason(struct refused_columns *columns, uint32_t code) {
    for (size_t i = 0; i < columns->reason_count; i++) {
        if (columns->reason_codes[i] == code) {
            return;
        }
    }
    CHECK(columns->reason_count < REASONS_MAX);
    columns->reason_codes[columns->reason_count] = code;
    columns->reason_texts[columns->reason_count] = (char *)(uintptr_t)refusal_text(code); /* packing only reads it */
    columns->reason_count++;
}

enum sending doorway_receipt(struct doorway *doorway, routing_t to, const struct receipt *receipt) {
    struct refused_columns columns;
    columns.reason_count = 0;
    for (uint32_t i = 0; i < receipt->refusal_count; i++) {
        columns.rows[i] = receipt->refusals[i].row;
        columns.codes[i] = receipt->refusals[i].code;
        add_reason(&columns, receipt->refusals[i].code);
    }
    if (receipt->batch_code != REFUSAL_NONE) {
        add_reason(&columns, receipt->batch_code);
    }
    Tally__Receipt message = TALLY__RECEIPT__INIT;
    message.first_sequence = receipt->sequence;
    message.sequence = receipt->sequence;
    message.version = receipt->version;
    message.rows = receipt->rows;
    message.accepted = receipt->accepted;
    message.unchanged = receipt->unchanged;
    message.batch_code = receipt->batch_code;
    message.n_refused_row = receipt->refusal_count;
    message.refused_row = columns.rows;
    message.n_refused_code = receipt->refusal_count;
    message.refused_code = columns.codes;
    message.n_reason_code = columns.reason_count;
    message.reason_code = columns.reason_codes;
    message.n_reason_text = columns.reason_count;
    message.reason_text = columns.reason_texts;
    return send_message(doorway, to, MESSAGE_RECEIPT, &message.base);
}

enum sending doorway_reminder(struct doorway *doorway, routing_t to, uint64_t durable_sequence, uint64_t version) {
    Tally__Receipt message = TALLY__RECEIPT__INIT;
    message.first_sequence = durable_sequence + 1;
    message.sequence = durable_sequence;
    message.version = version;
    return send_message(doorway, to, MESSAGE_RECEIPT, &message.base);
}

enum sending doorway_rewind(struct doorway *doorway, routing_t to, uint64_t expected, uint64_t received,
                            enum refusal code) {
    Tally__Rewind message = TALLY__REWIND__INIT;
    message.expected_sequence = expected;
    message.received_sequence = received;
    message.code = code;
    message.text = (char *)(uintptr_t)refusal_text(code);
    return send_message(doorway, to, MESSAGE_REWIND, &message.base);
}

enum sending doorway_busy(struct doorway *doorway, routing_t to, uint64_t sequence, uint32_t retry_ms,
                          enum refusal code) {
    Tally__Busy message = TALLY__BUSY__INIT;
    message.sequence = sequence;
    message.retry_ms = retry_ms;
    message.code = code;
    message.text = (char *)(uintptr_t)refusal_text(code);
    return send_message(doorway, to, MESSAGE_BUSY, &message.base);
}

enum sending doorway_refuse(struct doorway *doorway, routing_t to, unsigned message_type, enum refusal code) {
    Tally__Refusal message = TALLY__REFUSAL__INIT;
    message.code = code;
    message.name = (char *)(uintptr_t)refusal_name(code);
    message.text = (char *)(uintptr_t)refusal_text(code);
    message.message_type = message_type;
    return send_message(doorway, to, MESSAGE_REFUSAL, &message.base);
}
