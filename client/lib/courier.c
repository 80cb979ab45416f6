#include "courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "docket.h"
#include "link.h"
#include "proto/refusal.h"
#include "session.h"
#include "tally.pb-c.h"
#include "worker.h"

enum {
    STEPS_MAX = 8,         /* between two looks at what came in */
    MESSAGES_MAX = 256,    /* taken in before something is sent again */
    ARENA_BYTES = 4 << 20, /* for what the daemon sends; receipts wait there until they are settled */
    RETRY_MS = 1000,       /* when the outbox could not be written */
    POLL_MS_MAX = 60000,
    SENDINGS = 2 * WINDOW_BATCHES_MAX, /* remembered to measure round trips */
};

#define NS_PER_MS INT64_C(1000000)

struct sending {
    uint64_t number;
    int64_t sent_ns;
};

struct courier {
    struct courier_options options; /* immutable */
    struct worker worker;
    _Atomic bool hurry; /* set by the user, cleared by the thread */
    /* the thread's own: */
    void *context;
    struct link link;
    struct session *session;
    struct arena arena;
    void *arena_memory;
    struct docket docket;
    struct sending sendings[SENDINGS]; /* batch n at n % SENDINGS */
    int64_t retry_ns;                  /* nothing is tried before; 0 = no trouble */
    bool over;                         /* stopped for good */
    bool busy;
};

/* ---- trouble ---- */

static void stop_for_good(struct courier *courier, enum tally_error error, const char *message) {
    courier->over = true;
    link_close(&courier->link);
    progress_stop(courier->options.progress, error, message);
}

/* What the outbox answered: goes on, tries again later, or ends. Returns whether to go on. */
static bool outbox_did(struct courier *courier, enum tally_error error, const char *message) {
    if (error == TALLY_OK) {
        if (courier->retry_ns != 0) {
            courier->retry_ns = 0;
            progress_trouble(courier->options.progress, TALLY_OK, "");
        }
        return true;
    }
    if (error == TALLY_OUTBOX_DAMAGED) {
        stop_for_good(courier, error, message);
    } else {
        courier->retry_ns = clock_now_ns() + RETRY_MS * NS_PER_MS;
        progress_trouble(courier->options.progress, error, message);
    }
    return false;
}

/* ---- receipts ---- */

static bool settle_docket(struct courier *courier) {
    char message[FAULT_MESSAGE_BYTES];
    const struct courier_options *options = &courier->options;
    return courier->docket.count == 0 || outbox_did(courier,
                                                    docket_settle(&courier->docket, options->outbox, options->progress,
                                                                  options->on_receipt, options->context, message),
                                                    message);
}

/* Batch settlement->number has a receipt. */
static void add_batch(struct courier *courier, const struct settlement *settlement, uint64_t version,
                      uint32_t unchanged) {
    const struct sending *sending = &courier->sendings[settlement->number % SENDINGS];
    struct docket_entry entry = {
        .sequence = session_sequence(courier->session, settlement->number),
        .version = version,
        .unchanged = unchanged,
        .round_trip_ns = sending->number == settlement->number ? clock_now_ns() - sending->sent_ns : 0,
    };
    docket_add(&courier->docket, settlement, &entry);
}

/* Never silent: refused rows among these batches are not known to anybody any more. */
static void add_lost(struct courier *courier, uint64_t first, uint64_t last, uint64_t version) {
    char message[FAULT_MESSAGE_BYTES];
    snprintf(message, sizeof message,
             "the daemon no longer has the receipts of batches %llu to %llu: they are safe, but which of their rows it "
             "refused is not known; compare the projects with its own",
             (unsigned long long)session_sequence(courier->session, first),
             (unsigned long long)session_sequence(courier->session, last));
    progress_fail(courier->options.progress, message);
    for (uint64_t number = first; number <= last; number++) {
        add_batch(courier, &(struct settlement){.number = number}, version, 0);
    }
}

static bool receipt_sound(const Tally__Receipt *receipt) {
    return receipt->n_refused_row == receipt->n_refused_code && receipt->n_reason_code == receipt->n_reason_text &&
           (receipt->first_sequence == receipt->sequence || (receipt->n_refused_row == 0 && receipt->batch_code == 0));
}

