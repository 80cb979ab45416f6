#include "outbox_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *outbox_path_default(const char *node) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    int written = -1;
    if (state != NULL && state[0] == '/') {
        written = asprintf(&path, "%s/tally/%s", state, node);
    } else if (home != NULL && home[0] == '/') {
        written = asprintf(&path, "%s/.local/state/tally/%s", home, node);
    }
    return written < 0 ? NULL : path;
}

bool outbox_path_make_parents(const char *path) {
    char *copy = strdup(path);
    bool fine = copy != NULL;
    for (char *slash = fine ? strchr(copy + 1, '/') : NULL; fine && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        fine = mkdir(copy, 0700) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(copy);
    return fine;
}
