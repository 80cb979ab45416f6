#include "bench/zmtp.h"

#include <string.h>

enum { FLAG_MORE = 1, FLAG_LONG = 2, FLAG_COMMAND = 4 };

enum { PING_NAME_BYTES = 5, PING_TTL_BYTES = 2, PING_CONTEXT_BYTES_MAX = 16 };

static const uint8_t signature[] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F};
static const uint8_t mechanism[] = {'N', 'U', 'L', 'L'};
static const uint8_t ready[] = "\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03SUB"; /* a command of 25 bytes */

static size_t put_subscription(uint8_t *bytes, const char *topic) {
    size_t size = 3;
    for (size_t i = 0; topic[i] != '\0'; i++) {
        bytes[size++] = (uint8_t)topic[i];
    }
    bytes[0] = 0;
    bytes[1] = (uint8_t)(size - 2);
    bytes[2] = 1; /* begins */
    return size;
}

void zmtp_greeting(uint8_t bytes[static ZMTP_GREETING_BYTES]) {
    memset(bytes, 0, ZMTP_GREETING_BYTES);
    memcpy(bytes, signature, sizeof signature);
    bytes[sizeof signature] = 3; /* version 3.0 */
    memcpy(bytes + sizeof signature + 2, mechanism, sizeof mechanism);
}

size_t zmtp_opening(uint8_t bytes[static ZMTP_OPENING_BYTES_MAX], const char *first_topic, const char *second_topic) {
    size_t size = sizeof ready - 1;
    memcpy(bytes, ready, size);
    size += put_subscription(bytes + size, first_topic);
    return size + put_subscription(bytes + size, second_topic);
}

static size_t least(uint64_t a, uint64_t b) {
    return (size_t)(a < b ? a : b);
}

/* PING carries a time-out and a context, and PONG gives the context back. */
static void answer_ping(const struct zmtp_reader *reader, struct zmtp_news *news) {
    static const uint8_t ping[] = "\x04PING";
    size_t skipped = PING_NAME_BYTES + PING_TTL_BYTES;
    if (reader->body_bytes < skipped || reader->body_bytes > skipped + PING_CONTEXT_BYTES_MAX ||
        memcmp(reader->command, ping, PING_NAME_BYTES) != 0) {
        return;
    }
    size_t context = (size_t)reader->body_bytes - skipped;
    news->ping = true;
    news->pong[0] = FLAG_COMMAND;
    news->pong[1] = (uint8_t)(PING_NAME_BYTES + context);
    memcpy(news->pong + 2, "\x04PONG", PING_NAME_BYTES);
    memcpy(news->pong + 2 + PING_NAME_BYTES, reader->command + skipped, context);
    news->pong_bytes = 2 + PING_NAME_BYTES + context;
}

static void end_frame(struct zmtp_reader *reader, size_t quiet_topic_bytes, struct zmtp_news *news) {
    uint8_t flags = reader->header[0];
    reader->header_read = 0;
    if ((flags & FLAG_COMMAND) != 0) {
        answer_ping(reader, news);
        return;
    }
    if (!reader->inside) {
        reader->first_frame_bytes = reader->body_bytes;
    }
    reader->inside = (flags & FLAG_MORE) != 0;
    news->messages += !reader->inside && reader->first_frame_bytes != quiet_topic_bytes;
}

static bool header_whole(const struct zmtp_reader *reader) {
    size_t wanted = (reader->header[0] & FLAG_LONG) != 0 ? ZMTP_HEADER_BYTES_MAX : 2;
    return reader->header_read == wanted;
}

/* Takes in a part of the header; returns how much of the input. */
static size_t read_header(struct zmtp_reader *reader, const uint8_t *bytes, size_t size) {
    size_t used = 0;
    while (used < size && !header_whole(reader)) {
        reader->header[reader->header_read++] = bytes[used++];
    }
    if (header_whole(reader)) {
        reader->body_bytes = 0;
        for (size_t i = 1; i < reader->header_read; i++) {
            reader->body_bytes = reader->body_bytes << 8 | reader->header[i];
        }
        reader->body_left = reader->body_bytes;
    }
    return used;
}

static size_t read_body(struct zmtp_reader *reader, const uint8_t *bytes, size_t size) {
    size_t used = least(reader->body_left, size);
    uint64_t place = reader->body_bytes - reader->body_left;
    if ((reader->header[0] & FLAG_COMMAND) != 0 && place < sizeof reader->command) {
        memcpy(reader->command + place, bytes, least(used, sizeof reader->command - place));
    }
    reader->body_left -= used;
    return used;
}

bool zmtp_read(struct zmtp_reader *reader, const uint8_t *bytes, size_t size, size_t quiet_topic_bytes,
               struct zmtp_news *news) {
    size_t place = least(ZMTP_GREETING_BYTES - reader->greeting_read, size);
    if (reader->greeting_read == 0 && size > 0 && bytes[0] != signature[0]) {
        return false;
    }
    reader->greeting_read += place;
    while (place < size) {
        if (!header_whole(reader)) {
            place += read_header(reader, bytes + place, size - place);
        }
        if (header_whole(reader)) {
            place += read_body(reader, bytes + place, size - place);
            if (reader->body_left == 0) {
                end_frame(reader, quiet_topic_bytes, news);
            }
        }
    }
    return true;
}
