/* A node's side of the ingest protocol as a pure state machine (PROTOCOL.md, "The node's states"): no socket, no clock,
 * no thread. What happened goes in through the functions below; what to do next comes out of session_next.
 *
 *             CONNECT done                Welcome                     Busy
 *      AWAY ---------------> GREETING -----------------> STREAMING ----------> PAUSED
 *       ^                      |    ^                     |  |  ^                |
 *       +---- no Welcome ------+    +--- hello-missing, --+  |  +---- time ------+
 *       +---- connection lost, no receipt for 10 s ----------+        refusals for good: STOPPED
 *                                        receipt missing
 *
 * Two kinds of numbers: a batch's *number* is its place in the outbox (1, 2, 3 ... for ever); its *sequence* is what the
 * daemon calls it. sequence = number + offset; the offset changes with the epoch, the number never.
 * Invariants: first <= cursor <= last + 1; nothing from cursor on was sent since the last Welcome, Rewind or Busy; at most
 * window batches lie between first and cursor. Times are milliseconds of a monotonic clock. */
#ifndef TALLY_LIB_SESSION_H
#define TALLY_LIB_SESSION_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SESSION_WELCOME_WAIT_MS = 5000,      /* for the first Hello; doubles ... */
    SESSION_WELCOME_WAIT_MS_MAX = 30000, /* ... up to here */
    SESSION_RECEIPT_WAIT_MS = 10000,
    SESSION_RECONNECT_MS = 100,      /* after a lost connection; doubles until one lasts or brings a receipt ... */
    SESSION_RECONNECT_MS_MAX = 5000, /* ... up to here; a connection that held a Welcome for as long has lasted */
    SESSION_PAUSE_MS_DEFAULT = 1000, /* when Busy names no time */
    SESSION_PAUSE_MS_MAX = 60000,
};

enum session_state { SESSION_AWAY = 0, SESSION_GREETING, SESSION_STREAMING, SESSION_PAUSED, SESSION_STOPPED };

enum session_step_kind {
    SESSION_WAIT = 0, /* nothing to do before until_ms (INT64_MAX = for ever) unless something happens */
    SESSION_CONNECT,  /* close the socket if there is one, open a new one, say Hello; then session_said_hello */
    SESSION_HELLO,    /* say Hello on the present socket; then session_said_hello */
    SESSION_RENUMBER, /* make epoch and offset durable; then session_renumbered */
    SESSION_FORGET, /* batches first to last (at most WINDOW_BATCHES_MAX) are durable in the daemon, but their receipts
                         are lost for ever: settle them as accepted and tell a person; then session_forgot */
    SESSION_SEND,   /* send batch number first as sequence; then session_sent */
};

struct session_step {
    enum session_step_kind kind;
    int64_t until_ms;
    uint64_t first;
    uint64_t last;
    uint64_t sequence;
    uint64_t epoch;        /* RENUMBER: to make durable. CONNECT, HELLO: for the Hello */
    uint64_t offset;       /* RENUMBER: to make durable */
    uint64_t acknowledged; /* CONNECT, HELLO: for the Hello */
};

/* Batches by number; empty if last < first. */
struct session_range {
    uint64_t first;
    uint64_t last;
};

struct session;

/* epoch, offset: as last made durable, 0 and 0 for none. first: lowest number without receipt; last: highest number
 * there is (first - 1 if none waits). window_max: the user's own limit, 1 to WINDOW_BATCHES_MAX. NULL without memory. */
struct session *session_create(uint64_t epoch, uint64_t offset, uint64_t first, uint64_t last, uint32_t window_max);
void session_destroy(struct session *session);

/* What to do now. Pure but for the passing of time: asking twice gives the same. */
struct session_step session_next(struct session *session, int64_t now_ms);

/* A step was done. */
void session_said_hello(struct session *session, int64_t now_ms, bool new_socket);
void session_renumbered(struct session *session);
void session_forgot(struct session *session, uint64_t last);
void session_sent(struct session *session, int64_t now_ms);

/* New batches wait, up to last. */
void session_extend(struct session *session, uint64_t last);

/* The connection was lost, or cannot be used. */
void session_lost(struct session *session, int64_t now_ms);

struct session_welcome {
    uint64_t next_sequence;
    uint64_t durable_sequence;
    uint64_t epoch;
    uint32_t window;
};

/* Messages of the daemon. All may be stale, repeated or nonsense; what does not fit is ignored. */
void session_welcome(struct session *session, int64_t now_ms, const struct session_welcome *welcome);
void session_rewind(struct session *session, uint64_t expected_sequence);
void session_busy(struct session *session, int64_t now_ms, uint64_t sequence, uint32_t retry_ms);
void session_refused(struct session *session, int64_t now_ms, unsigned code);

/* Which batches the receipt settles (the caller applies its figures to them), and before them those that are durable
 * but whose receipts are lost for ever; together at most WINDOW_BATCHES_MAX. Returns whether either holds any. */
bool session_receipt(struct session *session, int64_t now_ms, uint64_t first_sequence, uint64_t sequence,
                     struct session_range *lost, struct session_range *settled);

enum session_state session_state(const struct session *session);

/* Streaming, with room in the window, and all that waits is sent: rows that linger should become a batch now. */
bool session_idle(const struct session *session);

/* Whether batches are with the daemon, or may be, without receipt. */
bool session_unsettled(const struct session *session);

uint64_t session_sequence(const struct session *session, uint64_t number);

/* Hello said again after the first Welcome. */
uint64_t session_reconnects(const struct session *session);

#endif
