#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/check.h"
#include "daemon/base/environment.h"
#include "daemon/base/log.h"
#include "record.h"
#include "segment.h"

struct journal {
    /* Immutable after open. */
    char *directory;
    uint64_t segment_bytes;
    uint64_t epoch;
    uint32_t projects_max;
    int lock;

    /* Owned by the journal thread. */
    MDB_txn *group;        /* the open transaction, or NULL */
    uint64_t version;      /* of the last entry in the group, or the last durable one */
    uint64_t hash;         /* of that entry */
    uint64_t durable_hash; /* to go back to when a group fails */
    bool must_rotate;

    /* Written by the journal thread, read by any. */
    _Atomic uint64_t durable_version;
    _Atomic uint64_t sealed_bytes;
    _Atomic uint64_t active_bytes;

    /* Shared under the mutex by the journal thread (when it rotates) and readers (when they look up a segment). Not on the
     * path of an entry. */
    pthread_mutex_t mutex;
    struct segment *active;
    uint64_t *first_versions; /* of all segments in order, the active one last */
    size_t segment_count;
};

static int compare_versions(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static enum error add_segment(struct journal *journal, uint64_t first_version) {
    uint64_t *longer = realloc(journal->first_versions, (journal->segment_count + 1) * sizeof *longer);
    if (longer == NULL) {
        return ERROR_MEMORY;
    }
    journal->first_versions = longer;
    journal->first_versions[journal->segment_count++] = first_version;
    return ERROR_NONE;
}

static enum error list_segments(struct journal *journal, struct fault *fault) {
    DIR *directory = opendir(journal->directory);
    if (directory == NULL) {
        return fault_set(fault, error_of_errno(errno), "%s: cannot be read: %s", journal->directory, strerror(errno));
    }
    enum error error = ERROR_NONE;
    struct dirent *file;
    while (error == ERROR_NONE && (file = readdir(directory)) != NULL) {
        uint64_t first;
        int end = 0;
        if (sscanf(file->d_name, "segment-%20" SCNu64 ".mdb%n", &first, &end) == 1 && end > 0 &&
            file->d_name[end] == '\0') {
            error = add_segment(journal, first);
        }
    }
    closedir(directory);
    if (journal->segment_count > 0) {
        qsort(journal->first_versions, journal->segment_count, sizeof *journal->first_versions, compare_versions);
    }
    return error == ERROR_NONE ? error : fault_set(fault, error, "%s: %s", journal->directory, error_text(error));
}

/* LMDB maps address space for the whole of it; room beyond segment_bytes is for the group that crosses the line and for
 * what half-filled pages waste. */
static size_t map_bytes(const struct journal *journal) {
    return (size_t)journal->segment_bytes * 2 + ((size_t)1 << 30);
}

static enum error make_segment(struct journal *journal, struct fault *fault) {
    struct segment_header header = {.epoch = journal->epoch,
                                    .projects_max = journal->projects_max,
                                    .first_version = journal->version + 1,
                                    .previous_hash = journal->hash};
    return segment_make(journal->directory, &header, fault);
}

/* Where a segment ends: what the next must take up. Not known before the first one, because retention takes segments from
 * the start. */
struct segment_end {
    bool known;
    uint64_t version;
    uint64_t hash;
};

static enum error check_joint(const struct journal *journal, const struct segment *segment,
                              const struct segment_end *before, struct fault *fault) {
    uint64_t first = segment->header.first_version;
    if (before->known && before->version + 1 != first) {
        return fault_set(fault, ERROR_DAMAGED,
                         "%s: a segment is missing before version %" PRIu64 "; restore it from a backup",
                         journal->directory, first);
    }
    if (before->known && before->hash != segment->header.previous_hash) {
        return fault_set(fault, ERROR_DAMAGED,
                         "%s: the segment of version %" PRIu64
                         " does not follow the one before; restore both from a backup",
                         journal->directory, first);
    }
    return ERROR_NONE;
}

/* Sealed segments must follow one another without a gap, in versions and in hashes. end: of the last one. */
static enum error check_sealed(struct journal *journal, struct segment_end *end, struct fault *fault) {
    uint64_t bytes = 0;
    for (size_t i = 0; i + 1 < journal->segment_count; i++) {
        struct segment *segment = segment_open(journal->directory, journal->first_versions[i], SEGMENT_READ, 0, fault);
        if (segment == NULL) {
            return fault->error;
        }
        enum error error = check_joint(journal, segment, end, fault);
        bytes += segment_bytes(segment);
        *end = (struct segment_end){.known = true, .version = segment->last_version, .hash = segment->last_hash};
        segment_close(segment);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    atomic_store_explicit(&journal->sealed_bytes, bytes, memory_order_relaxed);
    return ERROR_NONE;
}

static enum error open_active(struct journal *journal, const struct segment_end *before, struct fault *fault) {
    uint64_t first = journal->first_versions[journal->segment_count - 1];
    journal->active = segment_open(journal->directory, first, SEGMENT_WRITE, map_bytes(journal), fault);
    if (journal->active == NULL) {
        return fault->error;
    }
    journal->active->references = 1;
    if (check_joint(journal, journal->active, before, fault) != ERROR_NONE) {
        return fault->error;
    }
    journal->must_rotate = segment_bytes(journal->active) >= journal->segment_bytes;
    journal->epoch = journal->active->header.epoch;
    journal->projects_max = journal->active->header.projects_max;
    journal->version = journal->active->last_version;
    journal->hash = journal->durable_hash = journal->active->last_hash;
    atomic_store_explicit(&journal->durable_version, journal->version, memory_order_release);
    atomic_store_explicit(&journal->active_bytes, segment_bytes(journal->active), memory_order_relaxed);
    return ERROR_NONE;
}

static enum error take_lock(struct journal *journal, struct fault *fault) {
    char path[SEGMENT_PATH_BYTES];
    snprintf(path, sizeof path, "%s/lock", journal->directory);
    journal->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock < 0) {
        return fault_set(fault, error_of_errno(errno), "%s: cannot be made: %s", path, strerror(errno));
    }
    if (flock(journal->lock, LOCK_EX | LOCK_NB) != 0) {
        return fault_set(fault, ERROR_BUSY, "%s: another tallyd is using this journal; stop it first", path);
    }
    return ERROR_NONE;
}

struct journal *journal_open(const struct journal_options *options, struct fault *fault) {
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: %s", options->directory, error_text(ERROR_MEMORY));
        return NULL;
    }
    journal->lock = -1;
    journal->segment_bytes = options->segment_bytes;
    journal->epoch = options->epoch;
    journal->projects_max = options->projects_max;
    pthread_mutex_init(&journal->mutex, NULL);
    journal->directory = strdup(options->directory);
    if (journal->directory == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: %s", options->directory, error_text(ERROR_MEMORY));
        goto fail;
    }
    if (take_lock(journal, fault) != ERROR_NONE || list_segments(journal, fault) != ERROR_NONE) {
        goto fail;
    }
    if (journal->segment_count == 0 &&
        (make_segment(journal, fault) != ERROR_NONE || add_segment(journal, journal->version + 1) != ERROR_NONE)) {
        fault_set(fault, ERROR_MEMORY, "%s: %s", options->directory, error_text(ERROR_MEMORY));
        goto fail;
    }
    struct segment_end end = {0};
    if (check_sealed(journal, &end, fault) != ERROR_NONE || open_active(journal, &end, fault) != ERROR_NONE) {
        goto fail;
    }
    return journal;
fail:
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal) {
    if (journal == NULL) {
        return;
    }
    if (journal->group != NULL) {
        mdb_txn_abort(journal->group);
    }
    segment_close(journal->active);
    if (journal->lock >= 0) {
        close(journal->lock);
    }
    pthread_mutex_destroy(&journal->mutex);
    free(journal->first_versions);
    free(journal->directory);
    free(journal);
}

