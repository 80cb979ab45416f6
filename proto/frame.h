/* The first frame of every message: 'T', the protocol version as a digit, the message type, flags (0 in version 1).
 * On the totals endpoint a topic frame comes before it. */
#ifndef TALLY_PROTO_FRAME_H
#define TALLY_PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "refusal.h"

enum { FRAME_HEADER_BYTES = 4 };

enum message_type {
    MESSAGE_HELLO = 1,
    MESSAGE_WELCOME = 2,
    MESSAGE_BATCH = 3,
    MESSAGE_RECEIPT = 4,
    MESSAGE_REWIND = 5,
    MESSAGE_BUSY = 6,
    MESSAGE_REFUSAL = 7,
    MESSAGE_TOTALS = 16,
    MESSAGE_HEARTBEAT = 17,
    MESSAGE_TOTALS_QUERY = 32, /* answered by MESSAGE_TOTALS */
    MESSAGE_REGIONS_QUERY = 34,
    MESSAGE_REGIONS = 35,
    MESSAGE_PROJECT_QUERY = 36, /* answered by MESSAGE_PROJECTS with one row or none */
    MESSAGE_PROJECTS = 37,
    MESSAGE_PROJECTS_QUERY = 38,
    MESSAGE_HISTORY_QUERY = 40,
    MESSAGE_HISTORY = 41,
    MESSAGE_NODES_QUERY = 42,
    MESSAGE_NODES = 43,
    MESSAGE_COMPETITIONS_QUERY = 44,
    MESSAGE_COMPETITIONS = 45,
    MESSAGE_STATUS_QUERY = 46,
    MESSAGE_STATUS = 47,
    MESSAGE_VERIFY_QUERY = 48,
    MESSAGE_VERIFICATION = 49,
};

#define TOPIC_HEARTBEAT "heartbeat"

/* Fills the FRAME_HEADER_BYTES at header. */
void frame_write(uint8_t *header, enum message_type type);

/* Reads the header frame of a message. type is set only when the result is REFUSAL_NONE; it may be a type that the
 * caller does not know. Otherwise FRAMES_MALFORMED or PROTOCOL_UNSUPPORTED. */
enum refusal frame_read(const void *header, size_t header_bytes, unsigned *type);

#endif
