#include "session.h"

#include <stdlib.h>

#include "proto/limits.h"
#include "proto/refusal.h"

/* Sequences above this are nonsense: no node sends so many, and sums stay far from wrapping. */
#define SEQUENCE_LIMIT (UINT64_C(1) << 62)

struct session {
    enum session_state state;
    uint64_t epoch;
    uint64_t offset;
    uint64_t first;  /* lowest number without receipt */
    uint64_t last;   /* highest number there is */
    uint64_t cursor; /* next number to send */
    uint64_t high;   /* highest number that the daemon can have had since the last Welcome */
    uint32_t window_max;
    uint32_t window;
    bool welcome_held; /* a Welcome came on this socket */
    bool renumber_due;
    bool hello_due;
    uint64_t forget_last; /* 0 = nothing to forget */
    unsigned failures;    /* connections in a row that brought no receipt */
    unsigned silences;    /* Hellos in a row without Welcome */
    int64_t welcomed_ms;  /* when the last Welcome came */
    int64_t connect_ms;   /* AWAY: until then */
    int64_t welcome_ms;   /* GREETING: until then */
    int64_t resume_ms;    /* PAUSED: until then */
    int64_t receipt_ms;   /* STREAMING with batches on their way: until then */
    /* How a lost receipt is told from a late one: a number stands here once it was waited for in vain, and is given up
     * when the same happens again after another Welcome. 0 = none. */
    uint64_t promised; /* `first` when the last Welcome said that it is durable */
    uint64_t starved;  /* `first` when its promised receipt did not come in time */
    uint64_t skipped;  /* `first` when a later batch's receipt came instead */
    bool welcomed_ever;
    uint64_t reconnects;
};

static int64_t later(int64_t base_ms, unsigned doublings, int64_t max_ms) {
    int64_t wait_ms = base_ms;
    for (unsigned i = 0; i < doublings && wait_ms < max_ms; i++) {
        wait_ms *= 2;
    }
    return wait_ms < max_ms ? wait_ms : max_ms;
}

struct session *session_create(uint64_t epoch, uint64_t offset, uint64_t first, uint64_t last, uint32_t window_max) {
    struct session *session = calloc(1, sizeof *session);
    if (session != NULL) {
        session->epoch = epoch;
        session->offset = offset;
        session->first = first;
        session->last = last;
        session->cursor = first;
        session->high = first - 1;
        session->window_max = window_max;
        session->window = 1;
    }
    return session;
}

void session_destroy(struct session *session) {
    free(session);
}

uint64_t session_sequence(const struct session *session, uint64_t number) {
    return number + session->offset; /* wraps on purpose: an offset may be negative */
}

enum session_state session_state(const struct session *session) {
    return session->state;
}

bool session_unsettled(const struct session *session) {
    return session->high >= session->first;
}

uint64_t session_reconnects(const struct session *session) {
    return session->reconnects;
}

static bool window_open(const struct session *session) {
    return session->cursor - session->first < session->window;
}

bool session_idle(const struct session *session) {
    return session->state == SESSION_STREAMING && !session->renumber_due && !session->hello_due &&
           session->cursor > session->last && window_open(session);
}

void session_extend(struct session *session, uint64_t last) {
    session->last = last;
}

static void go_away(struct session *session, int64_t connect_ms) {
    session->state = SESSION_AWAY;
    session->connect_ms = connect_ms;
    session->welcome_held = false;
    session->hello_due = false;
    session->forget_last = 0;
}

void session_lost(struct session *session, int64_t now_ms) {
    if (session->state == SESSION_STOPPED || session->state == SESSION_AWAY) {
        return;
    }
    if (session->welcome_held && now_ms - session->welcomed_ms >= SESSION_RECONNECT_MS_MAX) {
        session->failures = 0;
    }
    go_away(session, now_ms + later(SESSION_RECONNECT_MS, session->failures, SESSION_RECONNECT_MS_MAX));
    session->failures++;
}

/* What the clock alone brings about. */
static void pass_time(struct session *session, int64_t now_ms) {
    if (session->state == SESSION_GREETING && !session->hello_due && now_ms >= session->welcome_ms) {
        session->silences++;
        go_away(session, now_ms);
    }
    if (session->state == SESSION_PAUSED && now_ms >= session->resume_ms) {
        session->state = SESSION_STREAMING;
        session->receipt_ms = now_ms + SESSION_RECEIPT_WAIT_MS;
    }
    if (session->state == SESSION_STREAMING && session_unsettled(session) && now_ms >= session->receipt_ms) {
        session->starved = session->promised == session->first ? session->first : 0;
        go_away(session, now_ms);
    }
}

