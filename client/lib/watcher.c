#include "tally/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mirror.h"
#include "proto/text.h"
#include "socket.h"
#include "tally.pb-c.h"
#include "worker.h"

enum {
    MESSAGES_MAX = 1024,     /* taken in before callbacks; what a slow callback misses is only overtaken totals */
    ARENA_BYTES = 256 << 10, /* one Totals with every cell takes some 10 KiB */
    RETRY_MS = 1000,         /* when no socket can be had */
    FRAMES = 3,
};

#define NS_PER_MS INT64_C(1000000)

struct tally_watcher {
    struct credentials credentials; /* immutable */
    /* immutable after open: */
    char *endpoint;
    char *competition;
    char **topics; /* subscriptions */
    size_t topic_count;
    int64_t stale_ns;
    void (*on_totals)(void *context, const struct tally_watch_region *region);
    void (*on_state)(void *context, const struct tally_watch_state *state);
    void *context;
    struct worker worker;
    /* under the mutex: */
    pthread_mutex_t mutex;
    struct mirror *mirror;
    int64_t heard_ns; /* when the last message came; 0 = none did */
    bool fresh;
    /* the thread's own: */
    void *zmq;
    void *socket;
    struct arena arena;
    void *arena_memory;
    bool state_changed; /* on_state is due */
    struct tally_watch_cell cells[MIRROR_CELLS_MAX];
};

/* ---- the thread ---- */

static bool columns_even(const Tally__Totals *totals) {
    size_t count = totals->n_cell_category;
    return count <= MIRROR_CELLS_MAX && totals->n_cell_status == count && totals->n_cell_projects == count &&
           totals->n_cell_contract_value == count && totals->n_cell_participants == count &&
           totals->n_cell_migrant_participants == count;
}

static void read_cells(struct tally_watcher *watcher, const Tally__Totals *totals) {
    for (size_t i = 0; i < totals->n_cell_category; i++) {
        watcher->cells[i] = (struct tally_watch_cell){
            .category = totals->cell_category[i],
            .status = totals->cell_status[i],
            .totals = {.projects = totals->cell_projects[i],
                       .contract_value = totals->cell_contract_value[i],
                       .participants = totals->cell_participants[i],
                       .migrant_participants = totals->cell_migrant_participants[i]},
        };
    }
}

/* Something of the daemon came. Called with the mutex held. */
static void hear(struct tally_watcher *watcher, enum mirror_news news) {
    watcher->heard_ns = clock_now_ns();
    watcher->state_changed = watcher->state_changed || !watcher->fresh || news == MIRROR_RESET;
    watcher->fresh = true;
}

static void take_totals(struct tally_watcher *watcher, const Tally__Totals *totals) {
    if (strcmp(totals->competition, watcher->competition) != 0 || totals->day != 0 || !columns_even(totals)) {
        return;
    }
    read_cells(watcher, totals);
    struct tally_watch_region region = {
        .region = totals->region,
        .version = totals->version,
        .time_ms = totals->time_ms,
        .totals = {.projects = totals->projects,
                   .contract_value = totals->contract_value,
                   .participants = totals->participants,
                   .migrant_participants = totals->migrant_participants},
        .cell_count = totals->n_cell_category,
        .cells = watcher->cells,
    };
    pthread_mutex_lock(&watcher->mutex);
    hear(watcher, mirror_hear(watcher->mirror, totals->epoch, &region));
    pthread_mutex_unlock(&watcher->mutex);
}

static void take_heartbeat(struct tally_watcher *watcher, const Tally__Heartbeat *beat) {
    pthread_mutex_lock(&watcher->mutex);
    hear(watcher, mirror_beat(watcher->mirror, beat->epoch, beat->version, beat->time_ms));
    pthread_mutex_unlock(&watcher->mutex);
}

static void take_message(struct tally_watcher *watcher, struct socket_message *message) {
    arena_reset(&watcher->arena);
    if (message->type == MESSAGE_TOTALS) {
        const Tally__Totals *totals = socket_unpack(message, &tally__totals__descriptor, &watcher->arena);
        if (totals != NULL) {
            take_totals(watcher, totals);
        }
    } else if (message->type == MESSAGE_HEARTBEAT) {
        const Tally__Heartbeat *beat = socket_unpack(message, &tally__heartbeat__descriptor, &watcher->arena);
        if (beat != NULL) {
            take_heartbeat(watcher, beat);
        }
    }
}