uint64_t journal_epoch(const struct journal *journal) {
    return journal->epoch;
}

uint64_t journal_projects_max(const struct journal *journal) {
    return journal->projects_max;
}

uint64_t journal_version(const struct journal *journal) {
    return atomic_load_explicit(&journal->durable_version,
                                memory_order_acquire); /* with the release in journal_commit */
}

uint64_t journal_bytes(const struct journal *journal) {
    return atomic_load_explicit(&journal->sealed_bytes, memory_order_relaxed) +
           atomic_load_explicit(&journal->active_bytes, memory_order_relaxed);
}

/* ---- writing ---- */

static void drop_group(struct journal *journal) {
    if (journal->group != NULL) {
        mdb_txn_abort(journal->group);
        journal->group = NULL;
    }
    journal->version = atomic_load_explicit(&journal->durable_version, memory_order_relaxed); /* own value */
    journal->hash = journal->durable_hash;
}

static void release_segment(struct journal *journal, struct segment *segment) {
    pthread_mutex_lock(&journal->mutex);
    bool last = --segment->references == 0;
    pthread_mutex_unlock(&journal->mutex);
    if (last) {
        segment_close(segment);
    }
}

/* Begins the next segment. When that fails for want of space the old one simply goes on, and the next commit tries again:
 * its map has room. A file made for nothing must not stay: what follows in the old segment would have no place before it. */
