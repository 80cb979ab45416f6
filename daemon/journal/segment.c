#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "record.h"

#define MAGIC "TALLYJNL"

enum { HEADER_FORMAT = 1, ASIDE_MAP_BYTES = 1 << 20, DISK_FULL_BELOW_BYTES = 8 << 20, READERS_MAX = 64 };

void segment_path(char *path, const char *directory, uint64_t first_version) {
    snprintf(path, SEGMENT_PATH_BYTES, "%s/segment-%020" PRIu64 ".mdb", directory, first_version);
}

enum error segment_error(int result, const char *path) {
    if (result == MDB_SUCCESS) {
        return ERROR_NONE;
    }
    if (result == ENOMEM) {
        return ERROR_MEMORY;
    }
    struct statvfs disk;
    bool short_of_space = statvfs(path, &disk) == 0 && disk.f_bavail * disk.f_frsize < DISK_FULL_BELOW_BYTES;
    if (result == ENOSPC || result == EDQUOT || (result == EIO && short_of_space)) {
        return ERROR_DISK_FULL;
    }
    return result == MDB_CORRUPTED || result == MDB_INVALID || result == MDB_PAGE_NOTFOUND ||
                   result == MDB_VERSION_MISMATCH
               ? ERROR_DAMAGED
               : ERROR_IO;
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

/* Writes the header as key 0 of a new environment. */
static int write_header(MDB_env *env, const struct segment_header *header) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(env, NULL, 0, &transaction);
    if (result != MDB_SUCCESS) {
        return result;
    }
    MDB_dbi entries;
    uint64_t zero = 0;
    struct segment_header copy = *header;
    MDB_val key = {sizeof zero, &zero};
    MDB_val value = {sizeof copy, &copy};
    result = mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY | MDB_CREATE, &entries);
    if (result == MDB_SUCCESS) {
        result = mdb_put(transaction, entries, &key, &value, 0);
    }
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(transaction);
        return result;
    }
    return mdb_txn_commit(transaction);
}

static int make_file(const char *aside, const struct segment_header *header) {
    MDB_env *env;
    int result = mdb_env_create(&env);
    if (result != MDB_SUCCESS) {
        return result;
    }
    mdb_env_set_mapsize(env, ASIDE_MAP_BYTES);
    result = mdb_env_open(env, aside, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOLOCK, 0600);
    if (result == MDB_SUCCESS) {
        result = write_header(env, header);
    }
    mdb_env_close(env);
    return result;
}

enum error segment_make(const char *directory, const struct segment_header *header, struct fault *fault) {
    char aside[SEGMENT_PATH_BYTES];
    char path[SEGMENT_PATH_BYTES];
    snprintf(aside, sizeof aside, "%s/segment-new.tmp", directory);
    segment_path(path, directory, header->first_version);
    unlink(aside);
    struct segment_header complete = *header;
    memcpy(complete.magic, MAGIC, sizeof complete.magic);
    complete.format = HEADER_FORMAT;
    int result = make_file(aside, &complete);
    if (result != MDB_SUCCESS) {
        enum error error = segment_error(result, directory);
        unlink(aside);
        return fault_set(fault, error, "%s: cannot be made: %s", aside, mdb_strerror(result));
    }
    enum error error = sync_path(aside, O_RDWR);
    if (error == ERROR_NONE && rename(aside, path) != 0) {
        error = error_of_errno(errno);
    }
    if (error == ERROR_NONE) {
        error = sync_path(directory, O_RDONLY | O_DIRECTORY);
    }
    return error == ERROR_NONE ? ERROR_NONE : fault_set(fault, error, "%s: cannot be made: %s", path, strerror(errno));
}

