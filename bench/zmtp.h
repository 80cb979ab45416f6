/* What a SUB peer of ZMTP 3.0 (NULL mechanism) sends and reads, byte by byte, without a socket: rfc.zeromq.org/spec/23. Bodies
 * of messages are not kept, only counted. One thread at a time. */
#ifndef TALLY_BENCH_ZMTP_H
#define TALLY_BENCH_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZMTP_GREETING_BYTES = 64, ZMTP_HEADER_BYTES_MAX = 9, ZMTP_COMMAND_BYTES_MAX = 64, ZMTP_TOPIC_BYTES_MAX = 200 };

/* READY and two subscriptions. */
enum { ZMTP_OPENING_BYTES_MAX = 32 + 2 * (ZMTP_TOPIC_BYTES_MAX + 3) };

/* Writes what is to be sent first. */
void zmtp_greeting(uint8_t bytes[static ZMTP_GREETING_BYTES]);

/* Writes what is to be sent when the peer's greeting has come (libzmq 4.3.4 does not take all of it at once); topics are at
 * most ZMTP_TOPIC_BYTES_MAX long. Returns how many bytes. */
size_t zmtp_opening(uint8_t bytes[static ZMTP_OPENING_BYTES_MAX], const char *first_topic, const char *second_topic);

struct zmtp_reader {
    size_t greeting_read;
    uint8_t header[ZMTP_HEADER_BYTES_MAX];
    size_t header_read;
    uint64_t body_left;
    uint64_t body_bytes;
    uint8_t command[ZMTP_COMMAND_BYTES_MAX]; /* its beginning */
    bool inside;                             /* of a message of several frames */
    uint64_t first_frame_bytes;              /* of the message: its topic's length */
};

/* What a piece of input held. */
struct zmtp_news {
    uint64_t messages; /* that ended in it, but for those whose topic has quiet_topic_bytes */
    bool ping;         /* that is to be answered: */
    uint8_t pong[ZMTP_COMMAND_BYTES_MAX];
    size_t pong_bytes;
};

/* Takes in the next bytes. A reader begins zeroed. Returns false if they are not ZMTP. */
bool zmtp_read(struct zmtp_reader *reader, const uint8_t *bytes, size_t size, size_t quiet_topic_bytes,
               struct zmtp_news *news);

#endif
