/* A query endpoint with a roll-up, two competitions, three nodes and five stored projects behind it, and a DEALER that
 * asks. */
#ifndef TALLY_TESTS_UNIT_DAEMON_QUERY_DESK_H
#define TALLY_TESTS_UNIT_DAEMON_QUERY_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/query/query.h"
#include "proto/frame.h"
#include "proto/refusal.h"
#include "tally.pb-c.h"

enum { DESK_COMPETITION = 5, DESK_FIRST_DAY = 18718, DESK_DEADLINE_MS = 10000, DESK_PROJECTS = 5, DESK_VERSION = 812 };

#define DESK_EPOCH UINT64_C(0x99AA)

struct desk {
    char folder[64];
    char endpoint[96];
    void *zmq;
    struct query *query;
    void *dealer;
    struct rollup *rollup;
    struct registry *registry;
    struct presence *presences;
    enum error stored_error; /* what the stored source answers */
    int verification_starts;
    uint64_t request; /* of the last question */

    /* The last answer. */
    unsigned type;
    uint8_t *body;
    size_t body_bytes;
};

/* answer_bytes_max as in struct query_options. */
void desk_open(struct desk *desk, size_t answer_bytes_max);
void desk_close(struct desk *desk);

/* The code and region of the stored projects, in order of region and code. */
extern const struct desk_project {
    const char *code;
    uint32_t region;
} desk_projects[DESK_PROJECTS];

/* Sends these frames as they are and waits for the answer. */
void desk_send(struct desk *desk, const void *const *frames, const size_t *sizes, size_t count);

/* Sends a question of the type with a new request number (message's first field) and waits for the answer. */
void desk_ask(struct desk *desk, enum message_type type, ProtobufCMessage *question);

/* The last answer, unpacked, which must be of the type and carry the request that was asked. The caller's to free, with
 * protobuf_c_message_free_unpacked. */
void *desk_answer(struct desk *desk, enum message_type type, const ProtobufCMessageDescriptor *descriptor);

/* The last answer must be this refusal. */
void desk_expect_refusal(struct desk *desk, enum refusal code, uint64_t request, unsigned message_type);

#endif
