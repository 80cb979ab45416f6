#include "segment.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/environment.h"
#include "record.h"

#define MAGIC "TALLYJNL"

enum { HEADER_FORMAT = 1, ASIDE_MAP_BYTES = 1 << 20, READERS_MAX = 64, RELEASE_BYTES_LEAST = 1 << 20 };

static const char cut_off_mend[] = "restore it from a backup";

void segment_path(char *path, const char *directory, uint64_t first_version) {
    snprintf(path, SEGMENT_PATH_BYTES, "%s/segment-%020" PRIu64 ".mdb", directory, first_version);
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
        enum error error = environment_error(result, directory);
        unlink(aside);
        return fault_set(fault, error, "%s: cannot be made: %s", aside, mdb_strerror(result));
    }
    enum error error = environment_settle(aside, path, fault);
    if (error != ERROR_NONE) {
        unlink(aside);
        if (environment_remove(path) != ERROR_NONE && access(path, F_OK) == 0) { /* it may have its name already */
            return ERROR_IO;
        }
    }
    return error;
}

enum error segment_remove(const char *directory, uint64_t first_version) {
    char path[SEGMENT_PATH_BYTES];
    segment_path(path, directory, first_version);
    return environment_remove(path);
}

/* Reads header and last entry. The file has been found long enough before a page beyond the first two is touched. */
static enum error read_ends(struct segment *segment, uint64_t first_version, const char *path, struct fault *fault) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(segment->env, NULL, MDB_RDONLY, &transaction);
    if (result != MDB_SUCCESS) {
        return fault_set(fault, environment_error(result, path), "%s: cannot be read: %s", path, mdb_strerror(result));
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
    if (segment->header.first_version != first_version) {
        error = fault_set(fault, ERROR_DAMAGED, "%s: begins with version %" PRIu64 ": it was renamed", path,
                          segment->header.first_version);
        goto done;
    }
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
            error =
                fault_set(fault, ERROR_DAMAGED,
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
    if (environment_check_size(path, environment_bytes_least(), cut_off_mend, fault) != ERROR_NONE) {
        goto fail;
    }
    if (mode == SEGMENT_WRITE && environment_reserve_lock(path, fault) != ERROR_NONE) {
        goto fail;
    }
    int result = mdb_env_open(segment->env, path, flags, 0600);
    if (result != MDB_SUCCESS) {
        fault_set(fault, environment_error(result, directory), "%s: cannot be opened: %s", path, mdb_strerror(result));
        goto fail;
    }
    if (environment_check_size(path, segment_bytes(segment), cut_off_mend, fault) != ERROR_NONE ||
        read_ends(segment, first_version, path, fault) != ERROR_NONE) {
        goto fail;
    }
    segment->released_bytes = segment_bytes(segment); /* what is there was not written by this process */
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

/* Pages that LMDB has mapped since they were written, its own for the most part, are left where they are; they are few. */
void segment_release_memory(struct segment *segment) {
    mdb_filehandle_t file;
    uint64_t bytes = segment_bytes(segment);
    bool much = bytes >= segment->released_bytes + SEGMENT_KEPT_BYTES + RELEASE_BYTES_LEAST;
    if (much && mdb_env_get_fd(segment->env, &file) == MDB_SUCCESS) {
        uint64_t end = bytes - SEGMENT_KEPT_BYTES;
        /* Advice: whether it is taken changes nothing that can be seen. */
        (void)posix_fadvise(file, (off_t)segment->released_bytes, (off_t)(end - segment->released_bytes),
                            POSIX_FADV_DONTNEED);
        segment->released_bytes = end;
    }
}

uint64_t segment_bytes(const struct segment *segment) {
    return environment_bytes(segment->env);
}
