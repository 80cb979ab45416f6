#include "diskfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proto/limits.h"

#define FILE_NAME "outbox.mdb"
#define FILE_NAME_NEW "outbox.mdb.new"
#define FILE_NAME_NEW_LOCK "outbox.mdb.new-lock"

enum {
    FILE_BYTES_MIN = 2 * 4096, /* two meta pages: a shorter file was cut off */
    FREE_BYTES_LOW = 1 << 20,  /* EIO with less than this left means that the disk is full */
};

#define MAP_BYTES_SPARE (UINT64_C(64) << 20)

/* A number in this machine's byte order: an outbox does not travel between machines of different order. */
static const uint32_t format = 1;

static const char *const table_names[DISKFILE_TABLES] = {"batches", "waiting", "refused", "meta"};
static const unsigned table_flags[DISKFILE_TABLES] = {MDB_INTEGERKEY, MDB_INTEGERKEY, MDB_INTEGERKEY, 0};

/* LMDB says EIO for a write that was cut short, which a full disk does as well as a broken one. */
bool diskfile_full(const struct diskfile *file, int code) {
    struct statvfs space = {0};
    bool little = fstatvfs(file->directory, &space) == 0 && space.f_bavail * space.f_frsize < FREE_BYTES_LOW;
    return code == ENOSPC || code == EDQUOT || code == EFBIG || (code == EIO && little);
}

enum tally_error diskfile_error(const struct diskfile *file, int code, char *message) {
    if (diskfile_full(file, code)) {
        return fault_set(message, TALLY_DISK, "the disk of the outbox is full; it goes on once there is space");
    }
    if (code == MDB_MAP_FULL) {
        return fault_set(message, TALLY_OUTBOX_FULL, "the outbox has no room left for these rows");
    }
    if (code == ENOMEM) {
        return fault_memory(message);
    }
    if (code == MDB_INVALID || code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_VERSION_MISMATCH ||
        code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE) {
        return fault_set(message, TALLY_OUTBOX_DAMAGED,
                         "the outbox is damaged (%s); put it aside and report its projects again", mdb_strerror(code));
    }
    return fault_set(message, TALLY_DISK, "the outbox cannot be used: %s", mdb_strerror(code));
}

static enum tally_error path_of(const char *directory, const char *name, char *path, char *message) {
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    if (length < 0 || length >= PATH_MAX) {
        return fault_set(message, TALLY_INVALID, "the path of the outbox is too long");
    }
    return TALLY_OK;
}

static enum tally_error sync_directory_above(const char *directory, char *message) {
    char path[PATH_MAX];
    enum tally_error error = path_of(directory, "..", path, message);
    if (error != TALLY_OK) {
        return error;
    }
    int parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) {
        return TALLY_OK; /* may not be read by us: the system's own syncing has to do */
    }
    bool synced = fsync(parent) == 0;
    int code = errno;
    close(parent);
    return synced ? TALLY_OK
                  : fault_set(message, TALLY_DISK, "cannot sync the folder of %s: %s", directory, strerror(code));
}

static enum tally_error open_directory(struct diskfile *file, const char *directory, char *message) {
    bool made = mkdir(directory, 0700) == 0;
    if (!made && errno != EEXIST) {
        return fault_set(message, TALLY_DISK, "cannot make %s: %s", directory, strerror(errno));
    }
    file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0) {
        return fault_set(message, TALLY_DISK, "cannot open %s: %s", directory, strerror(errno));
    }
    file->lock = openat(file->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->lock < 0) {
        return fault_set(message, TALLY_DISK, "cannot write in %s: %s", directory, strerror(errno));
    }
    if (flock(file->lock, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? fault_set(message, TALLY_OUTBOX_BUSY, "another process has the outbox %s open", directory)
                   : fault_set(message, TALLY_DISK, "cannot lock %s: %s", directory, strerror(errno));
    }
    return made ? sync_directory_above(directory, message) : TALLY_OK;
}

static int open_tables(struct diskfile *file, MDB_txn *transaction, unsigned flags) {
    int code = 0;
    for (int i = 0; code == 0 && i < DISKFILE_TABLES; i++) {
        code = mdb_dbi_open(transaction, table_names[i], table_flags[i] | flags, &file->table[i]);
    }
    return code;
}

