/* The limits of the wire protocol: what either end may send and the other must be able to take.
 * They are part of the protocol (PROTOCOL.md, "Limits"); both ends check them, and the checks below hold them together. */
#ifndef TALLY_PROTO_LIMITS_H
#define TALLY_PROTO_LIMITS_H

#include <stdint.h>

enum {
    BATCH_ROWS_MAX = 8192,
    BATCH_BYTES_MAX = 1 << 20,  /* the body frame of a Batch, and of any message to the daemon */
    ANSWER_BYTES_MAX = 4 << 20, /* the body frame of any message from the daemon */
    WINDOW_BATCHES_MAX = 32,    /* batches of one node on their way without a receipt */
    PROJECT_CODE_BYTES_MAX = 32,
    COMPETITION_KEY_BYTES_MAX = 32,
    NODE_NAME_BYTES_MAX = 32,
    TEXT_BYTES_MAX = 255, /* one project name or contractor, in UTF-8 */
    SOFTWARE_BYTES_MAX = 64,
    TOPIC_BYTES_MAX = COMPETITION_KEY_BYTES_MAX + 1 + 6,
    CATEGORIES_MAX = 16, /* of one competition: codes 0 to 15 */
    STATUSES_MAX = 16,
    PAGE_ROWS_MAX = 1000, /* projects in one answer */
    PAGE_ROWS_DEFAULT = 100,
    HEARTBEAT_INTERVAL_MS = 1000, /* of the totals endpoint; a subscriber that misses three is stale */
};

#define CONTRACT_VALUE_FEN_MAX INT64_C(1000000000000000) /* 10^15 fen = 10 trillion yuan, for one project */
#define PARTICIPANTS_MAX INT64_C(100000000)              /* 10^8 heads, for one project */

/* 2^63 / 10^15 leaves room for 9,223 projects of the greatest value; sums are checked additions all the same. */
_Static_assert(CONTRACT_VALUE_FEN_MAX < INT64_MAX / 9000, "one project must be far from overflowing a total");
_Static_assert(BATCH_BYTES_MAX / BATCH_ROWS_MAX >= 64 + PROJECT_CODE_BYTES_MAX,
               "a full batch of figures must fit into its bytes");
_Static_assert(BATCH_ROWS_MAX <= UINT16_MAX, "row numbers are stored in 16 bits");
_Static_assert(CATEGORIES_MAX <= 16 && STATUSES_MAX <= 16, "category and status share a byte in cell keys");

#endif