static void listen(struct tally_watcher *watcher) {
    for (size_t i = 0; i < MESSAGES_MAX && watcher->socket != NULL; i++) {
        struct socket_message message;
        enum socket_receipt came = socket_receive(watcher->socket, FRAMES, &message);
        if (came == SOCKET_NOTHING) {
            break;
        }
        if (came == SOCKET_MESSAGE) {
            take_message(watcher, &message);
            zmq_msg_close(&message.body);
        }
    }
}

static void fill_state(struct tally_watcher *watcher, struct tally_watch_state *state) {
    int64_t age_ns = clock_now_ns() - watcher->heard_ns;
    mirror_state(watcher->mirror, state);
    state->connected = watcher->heard_ns != 0 && age_ns < watcher->stale_ns;
    state->age_ms = watcher->heard_ns != 0 ? age_ns / NS_PER_MS : -1;
}

/* Notices staleness; returns how long until it could set in. */
static long watch_clock(struct tally_watcher *watcher) {
    pthread_mutex_lock(&watcher->mutex);
    int64_t left_ns = watcher->heard_ns + watcher->stale_ns - clock_now_ns();
    if (watcher->fresh && left_ns <= 0) {
        watcher->fresh = false;
        watcher->state_changed = true;
    }
    bool fresh = watcher->fresh;
    pthread_mutex_unlock(&watcher->mutex);
    return fresh ? (long)(left_ns / NS_PER_MS + 1) : -1;
}

static void tell_regions(struct tally_watcher *watcher) {
    struct tally_watch_region region;
    uint32_t code = 0;
    bool more = true;
    while (more) {
        pthread_mutex_lock(&watcher->mutex);
        more = mirror_take_changed(watcher->mirror, &code) &&
               mirror_get(watcher->mirror, code, &region, watcher->cells, MIRROR_CELLS_MAX);
        pthread_mutex_unlock(&watcher->mutex);
        if (more && watcher->on_totals != NULL) {
            watcher->on_totals(watcher->context, &region);
        }
    }
}

static void tell_state(struct tally_watcher *watcher) {
    struct tally_watch_state state = {0};
    if (watcher->state_changed) {
        watcher->state_changed = false;
        pthread_mutex_lock(&watcher->mutex);
        fill_state(watcher, &state);
        pthread_mutex_unlock(&watcher->mutex);
        if (watcher->on_state != NULL) {
            watcher->on_state(watcher->context, &state);
        }
    }
}

/* ZeroMQ connects again by itself and repeats the subscriptions; the daemon answers each with the present values. */
static void subscribe(struct tally_watcher *watcher) {
    if (socket_connect(watcher->zmq, ZMQ_SUB, watcher->endpoint, &watcher->credentials, &watcher->socket, NULL) !=
        TALLY_OK) {
        return;
    }
    for (size_t i = 0; i < watcher->topic_count; i++) {
        if (zmq_setsockopt(watcher->socket, ZMQ_SUBSCRIBE, watcher->topics[i], strlen(watcher->topics[i])) != 0) {
            socket_close(&watcher->socket);
            return;
        }
    }
}

static void *run(void *argument) {
    struct tally_watcher *watcher = argument;
    while (!worker_stopping(&watcher->worker)) {
        if (watcher->socket == NULL) {
            subscribe(watcher);
        }
        long wait_ms = watch_clock(watcher);
        tell_state(watcher);
        zmq_pollitem_t items[2] = {
            {.fd = watcher->worker.wake, .events = ZMQ_POLLIN},
            {.socket = watcher->socket, .events = ZMQ_POLLIN},
        };
        zmq_poll(items, watcher->socket != NULL ? 2 : 1, watcher->socket != NULL ? wait_ms : RETRY_MS);
        listen(watcher);
        tell_state(watcher);
        tell_regions(watcher);
    }
    return NULL;
}

/* ---- opening ---- */

static enum tally_error check_options(const struct tally_watcher_options *options, char *message) {
    if (!socket_endpoint_valid(options->endpoint)) {
        return fault_set(message, TALLY_INVALID, "the endpoint must be tcp://HOST:PORT or ipc://PATH");
    }
    const char *key = options->competition;
    if (key == NULL || !text_is_key(key, strnlen(key, COMPETITION_KEY_BYTES_MAX + 1), COMPETITION_KEY_BYTES_MAX)) {
        return fault_set(message, TALLY_INVALID, "a competition key is 1 to %d of a-z, 0-9 and '-'",
                         COMPETITION_KEY_BYTES_MAX);
    }
    if (options->prefix_count > TALLY_PREFIXES_MAX) {
        return fault_set(message, TALLY_INVALID, "at most %d prefixes; shorter ones cover more", TALLY_PREFIXES_MAX);
    }
    for (size_t i = 0; i < options->prefix_count; i++) {
        size_t digits = options->prefixes[i] != NULL ? strspn(options->prefixes[i], "0123456789") : 7;
        if (digits > 6 || options->prefixes[i][digits] != '\0') {
            return fault_set(message, TALLY_INVALID, "prefix %zu is not up to six digits", i);
        }
    }
    return TALLY_OK;
}

