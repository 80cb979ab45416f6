/* One segment of the journal: an LMDB environment in one file, from version to record. Key 0 holds the segment's own
 * header. The file is made aside, synced and renamed, because an LMDB file that was cut off while being made is unusable
 * for ever. Default LMDB flags: only they keep what was acknowledged through a power cut. */
#ifndef TALLY_DAEMON_JOURNAL_SEGMENT_H
#define TALLY_DAEMON_JOURNAL_SEGMENT_H

#include <lmdb.h>
#include <stdint.h>

#include "daemon/base/error.h"

enum { SEGMENT_PATH_BYTES = 4200, SEGMENT_KEPT_BYTES = 64 << 20 };

struct segment_header {
    char magic[8];
    uint32_t format;
    uint32_t projects_max; /* what decided rows as they came decides them in every replay */
    uint64_t epoch;
    uint64_t first_version;
    uint64_t previous_hash; /* of the last entry before this segment */
};

struct segment {
    MDB_env *env;
    MDB_dbi entries;
    struct segment_header header;
    uint64_t last_version;   /* when it was opened; first_version - 1 if it has no entry */
    uint64_t last_hash;      /* of that entry, or header.previous_hash */
    int references;          /* journal.c's, under its mutex */
    uint64_t released_bytes; /* of the file's beginning, not kept in memory; owned by who writes */
};

/* "segment-00000000000000000001.mdb" in the directory, named by its first version. */
void segment_path(char *path, const char *directory, uint64_t first_version);

/* Makes the file. Errors: DISK_FULL, IO, MEMORY; then there is none. */
MUST_USE enum error segment_make(const char *directory, const struct segment_header *header, struct fault *fault);

/* Takes away a segment that was made and never written to. Errors: IO. */
MUST_USE enum error segment_remove(const char *directory, uint64_t first_version);

enum segment_mode {
    SEGMENT_WRITE, /* the one segment that is appended to: once in the process */
    SEGMENT_READ,  /* a sealed one: any number of times, takes no locks */
};

/* Opens and checks its header, size and last entry. map_bytes is for SEGMENT_WRITE. NULL on failure with the fault filled:
 * DAMAGED, IO, MEMORY. */
struct segment *segment_open(const char *directory, uint64_t first_version, enum segment_mode mode, size_t map_bytes,
                             struct fault *fault);

/* NULL is fine. */
void segment_close(struct segment *segment);

/* Lets the system forget what lies more than SEGMENT_KEPT_BYTES before the end of the file. What is newer stays, because the
 * archive reads texts that have just changed; what is older is read after a restart or by a verification only. Kept, it would drive
 * out what is in use, and each page of the next group would be one that the system has to find first. Writing thread only. */
void segment_release_memory(struct segment *segment);

/* Bytes of the file in use. */
uint64_t segment_bytes(const struct segment *segment);

#endif