static void take_receipt(struct courier *courier, const Tally__Receipt *receipt, int64_t now_ms) {
    struct session_range lost;
    struct session_range settled;
    if (!receipt_sound(receipt)) {
        progress_fail(courier->options.progress, "the daemon sent a receipt that contradicts itself; ignored");
        return;
    }
    if (!session_receipt(courier->session, now_ms, receipt->first_sequence, receipt->sequence, &lost, &settled)) {
        return;
    }
    courier->busy = false;
    if (lost.last >= lost.first) {
        add_lost(courier, lost.first, lost.last, receipt->version);
    }
    struct settlement settlement = {
        .batch_code = receipt->batch_code,
        .refused_count = receipt->n_refused_row,
        .refused_row = receipt->refused_row,
        .refused_code = receipt->refused_code,
        .reason_count = receipt->n_reason_code,
        .reason_code = receipt->reason_code,
        .reason_text = receipt->reason_text,
    };
    for (uint64_t number = settled.first; number <= settled.last; number++) {
        settlement.number = number;
        add_batch(courier, &settlement, receipt->version, number == settled.first ? receipt->unchanged : 0);
    }
}

/* ---- other messages ---- */

static void take_welcome(struct courier *courier, const Tally__Welcome *message, int64_t now_ms) {
    struct session_welcome welcome = {
        .next_sequence = message->next_sequence,
        .durable_sequence = message->durable_sequence,
        .epoch = message->epoch,
        .window = message->window,
    };
    session_welcome(courier->session, now_ms, &welcome);
    stock_limit_rows(courier->options.stock, message->batch_rows_max);
    courier->busy = false;
    progress_await(courier->options.progress, "");
}

static void say_reason(struct courier *courier, unsigned code, const char *text) {
    char message[FAULT_MESSAGE_BYTES];
    snprintf(message, sizeof message, "%s: %s", refusal_name(code), *text != '\0' ? text : refusal_text(code));
    if (session_state(courier->session) == SESSION_STOPPED) {
        stop_for_good(courier, TALLY_STOPPED, message);
    } else {
        progress_await(courier->options.progress, message);
    }
}

static void take_busy(struct courier *courier, const Tally__Busy *busy, int64_t now_ms) {
    session_busy(courier->session, now_ms, busy->sequence, busy->retry_ms);
    courier->busy = true;
    say_reason(courier, busy->code, busy->text);
}

static void take_refusal(struct courier *courier, const Tally__Refusal *refusal, int64_t now_ms) {
    session_refused(courier->session, now_ms, refusal->code);
    say_reason(courier, refusal->code, refusal->text);
}

static void take_message(struct courier *courier, struct socket_message *message, int64_t now_ms) {
    const ProtobufCMessageDescriptor *descriptor = message->type == MESSAGE_WELCOME   ? &tally__welcome__descriptor
                                                   : message->type == MESSAGE_RECEIPT ? &tally__receipt__descriptor
                                                   : message->type == MESSAGE_REWIND  ? &tally__rewind__descriptor
                                                   : message->type == MESSAGE_BUSY    ? &tally__busy__descriptor
                                                   : message->type == MESSAGE_REFUSAL ? &tally__refusal__descriptor
                                                                                      : NULL;
    void *body = descriptor != NULL ? socket_unpack(message, descriptor, &courier->arena) : NULL;
    if (body == NULL) {
        progress_fail(courier->options.progress,
                      "something came that is not protocol version 1; check the endpoint and the daemon's version");
        return;
    }
    switch (message->type) {
    case MESSAGE_WELCOME:
        take_welcome(courier, body, now_ms);
        break;
    case MESSAGE_RECEIPT:
        take_receipt(courier, body, now_ms);
        break;
    case MESSAGE_REWIND:
        session_rewind(courier->session, ((const Tally__Rewind *)body)->expected_sequence);
        break;
    case MESSAGE_BUSY:
        take_busy(courier, body, now_ms);
        break;
    default:
        take_refusal(courier, body, now_ms);
        break;
    }
}

static void publish_state(struct courier *courier) {
    enum session_state state = session_state(courier->session);
    bool connected = state == SESSION_STREAMING || state == SESSION_PAUSED;
    progress_link(courier->options.progress, connected, courier->busy, session_reconnects(courier->session));
}

/* Takes in what came, as far as it can be settled in one go. */
static void listen(struct courier *courier) {
    if (courier->retry_ns > clock_now_ns() || !settle_docket(courier)) {
        return;
    }
    arena_reset(&courier->arena);
    for (size_t i = 0; i < MESSAGES_MAX && courier->link.socket != NULL && !courier->over; i++) {
        struct socket_message message;
        enum socket_receipt came = socket_receive(courier->link.socket, 2, &message);
        if (came == SOCKET_NOTHING) {
            break;
        }
        if (came == SOCKET_MESSAGE) {
            take_message(courier, &message, clock_now_ms());
            zmq_msg_close(&message.body);
        }
        if (courier->docket.count >= DOCKET_FULL || courier->arena.used > ARENA_BYTES / 2) {
            break;
        }
    }
    publish_state(courier); /* before somebody who waits for the receipts goes on */
    settle_docket(courier);
}

