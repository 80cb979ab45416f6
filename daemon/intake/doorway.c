#include "doorway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/access/socket.h"
#include "daemon/base/check.h"
#include "daemon/base/counter.h"
#include "proto/limits.h"
#include "tally.pb-c.h"

enum {
    ROUTING_BYTES = 5,
    FRAME_BYTES_MAX = 2 << 20, /* a larger frame closes the connection: PROTOCOL.md, "Errors" */
    WINDOW_SLACK = 16,         /* Hellos and repetitions beside the window */
    REASONS_MAX = 64,          /* different codes in one receipt: codes of rows are below 64 */
    DOORWAY_BUFFER_BYTES = 256 << 10,
};

/* The largest answer is a receipt that refuses every row: two packed numbers a row of at most 3 and 1 bytes, and each
 * reason's text once. */
_Static_assert(BATCH_ROWS_MAX * 4 + REASONS_MAX * 512 < DOORWAY_BUFFER_BYTES, "every answer fits the buffer");

enum error doorway_open(struct doorway *doorway, void *zmq_context, const char *endpoint, const struct curve_pair *keys,
                        uint32_t window, struct fault *fault) {
    *doorway = (struct doorway){.buffer = malloc(DOORWAY_BUFFER_BYTES)};
    if (doorway->buffer == NULL) {
        return fault_set(fault, ERROR_MEMORY, "%s: %s", endpoint, error_text(ERROR_MEMORY));
    }
    struct socket_options options = {.type = ZMQ_ROUTER,
                                     .name = "ingest",
                                     .endpoint = endpoint,
                                     .keys = keys,
                                     .receive_queue = (int)window + WINDOW_SLACK,
                                     .send_queue = 2 * (int)window + WINDOW_SLACK,
                                     .frame_bytes_max = FRAME_BYTES_MAX};
    doorway->socket = socket_bind(zmq_context, &options, fault);
    if (doorway->socket == NULL) {
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

static void read_routing(struct arrival *arrival, zmq_msg_t *frame) {
    const uint8_t *id = zmq_msg_data(frame);
    arrival->addressed = zmq_msg_size(frame) == ROUTING_BYTES && id[0] == 0;
    if (arrival->addressed) {
        memcpy(&arrival->routing, id + 1, sizeof arrival->routing);
    }
}

bool doorway_receive(struct doorway *doorway, struct arrival *arrival, zmq_msg_t *body) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    *arrival = (struct arrival){0};
    bool received = socket_receive_message(doorway->socket, &frame, &arrival->refusal, &arrival->type, body);
    if (received) {
        read_routing(arrival, &frame);
    }
    zmq_msg_close(&frame);
    return received;
}

/* ---- out ---- */

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
    if (!socket_send(doorway->socket, id, sizeof id, ZMQ_SNDMORE)) {
        counter_add(COUNTER_INTAKE_ANSWERS_UNSENT, 1);
        return errno == EAGAIN ? SENDING_FULL : SENDING_GONE;
    }
    if (!socket_send(doorway->socket, header, sizeof header, ZMQ_SNDMORE) ||
        !socket_send(doorway->socket, doorway->buffer, size, 0)) {
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
