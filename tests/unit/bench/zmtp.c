#include "bench/zmtp.h"

#include <criterion/criterion.h>
#include <string.h>

enum { QUIET = 9, STREAM_BYTES_MAX = 2048 };

struct stream {
    uint8_t bytes[STREAM_BYTES_MAX];
    size_t size;
};

static void put(struct stream *stream, const void *bytes, size_t size) {
    cr_assert(stream->size + size <= sizeof stream->bytes);
    memcpy(stream->bytes + stream->size, bytes, size);
    stream->size += size;
}

static void put_greeting(struct stream *stream) {
    uint8_t greeting[ZMTP_GREETING_BYTES] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1, 'N', 'U', 'L', 'L'};
    put(stream, greeting, sizeof greeting);
    put(stream, "\x04\x06\x05READY", 8);
}

/* A frame of so many bytes; long ones have an eight-byte length. */
static void put_frame(struct stream *stream, uint8_t flags, size_t size) {
    uint8_t body[512] = {0};
    uint8_t header[ZMTP_HEADER_BYTES_MAX] = {flags, (uint8_t)size};
    bool long_one = size > 255;
    if (long_one) {
        memset(header, 0, sizeof header);
        header[0] = flags | 2;
        header[7] = (uint8_t)(size >> 8);
        header[8] = (uint8_t)size;
    }
    put(stream, header, long_one ? 9 : 2);
    put(stream, body, size);
}

static void put_message(struct stream *stream, size_t topic_bytes, size_t body_bytes) {
    put_frame(stream, 1, topic_bytes);
    put_frame(stream, 1, 4);
    put_frame(stream, 0, body_bytes);
}

/* Reads the stream in pieces of so many bytes. */
static struct zmtp_news read_in_pieces(const struct stream *stream, size_t piece) {
    struct zmtp_reader reader = {0};
    struct zmtp_news news = {0};
    for (size_t place = 0; place < stream->size; place += piece) {
        size_t size = stream->size - place < piece ? stream->size - place : piece;
        cr_assert(zmtp_read(&reader, stream->bytes + place, size, QUIET, &news));
    }
    return news;
}

Test(zmtp, messages_are_counted_however_they_are_cut) {
    struct stream stream = {0};
    put_greeting(&stream);
    put_message(&stream, 12, 300);
    put_message(&stream, 12, 0);
    put_message(&stream, QUIET, 20);
    put_message(&stream, 12, 256);
    put_frame(&stream, 0, 3);
    for (size_t piece = 1; piece <= stream.size; piece++) {
        struct zmtp_news news = read_in_pieces(&stream, piece);
        cr_assert_eq(news.messages, 4, "pieces of %zu: %llu", piece, (unsigned long long)news.messages);
        cr_assert(!news.ping);
    }
}

Test(zmtp, a_message_that_has_not_ended_is_none) {
    struct stream stream = {0};
    put_greeting(&stream);
    put_message(&stream, 12, 100);
    stream.size--;
    cr_assert_eq(read_in_pieces(&stream, stream.size).messages, 0);
}

Test(zmtp, a_ping_is_answered_with_its_context) {
    struct stream stream = {0};
    put_greeting(&stream);
    put(&stream,
        "\x04\x0A\x04PING\x00\x2C"
        "abc",
        12);
    for (size_t piece = 1; piece <= stream.size; piece++) {
        struct zmtp_news news = read_in_pieces(&stream, piece);
        cr_assert(news.ping);
        cr_assert_eq(news.pong_bytes, 10);
        cr_assert_arr_eq(news.pong,
                         "\x04\x08\x04PONG"
                         "abc",
                         10);
        cr_assert_eq(news.messages, 0);
    }
}

Test(zmtp, what_is_not_zmtp_is_refused) {
    struct zmtp_reader reader = {0};
    struct zmtp_news news = {0};
    cr_assert(!zmtp_read(&reader, (const uint8_t *)"HTTP/1.1 400", 12, QUIET, &news));
}

Test(zmtp, the_opening_is_greeting_then_ready_and_subscriptions) {
    uint8_t bytes[ZMTP_OPENING_BYTES_MAX];
    zmtp_greeting(bytes);
    cr_assert_arr_eq(bytes, "\xFF\0\0\0\0\0\0\0\1\x7F\3\0NULL\0", 17);
    size_t size = zmtp_opening(bytes, "bench/330106", "heartbeat");
    cr_assert_eq(size, 27 + 15 + 12);
    cr_assert_arr_eq(bytes, "\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03SUB", 27);
    cr_assert_arr_eq(bytes + 27,
                     "\0\x0D\x01"
                     "bench/330106",
                     15);
    cr_assert_arr_eq(bytes + 42,
                     "\0\x0A\x01"
                     "heartbeat",
                     12);
}
