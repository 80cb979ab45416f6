/* Preloaded into a daemon, writes down everything that it does to the files below a folder: each write with its bytes, when it
 * began and when it returned, each sync, each name. From that, image.py builds what a disk may hold after the power was cut at
 * any moment: everything that a finished sync covers, and any part of the rest.
 *
 * TALLY_RECORD_ROOT  the folder, absolute
 * TALLY_RECORD_LOG   where the records go, outside of it
 *
 * A sync covers the writes that had returned before it began. A write through a descriptor that was opened with O_DSYNC is
 * durable when it has returned, and covers no other. A name is durable when its folder was synced. That is less than what
 * ext4 gives, and what POSIX promises. Maps are not watched: LMDB writes through descriptors (its lock file aside, whose
 * content nobody needs after a crash). */
#include "recorder.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 1 << 16, FILES_MAX = 4096 };

/* An open descriptor: the number of its file, 0 if it is none of ours. */
struct descriptor {
    uint32_t file;
    bool durable; /* O_DSYNC or O_SYNC */
};

static struct {
    pthread_mutex_t mutex;
    char root[PATH_MAX];
    int log;
    uint64_t token;
    uint32_t files;
    ino_t inodes[FILES_MAX]; /* by number - 1: a file keeps its number when it is renamed */
    struct descriptor descriptors[DESCRIPTORS_MAX];
} recorder = {.mutex = PTHREAD_MUTEX_INITIALIZER, .log = -1};

/* The real function behind a wrapper. */
#define REAL(name) ((__typeof__(name) *)real(#name))

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        fprintf(stderr, "recorder: %s is not there\n", name);
        abort();
    }
    return function;
}

static void write_all(const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        long wrote = syscall(SYS_write, recorder.log, at, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            static const char message[] = "recorder: the log cannot be written\n";
            syscall(SYS_write, STDERR_FILENO, message, sizeof message - 1);
            abort();
        }
        at += wrote;
        size -= (size_t)wrote;
    }
}

/* Called with the mutex held. count buffers make up the record's bytes, if it has any. */
static void put(enum record_kind kind, uint32_t file, uint64_t token, uint64_t offset, uint64_t length,
                const struct iovec *bytes, int count) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct record_head head = {.kind = kind,
                               .file = file,
                               .token = token,
                               .offset = offset,
                               .length = length,
                               .time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec};
    write_all(&head, sizeof head);
    for (int i = 0; i < count; i++) {
        write_all(bytes[i].iov_base, bytes[i].iov_len);
    }
}

static void put_text(enum record_kind kind, uint32_t file, uint64_t offset, const char *text, size_t size) {
    struct iovec bytes = {.iov_base = (void *)(uintptr_t)text, .iov_len = size};
    put(kind, file, 0, offset, size, &bytes, 1);
}

