#include "rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "proto/frame.h"

enum { DEADLINE_MS = 20000, LOOK_MS = 2, PROJECTS_MAX = 1 << 20, UNKNOWN_TYPE = 200 };

/* ---- the stage ---- */

static const char *const node_names[] = {"jiangsu", "zhejiang", "shanghai", "anhui"};
static const uint32_t node_regions[] = {320000, 330000, 310000, 340000};

struct registry *rig_registry(size_t nodes) {
    struct registry *registry = registry_create(1, nodes);
    cr_assert_not_null(registry);
    struct competition *competition = &registry->competitions[0];
    snprintf(competition->key, sizeof competition->key, "csj-2021");
    competition->first_day = 18718;
    competition->region_count = 4;
    for (uint32_t i = 0; i < 4; i++) {
        competition->regions[i] = (31 + i) * 10000;
    }
    competition->category_mask = 0x07;
    competition->status_mask = 0x1F;
    competition->counts = 0x0E;
    for (uint16_t i = 0; i < nodes; i++) {
        struct node_right *node = &registry->nodes[i];
        snprintf(node->name, sizeof node->name, "%s", node_names[i]);
        node->number = i;
        node->region_count = 1;
        node->regions[0] = node_regions[i];
    }
    return registry;
}

static bool journal_full(void *context) {
    return atomic_load(&((struct rig *)context)->journal_full);
}

void rig_init(struct rig *rig) {
    log_set_level((enum log_level)(LOG_ERROR + 1));
    *rig = (struct rig){.zmq_context = zmq_ctx_new(),
                        .presences = calloc(NODES_MAX, sizeof *rig->presences),
                        .ledger = ledger_create(PROJECTS_MAX),
                        .columns = columns_create()};
    folder_init(&rig->folder);
    snprintf(rig->endpoint, sizeof rig->endpoint, "ipc://%s/ingest", rig->folder.path);
    cr_assert(rig->zmq_context != NULL && rig->presences != NULL && rig->ledger != NULL);
    cr_assert(ring_init(&rig->out, RIG_RING) == ERROR_NONE && ring_init(&rig->in, RIG_RING) == ERROR_NONE);
    cr_assert(waker_init(&rig->waker) == ERROR_NONE && waker_init(&rig->journal_waker) == ERROR_NONE &&
              waker_init(&rig->archive_waker) == ERROR_NONE);
    receipt_exchange_init(&rig->receipts);
    struct fault fault = {0};
    rig->stage = intake_stage_create(&(struct intake_stage_options){.zmq_context = rig->zmq_context,
                                                                    .endpoint = rig->endpoint,
                                                                    .window = RIG_WINDOW,
                                                                    .batch_slots = RIG_SLOTS,
                                                                    .epoch = RIG_EPOCH,
                                                                    .out = &rig->out,
                                                                    .in = &rig->in,
                                                                    .waker = &rig->waker,
                                                                    .journal_waker = &rig->journal_waker,
                                                                    .archive_waker = &rig->archive_waker,
                                                                    .receipt_exchange = &rig->receipts,
                                                                    .registry_slot = &rig->registry_slot,
                                                                    .presences = rig->presences,
                                                                    .journal_full = journal_full,
                                                                    .context = rig},
                                     &fault);
    cr_assert_not_null(rig->stage, "%s", fault.text);
}

void rig_start(struct rig *rig) {
    struct fault fault = {0};
    struct registry *registry = rig_registry(2);
    cr_assert_eq(intake_stage_start(rig->stage, registry, &fault), ERROR_NONE, "%s", fault.text);
    registry_release(registry);
}

void rig_fini(struct rig *rig) {
    rig->hold = false;
    rig_work(rig, SIZE_MAX);
    intake_stage_destroy(&rig->stage);
    cr_assert_null(rig->stage);
    intake_stage_destroy(&rig->stage);
    zmq_ctx_term(rig->zmq_context);
    ring_fini(&rig->out);
    ring_fini(&rig->in);
    waker_fini(&rig->waker);
    waker_fini(&rig->journal_waker);
    waker_fini(&rig->archive_waker);
    receipt_exchange_fini(&rig->receipts);
    ledger_destroy(rig->ledger);
    free(rig->presences);
    free(rig->columns);
    folder_fini(&rig->folder);
}

