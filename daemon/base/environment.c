#include "environment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A lock file of this size has room for 126 readers. */
enum { DISK_FULL_BELOW_BYTES = 8 << 20, PATH_BYTES = 4352, LOCK_FILE_BYTES = 8192 };

static bool short_of_space(const char *path) {
    struct statvfs disk;
    return statvfs(path, &disk) == 0 && disk.f_bavail * disk.f_frsize < DISK_FULL_BELOW_BYTES;
}

enum error environment_error(int result, const char *path) {
    switch (result) {
    case MDB_SUCCESS:
        return ERROR_NONE;
    case ENOMEM:
        return ERROR_MEMORY;
    case EMFILE:
    case ENFILE:
        return ERROR_LIMIT;
    case ENOSPC:
    case EDQUOT:
    case MDB_MAP_FULL:
        return ERROR_DISK_FULL;
    case EIO:
        return short_of_space(path) ? ERROR_DISK_FULL : ERROR_IO;
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_PAGE_NOTFOUND:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_NOTFOUND:
        return ERROR_DAMAGED;
    default:
        return ERROR_IO;
    }
}

uint64_t environment_bytes(MDB_env *env) {
    MDB_envinfo information;
    MDB_stat statistics;
    mdb_env_info(env, &information);
    mdb_env_stat(env, &statistics);
    return ((uint64_t)information.me_last_pgno + 1) * statistics.ms_psize;
}

static enum error sync_path(const char *path, int flags) {
    int descriptor = open(path, flags | O_CLOEXEC);
    if (descriptor < 0) {
        return error_of_errno(errno);
    }
    enum error error = fsync(descriptor) == 0 ? ERROR_NONE : error_of_errno(errno);
    close(descriptor);
    return error;
}

enum error environment_sync_folder_of(const char *path) {
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", path);
    return sync_path(dirname(folder), O_RDONLY | O_DIRECTORY);
}

enum error environment_settle(const char *aside, const char *path, struct fault *fault) {
    enum error error = sync_path(aside, O_RDWR);
    if (error == ERROR_NONE && rename(aside, path) != 0) {
        error = error_of_errno(errno);
    }
    if (error == ERROR_NONE) {
        error = environment_sync_folder_of(path);
    }
    return error == ERROR_NONE ? ERROR_NONE : fault_set(fault, error, "%s: cannot be made: %s", path, strerror(errno));
}

enum error environment_remove(const char *path) {
    return unlink(path) == 0 ? environment_sync_folder_of(path) : error_of_errno(errno);
}

enum error environment_reserve_lock(const char *path, struct fault *fault) {
    char lock[PATH_BYTES];
    snprintf(lock, sizeof lock, "%s-lock", path);
    int descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return fault_set(fault, error_of_errno(errno), "%s: cannot be made: %s", lock, strerror(errno));
    }
    int failed = posix_fallocate(descriptor, 0, LOCK_FILE_BYTES);
    close(descriptor);
    return failed == 0 ? ERROR_NONE
                       : fault_set(fault, error_of_errno(failed), "%s: cannot be made: %s", lock, strerror(failed));
}

uint64_t environment_bytes_least(void) {
    return 2 * (uint64_t)sysconf(_SC_PAGESIZE);
}

enum error environment_check_size(const char *path, uint64_t bytes, const char *mend, struct fault *fault) {
    struct stat file;
    if (stat(path, &file) != 0) {
        return fault_set(fault, error_of_errno(errno), "%s: %s", path, strerror(errno));
    }
    if ((uint64_t)file.st_size < bytes) {
        return fault_set(fault, ERROR_DAMAGED, "%s: has %jd bytes where %" PRIu64 " are in use: it was cut off; %s",
                         path, (intmax_t)file.st_size, bytes, mend);
    }
    return ERROR_NONE;
}
