#include "peer.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "proto/limits.h"
#include "tally.pb-c.h"

enum { PATIENCE_MS = 10000, ARENA_BYTES = 16 << 20 };

int64_t peer_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void peer_breathe(void) {
    poll(NULL, 0, 1);
}

void peer_up(struct peer *peer) {
    int zero = 0;
    int patience = PATIENCE_MS;
    size_t size = sizeof peer->endpoint;
    peer->socket = zmq_socket(peer->context, peer->type);
    zmq_setsockopt(peer->socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(peer->socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    int64_t deadline = peer_clock_ms() + PATIENCE_MS;
    while (zmq_bind(peer->socket, peer->endpoint) != 0) { /* the port may not be free again at once */
        cr_assert_lt(peer_clock_ms(), deadline, "cannot bind %s", peer->endpoint);
        peer_breathe();
    }
    cr_assert_eq(zmq_getsockopt(peer->socket, ZMQ_LAST_ENDPOINT, peer->endpoint, &size), 0);
}

void peer_open(struct peer *peer, int type) {
    void *memory = malloc(ARENA_BYTES);
    *peer = (struct peer){.context = zmq_ctx_new(), .type = type, .body = malloc(PEER_BODY_BYTES)};
    strcpy(peer->endpoint, "tcp://127.0.0.1:*");
    arena_init(&peer->arena, memory, ARENA_BYTES);
    peer_up(peer);
}

void peer_down(struct peer *peer) {
    zmq_close(peer->socket);
    peer->socket = NULL;
}

void peer_close(struct peer *peer) {
    if (peer->socket != NULL) {
        peer_down(peer);
    }
    zmq_ctx_term(peer->context);
    free(peer->arena.base);
    free(peer->body);
}

static size_t take_frame(struct peer *peer, void *buffer, size_t size) {
    int got = zmq_recv(peer->socket, buffer, size, 0);
    cr_assert_geq(got, 0, "nothing came");
    cr_assert_leq((size_t)got, size);
    return (size_t)got;
}

static void take_message(struct peer *peer, enum message_type type) {
    uint8_t header[FRAME_HEADER_BYTES];
    unsigned came = 0;
    peer->id_bytes = take_frame(peer, peer->id, sizeof peer->id);
    size_t bytes = take_frame(peer, header, sizeof header);
    cr_assert_eq(frame_read(header, bytes, &came), REFUSAL_NONE);
    peer->body_bytes = take_frame(peer, peer->body, PEER_BODY_BYTES);
    cr_assert_eq(came, type, "message type %u came instead of %u", came, (unsigned)type);
    arena_reset(&peer->arena);
}

void *peer_expect(struct peer *peer, enum message_type type, const ProtobufCMessageDescriptor *descriptor) {
    take_message(peer, type);
    void *message = protobuf_c_message_unpack(descriptor, &peer->arena.allocator, peer->body_bytes, peer->body);
    cr_assert_not_null(message);
    return message;
}

void peer_expect_batch(struct peer *peer, uint64_t sequence, struct batch *batch) {
    take_message(peer, MESSAGE_BATCH);
    cr_assert_eq(batch_decode(peer->body, peer->body_bytes, &peer->arena, batch), REFUSAL_NONE);
    cr_assert_eq(batch->sequence, sequence, "batch %llu came instead of %llu", (unsigned long long)batch->sequence,
                 (unsigned long long)sequence);
}

void peer_answer_bytes(struct peer *peer, const void *header, size_t header_bytes, const void *body,
                       size_t body_bytes) {
    cr_assert_geq(zmq_send(peer->socket, peer->id, peer->id_bytes, ZMQ_SNDMORE), 0);
    cr_assert_geq(zmq_send(peer->socket, header, header_bytes, ZMQ_SNDMORE), 0);
    cr_assert_geq(zmq_send(peer->socket, body, body_bytes, 0), 0);
}

static uint8_t *pack(const ProtobufCMessage *message, size_t *size) {
    *size = protobuf_c_message_get_packed_size(message);
    uint8_t *body = malloc(*size + 1);
    protobuf_c_message_pack(message, body);
    return body;
}

void peer_answer(struct peer *peer, enum message_type type, const ProtobufCMessage *message) {
    uint8_t header[FRAME_HEADER_BYTES];
    size_t size = 0;
    uint8_t *body = pack(message, &size);
    frame_write(header, type);
    peer_answer_bytes(peer, header, sizeof header, body, size);
    free(body);
}

void peer_expect_hello(struct peer *peer, uint64_t acknowledged, uint64_t epoch) {
    const Tally__Hello *hello = peer_expect(peer, MESSAGE_HELLO, &tally__hello__descriptor);
    cr_assert_str_eq(hello->node, "zhejiang");
    cr_assert_eq(hello->acknowledged, acknowledged, "acknowledged %llu", (unsigned long long)hello->acknowledged);
    cr_assert_eq(hello->epoch, epoch);
}

void peer_welcome(struct peer *peer, uint64_t next, uint64_t durable, uint64_t epoch) {
    Tally__Welcome welcome = TALLY__WELCOME__INIT;
    welcome.next_sequence = next;
    welcome.durable_sequence = durable;
    welcome.epoch = epoch;
    welcome.window = 8;
    welcome.batch_rows_max = BATCH_ROWS_MAX;
    welcome.batch_bytes_max = BATCH_BYTES_MAX;
    peer_answer(peer, MESSAGE_WELCOME, &welcome.base);
}

void peer_receipt(struct peer *peer, uint64_t first, uint64_t last) {
    Tally__Receipt receipt = TALLY__RECEIPT__INIT;
    receipt.first_sequence = first;
    receipt.sequence = last;
    receipt.version = 1000 + last;
    peer_answer(peer, MESSAGE_RECEIPT, &receipt.base);
}

void peer_refusal(struct peer *peer, uint64_t request, unsigned code) {
    Tally__Refusal refusal = TALLY__REFUSAL__INIT;
    char text[] = "";
    refusal.request = request;
    refusal.code = code;
    refusal.text = text;
    peer_answer(peer, MESSAGE_REFUSAL, &refusal.base);
}

void peer_expect_subscription(struct peer *peer, const char *topic) {
    char frame[64] = "";
    size_t bytes = take_frame(peer, frame, sizeof frame - 1);
    cr_assert_eq(frame[0], 1, "a subscription");
    cr_assert_eq(bytes, 1 + strlen(topic));
    cr_assert_eq(memcmp(frame + 1, topic, strlen(topic)), 0, "%s instead of %s", frame + 1, topic);
}

void peer_publish(struct peer *peer, const char *topic, enum message_type type, const ProtobufCMessage *message) {
    uint8_t header[FRAME_HEADER_BYTES];
    size_t size = 0;
    uint8_t *body = pack(message, &size);
    frame_write(header, type);
    cr_assert_geq(zmq_send(peer->socket, topic, strlen(topic), ZMQ_SNDMORE), 0);
    cr_assert_geq(zmq_send(peer->socket, header, sizeof header, ZMQ_SNDMORE), 0);
    cr_assert_geq(zmq_send(peer->socket, body, size, 0), 0);
    free(body);
}