/* ---- steps ---- */

static bool linger_over(struct courier *courier, int64_t now_ns) {
    int64_t since = stock_waiting_since(courier->options.stock);
    /* acquire pairs with courier_hurry; only a hint, the rows themselves come through the stock's mutex */
    bool hurry = atomic_load_explicit(&courier->hurry, memory_order_acquire);
    return since != 0 && session_idle(courier->session) && (hurry || now_ns - since >= courier->options.linger_ns);
}

static int64_t linger_until(struct courier *courier) {
    int64_t since = stock_waiting_since(courier->options.stock);
    return since != 0 && session_idle(courier->session) ? since + courier->options.linger_ns : INT64_MAX;
}

/* While the daemon is away or busy, or the window is full, rows wait on: the batch only gets better. */
static bool seal_due(struct courier *courier, int64_t now_ns) {
    char message[FAULT_MESSAGE_BYTES];
    return !linger_over(courier, now_ns) || outbox_did(courier, stock_seal(courier->options.stock, message), message);
}

static void greet(struct courier *courier, const struct session_step *step, int64_t now_ms) {
    char message[FAULT_MESSAGE_BYTES];
    if (step->kind == SESSION_CONNECT) {
        enum tally_error error = link_renew(&courier->link, message);
        if (error != TALLY_OK) {
            session_said_hello(courier->session, now_ms, true);
            session_lost(courier->session, now_ms);
            progress_fail(courier->options.progress, message);
            return;
        }
        snprintf(message, sizeof message, "no connection with %s yet; it is tried again and again",
                 courier->options.endpoint);
        progress_await(courier->options.progress, message);
    }
    bool queued = link_hello(&courier->link, courier->options.node, step->acknowledged, step->epoch);
    session_said_hello(courier->session, now_ms, step->kind == SESSION_CONNECT);
    if (!queued) {
        session_lost(courier->session, now_ms);
    }
}

static void remember_sending(struct courier *courier, uint64_t number) {
    struct sending *sending = &courier->sendings[number % SENDINGS];
    if (sending->number != number) { /* the first time counts */
        *sending = (struct sending){.number = number, .sent_ns = clock_now_ns()};
    }
}

static void send_batch(struct courier *courier, const struct session_step *step, int64_t now_ms) {
    char message[FAULT_MESSAGE_BYTES];
    struct parcel *parcel = NULL;
    enum tally_error error = outbox_read(courier->options.outbox, step->first, step->sequence, &parcel, message);
    if (outbox_did(courier, error, message)) {
        remember_sending(courier, step->first);
        if (link_batch(&courier->link, parcel)) {
            session_sent(courier->session, now_ms);
            progress_sent(courier->options.progress);
        } else {
            session_lost(courier->session, now_ms);
        }
    }
    parcel_release(&parcel);
}

static void perform(struct courier *courier, const struct session_step *step, int64_t now_ms) {
    char message[FAULT_MESSAGE_BYTES];
    switch (step->kind) {
    case SESSION_CONNECT:
    case SESSION_HELLO:
        greet(courier, step, now_ms);
        break;
    case SESSION_RENUMBER:
        if (outbox_did(courier, outbox_renumber(courier->options.outbox, step->epoch, step->offset, message),
                       message)) {
            session_renumbered(courier->session);
        }
        break;
    case SESSION_FORGET:
        add_lost(courier, step->first, step->last, 0);
        session_forgot(courier->session, step->last);
        settle_docket(courier);
        break;
    case SESSION_SEND:
        send_batch(courier, step, now_ms);
        break;
    case SESSION_WAIT:
        break;
    }
}

/* Does what is to be done now; returns until when there is nothing more, if nothing comes in. */
static int64_t act(struct courier *courier) {
    int64_t now_ns = clock_now_ns();
    for (size_t i = 0; i < STEPS_MAX && !courier->over; i++) {
        if (courier->retry_ns > now_ns) {
            return courier->retry_ns;
        }
        if (!settle_docket(courier) || !seal_due(courier, now_ns)) {
            return courier->retry_ns;
        }
        /* acquire pairs with outbox_append: what is counted can be read */
        session_extend(courier->session, atomic_load_explicit(&courier->options.outbox->last, memory_order_acquire));
        struct session_step step = session_next(courier->session, now_ns / NS_PER_MS);
        if (step.kind == SESSION_WAIT) {
            int64_t until_ns = step.until_ms == INT64_MAX ? INT64_MAX : step.until_ms * NS_PER_MS;
            int64_t linger_ns = linger_until(courier);
            return until_ns < linger_ns ? until_ns : linger_ns;
        }
        perform(courier, &step, now_ns / NS_PER_MS);
        now_ns = clock_now_ns();
    }
    return courier->over ? INT64_MAX : now_ns;
}

