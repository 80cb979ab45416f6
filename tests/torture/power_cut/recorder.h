/* What the recorder writes down and image.py reads: records of this head, each with length bytes behind it where the kind says so.
 * All numbers little-endian. */
#ifndef TALLY_TESTS_TORTURE_POWER_CUT_RECORDER_H
#define TALLY_TESTS_TORTURE_POWER_CUT_RECORDER_H

#include <stdint.h>

enum record_kind {
    RECORD_OPENED = 1, /* file: its number; bytes: its path. offset: 1 = this made it */
    RECORD_WRITE,      /* a write begins: file, offset, bytes; token */
    RECORD_WRITTEN,    /* it has returned: token; length is how much was written. offset: 1 = it is durable */
    RECORD_SYNC,       /* a sync begins: file, token */
    RECORD_SYNCED,     /* it has returned without error: token */
    RECORD_TRUNCATED,  /* file; offset: its size now */
    RECORD_RENAMED,    /* bytes: old path, NUL, new path */
    RECORD_REMOVED,    /* bytes: path */
    RECORD_MADE,       /* bytes: path of a folder */
};

struct record_head {
    uint32_t kind;
    uint32_t file;
    uint64_t token;
    uint64_t offset;
    uint64_t length;
    uint64_t time_ns; /* monotonic */
};

#endif
