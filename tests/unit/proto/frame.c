#include "proto/frame.h"

#include <criterion/criterion.h>
#include <string.h>

Test(frame, what_is_written_is_read_back) {
    for (unsigned type = 0; type < 256; type++) {
        uint8_t header[FRAME_HEADER_BYTES];
        unsigned read = 999;
        frame_write(header, (enum message_type)type);
        cr_assert_eq(frame_read(header, sizeof header, &read), REFUSAL_NONE);
        cr_assert_eq(read, type);
    }
}

Test(frame, the_bytes_are_those_of_the_document) {
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write(header, MESSAGE_BATCH);
    cr_assert_arr_eq(header, "T1\x03\x00", FRAME_HEADER_BYTES);
}

Test(frame, every_other_length_is_malformed) {
    uint8_t header[FRAME_HEADER_BYTES * 2] = "T1\x03";
    for (size_t size = 0; size <= sizeof header; size++) {
        unsigned type = 999;
        enum refusal refusal = frame_read(header, size, &type);
        cr_assert_eq(refusal, size == FRAME_HEADER_BYTES ? REFUSAL_NONE : REFUSAL_FRAMES_MALFORMED);
        cr_assert_eq(type, size == FRAME_HEADER_BYTES ? 3 : 999);
    }
}

/* Each byte on its own over its whole range. */
Test(frame, another_protocol_version_or_flags_are_unsupported) {
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned type = 999;
        uint8_t value = (uint8_t)byte;
        cr_assert_eq(frame_read((uint8_t[]){value, '1', 3, 0}, 4, &type),
                     value == 'T' ? REFUSAL_NONE : REFUSAL_PROTOCOL_UNSUPPORTED);
        cr_assert_eq(frame_read((uint8_t[]){'T', value, 3, 0}, 4, &type),
                     value == '1' ? REFUSAL_NONE : REFUSAL_PROTOCOL_UNSUPPORTED);
        cr_assert_eq(frame_read((uint8_t[]){'T', '1', 3, value}, 4, &type),
                     value == 0 ? REFUSAL_NONE : REFUSAL_PROTOCOL_UNSUPPORTED);
    }
}

Test(frame, type_is_untouched_by_a_refused_header) {
    unsigned type = 999;
    cr_assert_eq(frame_read("T1\x03", 3, &type), REFUSAL_FRAMES_MALFORMED);
    cr_assert_eq(frame_read("T2\x03", 4, &type), REFUSAL_PROTOCOL_UNSUPPORTED);
    cr_assert_eq(type, 999);
}
