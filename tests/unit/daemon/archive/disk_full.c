/* The archive's thread on a disk of a few megabytes that is filled and emptied again: it keeps what it holds while nothing can
 * be written, and goes on by itself once there is space. A plain program, skipped where it may not mount a disk. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/check.h"
#include "daemon/base/log.h"
#include "stage_rig.h"
#include "tests/support/small_disk.h"

enum { PROJECTS_MAX = 1 << 20, DISK_MEGABYTES = 64, BALLAST_BYTES = 60 << 20 };

static struct small_disk disk;

/* A commit that fails leaves the disk full of what it has written. */
static bool is_full(void *context) {
    (void)context;
    return small_disk_free_bytes(&disk) == 0;
}

static void goes_on_once_there_is_space(void) {
    struct rig rig;
    struct history history;
    struct history_shape shape = {.nodes = 3, .competitions = 2, .projects = 100000, .rows_max = 1000};
    rig_open(&rig, PROJECTS_MAX);
    history_init(&history, rig.entries, 51, &shape);
    small_disk_load_ballast(&disk, BALLAST_BYTES);
    rig_start(&rig);
    history_extend(&history, 200);
    rig_feed(&rig);
    rig_wait(is_full, NULL);
    uint64_t stored = state_version(rig.state);
    CHECK(stored < entries_version(rig.entries));
    history_extend(&history, 20);
    rig_feed(&rig);
    CHECK(state_version(rig.state) == stored);
    small_disk_drop_ballast(&disk);
    rig_wait_until_stored(&rig);
    CHECK(rig_stop(&rig) == entries_version(rig.entries));
    CHECK(rig_state_agrees(&rig));
    CHECK(atomic_load(&rig.failures) == 0);
    history_fini(&history);
    rig_close(&rig);
}

int main(void) {
    log_set_level((enum log_level)(LOG_ERROR + 1));
    if (!small_disk_get(&disk, DISK_MEGABYTES)) {
        return SMALL_DISK_SKIPPED;
    }
    CHECK(setenv("TMPDIR", disk.directory, 1) == 0);
    goes_on_once_there_is_space();
    small_disk_give_back(&disk);
    puts("archive on a full disk: 1 test passed");
    return 0;
}