size_t rig_work(struct rig *rig, size_t most) {
    size_t count = 0;
    struct entry *entry;
    while (count < most && (entry = ring_pop(&rig->out)) != NULL) {
        rig->definitions += entry->kind == ENTRY_COMPETITION || entry->kind == ENTRY_NODE;
        entry->version = ledger_version(rig->ledger) + 1;
        ledger_apply(rig->ledger, entry);
        cr_assert(ring_push(&rig->in, entry));
        count++;
    }
    if (count > 0) {
        waker_wake(&rig->waker);
    }
    return count;
}

/* ---- peers ---- */

void peer_open(struct peer *peer, struct rig *rig) {
    *peer = (struct peer){.rig = rig, .socket = zmq_socket(rig->zmq_context, ZMQ_DEALER)};
    cr_assert_not_null(peer->socket);
    int linger = 0;
    zmq_setsockopt(peer->socket, ZMQ_LINGER, &linger, sizeof linger);
    cr_assert_eq(zmq_connect(peer->socket, rig->endpoint), 0);
}

void peer_close(struct peer *peer) {
    zmq_close(peer->socket);
}

void peer_send_frames(struct peer *peer, const struct frame_bytes *frames, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int flags = i + 1 < count ? ZMQ_SNDMORE : 0;
        cr_assert_geq(zmq_send(peer->socket, frames[i].bytes, frames[i].size, flags), 0);
    }
}

void peer_send(struct peer *peer, unsigned type, const void *body, size_t size) {
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write(header, (enum message_type)type);
    const struct frame_bytes frames[] = {{header, sizeof header}, {body, size}};
    peer_send_frames(peer, frames, 2);
}

void peer_hello(struct peer *peer, const char *node, uint64_t acknowledged, uint64_t epoch) {
    Tally__Hello hello = TALLY__HELLO__INIT;
    hello.node = (char *)(uintptr_t)node;
    hello.acknowledged = acknowledged;
    hello.epoch = epoch;
    hello.software = (char *)(uintptr_t) "test";
    uint8_t body[256];
    cr_assert_leq(tally__hello__get_packed_size(&hello), sizeof body);
    peer_send(peer, MESSAGE_HELLO, body, tally__hello__pack(&hello, body));
}

void peer_columns(struct peer *peer, uint64_t sequence, const char *competition) {
    struct batch batch = columns_batch(peer->rig->columns, (struct columns_present){0}, sequence, competition);
    size_t size;
    uint8_t *bytes = columns_encode(&batch, &size);
    peer_send(peer, MESSAGE_BATCH, bytes, size);
    free(bytes);
}

void peer_batch(struct peer *peer, uint64_t sequence, size_t rows) {
    columns_clear(peer->rig->columns);
    for (size_t i = 0; i < rows; i++) {
        char code[PROJECT_CODE_BYTES_MAX + 1];
        snprintf(code, sizeof code, "p%zu", i);
        columns_add(
            peer->rig->columns,
            &(struct columns_row){.code = code, .region = 330106, .status = 1, .contract_value = (int64_t)sequence});
    }
    peer_columns(peer, sequence, "csj-2021");
}

/* The frames of the next message: its header and body. */
static void receive_frames(struct peer *peer, zmq_msg_t *header, zmq_msg_t *body) {
    int64_t end_ns = clock_monotonic_ns() + INT64_C(1000000) * DEADLINE_MS;
    zmq_pollitem_t item = {.socket = peer->socket, .events = ZMQ_POLLIN};
    while (zmq_poll(&item, 1, LOOK_MS) != 1) {
        cr_assert_lt(clock_monotonic_ns(), end_ns, "no answer came");
        if (!peer->rig->hold) {
            rig_work(peer->rig, SIZE_MAX);
        }
    }
    zmq_msg_init(header);
    zmq_msg_init(body);
    cr_assert_eq(zmq_msg_recv(header, peer->socket, 0), FRAME_HEADER_BYTES);
    cr_assert(zmq_msg_more(header));
    cr_assert_geq(zmq_msg_recv(body, peer->socket, 0), 0);
    cr_assert(!zmq_msg_more(body));
}