static struct session_step hello_step(const struct session *session, enum session_step_kind kind) {
    return (struct session_step){
        .kind = kind,
        .epoch = session->epoch,
        .acknowledged = session->epoch != 0 ? session_sequence(session, session->first) - 1 : 0,
    };
}

static struct session_step wait_step(int64_t until_ms) {
    return (struct session_step){.kind = SESSION_WAIT, .until_ms = until_ms};
}

static struct session_step streaming_step(const struct session *session) {
    if (session->renumber_due) {
        return (struct session_step){.kind = SESSION_RENUMBER, .epoch = session->epoch, .offset = session->offset};
    }
    if (session->forget_last != 0) {
        uint64_t most = session->first + WINDOW_BATCHES_MAX - 1;
        uint64_t last = session->forget_last < most ? session->forget_last : most;
        return (struct session_step){.kind = SESSION_FORGET, .first = session->first, .last = last};
    }
    if (session->cursor <= session->last && window_open(session)) {
        return (struct session_step){
            .kind = SESSION_SEND, .first = session->cursor, .sequence = session_sequence(session, session->cursor)};
    }
    return wait_step(session_unsettled(session) ? session->receipt_ms : INT64_MAX);
}

struct session_step session_next(struct session *session, int64_t now_ms) {
    pass_time(session, now_ms);
    switch (session->state) {
    case SESSION_AWAY:
        return now_ms >= session->connect_ms ? hello_step(session, SESSION_CONNECT) : wait_step(session->connect_ms);
    case SESSION_GREETING:
        return session->hello_due ? hello_step(session, SESSION_HELLO) : wait_step(session->welcome_ms);
    case SESSION_STREAMING:
        return streaming_step(session);
    case SESSION_PAUSED:
        return wait_step(session->resume_ms);
    case SESSION_STOPPED:
        break;
    }
    return wait_step(INT64_MAX);
}

void session_said_hello(struct session *session, int64_t now_ms, bool new_socket) {
    session->state = SESSION_GREETING;
    session->hello_due = false;
    session->welcome_held = session->welcome_held && !new_socket;
    session->welcome_ms = now_ms + later(SESSION_WELCOME_WAIT_MS, session->silences, SESSION_WELCOME_WAIT_MS_MAX);
    session->reconnects += session->welcomed_ever ? 1 : 0;
}

void session_renumbered(struct session *session) {
    session->renumber_due = false;
}

void session_sent(struct session *session, int64_t now_ms) {
    if (!session_unsettled(session)) {
        session->receipt_ms = now_ms + SESSION_RECEIPT_WAIT_MS;
    }
    if (session->cursor > session->high) {
        session->high = session->cursor;
    }
    session->cursor++;
}

/* Everything up to number has its receipt, or never will. */
static void settle_through(struct session *session, uint64_t number) {
    session->first = number + 1;
    if (session->cursor < session->first) {
        session->cursor = session->first;
    }
}

void session_forgot(struct session *session, uint64_t last) {
    settle_through(session, last);
    session->forget_last = session->forget_last > last ? session->forget_last : 0;
}

/* ---- messages ---- */

/* Batches that the Welcome calls durable: their receipts follow at once. When they were promised before and did not come
 * for as long as one waits, the daemon does not have them any more. */
static void expect_receipts(struct session *session, uint64_t durable_sequence) {
    uint64_t first_sequence = session_sequence(session, session->first);
    bool durable = durable_sequence >= first_sequence && session->cursor > session->first;
    session->promised = durable ? session->first : 0;
    if (durable && session->starved == session->first) {
        uint64_t through = session->first + (durable_sequence - first_sequence);
        session->forget_last = through < session->cursor ? through : session->cursor - 1;
    }
    session->starved = 0;
}

