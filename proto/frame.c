#include "frame.h"

void frame_write(uint8_t *header, enum message_type type) {
    header[0] = 'T';
    header[1] = '1';
    header[2] = (uint8_t)type;
    header[3] = 0;
}

enum refusal frame_read(const void *header, size_t header_bytes, unsigned *type) {
    const uint8_t *byte = header;
    if (header_bytes != FRAME_HEADER_BYTES) {
        return REFUSAL_FRAMES_MALFORMED;
    }
    if (byte[0] != 'T' || byte[1] != '1' || byte[3] != 0) {
        return REFUSAL_PROTOCOL_UNSUPPORTED;
    }
    *type = byte[2];
    return REFUSAL_NONE;
}