static const ProtobufCMessageDescriptor *descriptor_of(unsigned type) {
    switch (type) {
    case MESSAGE_WELCOME:
        return &tally__welcome__descriptor;
    case MESSAGE_RECEIPT:
        return &tally__receipt__descriptor;
    case MESSAGE_REWIND:
        return &tally__rewind__descriptor;
    case MESSAGE_BUSY:
        return &tally__busy__descriptor;
    case MESSAGE_REFUSAL:
        return &tally__refusal__descriptor;
    default:
        return NULL;
    }
}

void *peer_receive(struct peer *peer, unsigned type) {
    zmq_msg_t header;
    zmq_msg_t body;
    receive_frames(peer, &header, &body);
    unsigned got = 0;
    cr_assert_eq(frame_read(zmq_msg_data(&header), zmq_msg_size(&header), &got), REFUSAL_NONE);
    cr_assert_eq(got, type, "message type %u, not %u", got, type);
    void *message = protobuf_c_message_unpack(descriptor_of(type), NULL, zmq_msg_size(&body), zmq_msg_data(&body));
    cr_assert_not_null(message);
    zmq_msg_close(&header);
    zmq_msg_close(&body);
    return message;
}

void peer_expect_refusal(struct peer *peer, enum refusal code, unsigned of_type) {
    Tally__Refusal *refusal = peer_receive(peer, MESSAGE_REFUSAL);
    cr_assert_eq(refusal->code, (unsigned)code, "%s, not %s", refusal_name(refusal->code), refusal_name(code));
    cr_assert_str_eq(refusal->name, refusal_name(code));
    cr_assert_str_eq(refusal->text, refusal_text(code));
    cr_assert_eq(refusal->message_type, of_type);
    protobuf_c_message_free_unpacked(&refusal->base, NULL);
}

void peer_expect_receipt(struct peer *peer, uint64_t sequence, uint32_t accepted) {
    Tally__Receipt *receipt = peer_receive(peer, MESSAGE_RECEIPT);
    cr_assert(receipt->first_sequence == sequence && receipt->sequence == sequence, "receipt of %lu to %lu, not %lu",
              receipt->first_sequence, receipt->sequence, sequence);
    cr_assert(receipt->rows == accepted && receipt->accepted == accepted);
    cr_assert(receipt->n_refused_row == 0 && receipt->n_refused_code == 0 && receipt->batch_code == 0);
    cr_assert_gt(receipt->version, 0);
    protobuf_c_message_free_unpacked(&receipt->base, NULL);
}

void peer_expect_rewind(struct peer *peer, uint64_t expected, uint64_t received, enum refusal code) {
    Tally__Rewind *rewind = peer_receive(peer, MESSAGE_REWIND);
    cr_assert(rewind->expected_sequence == expected && rewind->received_sequence == received);
    cr_assert_eq(rewind->code, (unsigned)code);
    cr_assert_str_eq(rewind->text, refusal_text(code));
    protobuf_c_message_free_unpacked(&rewind->base, NULL);
}

void peer_expect_busy(struct peer *peer, uint64_t sequence, enum refusal code) {
    Tally__Busy *busy = peer_receive(peer, MESSAGE_BUSY);
    cr_assert(busy->sequence == sequence && busy->code == (unsigned)code && busy->retry_ms > 0);
    cr_assert_str_eq(busy->text, refusal_text(code));
    protobuf_c_message_free_unpacked(&busy->base, NULL);
}

uint64_t peer_join(struct peer *peer, const char *node) {
    peer_hello(peer, node, 0, 0);
    Tally__Welcome *welcome = peer_receive(peer, MESSAGE_WELCOME);
    uint64_t next = welcome->next_sequence;
    protobuf_c_message_free_unpacked(&welcome->base, NULL);
    return next;
}

void peer_expect_nothing(struct peer *peer) {
    peer_send(peer, UNKNOWN_TYPE, "", 0);
    peer_expect_refusal(peer, REFUSAL_TYPE_UNKNOWN, UNKNOWN_TYPE);
}
