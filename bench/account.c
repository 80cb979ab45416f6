#include "bench/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 4096 };

static bool read_field(const char *line, const char *name, uint64_t *value) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, " %s=", name);
    const char *place = strstr(line, wanted);
    return place != NULL && sscanf(place + strlen(wanted), "%" SCNu64, value) == 1;
}

bool account_read(const struct daemon *daemon, struct account *account) {
    char path[BENCH_PATH_BYTES + 16];
    char line[LINE_BYTES];
    bool found = false;
    snprintf(path, sizeof path, "%s/tallyd.log", daemon->directory);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strstr(line, " recovered ") != NULL) {
            found = read_field(line, "version", &account->version) && read_field(line, "stored", &account->stored) &&
                    read_field(line, "replayed", &account->replayed) && read_field(line, "ms", &account->ms);
            account->parted =
                read_field(line, "load_ms", &account->load_ms) && read_field(line, "replay_ms", &account->replay_ms);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    if (!found) {
        fprintf(stderr, "bench: %s tells nothing of a recovery\n", path);
    }
    return found;
}