__attribute__((constructor)) static void begin(void) {
    const char *root = getenv("TALLY_RECORD_ROOT");
    const char *log = getenv("TALLY_RECORD_LOG");
    if (root != NULL && log != NULL) {
        snprintf(recorder.root, sizeof recorder.root, "%s", root);
        recorder.log = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

static bool ours(const char *path) {
    size_t length = strlen(recorder.root);
    return recorder.log >= 0 && strncmp(path, recorder.root, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

/* ---- opening and closing ---- */

/* Called with the mutex held. */
static uint32_t number_of(ino_t inode, bool made) {
    for (uint32_t i = 0; i < recorder.files; i++) {
        if (recorder.inodes[i] == inode) {
            if (!made) {
                return i + 1;
            }
            recorder.inodes[i] = 0; /* the file that had this inode is gone */
        }
    }
    if (recorder.files == FILES_MAX) {
        abort();
    }
    recorder.inodes[recorder.files] = inode;
    return ++recorder.files;
}

static void note_open(int descriptor, const char *path, int flags, bool made) {
    struct stat status;
    if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX || !ours(path) || fstat(descriptor, &status) != 0) {
        return;
    }
    pthread_mutex_lock(&recorder.mutex);
    uint32_t file = number_of(status.st_ino, made);
    recorder.descriptors[descriptor] = (struct descriptor){.file = file, .durable = (flags & O_DSYNC) != 0};
    put_text(RECORD_OPENED, file, made, path, strlen(path));
    if ((flags & O_TRUNC) != 0 && !made) {
        put(RECORD_TRUNCATED, file, 0, 0, 0, NULL, 0);
    }
    pthread_mutex_unlock(&recorder.mutex);
}

/* A file is new if it was not there just before: nobody else works in the folder. */
static int open_noted(const char *path, int flags, mode_t mode) {
    struct stat status;
    bool made = (flags & O_CREAT) != 0 && ours(path) && stat(path, &status) != 0;
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    note_open(descriptor, path, flags, made);
    return descriptor;
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define DEFINE_OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode_t mode = mode_of(flags, arguments); \
        va_end(arguments); \
        return open_noted(path, flags, mode); \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS_MAX && recorder.log >= 0) {
        pthread_mutex_lock(&recorder.mutex);
        recorder.descriptors[descriptor].file = 0;
        pthread_mutex_unlock(&recorder.mutex);
    }
    return (int)syscall(SYS_close, descriptor);
}

static struct descriptor known(int descriptor) {
    struct descriptor found = {0};
    if (recorder.log >= 0 && descriptor >= 0 && descriptor < DESCRIPTORS_MAX) {
        pthread_mutex_lock(&recorder.mutex);
        found = recorder.descriptors[descriptor];
        pthread_mutex_unlock(&recorder.mutex);
    }
    return found;
}

/* ---- writing ---- */

static uint64_t write_begins(uint32_t file, const struct iovec *bytes, int count, off_t offset) {
    uint64_t size = 0;
    for (int i = 0; i < count; i++) {
        size += bytes[i].iov_len;
    }
    pthread_mutex_lock(&recorder.mutex);
    uint64_t token = ++recorder.token;
    put(RECORD_WRITE, file, token, (uint64_t)offset, size, bytes, count);
    pthread_mutex_unlock(&recorder.mutex);
    return token;
}

static ssize_t write_returned(struct descriptor descriptor, uint64_t token, ssize_t wrote) {
    int reason = errno;
    pthread_mutex_lock(&recorder.mutex);
    put(RECORD_WRITTEN, descriptor.file, token, descriptor.durable && wrote >= 0, wrote < 0 ? 0 : (uint64_t)wrote, NULL,
        0);
    pthread_mutex_unlock(&recorder.mutex);
    errno = reason;
    return wrote;
}

ssize_t pwritev(int number, const struct iovec *bytes, int count, off_t offset) {
    struct descriptor descriptor = known(number);
    if (descriptor.file == 0) {
        return REAL(pwritev)(number, bytes, count, offset);
    }
    uint64_t token = write_begins(descriptor.file, bytes, count, offset);
    return write_returned(descriptor, token, REAL(pwritev)(number, bytes, count, offset));
}

ssize_t pwritev64(int number, const struct iovec *bytes, int count, off64_t offset) {
    return pwritev(number, bytes, count, offset);
}

ssize_t pwrite(int number, const void *bytes, size_t size, off_t offset) {
    struct descriptor descriptor = known(number);
    if (descriptor.file == 0) {
        return REAL(pwrite)(number, bytes, size, offset);
    }
    struct iovec buffer = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    uint64_t token = write_begins(descriptor.file, &buffer, 1, offset);
    return write_returned(descriptor, token, REAL(pwrite)(number, bytes, size, offset));
}

ssize_t pwrite64(int number, const void *bytes, size_t size, off64_t offset) {
    return pwrite(number, bytes, size, offset);
}

ssize_t writev(int number, const struct iovec *bytes, int count) {
    struct descriptor descriptor = known(number);
    if (descriptor.file == 0) {
        return REAL(writev)(number, bytes, count);
    }
    uint64_t token = write_begins(descriptor.file, bytes, count, lseek(number, 0, SEEK_CUR));
    return write_returned(descriptor, token, REAL(writev)(number, bytes, count));
}

ssize_t write(int number, const void *bytes, size_t size) {
    struct descriptor descriptor = known(number);
    if (descriptor.file == 0) {
        return syscall(SYS_write, number, bytes, size);
    }
    struct iovec buffer = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    uint64_t token = write_begins(descriptor.file, &buffer, 1, lseek(number, 0, SEEK_CUR));
    return write_returned(descriptor, token, syscall(SYS_write, number, bytes, size));
}

static int truncate_noted(int number, off_t size) {
    struct descriptor descriptor = known(number);
    int result = (int)syscall(SYS_ftruncate, number, size);
    if (descriptor.file != 0 && result == 0) {
        pthread_mutex_lock(&recorder.mutex);
        put(RECORD_TRUNCATED, descriptor.file, 0, (uint64_t)size, 0, NULL, 0);
        pthread_mutex_unlock(&recorder.mutex);
    }
    return result;
}

int ftruncate(int number, off_t size) {
    return truncate_noted(number, size);
}

int ftruncate64(int number, off64_t size) {
    return truncate_noted(number, size);
}

/* ---- syncing ---- */

static int sync_noted(int number, long call) {
    struct descriptor descriptor = known(number);
    if (descriptor.file == 0) {
        return (int)syscall(call, number);
    }
    pthread_mutex_lock(&recorder.mutex);
    uint64_t token = ++recorder.token;
    put(RECORD_SYNC, descriptor.file, token, 0, 0, NULL, 0);
    pthread_mutex_unlock(&recorder.mutex);
    int result = (int)syscall(call, number);
    int reason = errno;
    if (result == 0) {
        pthread_mutex_lock(&recorder.mutex);
        put(RECORD_SYNCED, descriptor.file, token, 0, 0, NULL, 0);
        pthread_mutex_unlock(&recorder.mutex);
    }
    errno = reason;
    return result;
}

int fdatasync(int number) {
    return sync_noted(number, SYS_fdatasync);
}

int fsync(int number) {
    return sync_noted(number, SYS_fsync);
}

/* ---- names ---- */

int rename(const char *from, const char *to) {
    int result = REAL(rename)(from, to);
    if (result == 0 && ours(to)) {
        char both[2 * PATH_MAX];
        int size = snprintf(both, sizeof both, "%s%c%s", from, 0, to);
        pthread_mutex_lock(&recorder.mutex);
        put_text(RECORD_RENAMED, 0, 0, both, (size_t)size);
        pthread_mutex_unlock(&recorder.mutex);
    }
    return result;
}

int unlink(const char *path) {
    int result = REAL(unlink)(path);
    if (result == 0 && ours(path)) {
        pthread_mutex_lock(&recorder.mutex);
        put_text(RECORD_REMOVED, 0, 0, path, strlen(path));
        pthread_mutex_unlock(&recorder.mutex);
    }
    return result;
}

int mkdir(const char *path, mode_t mode) {
    int result = REAL(mkdir)(path, mode);
    if (result == 0 && ours(path)) {
        pthread_mutex_lock(&recorder.mutex);
        put_text(RECORD_MADE, 0, 0, path, strlen(path));
        pthread_mutex_unlock(&recorder.mutex);
    }
    return result;
}
