#include "rows.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 100000, CODE_BYTES = 16, DIRECTORIES = 16, PATH_BYTES = 256 };

struct tally_project rows_project(unsigned i) {
    static char codes[ROWS][CODE_BYTES];
    char *code = codes[i % ROWS];
    snprintf(code, CODE_BYTES, "P-%05u", i % ROWS);
    return (struct tally_project){.code = code,
                                  .region = 330100 + i % 20,
                                  .category = i % 3,
                                  .status = i % 5,
                                  .contract_value = 1000 + (int64_t)i,
                                  .participants = 10 + i % 100,
                                  .migrant_participants = i % 10,
                                  .tag = i};
}

static char paths[DIRECTORIES][PATH_BYTES];
static size_t count;

const char *rows_directory(void) {
    if (count == DIRECTORIES) {
        return NULL;
    }
    const char *parent = getenv("TMPDIR");
    snprintf(paths[count], PATH_BYTES, "%s/tally-test-XXXXXX", parent != NULL ? parent : "/tmp");
    return mkdtemp(paths[count++]);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void rows_remove_directories(void) {
    while (count > 0) {
        nftw(paths[--count], remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
}