static bool make_topics(struct tally_watcher *watcher, const struct tally_watcher_options *options) {
    watcher->topics = calloc(options->prefix_count + 1, sizeof *watcher->topics);
    if (watcher->topics == NULL) {
        return false;
    }
    watcher->topics[0] = strdup(TOPIC_HEARTBEAT);
    if (watcher->topics[0] == NULL) {
        return false;
    }
    watcher->topic_count = 1;
    for (size_t i = 0; i < options->prefix_count; i++) {
        char **topic = &watcher->topics[watcher->topic_count];
        if (asprintf(topic, "%s/%s", options->competition, options->prefixes[i]) < 0) {
            *topic = NULL;
            return false;
        }
        watcher->topic_count++;
    }
    return true;
}

static bool make_parts(struct tally_watcher *watcher, const struct tally_watcher_options *options) {
    watcher->endpoint = strdup(options->endpoint);
    watcher->competition = strdup(options->competition);
    watcher->mirror = mirror_create();
    watcher->arena_memory = malloc(ARENA_BYTES);
    watcher->zmq = socket_context_create();
    if (watcher->endpoint == NULL || watcher->competition == NULL || watcher->mirror == NULL ||
        watcher->arena_memory == NULL || watcher->zmq == NULL) {
        return false;
    }
    arena_init(&watcher->arena, watcher->arena_memory, ARENA_BYTES);
    return make_topics(watcher, options);
}

enum tally_error tally_watcher_open(const struct tally_watcher_options *options, struct tally_watcher **watcher,
                                    char *message) {
    enum tally_error error = check_options(options, message);
    if (error != TALLY_OK) {
        return error;
    }
    struct tally_watcher *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return fault_memory(message);
    }
    pthread_mutex_init(&opened->mutex, NULL);
    opened->stale_ns = (options->stale_ms != 0 ? options->stale_ms : 3 * HEARTBEAT_INTERVAL_MS) * NS_PER_MS;
    opened->on_totals = options->on_totals;
    opened->on_state = options->on_state;
    opened->context = options->context;
    error = credentials_read(&opened->credentials, options->key_file, options->daemon_key, message);
    if (error == TALLY_OK && !make_parts(opened, options)) {
        error = fault_memory(message);
    }
    if (error == TALLY_OK) {
        error = worker_start(&opened->worker, run, opened, message);
    }
    if (error != TALLY_OK) {
        tally_watcher_close(&opened);
        return error;
    }
    *watcher = opened;
    return TALLY_OK;
}

void tally_watcher_close(struct tally_watcher **watcher) {
    if (watcher == NULL || *watcher == NULL) {
        return;
    }
    struct tally_watcher *closing = *watcher;
    *watcher = NULL;
    worker_stop(&closing->worker);
    socket_close(&closing->socket);
    socket_context_destroy(&closing->zmq);
    credentials_forget(&closing->credentials);
    mirror_destroy(closing->mirror);
    for (size_t i = 0; i < closing->topic_count; i++) {
        free(closing->topics[i]);
    }
    pthread_mutex_destroy(&closing->mutex);
    free(closing->topics);
    free(closing->arena_memory);
    free(closing->competition);
    free(closing->endpoint);
    free(closing);
}

/* ---- any thread ---- */

bool tally_watcher_get(struct tally_watcher *watcher, uint32_t region, struct tally_watch_region *out,
                       struct tally_watch_cell *cells, size_t cells_max) {
    pthread_mutex_lock(&watcher->mutex);
    bool known = mirror_get(watcher->mirror, region, out, cells, cells_max);
    pthread_mutex_unlock(&watcher->mutex);
    return known;
}

size_t tally_watcher_regions(struct tally_watcher *watcher, struct tally_watch_region *out, size_t max) {
    pthread_mutex_lock(&watcher->mutex);
    size_t count = mirror_regions(watcher->mirror, out, max);
    pthread_mutex_unlock(&watcher->mutex);
    return count;
}

void tally_watcher_state(struct tally_watcher *watcher, struct tally_watch_state *state) {
    pthread_mutex_lock(&watcher->mutex);
    fill_state(watcher, state);
    pthread_mutex_unlock(&watcher->mutex);
}
