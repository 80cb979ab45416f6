#include "small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/base/check.h"

static bool may_not(const char *what) {
    fprintf(stderr, "skipped: this process may not %s: %s\n", what, strerror(errno));
    return false;
}

static bool write_text(const char *file, const char *text) {
    int descriptor = open(file, O_WRONLY | O_CLOEXEC);
    bool wrote = descriptor >= 0 && write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);
    if (descriptor >= 0) {
        close(descriptor);
    }
    return wrote;
}

/* Root in a user namespace of one's own: user_namespaces(7). */
static bool become_root_of_a_namespace(void) {
    char users[64];
    char groups[64];
    snprintf(users, sizeof users, "0 %u 1", getuid());
    snprintf(groups, sizeof groups, "0 %u 1", getgid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", users) && write_text("/proc/self/gid_map", groups);
}

/* Mounts that no other process sees and that go with this one. */
static bool get_mounts_of_our_own(void) {
    static bool ours;
    if (!ours && unshare(CLONE_NEWNS) != 0 && !become_root_of_a_namespace()) {
        return may_not("have mounts of its own");
    }
    ours = true;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return may_not("keep its mounts to itself");
    }
    return true;
}

bool small_disk_get(struct small_disk *disk, unsigned megabytes) {
    char options[32];
    snprintf(options, sizeof options, "size=%um", megabytes);
    snprintf(disk->directory, sizeof disk->directory, "/tmp/tally-disk-XXXXXX");
    if (!get_mounts_of_our_own()) {
        return false;
    }
    CHECK(mkdtemp(disk->directory) != NULL);
    if (mount("tally-test", disk->directory, "tmpfs", 0, options) != 0) {
        may_not("mount a tmpfs");
        rmdir(disk->directory);
        return false;
    }
    return true;
}

void small_disk_give_back(const struct small_disk *disk) {
    CHECK(umount(disk->directory) == 0);
    CHECK(rmdir(disk->directory) == 0);
}

static void path_of_ballast(const struct small_disk *disk, char *path, size_t size) {
    snprintf(path, size, "%s/ballast", disk->directory);
}

void small_disk_load_ballast(const struct small_disk *disk, size_t bytes) {
    char path[SMALL_DISK_PATH_BYTES + 16];
    path_of_ballast(disk, path, sizeof path);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(file >= 0 && posix_fallocate(file, 0, (off_t)bytes) == 0);
    close(file);
}

void small_disk_drop_ballast(const struct small_disk *disk) {
    char path[SMALL_DISK_PATH_BYTES + 16];
    path_of_ballast(disk, path, sizeof path);
    CHECK(unlink(path) == 0);
}

uint64_t small_disk_free_bytes(const struct small_disk *disk) {
    struct statvfs status;
    CHECK(statvfs(disk->directory, &status) == 0);
    return (uint64_t)status.f_bavail * status.f_frsize;
}
