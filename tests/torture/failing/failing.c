/* Preloaded into a daemon, makes one of its calls fail: the n-th of a kind, or every one from the n-th on. At its end, or when it
 * is killed by what it was made to meet, TALLY_FAIL_COUNT has how many such calls there were: so a first run that fails
 * nothing tells how many runs there are to make.
 *
 * TALLY_FAIL_CALL   sync (fdatasync, fsync), write (pwrite, pwritev, write: below TALLY_FAIL_ROOT), short-write (half of it is
 *                   written), or allocation (malloc, calloc, realloc)
 * TALLY_FAIL_AT     the n-th call fails, from 1; 0 = none
 * TALLY_FAIL_EVER   1 = and every later one
 * TALLY_FAIL_ERRNO  what it fails with; a number
 * TALLY_FAIL_ROOT   the folder, absolute, whose files are meant
 * TALLY_FAIL_COUNT  a file of 8 bytes, which counts */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 1 << 16 };

enum kind { KIND_NONE, KIND_SYNC, KIND_WRITE, KIND_SHORT_WRITE, KIND_ALLOCATION };

static struct {
    enum kind kind;
    uint64_t at;
    bool ever;
    int reason;
    char root[PATH_MAX];
    _Atomic uint64_t *count;
    atomic_bool ours[DESCRIPTORS_MAX];
} failing;

static enum kind kind_of(const char *word) {
    static const char *const words[] = {[KIND_SYNC] = "sync",
                                        [KIND_WRITE] = "write",
                                        [KIND_SHORT_WRITE] = "short-write",
                                        [KIND_ALLOCATION] = "allocation"};
    for (size_t i = KIND_SYNC; word != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0) {
            return (enum kind)i;
        }
    }
    return KIND_NONE;
}

static uint64_t number_of(const char *name) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TALLY_FAIL_COUNT");
    const char *root = getenv("TALLY_FAIL_ROOT");
    int file = path != NULL ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file < 0 || root == NULL || syscall(SYS_ftruncate, file, sizeof *failing.count) != 0) {
        return;
    }
    void *shared = mmap(NULL, sizeof *failing.count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (shared == MAP_FAILED) {
        return;
    }
    snprintf(failing.root, sizeof failing.root, "%s/", root);
    failing.count = shared;
    failing.at = number_of("TALLY_FAIL_AT");
    failing.ever = number_of("TALLY_FAIL_EVER") != 0;
    failing.reason = (int)number_of("TALLY_FAIL_ERRNO");
    failing.kind = kind_of(getenv("TALLY_FAIL_CALL")); /* last: from here on calls count */
}

/* Counts a call; returns whether it is to fail. */
static bool fails(enum kind kind) {
    if (failing.kind != kind) {
        return false;
    }
    uint64_t number = atomic_fetch_add(failing.count, 1) + 1;
    return failing.at != 0 && (number == failing.at || (failing.ever && number > failing.at));
}

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        abort();
    }
    return function;
}

#define REAL(name) ((__typeof__(name) *)real(#name))

/* ---- whose descriptor ---- */

static int open_noted(const char *path, int flags, mode_t mode) {
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (descriptor >= 0 && descriptor < DESCRIPTORS_MAX) {
        atomic_store(&failing.ours[descriptor],
                     failing.kind != KIND_NONE && strncmp(path, failing.root, strlen(failing.root)) == 0);
    }
    return descriptor;
}

#define DEFINE_OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; \
        va_end(arguments); \
        return open_noted(path, flags, mode); \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS_MAX) {
        atomic_store(&failing.ours[descriptor], false);
    }
    return (int)syscall(SYS_close, descriptor);
}

static bool ours(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS_MAX && atomic_load(&failing.ours[descriptor]);
}

/* ---- syncs ---- */

static int sync_or_fail(int descriptor, long call) {
    if (ours(descriptor) && fails(KIND_SYNC)) {
        errno = failing.reason;
        return -1;
    }
    return (int)syscall(call, descriptor);
}

int fdatasync(int descriptor) {
    return sync_or_fail(descriptor, SYS_fdatasync);
}

int fsync(int descriptor) {
    return sync_or_fail(descriptor, SYS_fsync);
}

/* ---- writes ---- */

enum outcome { WHOLE, HALF, NOTHING };

static enum outcome outcome_of(int descriptor) {
    if (!ours(descriptor)) {
        return WHOLE;
    }
    if (fails(KIND_WRITE)) {
        errno = failing.reason;
        return NOTHING;
    }
    return fails(KIND_SHORT_WRITE) ? HALF : WHOLE;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    enum outcome outcome = outcome_of(descriptor);
    return outcome == NOTHING ? -1 : REAL(pwrite)(descriptor, bytes, outcome == HALF ? size / 2 : size, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset) {
    return pwrite(descriptor, bytes, size, offset);
}

ssize_t pwritev(int descriptor, const struct iovec *buffers, int count, off_t offset) {
    enum outcome outcome = outcome_of(descriptor);
    if (outcome == HALF) {
        return REAL(pwrite)(descriptor, buffers[0].iov_base, buffers[0].iov_len / 2, offset);
    }
    return outcome == NOTHING ? -1 : REAL(pwritev)(descriptor, buffers, count, offset);
}

ssize_t pwritev64(int descriptor, const struct iovec *buffers, int count, off64_t offset) {
    return pwritev(descriptor, buffers, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    enum outcome outcome = outcome_of(descriptor);
    return outcome == NOTHING ? -1 : syscall(SYS_write, descriptor, bytes, outcome == HALF ? size / 2 : size);
}

/* ---- allocations ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static bool allocation_fails(void) {
    if (fails(KIND_ALLOCATION)) {
        errno = ENOMEM;
        return true;
    }
    return false;
}

void *malloc(size_t size) {
    return allocation_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return allocation_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return allocation_fails() ? NULL : __libc_realloc(memory, size);
}
