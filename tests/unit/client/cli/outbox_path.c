#include "client/cli/outbox_path.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

Test(outbox_path, state_home_then_home) {
    setenv("HOME", "/home/li", 1);
    setenv("XDG_STATE_HOME", "/var/state", 1);
    char *path = outbox_path_default("zhejiang");
    cr_assert_str_eq(path, "/var/state/tally/zhejiang");
    free(path);
    setenv("XDG_STATE_HOME", "relative", 1);
    path = outbox_path_default("zhejiang");
    cr_assert_str_eq(path, "/home/li/.local/state/tally/zhejiang");
    free(path);
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    cr_assert_null(outbox_path_default("zhejiang"));
}

Test(outbox_path, missing_parents_are_made_and_the_last_part_is_not) {
    char root[] = "/tmp/tally-path-XXXXXX";
    cr_assert_not_null(mkdtemp(root));
    char path[160];
    char parent[128];
    snprintf(parent, sizeof parent, "%s/a/b", root);
    snprintf(path, sizeof path, "%s/node", parent);
    cr_assert(outbox_path_make_parents(path));
    cr_assert(outbox_path_make_parents(path));
    struct stat status;
    cr_assert_eq(stat(parent, &status), 0);
    cr_assert_eq(status.st_mode & 077, 0);
    cr_assert_neq(stat(path, &status), 0);
    rmdir(parent);
    snprintf(parent, sizeof parent, "%s/a", root);
    rmdir(parent);
    rmdir(root);
    cr_assert_not(outbox_path_make_parents("/dev/null/a/b"));
}