/* ---- the thread ---- */

static long poll_ms(int64_t until_ns) {
    if (until_ns == INT64_MAX) {
        return POLL_MS_MAX;
    }
    int64_t wait_ms = (until_ns - clock_now_ns() + NS_PER_MS - 1) / NS_PER_MS;
    return (long)(wait_ms < 0 ? 0 : wait_ms > POLL_MS_MAX ? POLL_MS_MAX : wait_ms);
}

/* What there is to look at: asking a ZeroMQ socket that has nothing costs a system call. */
struct news {
    bool connection;
    bool messages;
};

static struct news wait_for_news(struct courier *courier, int64_t until_ns) {
    zmq_pollitem_t items[3] = {
        {.fd = courier->worker.wake, .events = ZMQ_POLLIN},
        {.socket = courier->link.monitor, .events = ZMQ_POLLIN},
        {.socket = courier->link.socket, .events = ZMQ_POLLIN},
    };
    bool open = courier->link.socket != NULL;
    bool listening = courier->retry_ns <= clock_now_ns();             /* in trouble, receipts have to wait */
    zmq_poll(items, open ? listening ? 3 : 2 : 1, poll_ms(until_ns)); /* EINTR: one more look does no harm */
    if ((items[0].revents & ZMQ_POLLIN) != 0) {
        worker_rest(&courier->worker);
    }
    return (struct news){.connection = (items[1].revents & ZMQ_POLLIN) != 0,
                         .messages = (items[2].revents & ZMQ_POLLIN) != 0};
}

/* It is tried again: a key may be entered into the daemon's configuration at any time. */
static void tell_turned_away(struct courier *courier) {
    char message[FAULT_MESSAGE_BYTES];
    if (courier->link.turned_away) {
        link_tell_turned_away(&courier->link, message);
        progress_await(courier->options.progress, message);
    }
}

static void *run(void *argument) {
    struct courier *courier = argument;
    while (!worker_stopping(&courier->worker)) {
        int64_t until_ns = act(courier);
        publish_state(courier);
        struct news news = wait_for_news(courier, until_ns);
        if (news.connection && link_lost(&courier->link)) {
            tell_turned_away(courier);
            session_lost(courier->session, clock_now_ms());
            link_close(&courier->link);
        }
        if (news.messages) {
            listen(courier);
        }
        if (stock_waiting_since(courier->options.stock) == 0) {
            atomic_store_explicit(&courier->hurry, false, memory_order_release); /* pairs with courier_hurry */
        }
    }
    return NULL;
}

static void destroy(struct courier *courier) {
    link_fini(&courier->link);
    socket_context_destroy(&courier->context);
    session_destroy(courier->session);
    free(courier->arena_memory);
    free(courier);
}

enum tally_error courier_start(const struct courier_options *options, struct courier **courier, char *message) {
    struct courier *created = calloc(1, sizeof *created);
    if (created == NULL) {
        return fault_memory(message);
    }
    const struct outbox_content *content = &options->outbox->content;
    enum tally_error error = TALLY_OK;
    created->options = *options;
    created->context = socket_context_create();
    created->arena_memory = malloc(ARENA_BYTES);
    created->session = session_create(content->epoch, content->offset, content->first, content->last, options->window);
    if (created->context == NULL || created->arena_memory == NULL || created->session == NULL) {
        error = fault_memory(message);
        goto fail;
    }
    arena_init(&created->arena, created->arena_memory, ARENA_BYTES);
    link_init(&created->link, created->context, options->endpoint, options->credentials);
    error = worker_start(&created->worker, run, created, message);
    if (error != TALLY_OK) {
        goto fail;
    }
    *courier = created;
    return TALLY_OK;
fail:
    destroy(created);
    return error;
}

void courier_wake(struct courier *courier) {
    worker_wake(&courier->worker);
}

void courier_hurry(struct courier *courier) {
    atomic_store_explicit(&courier->hurry, true, memory_order_release); /* pairs with linger_over */
    worker_wake(&courier->worker);
}

void courier_stop(struct courier *courier) {
    if (courier != NULL) {
        worker_stop(&courier->worker);
        destroy(courier);
    }
}
