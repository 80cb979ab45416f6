#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *error_text(enum error error) {
    static const char *const texts[] = {
        [ERROR_NONE] = "no error",
        [ERROR_MEMORY] = "out of memory",
        [ERROR_IO] = "the system failed to read or write",
        [ERROR_DISK_FULL] = "the disk is full",
        [ERROR_DAMAGED] = "stored data is damaged",
        [ERROR_CONFIGURATION] = "the configuration cannot be used",
        [ERROR_BUSY] = "another process is using it",
        [ERROR_LIMIT] = "a limit of the program is reached",
        [ERROR_NETWORK] = "a socket cannot be made or bound",
    };
    return texts[error];
}

enum error fault_set(struct fault *fault, enum error error, const char *format, ...) {
    if (fault->error != ERROR_NONE) {
        return fault->error;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    fault->error = error;
    return error;
}

enum error error_of_errno(int number) {
    if (number == ENOSPC || number == EDQUOT) {
        return ERROR_DISK_FULL;
    }
    if (number == EMFILE || number == ENFILE) {
        return ERROR_LIMIT;
    }
    return number == ENOMEM ? ERROR_MEMORY : ERROR_IO;
}
