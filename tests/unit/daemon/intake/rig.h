/* An intake stage on a socket of its own, and peers that talk to it. The test's thread plays journal and ledger: entries are
 * numbered, applied to a real ledger and sent home whenever the test waits for an answer, unless they are held. Everything
 * here fails the test where it cannot do its work. */
#ifndef TALLY_TESTS_UNIT_DAEMON_INTAKE_RIG_H
#define TALLY_TESTS_UNIT_DAEMON_INTAKE_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../folder.h"
#include "daemon/intake/stage.h"
#include "daemon/ledger/ledger.h"
#include "tally.pb-c.h"
#include "tests/support/columns.h"

enum { RIG_SLOTS = 16, RIG_WINDOW = 8, RIG_EPOCH = 4711, RIG_RING = 64 };

struct rig {
    struct folder folder;
    void *zmq_context;
    char endpoint[FOLDER_PATH_BYTES + 16];
    struct ring out;
    struct ring in;
    struct waker waker;
    struct waker journal_waker;
    struct waker archive_waker;
    struct receipt_exchange receipts;
    struct registry_slot registry_slot;
    struct presence *presences;
    atomic_bool journal_full;
    struct intake_stage *stage;
    struct ledger *ledger;
    struct columns *columns;
    bool hold;            /* entries stay with the journal */
    uint64_t definitions; /* that came through */
};

/* The registry: competition csj-2021 (number 0; regions 31 32 33 34, categories 0 to 2, statuses 0 to 4), nodes jiangsu (0)
 * and zhejiang (1), and more nodes if wanted. */
struct registry *rig_registry(size_t nodes);

/* Without the stage started, so that a test can load it; then started. */
void rig_init(struct rig *rig);
void rig_start(struct rig *rig);
void rig_fini(struct rig *rig);

/* Sends home what has come to the journal, at most `most` entries; returns how many. */
size_t rig_work(struct rig *rig, size_t most);

/* ---- peers ---- */

struct peer {
    struct rig *rig;
    void *socket;
};

void peer_open(struct peer *peer, struct rig *rig);
void peer_close(struct peer *peer);

/* Frames as they are; NULL ends the list. */
struct frame_bytes {
    const void *bytes;
    size_t size;
};
void peer_send_frames(struct peer *peer, const struct frame_bytes *frames, size_t count);

void peer_send(struct peer *peer, unsigned type, const void *body, size_t size);
void peer_hello(struct peer *peer, const char *node, uint64_t acknowledged, uint64_t epoch);

/* A batch of so many rows that are right for zhejiang, projects 0, 1, ... */
void peer_batch(struct peer *peer, uint64_t sequence, size_t rows);

/* What rig->columns hold. */
void peer_columns(struct peer *peer, uint64_t sequence, const char *competition);

/* The next answer, which must be of the type: an unpacked message, freed with protobuf_c_message_free_unpacked. */
void *peer_receive(struct peer *peer, unsigned type);

/* ... a Refusal with the code; a Receipt of one batch, all accepted; a Rewind; a Busy. */
void peer_expect_refusal(struct peer *peer, enum refusal code, unsigned of_type);
void peer_expect_receipt(struct peer *peer, uint64_t sequence, uint32_t accepted);
void peer_expect_rewind(struct peer *peer, uint64_t expected, uint64_t received, enum refusal code);
void peer_expect_busy(struct peer *peer, uint64_t sequence, enum refusal code);

/* Says Hello, takes the Welcome and returns the sequence that is expected next. */
uint64_t peer_join(struct peer *peer, const char *node);

/* That nothing comes: asks something that is answered at once, and expects only that answer. */
void peer_expect_nothing(struct peer *peer);

#endif
