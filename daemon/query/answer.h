/* How one question is answered: the functions behind query_serve, by group of questions. Each gets the decoded question,
 * builds the answer in the scratch arena and packs it. Serving thread only. */
#ifndef TALLY_DAEMON_QUERY_ANSWER_H
#define TALLY_DAEMON_QUERY_ANSWER_H

#include <stdint.h>

#include "daemon/base/log.h"
#include "daemon/base/totals.h"
#include "proto/arena.h"
#include "proto/frame.h"
#include "proto/refusal.h"
#include "query.h"

/* What answers are made from and into. */
struct answer_desk {
    const struct query_options *options;
    const struct rollup *rollup;
    const struct registry *registry;
    const struct key_right *sender; /* what the key of who asks may do; NULL = there are no keys, everything */
    int64_t time_ms;                /* wall time of this turn */
    struct arena scratch;           /* columns and texts of one answer; empty at the start of each */
    struct totals totals;
    uint8_t *packed; /* ANSWER_BYTES_MAX; packed_bytes of it are the answer */
    size_t packed_bytes;
    enum message_type type; /* of the answer */
    struct log_limit stored_limit;
};

/* Packs an answer. The result is NONE, or ANSWER_TOO_LARGE. */
enum refusal answer_pack(struct answer_desk *desk, enum message_type type, const ProtobufCMessage *message);

/* The competition of a question, or NULL. */
const struct competition *answer_competition(const struct answer_desk *desk, const char *key);

/* Whether who asks may see the projects of a region and of everything below it. */
bool answer_may_read(const struct answer_desk *desk, uint32_t region);

/* Room for count items of size bytes in the scratch arena, zeroed; NULL if it is full (ANSWER_TOO_LARGE). */
void *answer_room(struct answer_desk *desk, size_t count, size_t size);

/* The stored state cannot be read: logs it, now and then, and gives the refusal. */
enum refusal answer_stored_failed(struct answer_desk *desk, enum error error);

/* One for each question. question is the message that the type names. The result is NONE, with the answer packed, or why
 * it is refused. */
typedef enum refusal answer_function(struct answer_desk *desk, const ProtobufCMessage *question);

/* answer_totals.c: from the roll-up */
answer_function answer_totals;
answer_function answer_regions;
answer_function answer_history;

/* answer_projects.c: from the stored state */
answer_function answer_project;
answer_function answer_projects;

/* answer_daemon.c: what the daemon shows of itself */
answer_function answer_nodes;
answer_function answer_competitions;
answer_function answer_status;
answer_function answer_verify;

#endif
