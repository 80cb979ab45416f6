#include "disk_fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is hidden stands in front of nothing. */
#define STANDS_IN_FRONT __attribute__((visibility("default")))

/* Pages that are there already can be written on a full disk: LMDB's two meta pages always are. */
enum { META_BYTES = 8192 };

static _Atomic int present;

void disk_fault_set(enum disk_fault fault) {
    atomic_store(&present, (int)fault);
}

/* The function that this file stands in front of. */
static void *behind(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

STANDS_IN_FRONT ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset) {
    ssize_t (*real)(int, const void *, size_t, off_t) = (ssize_t(*)(int, const void *, size_t, off_t))behind("pwrite");
    int fault = offset >= META_BYTES ? atomic_load(&present) : DISK_FAULT_NONE;
    if (fault == DISK_FAULT_FULL) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, buf, fault == DISK_FAULT_SHORT ? n / 2 : n, offset);
}

/* LMDB's way for several pages: lseek, then this. */
STANDS_IN_FRONT ssize_t writev(int fd, const struct iovec *iovec, int count) {
    ssize_t (*real)(int, const struct iovec *, int) = (ssize_t(*)(int, const struct iovec *, int))behind("writev");
    if (atomic_load(&present) == DISK_FAULT_FULL) {
        errno = ENOSPC;
        return -1;
    }
    return real(fd, iovec, atomic_load(&present) == DISK_FAULT_SHORT ? 1 : count);
}

STANDS_IN_FRONT int fdatasync(int fildes) {
    int (*real)(int) = (int (*)(int))behind("fdatasync");
    if (atomic_load(&present) == DISK_FAULT_SYNC) {
        errno = EIO;
        return -1;
    }
    return real(fildes);
}

STANDS_IN_FRONT int fstatvfs(int fildes, struct statvfs *buf) {
    int (*real)(int, struct statvfs *) = (int (*)(int, struct statvfs *))behind("fstatvfs");
    int result = real(fildes, buf);
    if (atomic_load(&present) == DISK_FAULT_FULL || atomic_load(&present) == DISK_FAULT_SHORT) {
        buf->f_bavail = 0;
    }
    return result;
}
