/* A folder of a test's own, with the files that it writes. */
#ifndef TALLY_TESTS_UNIT_DAEMON_FOLDER_H
#define TALLY_TESTS_UNIT_DAEMON_FOLDER_H

#include <stddef.h>

enum { FOLDER_PATH_BYTES = 256 };

struct folder {
    char path[FOLDER_PATH_BYTES]; /* absolute */
};

/* Each of these fails the test if it cannot do its work. */
void folder_init(struct folder *folder);

/* Removes it with everything in it. */
void folder_fini(struct folder *folder);

/* folder/name; the buffer has FOLDER_PATH_BYTES. Returns the buffer. */
const char *folder_join(const struct folder *folder, const char *name, char *buffer);

void folder_make(const struct folder *folder, const char *name);
void folder_write(const struct folder *folder, const char *name, const char *text);
void folder_write_bytes(const struct folder *folder, const char *name, const void *bytes, size_t size);
void folder_remove(const struct folder *folder, const char *name);

/* Copies a file of the source tree. */
void folder_copy(const struct folder *folder, const char *name, const char *source);

#endif
