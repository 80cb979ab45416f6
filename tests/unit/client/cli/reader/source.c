#include "client/cli/reader/source.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Writes a file and returns its path, which the caller removes. */
static const char *write_file(const char *bytes, size_t size) {
    static char path[] = "/tmp/tally-source-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert(descriptor >= 0);
    cr_assert_eq(write(descriptor, bytes, size), (ssize_t)size);
    close(descriptor);
    return path;
}

Test(source, reads_a_file_without_copying_it) {
    const char *path = write_file("code,name\n", 10);
    struct source source;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_eq(source_open(path, ENCODING_AUTO, &source, message), EX_OK);
    cr_assert_eq(source.text.size, 10);
    cr_assert_eq(memcmp(source.text.text, "code,name\n", 10), 0);
    cr_assert(source.mapped);
    cr_assert_null(source.text.owned);
    source_close(&source);
    unlink(path);
}

Test(source, an_empty_file_is_empty_text) {
    const char *path = write_file("", 0);
    struct source source;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_eq(source_open(path, ENCODING_AUTO, &source, message), EX_OK);
    cr_assert_eq(source.text.size, 0);
    source_close(&source);
    unlink(path);
}

Test(source, a_pipe_is_read_to_its_end) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "a,b\n", 4), 4);
    close(ends[1]);
    cr_assert(dup2(ends[0], STDIN_FILENO) >= 0);
    struct source source;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_eq(source_open("-", ENCODING_AUTO, &source, message), EX_OK);
    cr_assert_eq(source.text.size, 4);
    source_close(&source);
}

Test(source, a_missing_file_and_a_directory_are_no_input) {
    struct source source;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_eq(source_open("/nonexistent/file.csv", ENCODING_AUTO, &source, message), EX_NOINPUT);
    cr_assert(strstr(message, "No such file") != NULL);
    source_close(&source);
    cr_assert_eq(source_open("/", ENCODING_AUTO, &source, message), EX_NOINPUT);
    source_close(&source);
}

Test(source, wrong_bytes_are_wrong_data) {
    const char *path = write_file("a,b\n\xFF\xFF\xFF\n", 8);
    struct source source;
    char message[ENCODING_MESSAGE_BYTES];
    cr_assert_eq(source_open(path, ENCODING_AUTO, &source, message), EX_DATAERR);
    cr_assert(strstr(message, "line 2") != NULL, "%s", message);
    source_close(&source);
    unlink(path);
}
