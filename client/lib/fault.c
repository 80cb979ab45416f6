#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

enum tally_error fault_set(char *message, enum tally_error error, const char *format, ...) {
    if (message != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, FAULT_MESSAGE_BYTES, format, arguments);
        va_end(arguments);
    }
    return error;
}

enum tally_error fault_memory(char *message) {
    return fault_set(message, TALLY_MEMORY, "out of memory");
}

const char *tally_error_text(enum tally_error error) {
    switch (error) {
    case TALLY_OK:
        return "everything went well";
    case TALLY_TIMEOUT:
        return "no answer came within the time given; ask again";
    case TALLY_REFUSED:
        return "the daemon refused; the message says why";
    case TALLY_INVALID:
        return "an argument is wrong; the message says which";
    case TALLY_PROTOCOL:
        return "the other side does not speak version 1 of the protocol; check the endpoint";
    case TALLY_OUTBOX_BUSY:
        return "another process has this outbox open; close it there first";
    case TALLY_OUTBOX_DAMAGED:
        return "the outbox cannot be read; put it aside and report its projects again";
    case TALLY_OUTBOX_FULL:
        return "the outbox has reached its limit; wait for receipts, then put again";
    case TALLY_DISK:
        return "the disk is full or fails";
    case TALLY_MEMORY:
        return "out of memory";
    case TALLY_STOPPED:
        return "the daemon will not take this node; the message says why";
    }
    return "unknown error";
}

const char *tally_version(void) {
    return TALLY_VERSION;
}
