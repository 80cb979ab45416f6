#include "diagnostic.h"

#include <stdarg.h>
#include <stdio.h>

static void print(const char *command, const char *mark, const char *format, va_list arguments) {
    flockfile(stderr);
    fprintf(stderr, "tally%s%s: %s", command != NULL ? " " : "", command != NULL ? command : "", mark);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void diagnostic_error(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(command, "", format, arguments);
    va_end(arguments);
}

void diagnostic_note(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(command, "", format, arguments);
    va_end(arguments);
}

void diagnostic_warning(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(command, "warning: ", format, arguments);
    va_end(arguments);
}