static MDB_val value_of(const void *data, size_t size) {
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

static int put_meta(struct diskfile *file, MDB_txn *transaction, const char *name, const void *data, size_t size) {
    MDB_val key = value_of(name, strlen(name));
    MDB_val value = value_of(data, size);
    return mdb_put(transaction, file->table[DISKFILE_META], &key, &value, 0);
}

static int open_environment(struct diskfile *file, const char *path, uint64_t map_bytes) {
    int code = mdb_env_create(&file->environment);
    if (code == 0) {
        code = mdb_env_set_mapsize(file->environment, map_bytes);
    }
    if (code == 0) {
        code = mdb_env_set_maxdbs(file->environment, DISKFILE_TABLES);
    }
    if (code == 0) {
        code = mdb_env_open(file->environment, path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
    }
    return code;
}

static void close_environment(struct diskfile *file) {
    if (file->environment != NULL) {
        mdb_env_close(file->environment);
        file->environment = NULL;
    }
}

static int fill_new(struct diskfile *file, const char *node) {
    MDB_txn *transaction = NULL;
    int code = mdb_txn_begin(file->environment, NULL, 0, &transaction);
    if (code != 0) {
        return code;
    }
    code = open_tables(file, transaction, MDB_CREATE);
    if (code == 0) {
        code = put_meta(file, transaction, "format", &format, sizeof format);
    }
    if (code == 0) {
        code = put_meta(file, transaction, "node", node, strlen(node));
    }
    if (code != 0) {
        mdb_txn_abort(transaction);
        return code;
    }
    return mdb_txn_commit(transaction);
}

static int sync_and_rename(const struct diskfile *file) {
    int fd = openat(file->directory, FILE_NAME_NEW, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int code = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    if (code == 0 && renameat(file->directory, FILE_NAME_NEW, file->directory, FILE_NAME) != 0) {
        code = errno;
    }
    if (code == 0 && fsync(file->directory) != 0) {
        code = errno;
    }
    return code;
}

/* LMDB's own creation is not safe against a crash: a file that was cut off by one is invalid for ever. */
static int create_aside(struct diskfile *file, const char *path_new, const char *node) {
    unlinkat(file->directory, FILE_NAME_NEW, 0);
    unlinkat(file->directory, FILE_NAME_NEW_LOCK, 0);
    int code = open_environment(file, path_new, MAP_BYTES_SPARE);
    if (code == 0) {
        code = fill_new(file, node);
    }
    close_environment(file);
    unlinkat(file->directory, FILE_NAME_NEW_LOCK, 0);
    return code == 0 ? sync_and_rename(file) : code;
}

/* A file shorter than its own pages say would be SIGBUS when read. */
static enum tally_error check_size(const struct diskfile *file, bool opened, char *message) {
    struct stat status;
    uint64_t bytes_min = FILE_BYTES_MIN;
    if (opened) {
        MDB_envinfo info;
        MDB_stat pages;
        mdb_env_info(file->environment, &info);
        mdb_env_stat(file->environment, &pages);
        bytes_min = (uint64_t)(info.me_last_pgno + 1) * pages.ms_psize;
    }
    if (fstatat(file->directory, FILE_NAME, &status, 0) != 0) {
        return fault_set(message, TALLY_DISK, "cannot read the outbox: %s", strerror(errno));
    }
    return (uint64_t)status.st_size >= bytes_min
               ? TALLY_OK
               : fault_set(message, TALLY_OUTBOX_DAMAGED, "the outbox is cut off: %lld bytes instead of %llu",
                           (long long)status.st_size, (unsigned long long)bytes_min);
}

static bool meta_is(struct diskfile *file, MDB_txn *transaction, const char *name, const void *data, size_t size) {
    MDB_val key = value_of(name, strlen(name));
    MDB_val value;
    return mdb_get(transaction, file->table[DISKFILE_META], &key, &value) == 0 && value.mv_size == size &&
           memcmp(value.mv_data, data, size) == 0;
}

static enum tally_error check_meta(struct diskfile *file, const char *node, char *message) {
    MDB_txn *transaction = NULL;
    int code = mdb_txn_begin(file->environment, NULL, 0, &transaction);
    if (code == 0) {
        code = open_tables(file, transaction, 0);
    }
    if (code != 0) {
        mdb_txn_abort(transaction);
        return diskfile_error(file, code, message);
    }
    bool known = meta_is(file, transaction, "format", &format, sizeof format);
    bool ours = meta_is(file, transaction, "node", node, strlen(node));
    code = mdb_txn_commit(transaction);
    if (code != 0) {
        return diskfile_error(file, code, message);
    }
    if (!known) {
        return fault_set(message, TALLY_OUTBOX_DAMAGED, "the outbox is of a format that this version does not know");
    }
    return ours ? TALLY_OK : fault_set(message, TALLY_INVALID, "the outbox belongs to another node than %s", node);
}

enum tally_error diskfile_open(struct diskfile *file, const char *directory, const char *node, uint64_t bytes_max,
                               char *message) {
    char path[PATH_MAX];
    char path_new[PATH_MAX];
    *file = (struct diskfile){.directory = -1, .lock = -1};
    enum tally_error error = path_of(directory, FILE_NAME, path, message);
    if (error == TALLY_OK) {
        error = path_of(directory, FILE_NAME_NEW, path_new, message);
    }
    if (error == TALLY_OK) {
        error = open_directory(file, directory, message);
    }
    if (error != TALLY_OK) {
        goto fail;
    }
    int code = 0;
    if (faccessat(file->directory, FILE_NAME, F_OK, 0) != 0) {
        code = create_aside(file, path_new, node);
    }
    if (code == 0 && (error = check_size(file, false, message)) != TALLY_OK) {
        goto fail;
    }
    if (code == 0) {
        /* Deletes need pages too, and freed ones are in pieces: room for several times the limit, address space only. */
        code = open_environment(file, path, 4 * bytes_max + MAP_BYTES_SPARE);
    }
    if (code != 0) {
        error = diskfile_error(file, code, message);
        goto fail;
    }
    error = check_size(file, true, message);
    if (error == TALLY_OK) {
        error = check_meta(file, node, message);
    }
    if (error == TALLY_OK) {
        return TALLY_OK;
    }
fail:
    diskfile_close(file);
    return error;
}

void diskfile_close(struct diskfile *file) {
    close_environment(file);
    if (file->lock >= 0) {
        close(file->lock);
    }
    if (file->directory >= 0) {
        close(file->directory);
    }
    file->lock = -1;
    file->directory = -1;
}
