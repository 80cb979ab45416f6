/* The other end of the wire for the tests of libtally: a real ZeroMQ socket on a loopback port, played by the test itself,
 * message by message. Whatever is expected must come within ten seconds, or the test fails. */
#ifndef TALLY_TEST_PEER_H
#define TALLY_TEST_PEER_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/batch.h"
#include "proto/frame.h"

enum { PEER_ID_BYTES = 16, PEER_BODY_BYTES = 4 << 20 };

struct peer {
    void *context;
    void *socket;
    int type;
    char endpoint[64];
    uint8_t id[PEER_ID_BYTES]; /* of who sent last; answers go there */
    size_t id_bytes;
    uint8_t *body; /* of the message that came last */
    size_t body_bytes;
    struct arena arena;
};

/* type: ZMQ_ROUTER or ZMQ_XPUB, on a free port. */
void peer_open(struct peer *peer, int type);
void peer_close(struct peer *peer);

/* The daemon is gone; and is back, at the same place, knowing nobody. */
void peer_down(struct peer *peer);
void peer_up(struct peer *peer);

/* The next message must be of this type; returns it unpacked, until the next call. */
void *peer_expect(struct peer *peer, enum message_type type, const ProtobufCMessageDescriptor *descriptor);
void peer_expect_batch(struct peer *peer, uint64_t sequence, struct batch *batch);

/* Answers whoever sent last. */
void peer_answer(struct peer *peer, enum message_type type, const ProtobufCMessage *message);
void peer_answer_bytes(struct peer *peer, const void *header, size_t header_bytes, const void *body, size_t body_bytes);

/* The usual words of the ingest endpoint. */
void peer_expect_hello(struct peer *peer, uint64_t acknowledged, uint64_t epoch);
void peer_welcome(struct peer *peer, uint64_t next, uint64_t durable, uint64_t epoch);
void peer_receipt(struct peer *peer, uint64_t first, uint64_t last);
void peer_refusal(struct peer *peer, uint64_t request, unsigned code);

/* XPUB: waits for a subscription to this topic; publishes. */
void peer_expect_subscription(struct peer *peer, const char *topic);
void peer_publish(struct peer *peer, const char *topic, enum message_type type, const ProtobufCMessage *message);

/* Waits for something to become true. */
#define PEER_UNTIL(condition) \
    for (int64_t deadline = peer_clock_ms() + 10000; !(condition); peer_breathe()) { \
        cr_assert_lt(peer_clock_ms(), deadline, "never came true: " #condition); \
    }
int64_t peer_clock_ms(void);
void peer_breathe(void);

#endif
