/* One node used by its owner's thread, looked at by another, served by a daemon on a third: for TSan. The daemon is a
 * ROUTER that takes batches in order, is busy for every 13th, and disappears now and then; every row must be accepted once. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "proto/batch.h"
#include "proto/frame.h"
#include "rows.h"
#include "tally.pb-c.h"

enum { PUTS = 400, ROWS_A_PUT = 37, BUSY_EACH = 13, DOWN_EACH = 97, ID_BYTES = 16 };

struct daemon {
    void *context;
    void *socket;
    char endpoint[64];
    uint8_t body[1 << 20];
    size_t body_bytes;
    uint8_t id[ID_BYTES];
    size_t id_bytes;
    uint64_t expected;
    uint64_t rows;
    uint64_t frames;
    struct arena arena;
    _Atomic bool stopping;
};

static _Atomic bool watching = true;

/* libzmq is not instrumented: what it hands from thread to thread looks unguarded. let_go runs on its thread. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void) {
    return "called_from_lib:libzmq\ncalled_from_lib:libstdc++\nrace:let_go\n";
}

static void fail(const char *what) {
    fprintf(stderr, "node_threads: %s\n", what);
    exit(1);
}

static void bind_socket(struct daemon *daemon) {
    int zero = 0;
    int wait_ms = 50;
    size_t size = sizeof daemon->endpoint;
    daemon->socket = zmq_socket(daemon->context, ZMQ_ROUTER);
    zmq_setsockopt(daemon->socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(daemon->socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    while (zmq_bind(daemon->socket, daemon->endpoint) != 0) {
        zmq_poll(NULL, 0, 1);
    }
    zmq_getsockopt(daemon->socket, ZMQ_LAST_ENDPOINT, daemon->endpoint, &size);
}

static void answer(struct daemon *daemon, enum message_type type, const ProtobufCMessage *message) {
    uint8_t header[FRAME_HEADER_BYTES];
    uint8_t body[256];
    frame_write(header, type);
    size_t size = protobuf_c_message_pack(message, body);
    zmq_send(daemon->socket, daemon->id, daemon->id_bytes, ZMQ_SNDMORE);
    zmq_send(daemon->socket, header, sizeof header, ZMQ_SNDMORE);
    zmq_send(daemon->socket, body, size, 0);
}

static void take_batch(struct daemon *daemon, bool busy) {
    struct batch batch;
    arena_reset(&daemon->arena);
    if (batch_decode(daemon->body, daemon->body_bytes, &daemon->arena, &batch) != REFUSAL_NONE) {
        fail("a batch cannot be read");
    }
    if (batch.sequence == daemon->expected && busy) {
        Tally__Busy message = TALLY__BUSY__INIT;
        message.sequence = batch.sequence;
        message.retry_ms = 1;
        answer(daemon, MESSAGE_BUSY, &message.base);
    } else if (batch.sequence == daemon->expected) {
        Tally__Receipt receipt = TALLY__RECEIPT__INIT;
        daemon->expected++;
        daemon->rows += batch.rows;
        receipt.first_sequence = receipt.sequence = batch.sequence;
        answer(daemon, MESSAGE_RECEIPT, &receipt.base);
    } else if (batch.sequence > daemon->expected) {
        Tally__Rewind rewind = TALLY__REWIND__INIT;
        rewind.expected_sequence = daemon->expected;
        answer(daemon, MESSAGE_REWIND, &rewind.base);
    }
}

static void take_hello(struct daemon *daemon) {
    Tally__Welcome welcome = TALLY__WELCOME__INIT;
    const Tally__Hello *hello = (const Tally__Hello *)protobuf_c_message_unpack(
        &tally__hello__descriptor, &daemon->arena.allocator, daemon->body_bytes, daemon->body);
    welcome.next_sequence = daemon->expected;
    welcome.durable_sequence = daemon->expected - 1;
    welcome.epoch = 5;
    welcome.window = 8;
    answer(daemon, MESSAGE_WELCOME, &welcome.base);
    for (uint64_t sequence = hello->acknowledged + 1; sequence < daemon->expected; sequence++) {
        Tally__Receipt receipt = TALLY__RECEIPT__INIT;
        receipt.first_sequence = receipt.sequence = sequence;
        answer(daemon, MESSAGE_RECEIPT, &receipt.base);
    }
    arena_reset(&daemon->arena);
}

static void *serve(void *argument) {
    struct daemon *daemon = argument;
    uint8_t header[FRAME_HEADER_BYTES];
    while (!atomic_load(&daemon->stopping)) {
        int got = zmq_recv(daemon->socket, daemon->id, sizeof daemon->id, 0);
        if (got < 0) {
            continue;
        }
        daemon->id_bytes = (size_t)got;
        zmq_recv(daemon->socket, header, sizeof header, 0);
        daemon->body_bytes = (size_t)zmq_recv(daemon->socket, daemon->body, sizeof daemon->body, 0);
        daemon->frames++;
        if (header[2] == MESSAGE_HELLO) {
            take_hello(daemon);
        } else if (daemon->frames % DOWN_EACH == 0) {
            zmq_close(daemon->socket);
            bind_socket(daemon);
        } else {
            take_batch(daemon, daemon->frames % BUSY_EACH == 0);
        }
    }
    zmq_close(daemon->socket);
    return NULL;
}

static void *watch(void *argument) {
    struct tally_node_progress progress;
    char message[256];
    while (atomic_load(&watching)) {
        tally_node_progress(argument, &progress);
        tally_node_message(argument, message, sizeof message);
        if (progress.rows_accepted > progress.rows_put) {
            fail("more rows are accepted than were put");
        }
        zmq_poll(NULL, 0, 1);
    }
    return NULL;
}

static void put_all(struct tally_node *node) {
    struct tally_project projects[ROWS_A_PUT];
    for (unsigned i = 0; i < PUTS; i++) {
        for (unsigned j = 0; j < ROWS_A_PUT; j++) {
            projects[j] = rows_project(i * ROWS_A_PUT + j);
        }
        if (tally_node_put(node, ROWS_COMPETITION, projects, ROWS_A_PUT, true) != TALLY_OK) {
            fail("a put failed");
        }
    }
}

static void run(const char *outbox) {
    struct daemon *daemon = calloc(1, sizeof *daemon);
    struct tally_node *node = NULL;
    char message[256] = "";
    pthread_t server;
    pthread_t watcher;
    daemon->context = zmq_ctx_new();
    daemon->expected = 1;
    strcpy(daemon->endpoint, "tcp://127.0.0.1:*");
    arena_init(&daemon->arena, malloc(BATCH_ARENA_BYTES), BATCH_ARENA_BYTES);
    bind_socket(daemon);
    struct tally_node_options options = {
        .endpoint = daemon->endpoint, .node = "zhejiang", .outbox = outbox, .batch_rows = 50};
    char endpoint[64];
    memcpy(endpoint, daemon->endpoint, sizeof endpoint);
    options.endpoint = endpoint;
    pthread_create(&server, NULL, serve, daemon);
    if (tally_node_open(&options, &node, message) != TALLY_OK) {
        fail(message);
    }
    atomic_store(&watching, true);
    pthread_create(&watcher, NULL, watch, node);
    put_all(node);
    if (tally_node_flush(node, 60000) != TALLY_OK) {
        tally_node_message(node, message, sizeof message);
        fail(message);
    }
    atomic_store(&watching, false);
    pthread_join(watcher, NULL);
    tally_node_close(&node);
    atomic_store(&daemon->stopping, true);
    pthread_join(server, NULL);
    if (daemon->rows != (uint64_t)PUTS * ROWS_A_PUT) {
        fprintf(stderr, "%" PRIu64 " rows came\n", daemon->rows);
        fail("rows are missing or came twice");
    }
    zmq_ctx_term(daemon->context);
    free(daemon->arena.base);
    free(daemon);
}

int main(void) {
    run(NULL);
    run(rows_directory());
    rows_remove_directories();
    return 0;
}
