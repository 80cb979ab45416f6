#include "folder.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void folder_init(struct folder *folder) {
    const char *parent = getenv("TMPDIR");
    snprintf(folder->path, sizeof folder->path, "%s/tally-config-XXXXXX", parent != NULL ? parent : "/tmp");
    cr_assert_not_null(mkdtemp(folder->path));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *position) {
    (void)status;
    (void)kind;
    (void)position;
    return remove(path);
}

void folder_fini(struct folder *folder) {
    cr_assert_eq(nftw(folder->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_join(const struct folder *folder, const char *name, char *buffer) {
    int length = snprintf(buffer, FOLDER_PATH_BYTES, "%s/%s", folder->path, name);
    cr_assert(length > 0 && length < FOLDER_PATH_BYTES);
    return buffer;
}

void folder_make(const struct folder *folder, const char *name) {
    char path[FOLDER_PATH_BYTES];
    cr_assert_eq(mkdir(folder_join(folder, name, path), 0700), 0);
}

void folder_write_bytes(const struct folder *folder, const char *name, const void *bytes, size_t size) {
    char path[FOLDER_PATH_BYTES];
    FILE *file = fopen(folder_join(folder, name, path), "we");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

void folder_write(const struct folder *folder, const char *name, const char *text) {
    folder_write_bytes(folder, name, text, strlen(text));
}

void folder_remove(const struct folder *folder, const char *name) {
    char path[FOLDER_PATH_BYTES];
    cr_assert_eq(unlink(folder_join(folder, name, path)), 0);
}

void folder_copy(const struct folder *folder, const char *name, const char *source) {
    static char content[1 << 16];
    FILE *file = fopen(source, "re");
    cr_assert_not_null(file, "%s", source);
    size_t size = fread(content, 1, sizeof content, file);
    cr_assert(size < sizeof content);
    fclose(file);
    folder_write_bytes(folder, name, content, size);
}