static enum error rotate(struct journal *journal) {
    struct fault fault = {0};
    if (make_segment(journal, &fault) != ERROR_NONE) {
        return fault.error;
    }
    uint64_t first = journal->version + 1;
    struct segment *next = segment_open(journal->directory, first, SEGMENT_WRITE, map_bytes(journal), &fault);
    if (next == NULL) {
        return segment_remove(journal->directory, first) == ERROR_NONE ? fault.error : ERROR_IO;
    }
    next->references = 1;
    pthread_mutex_lock(&journal->mutex);
    struct segment *sealed = journal->active;
    enum error error = add_segment(journal, first);
    if (error == ERROR_NONE) {
        journal->active = next;
    }
    pthread_mutex_unlock(&journal->mutex);
    if (error != ERROR_NONE) {
        segment_close(next);
        return error;
    }
    atomic_fetch_add_explicit(&journal->sealed_bytes, segment_bytes(sealed), memory_order_relaxed);
    atomic_store_explicit(&journal->active_bytes, segment_bytes(next), memory_order_relaxed);
    release_segment(journal, sealed);
    log_event(LOG_INFO, "journal-segment-begun", "first_version=%" PRIu64, first);
    return ERROR_NONE;
}

static enum error begin_group(struct journal *journal) {
    segment_release_memory(journal->active); /* here, not after a commit: somebody waits for that group's receipts */
    if (journal->must_rotate) {
        enum error error = rotate(journal);
        if (error != ERROR_NONE && error != ERROR_DISK_FULL && error != ERROR_LIMIT && error != ERROR_MEMORY) {
            return error;
        }
        journal->must_rotate = error != ERROR_NONE;
    }
    return environment_error(mdb_txn_begin(journal->active->env, NULL, 0, &journal->group), journal->directory);
}

enum error journal_append(struct journal *journal, struct entry *entry) {
    if (journal->group == NULL) {
        enum error error = begin_group(journal);
        if (error != ERROR_NONE) {
            return error;
        }
    }
    uint64_t version = journal->version + 1;
    MDB_val key = {sizeof version, &version};
    MDB_val value = {record_bytes(entry), NULL};
    int result = mdb_put(journal->group, journal->active->entries, &key, &value, MDB_RESERVE | MDB_APPEND);
    if (result != MDB_SUCCESS) {
        journal->must_rotate |= result == MDB_MAP_FULL;
        drop_group(journal);
        return environment_error(result, journal->directory);
    }
    CHECK(value.mv_data != NULL);
    entry->version = version;
    journal->hash = record_write(entry, journal->hash, value.mv_data);
    journal->version = version;
    return ERROR_NONE;
}

enum error journal_commit(struct journal *journal) {
    if (journal->group == NULL) {
        return ERROR_NONE;
    }
    int result = mdb_txn_commit(journal->group);
    journal->group = NULL;
    if (result != MDB_SUCCESS) {
        drop_group(journal);
        return environment_error(result, journal->directory);
    }
    journal->durable_hash = journal->hash;
    uint64_t bytes = segment_bytes(journal->active);
    journal->must_rotate = bytes >= journal->segment_bytes;
    atomic_store_explicit(&journal->active_bytes, bytes, memory_order_relaxed);
    /* Release: who sees the version finds the entry in its segment. */
    atomic_store_explicit(&journal->durable_version, journal->version, memory_order_release);
    return ERROR_NONE;
}

/* ---- reading ---- */

enum { READ_AHEAD_BYTES = 8 << 20, READ_AHEAD_LEAST = 1 << 20 };

/* The segment that holds version: the active one with a reference taken, or a sealed one opened for this call. */
static struct segment *hold_segment(struct journal *journal, uint64_t version, uint64_t *last_of_segment, bool *shared,
                                    struct fault *fault) {
    pthread_mutex_lock(&journal->mutex);
    size_t i = journal->segment_count - 1;
    while (i > 0 && journal->first_versions[i] > version) {
        i--;
    }
    uint64_t first = journal->first_versions[i];
    *shared = i == journal->segment_count - 1;
    *last_of_segment = *shared ? UINT64_MAX : journal->first_versions[i + 1] - 1;
    struct segment *segment = journal->active;
    if (*shared) {
        segment->references++;
    }
    pthread_mutex_unlock(&journal->mutex);
    return *shared ? segment : segment_open(journal->directory, first, SEGMENT_READ, 0, fault);
}

struct reading {
    entry_visit *visit;
    void *visitor;
    uint64_t version; /* last visited */
    uint64_t hash;    /* its hash; the next entry must name it */
    bool hash_known;
    size_t bytes_left;
    uintptr_t asked_end; /* of what was asked of the disk, as an address in the segment's map; 0 = nothing yet */
};

/* Asks for what comes after the entry before it is needed: entries lie in the order of their versions, and what was written a
 * while ago is not in memory. Otherwise each page would wait for the disk by itself. */
