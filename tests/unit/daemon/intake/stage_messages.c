/* Messages that cannot be dealt with: each is refused with its own code, the connection stays usable, and the refusal is
 * counted. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/counter.h"
#include "proto/frame.h"
#include "rig.h"

static struct rig rig;
static struct peer peer;

static void init(void) {
    rig_init(&rig);
    rig_start(&rig);
    peer_open(&peer, &rig);
}

static void fini(void) {
    peer_close(&peer);
    rig_fini(&rig);
}

TestSuite(stage_messages, .init = init, .fini = fini);

/* After all of it, the connection takes a batch. */
static void expect_usable(uint64_t sequence) {
    if (sequence == 1) {
        cr_assert_eq(peer_join(&peer, "zhejiang"), 1);
    }
    peer_batch(&peer, sequence, 3);
    peer_expect_receipt(&peer, sequence, 3);
}

Test(stage_messages, frames_that_are_not_two_with_a_header_of_four_bytes_are_malformed) {
    static const struct frame_bytes one[] = {{"T1\x03", 4}};
    static const struct frame_bytes three[] = {{"T1\x03", 4}, {"", 0}, {"", 0}};
    static const struct frame_bytes five[] = {{"T1\x03", 4}, {"", 0}, {"", 0}, {"x", 1}, {"y", 1}};
    static const struct frame_bytes delimited[] = {{"", 0}, {"T1\x03", 4}, {"", 0}};
    static const struct frame_bytes short_header[] = {{"T1\x03", 3}, {"", 0}};
    static const struct frame_bytes long_header[] = {{"T1\x03\0\0", 5}, {"", 0}};
    peer_send_frames(&peer, one, 1);
    peer_expect_refusal(&peer, REFUSAL_FRAMES_MALFORMED, MESSAGE_BATCH);
    peer_send_frames(&peer, three, 3);
    peer_expect_refusal(&peer, REFUSAL_FRAMES_MALFORMED, MESSAGE_BATCH);
    peer_send_frames(&peer, five, 5);
    peer_expect_refusal(&peer, REFUSAL_FRAMES_MALFORMED, MESSAGE_BATCH);
    peer_send_frames(&peer, delimited, 3);
    peer_expect_refusal(&peer, REFUSAL_FRAMES_MALFORMED, 0);
    peer_send_frames(&peer, short_header, 2);
    peer_expect_refusal(&peer, REFUSAL_FRAMES_MALFORMED, 0);
    peer_send_frames(&peer, long_header, 2);
    peer_expect_refusal(&peer, REFUSAL_FRAMES_MALFORMED, 0);
    cr_assert_eq(counter_refused_read(REFUSAL_FRAMES_MALFORMED), 6);
    expect_usable(1);
}

Test(stage_messages, another_protocol_version_or_flags_are_unsupported) {
    static const struct frame_bytes protocol[] = {{"X1\x03", 4}, {"", 0}};
    static const struct frame_bytes version[] = {{"T2\x03", 4}, {"", 0}};
    static const struct frame_bytes flags[] = {{"T1\x03\x01", 4}, {"", 0}};
    peer_send_frames(&peer, protocol, 2);
    peer_expect_refusal(&peer, REFUSAL_PROTOCOL_UNSUPPORTED, 0);
    peer_send_frames(&peer, version, 2);
    peer_expect_refusal(&peer, REFUSAL_PROTOCOL_UNSUPPORTED, 0);
    peer_send_frames(&peer, flags, 2);
    peer_expect_refusal(&peer, REFUSAL_PROTOCOL_UNSUPPORTED, 0);
    cr_assert_eq(counter_refused_read(REFUSAL_PROTOCOL_UNSUPPORTED), 3);
    expect_usable(1);
}

Test(stage_messages, every_type_but_hello_and_batch_is_unknown_here) {
    unsigned refused = 0;
    for (unsigned type = 0; type < 256; type++) {
        if (type != MESSAGE_HELLO && type != MESSAGE_BATCH) {
            peer_send(&peer, type, "", 0);
            peer_expect_refusal(&peer, REFUSAL_TYPE_UNKNOWN, type);
            refused++;
        }
    }
    cr_assert_eq(counter_refused_read(REFUSAL_TYPE_UNKNOWN), refused);
    expect_usable(1);
}

Test(stage_messages, a_body_that_is_not_its_message_is_malformed) {
    peer_send(&peer, MESSAGE_HELLO, "\xFF\xFF\xFF", 3);
    peer_expect_refusal(&peer, REFUSAL_BODY_MALFORMED, MESSAGE_HELLO);
    char *long_hello = malloc(100000);
    memset(long_hello, 'x', 100000);
    memcpy(long_hello, "\x0A\x9C\x8D\x06", 4); /* a node name of 99,996 bytes */
    peer_send(&peer, MESSAGE_HELLO, long_hello, 100000);
    peer_expect_refusal(&peer, REFUSAL_BODY_MALFORMED, MESSAGE_HELLO);
    free(long_hello);
    expect_usable(1);
    peer_send(&peer, MESSAGE_BATCH, "\xFF\xFF\xFF", 3);
    peer_expect_refusal(&peer, REFUSAL_BODY_MALFORMED, MESSAGE_BATCH);
    expect_usable(2);
    cr_assert_eq(counter_refused_read(REFUSAL_BODY_MALFORMED), 3);
}

Test(stage_messages, a_body_over_a_mebibyte_is_too_large_and_uses_up_no_sequence) {
    expect_usable(1);
    uint8_t *body = calloc(1, BATCH_BYTES_MAX + 1);
    peer_send(&peer, MESSAGE_BATCH, body, BATCH_BYTES_MAX + 1);
    peer_expect_refusal(&peer, REFUSAL_BODY_TOO_LARGE, MESSAGE_BATCH);
    free(body);
    cr_assert_eq(counter_refused_read(REFUSAL_BODY_TOO_LARGE), 1);
    expect_usable(2);
}

Test(stage_messages, a_batch_before_hello_is_refused) {
    peer_batch(&peer, 1, 3);
    peer_expect_refusal(&peer, REFUSAL_HELLO_MISSING, MESSAGE_BATCH);
    cr_assert_eq(counter_refused_read(REFUSAL_HELLO_MISSING), 1);
    expect_usable(1);
}

Test(stage_messages, a_node_that_is_not_configured_is_unknown) {
    static const char *const names[] = {"", "zhejian", "zhejiang2", "Zhejiang", "csj-2021"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        peer_hello(&peer, names[i], 0, 0);
        peer_expect_refusal(&peer, REFUSAL_NODE_UNKNOWN, MESSAGE_HELLO);
    }
    cr_assert_eq(counter_refused_read(REFUSAL_NODE_UNKNOWN), 5);
    expect_usable(1);
}
