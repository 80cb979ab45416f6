#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int fail(char *message, int code, const char *doing) {
    snprintf(message, ENCODING_MESSAGE_BYTES, "%s: %s", doing, strerror(errno));
    return code;
}

/* Reads a stream to its end. */
static int read_all(int descriptor, struct source *source, char *message) {
    size_t room = 0;
    char *bytes = NULL;
    size_t used = 0;
    for (;;) {
        if (used == room) {
            room = room == 0 ? 1 << 16 : 2 * room;
            char *grown = realloc(bytes, room);
            if (grown == NULL) {
                free(bytes);
                return fail(message, EX_OSERR, "cannot hold the input");
            }
            bytes = grown;
        }
        ssize_t got = read(descriptor, bytes + used, room - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            free(bytes);
            return fail(message, EX_IOERR, "cannot read");
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    source->bytes = bytes;
    source->size = used;
    return EX_OK;
}

static int take(int descriptor, struct source *source, char *message) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        return fail(message, EX_IOERR, "cannot read");
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return fail(message, EX_NOINPUT, "cannot read");
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        return read_all(descriptor, source, message);
    }
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) {
        return read_all(descriptor, source, message);
    }
    source->bytes = bytes;
    source->size = (size_t)status.st_size;
    source->mapped = true;
    return EX_OK;
}

int source_open(const char *path, enum encoding wanted, struct source *source, char *message) {
    *source = (struct source){0};
    bool input = strcmp(path, "-") == 0;
    int descriptor = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return fail(message, EX_NOINPUT, "cannot open");
    }
    int code = take(descriptor, source, message);
    if (!input) {
        close(descriptor);
    }
    if (code == EX_OK && !encoding_decode(source->bytes, source->size, wanted, &source->text, message)) {
        code = EX_DATAERR;
    }
    return code;
}

void source_close(struct source *source) {
    encoding_free(&source->text);
    if (source->mapped) {
        munmap((void *)(uintptr_t)source->bytes, source->size);
    } else {
        free((void *)(uintptr_t)source->bytes);
    }
    *source = (struct source){0};
}