/* Reads header and last entry. The file has been found long enough before a page beyond the first two is touched. */
static enum error read_ends(struct segment *segment, const char *path, struct fault *fault) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(segment->env, NULL, MDB_RDONLY, &transaction);
    if (result != MDB_SUCCESS) {
        return fault_set(fault, segment_error(result, path), "%s: cannot be read: %s", path, mdb_strerror(result));
    }
    enum error error = ERROR_NONE;
    MDB_cursor *cursor = NULL;
    uint64_t zero = 0;
    MDB_val key = {sizeof zero, &zero};
    MDB_val value;
    result = mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY, &segment->entries);
    if (result == MDB_SUCCESS) {
        result = mdb_get(transaction, segment->entries, &key, &value);
    }
    if (result != MDB_SUCCESS || value.mv_size != sizeof segment->header ||
        memcmp(value.mv_data, MAGIC, sizeof segment->header.magic) != 0) {
        error = fault_set(fault, ERROR_DAMAGED, "%s: is not a segment of a journal; restore it from a backup", path);
        goto done;
    }
    memcpy(&segment->header, value.mv_data, sizeof segment->header);
    segment->last_version = segment->header.first_version - 1;
    segment->last_hash = segment->header.previous_hash;
    result = mdb_cursor_open(transaction, segment->entries, &cursor);
    if (result == MDB_SUCCESS) {
        result = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    }
    if (result != MDB_SUCCESS || key.mv_size != sizeof segment->last_version) {
        error = fault_set(fault, ERROR_DAMAGED, "%s: its last entry cannot be read: %s", path, mdb_strerror(result));
        goto done;
    }
    uint64_t last;
    memcpy(&last, key.mv_data, sizeof last);
    if (last != 0) {
        struct entry_record record;
        uint64_t previous_hash;
        if (record_read(value.mv_data, value.mv_size, &record, &segment->last_hash, &previous_hash) != ERROR_NONE ||
            record.version != last) {
            error = fault_set(fault, ERROR_DAMAGED,
                              "%s: entry %" PRIu64 " is not what was written; restore the file from a backup", path, last);
            goto done;
        }
        segment->last_version = last;
    }
done:
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    /* Commit, not abort: in a first transaction abort would close the handle of the table again. */
    mdb_txn_commit(transaction);
    return error;
}

/* A file that lost its end would be a SIGBUS later. */
static enum error check_size(const struct segment *segment, const char *path, struct fault *fault) {
    struct stat file;
    if (stat(path, &file) != 0) {
        return fault_set(fault, error_of_errno(errno), "%s: %s", path, strerror(errno));
    }
    if ((uint64_t)file.st_size < segment_bytes(segment)) {
        return fault_set(fault, ERROR_DAMAGED,
                         "%s: has %jd bytes where %" PRIu64 " are in use: it was cut off; restore it from a backup", path,
                         (intmax_t)file.st_size, segment_bytes(segment));
    }
    return ERROR_NONE;
}

struct segment *segment_open(const char *directory, uint64_t first_version, enum segment_mode mode, size_t map_bytes,
                             struct fault *fault) {
    char path[SEGMENT_PATH_BYTES];
    segment_path(path, directory, first_version);
    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL || mdb_env_create(&segment->env) != MDB_SUCCESS) {
        fault_set(fault, ERROR_MEMORY, "%s: %s", path, error_text(ERROR_MEMORY));
        goto fail;
    }
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
    if (mode == SEGMENT_WRITE) {
        mdb_env_set_mapsize(segment->env, map_bytes);
        mdb_env_set_maxreaders(segment->env, READERS_MAX);
    } else {
        flags |= MDB_RDONLY | MDB_NOLOCK;
    }
    int result = mdb_env_open(segment->env, path, flags, 0600);
    if (result != MDB_SUCCESS) {
        fault_set(fault, segment_error(result, directory), "%s: cannot be opened: %s", path, mdb_strerror(result));
        goto fail;
    }
    if (check_size(segment, path, fault) != ERROR_NONE || read_ends(segment, path, fault) != ERROR_NONE) {
        goto fail;
    }
    return segment;
fail:
    segment_close(segment);
    return NULL;
}

void segment_close(struct segment *segment) {
    if (segment == NULL) {
        return;
    }
    if (segment->env != NULL) {
        mdb_env_close(segment->env);
    }
    free(segment);
}

uint64_t segment_bytes(const struct segment *segment) {
    MDB_envinfo information;
    MDB_stat statistics;
    mdb_env_info(segment->env, &information);
    mdb_env_stat(segment->env, &statistics);
    return ((uint64_t)information.me_last_pgno + 1) * statistics.ms_psize;
}