void session_welcome(struct session *session, int64_t now_ms, const struct session_welcome *welcome) {
    if (session->state != SESSION_GREETING || welcome->next_sequence == 0 || welcome->next_sequence > SEQUENCE_LIMIT) {
        return;
    }
    uint64_t ahead = welcome->next_sequence - session_sequence(session, session->first);
    bool known = welcome->epoch == session->epoch && session->epoch != 0;
    if (known && ahead <= session->last + 1 - session->first) {
        session->cursor = session->first + ahead;
    } else {
        session->epoch = welcome->epoch;
        session->offset = welcome->next_sequence - session->first;
        session->cursor = session->first;
        session->renumber_due = true;
        session->skipped = 0;
    }
    session->high = session->cursor - 1;
    session->window = welcome->window < session->window_max ? welcome->window : session->window_max;
    session->window = session->window > 0 ? session->window : 1;
    expect_receipts(session, welcome->durable_sequence);
    session->state = SESSION_STREAMING;
    session->welcome_held = true;
    session->welcomed_ever = true;
    session->welcomed_ms = now_ms;
    session->silences = 0;
    session->hello_due = false;
    session->receipt_ms = now_ms + SESSION_RECEIPT_WAIT_MS;
}

static void say_hello_again(struct session *session) {
    session->state = SESSION_GREETING;
    session->hello_due = true;
}

bool session_receipt(struct session *session, int64_t now_ms, uint64_t first_sequence, uint64_t sequence,
                     struct session_range *lost, struct session_range *settled) {
    uint64_t expected = session_sequence(session, session->first);
    uint64_t ahead = sequence - expected; /* wraps for old receipts; then it is far too large */
    *lost = (struct session_range){session->first, session->first - 1};
    *settled = *lost;
    if (!session->welcome_held || session->renumber_due || !session_unsettled(session) || first_sequence == 0 ||
        first_sequence > sequence || ahead > session->high - session->first || ahead >= WINDOW_BATCHES_MAX) {
        return false;
    }
    if (first_sequence > expected) {
        if (session->skipped != session->first) {
            if (session->state != SESSION_GREETING) {
                session->skipped = session->first;
                say_hello_again(session); /* the answer brings the receipts that are missing */
            }
            return false;
        }
        if (session->state == SESSION_GREETING) {
            return false;
        }
        lost->last = session->first + (first_sequence - expected) - 1;
        settled->first = lost->last + 1;
    }
    settled->last = session->first + ahead;
    settle_through(session, settled->last);
    session->forget_last = 0;
    session->failures = 0;
    session->receipt_ms = now_ms + SESSION_RECEIPT_WAIT_MS;
    return true;
}

void session_rewind(struct session *session, uint64_t expected_sequence) {
    if (session->state != SESSION_STREAMING && session->state != SESSION_PAUSED) {
        return;
    }
    uint64_t ahead = expected_sequence - session_sequence(session, session->first);
    if (ahead > session->high + 1 - session->first) {
        say_hello_again(session); /* the daemon is somewhere else: its Welcome will tell */
        return;
    }
    session->cursor = session->first + ahead;
}

void session_busy(struct session *session, int64_t now_ms, uint64_t sequence, uint32_t retry_ms) {
    if (session->state != SESSION_STREAMING && session->state != SESSION_PAUSED) {
        return;
    }
    /* With a window on its way several Busy come at once: the lowest sequence counts. */
    uint64_t number = sequence - session->offset;
    if (number >= session->first && number < session->cursor) {
        session->cursor = number;
    }
    uint32_t wait_ms = retry_ms > 0 ? retry_ms : SESSION_PAUSE_MS_DEFAULT;
    wait_ms = wait_ms < SESSION_PAUSE_MS_MAX ? wait_ms : SESSION_PAUSE_MS_MAX;
    session->resume_ms = now_ms + wait_ms;
    session->state = SESSION_PAUSED;
}

void session_refused(struct session *session, int64_t now_ms, unsigned code) {
    if (session->state == SESSION_AWAY || session->state == SESSION_STOPPED) {
        return;
    }
    if (code == REFUSAL_HELLO_MISSING) {
        /* While a Hello is on its way this speaks of batches that were sent before it. */
        if (session->state != SESSION_GREETING) {
            say_hello_again(session);
        }
    } else if (code >= 192 || code == REFUSAL_NOT_READY) {
        go_away(session, now_ms + SESSION_PAUSE_MS_DEFAULT);
    } else if (code >= 128) {
        session->state = SESSION_STOPPED;
    }
}
