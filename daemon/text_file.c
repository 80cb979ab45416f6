#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/text.h"

static int line_of(const char *text, const char *at) {
    int line = 1;
    for (; text < at; text++) {
        line += *text == '\n';
    }
    return line;
}

/* A named pipe or a device would make the reader wait for ever. */
static FILE *open_regular(const char *path, struct fault *fault) {
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) {
        fault_set(fault, ERROR_CONFIGURATION, "%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(descriptor, &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) {
        fault_set(fault, ERROR_CONFIGURATION, "%s: is not a file; remove it or name another", path);
        close(descriptor);
        return NULL;
    }
    FILE *file = fdopen(descriptor, "r");
    if (file == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: out of memory while opening it", path);
        close(descriptor);
    }
    return file;
}

/* Reads all of it into new memory that ends with NUL; NULL with the fault filled. */
static char *read_file(const char *path, size_t *size, struct fault *fault) {
    char *text = NULL;
    FILE *file = open_regular(path, fault);
    if (file == NULL) {
        return NULL;
    }
    text = malloc(TEXT_FILE_BYTES_MAX + 2);
    if (text == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: out of memory while reading it", path);
        goto fail;
    }
    *size = fread(text, 1, TEXT_FILE_BYTES_MAX + 1, file);
    text[*size] = '\0';
    if (ferror(file)) {
        enum error error = errno == EISDIR ? ERROR_CONFIGURATION : ERROR_IO;
        fault_set(fault, error, "%s: cannot be read: %s", path, strerror(errno));
        goto fail;
    }
    if (*size > TEXT_FILE_BYTES_MAX) {
        fault_set(fault, ERROR_CONFIGURATION, "%s: is larger than %d MiB; is it the right file?", path,
                  TEXT_FILE_BYTES_MAX >> 20);
        goto fail;
    }
    fclose(file);
    return text;

fail:
    free(text);
    fclose(file);
    return NULL;
}

/* Names the first line that is not text: what an editor in another encoding leaves behind. */
static enum error check_encoding(const char *path, const char *text, size_t size, struct fault *fault) {
    int line = 1;
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t length = end != NULL ? (size_t)(end - text) : size;
        if (memchr(text, '\0', length) != NULL || !text_is_utf8(text, length)) {
            return fault_set(fault, ERROR_CONFIGURATION, "%s:%d: is not UTF-8 text; save the file as UTF-8", path,
                             line);
        }
        text += length + (end != NULL);
        size -= length + (end != NULL);
        line++;
    }
    return ERROR_NONE;
}

/* Past the quoted text that begins here; NULL if it does not end on its line. */
static char *quoted_end(char *at) {
    char quote = *at++;
    for (; *at != '\0' && *at != '\n'; at++) {
        if (*at == quote) {
            return at + 1;
        }
        if (*at == '\\' && at[1] != '\0' && at[1] != '\n') {
            at++;
        }
    }
    return NULL;
}

/* Past the comment that begins here, or here if none does, or NULL if it does not end. Within a word, as in a
 * tcp://address, slashes begin none. */
static char *comment_end(char *at, bool within_word) {
    bool slashes = !within_word && at[0] == '/' && at[1] == '/';
    if (*at == '#' || slashes) {
        return at + strcspn(at, "\n");
    }
    if (!within_word && at[0] == '/' && at[1] == '*') {
        char *end = strstr(at + 2, "*/");
        return end != NULL ? end + 2 : NULL;
    }
    return at;
}

static char *blank(char *from, const char *to) {
    for (; from < to; from++) {
        *from = *from == '\n' ? '\n' : ' ';
    }
    return from;
}

/* Overwrites every comment with spaces, so that lines and columns stay. Returns NULL, or where something begins that
 * does not end. */
static const char *blank_comments(char *text) {
    bool within_word = false;
    for (char *at = text; *at != '\0';) {
        if (*at == '"' || *at == '\'') {
            char *end = quoted_end(at);
            if (end == NULL) {
                return at;
            }
            at = end;
            within_word = false;
            continue;
        }
        char *end = comment_end(at, within_word);
        if (end == NULL) {
            return at;
        }
        if (end > at) {
            at = blank(at, end);
            within_word = false;
        } else {
            within_word = strchr(" \t\r\n={}()+,", *at) == NULL;
            at++;
        }
    }
    return NULL;
}

/* The outermost brace without its partner, or NULL; comments are blank already, and quotes closed. One too many at the
 * end is left to the parser. */
static const char *unclosed_brace(char *text) {
    const char *outermost = NULL;
    size_t depth = 0;
    for (char *at = text; at != NULL && *at != '\0';) {
        if (*at == '{' && depth++ == 0) {
            outermost = at;
        } else if (*at == '}' && depth > 0) {
            depth--;
        }
        at = *at == '"' || *at == '\'' ? quoted_end(at) : at + 1;
    }
    return depth > 0 ? outermost : NULL;
}

/* libconfuse takes the end of a file for that of its sections. Errors: CONFIGURATION. */
static enum error check_closed(const char *path, char *text, struct fault *fault) {
    const char *unclosed = blank_comments(text);
    unclosed = unclosed != NULL ? unclosed : unclosed_brace(text);
    if (unclosed == NULL) {
        return ERROR_NONE;
    }
    const char *what = *unclosed == '/' ? "comment" : *unclosed == '{' ? "brace" : "quoted text";
    return fault_set(fault, ERROR_CONFIGURATION, "%s:%d: the %s that begins here is not closed", path,
                     line_of(text, unclosed), what);
}

char *text_file_read(const char *path, struct fault *fault) {
    static const char mark[] = "\xEF\xBB\xBF";
    size_t size;
    char *text = read_file(path, &size, fault);
    if (text == NULL) {
        return NULL;
    }
    if (strncmp(text, mark, strlen(mark)) == 0) {
        size -= strlen(mark);
        memmove(text, text + strlen(mark), size + 1);
    }
    if (check_encoding(path, text, size, fault) != ERROR_NONE || check_closed(path, text, fault) != ERROR_NONE) {
        free(text);
        return NULL;
    }
    return text;
}