static void read_ahead(struct reading *reading, const MDB_val *value) {
    if (reading->bytes_left < READ_AHEAD_LEAST) {
        return; /* somebody wants an entry or two */
    }
    uintptr_t start = (uintptr_t)value->mv_data;
    bool near_end = start + value->mv_size + READ_AHEAD_BYTES / 2 > reading->asked_end;
    bool elsewhere = start + READ_AHEAD_BYTES < reading->asked_end;
    if (near_end || elsewhere) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t from = start & ~(page - 1);
        reading->asked_end = from + READ_AHEAD_BYTES;
        /* Advice; beyond the end of the file there is nothing to read. */
        (void)madvise((void *)from, READ_AHEAD_BYTES, MADV_WILLNEED);
    }
}

static enum error visit_value(struct reading *reading, uint64_t version, const MDB_val *value) {
    struct entry_record record;
    uint64_t hash;
    uint64_t previous_hash;
    enum error error = record_read(value->mv_data, value->mv_size, &record, &hash, &previous_hash);
    bool in_place = error == ERROR_NONE && record.version == version && version == reading->version + 1 &&
                    (!reading->hash_known || previous_hash == reading->hash);
    if (!in_place) {
        log_event(LOG_ERROR, "journal-entry-damaged", "version=%" PRIu64 " what=\"%s\"", reading->version + 1,
                  error == ERROR_NONE ? "the chain of entries is broken here" : "the entry is not what was written");
        return ERROR_DAMAGED;
    }
    error = reading->visit(reading->visitor, &record);
    if (error == ERROR_NONE) {
        reading->version = version;
        reading->hash = hash;
        reading->hash_known = true;
        reading->bytes_left -= value->mv_size < reading->bytes_left ? value->mv_size : reading->bytes_left;
    }
    return error;
}

static enum error visit_range(struct reading *reading, MDB_cursor *cursor, uint64_t last) {
    uint64_t wanted = reading->version + 1;
    MDB_val key = {sizeof wanted, &wanted};
    MDB_val value;
    int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
    while (result == MDB_SUCCESS && reading->bytes_left > 0 && reading->version < last) {
        uint64_t version;
        memcpy(&version, key.mv_data, sizeof version);
        read_ahead(reading, &value);
        enum error error = visit_value(reading, version, &value);
        if (error != ERROR_NONE) {
            return error;
        }
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    bool missing = result == MDB_NOTFOUND && reading->version < last && reading->bytes_left > 0;
    if (missing) {
        log_event(LOG_ERROR, "journal-entry-damaged", "version=%" PRIu64 " what=\"the entry is missing\"",
                  reading->version + 1);
    }
    return missing ? ERROR_DAMAGED : result == MDB_NOTFOUND ? ERROR_NONE : environment_error(result, "/");
}

/* One short read transaction over one segment, up to version last. */
static enum error read_segment(struct reading *reading, struct segment *segment, uint64_t last) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(segment->env, NULL, MDB_RDONLY, &transaction);
    if (result != MDB_SUCCESS) {
        return environment_error(result, "/");
    }
    MDB_cursor *cursor;
    result = mdb_cursor_open(transaction, segment->entries, &cursor);
    enum error error = environment_error(result, "/");
    reading->asked_end = 0; /* another map */
    if (error == ERROR_NONE) {
        if (!reading->hash_known && reading->version + 1 == segment->header.first_version) {
            reading->hash = segment->header.previous_hash;
            reading->hash_known = true;
        }
        error = visit_range(reading, cursor, last);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(transaction);
    return error;
}

static enum error read_entries(void *context, uint64_t after_version, size_t bytes_max, entry_visit *visit,
                               void *visitor, uint64_t *last_version) {
    struct journal *journal = context;
    struct reading reading = {
        .visit = visit, .visitor = visitor, .version = after_version, .bytes_left = bytes_max > 0 ? bytes_max : 1};
    uint64_t durable = journal_version(journal);
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && reading.version < durable && reading.bytes_left > 0) {
        uint64_t last;
        bool shared;
        struct fault fault = {0};
        struct segment *segment = hold_segment(journal, reading.version + 1, &last, &shared, &fault);
        if (segment == NULL) {
            log_event(LOG_ERROR, "journal-segment-unreadable", "what=\"%s\"", fault.text);
            error = fault.error;
            break;
        }
        error = read_segment(&reading, segment, last < durable ? last : durable);
        if (shared) {
            release_segment(journal, segment);
        } else {
            segment_close(segment);
        }
    }
    *last_version = reading.version;
    return error;
}

struct entry_source journal_source(struct journal *journal) {
    return (struct entry_source){.context = journal, .read = read_entries};
}
