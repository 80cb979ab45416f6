#include "tally/tally.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "courier.h"
#include "diskbox.h"
#include "membox.h"
#include "proto/limits.h"
#include "proto/refusal.h"
#include "proto/text.h"
#include "reader.h"
#include "socket.h"

enum {
    BATCH_ROWS_DEFAULT = 4096,
    LINGER_US_DEFAULT = 1000,
    REFUSED_PAGE = 256, /* rows handed out between two looks at the outbox */
};

#define DISK_BYTES_DEFAULT (UINT64_C(4) << 30)
#define DISK_BYTES_MAX (UINT64_C(1) << 40)
#define MEMORY_BYTES_DEFAULT (UINT64_C(64) << 20)
#define BYTES_MIN (UINT64_C(1) << 20)

struct tally_node {
    struct outbox *outbox;
    struct stock *stock;
    struct progress *progress;
    struct courier *courier;
    struct credentials credentials;
    char *endpoint;
    char *name;
};

static enum tally_error check_options(const struct tally_node_options *options, char *message) {
    if (!socket_endpoint_valid(options->endpoint)) {
        return fault_set(message, TALLY_INVALID, "the endpoint must be tcp://HOST:PORT or ipc://PATH");
    }
    if (options->node == NULL ||
        !text_is_key(options->node, strnlen(options->node, NODE_NAME_BYTES_MAX + 1), NODE_NAME_BYTES_MAX)) {
        return fault_set(message, TALLY_INVALID, "a node's name is 1 to %d of a-z, 0-9 and '-'", NODE_NAME_BYTES_MAX);
    }
    if (options->batch_rows > BATCH_ROWS_MAX) {
        return fault_set(message, TALLY_INVALID, "batch_rows is at most %d", BATCH_ROWS_MAX);
    }
    if (options->outbox_bytes_max != 0 &&
        (options->outbox_bytes_max < BYTES_MIN || options->outbox_bytes_max > DISK_BYTES_MAX)) {
        return fault_set(message, TALLY_INVALID, "outbox_bytes_max is 0, or 1 MiB to 1 TiB");
    }
    return TALLY_OK;
}

static enum tally_error open_stock(struct tally_node *node, const struct tally_node_options *options, char *message) {
    enum tally_error error = TALLY_OK;
    bool durable = options->outbox != NULL;
    uint64_t bytes_max = options->outbox_bytes_max;
    if (bytes_max == 0) {
        bytes_max = durable ? DISK_BYTES_DEFAULT : MEMORY_BYTES_DEFAULT;
    }
    if (durable) {
        error = diskbox_open(options->outbox, options->node, bytes_max, &node->outbox, message);
    } else {
        node->outbox = membox_open();
        error = node->outbox != NULL ? TALLY_OK : fault_memory(message);
    }
    if (error != TALLY_OK) {
        return error;
    }
    size_t rows_max = options->batch_rows != 0 ? options->batch_rows : BATCH_ROWS_DEFAULT;
    return stock_create(node->outbox, rows_max, bytes_max, durable, &node->stock, message);
}

static enum tally_error start_courier(struct tally_node *node, const struct tally_node_options *options,
                                      char *message) {
    uint32_t window = options->window;
    struct courier_options courier = {
        .endpoint = node->endpoint,
        .credentials = &node->credentials,
        .node = node->name,
        .outbox = node->outbox,
        .stock = node->stock,
        .progress = node->progress,
        .window = window == 0 || window > WINDOW_BATCHES_MAX ? WINDOW_BATCHES_MAX : window,
        .linger_ns = (int64_t)(options->linger_us != 0 ? options->linger_us : LINGER_US_DEFAULT) * 1000,
        .on_receipt = options->on_receipt,
        .context = options->context,
    };
    return courier_start(&courier, &node->courier, message);
}

enum tally_error tally_node_open(const struct tally_node_options *options, struct tally_node **node, char *message) {
    enum tally_error error = check_options(options, message);
    if (error != TALLY_OK) {
        return error;
    }
    struct tally_node *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return fault_memory(message);
    }
    error = credentials_read(&opened->credentials, options->key_file, options->daemon_key, message);
    if (error != TALLY_OK) {
        goto fail;
    }
    error = open_stock(opened, options, message);
    if (error != TALLY_OK) {
        goto fail;
    }
    opened->endpoint = strdup(options->endpoint);
    opened->name = strdup(options->node);
    opened->progress = progress_create(opened->outbox->content.rows);
    if (opened->endpoint == NULL || opened->name == NULL || opened->progress == NULL) {
        error = fault_memory(message);
        goto fail;
    }
    error = start_courier(opened, options, message);
    if (error != TALLY_OK) {
        goto fail;
    }
    *node = opened;
    return TALLY_OK;
fail:
    tally_node_close(&opened);
    return error;
}

void tally_node_close(struct tally_node **node) {
    if (node == NULL || *node == NULL) {
        return;
    }
    struct tally_node *closing = *node;
    *node = NULL;
    courier_stop(closing->courier);
    stock_destroy(closing->stock);
    outbox_close(&closing->outbox);
    progress_destroy(closing->progress);
    credentials_forget(&closing->credentials);
    free(closing->endpoint);
    free(closing->name);
    free(closing);
}

/* Tries until there is room, if it may wait for that. */
static enum tally_error put_when_room(struct tally_node *node, const char *competition,
                                      const struct tally_project *projects, size_t count, uint64_t bytes, bool wait,
                                      char *message) {
    for (;;) {
        bool wake = false;
        uint64_t changes = progress_changes(node->progress);
        enum tally_error error = progress_stopped(node->progress);
        if (error != TALLY_OK) {
            return error;
        }
        error = stock_put(node->stock, competition, projects, count, bytes, clock_now_ns(), &wake, message);
        if (wake) {
            courier_wake(node->courier);
        }
        if (error != TALLY_OUTBOX_FULL) {
            return error;
        }
        if (stock_blocked(node->stock, bytes)) {
            return fault_set(message, TALLY_OUTBOX_FULL, "the outbox is full of refused rows: take them");
        }
        enum tally_error trouble = progress_troubled(node->progress);
        if (trouble != TALLY_OK) {
            *message = '\0'; /* what the trouble is has been said */
            return trouble;
        }
        if (!wait) {
            return error;
        }
        progress_wait_change(node->progress, changes);
    }
}

enum tally_error tally_node_put(struct tally_node *node, const char *competition, const struct tally_project *projects,
                                size_t count, bool wait) {
    char message[FAULT_MESSAGE_BYTES] = "";
    uint64_t bytes = 0;
    enum tally_error error = stock_weigh(node->stock, competition, projects, count, &bytes, message);
    if (error == TALLY_OK) {
        progress_put(node->progress, (int64_t)count);
        error = put_when_room(node, competition, projects, count, bytes, wait, message);
        if (error != TALLY_OK) {
            progress_put(node->progress, -(int64_t)count);
        }
    }
    if (error != TALLY_OK && *message != '\0') {
        progress_fail(node->progress, message);
    }
    return error;
}

enum tally_error tally_node_flush(struct tally_node *node, int timeout_ms) {
    courier_hurry(node->courier);
    return progress_wait_settled(node->progress, timeout_ms);
}

void tally_node_progress(struct tally_node *node, struct tally_node_progress *progress) {
    progress_copy(node->progress, progress);
}

void tally_node_message(struct tally_node *node, char *buffer, size_t size) {
    progress_message(node->progress, buffer, size);
}

/* ---- refused rows ---- */

struct taking {
    bool (*take)(void *context, const struct tally_refused *refused);
    void *context;
    bool more; /* take has not said that it is enough */
};

static enum tally_error show(struct taking *taking, const struct refused *refused, char *message) {
    bool malformed = false;
    struct tally_refused row = {.code = refused->code, .name = refusal_name(refused->code)};
    struct reader *reader = reader_create(refused->row, &malformed);
    if (reader == NULL) {
        return malformed ? fault_set(message, TALLY_OUTBOX_DAMAGED, "a refused row in the outbox cannot be read")
                         : fault_memory(message);
    }
    if (reader_next(reader, &row.project)) {
        row.competition = reader_competition(reader);
        row.text = refused->text != NULL ? refused->text : refusal_text(refused->code);
        taking->more = taking->take(taking->context, &row);
    }
    reader_destroy(reader);
    return TALLY_OK;
}

/* One page: shown outside of any transaction, since take may be slow; then what was taken is forgotten at once. */
static enum tally_error take_page(struct tally_node *node, struct taking *taking, uint64_t *after, size_t *taken,
                                  char *message) {
    struct refused page[REFUSED_PAGE];
    uint64_t ids[REFUSED_PAGE];
    size_t count = 0;
    size_t done = 0;
    enum tally_error error = outbox_refused(node->outbox, *after, page, REFUSED_PAGE, &count, message);
    for (size_t i = 0; i < count && error == TALLY_OK && taking->more; i++) {
        error = show(taking, &page[i], message);
        if (error == TALLY_OK && taking->more) {
            ids[done++] = page[i].id;
        }
    }
    for (size_t i = 0; i < count; i++) {
        refused_fini(&page[i]);
    }
    if (done > 0) {
        char second[FAULT_MESSAGE_BYTES];
        enum tally_error forgotten = outbox_forget(node->outbox, ids, done, error == TALLY_OK ? message : second);
        error = error == TALLY_OK ? forgotten : error;
        *taken += forgotten == TALLY_OK ? done : 0;
        *after = ids[done - 1];
        progress_changed(node->progress); /* there may be room again */
    }
    taking->more = taking->more && count == REFUSED_PAGE;
    return error;
}

enum tally_error tally_node_take_refused(struct tally_node *node,
                                         bool (*take)(void *context, const struct tally_refused *refused),
                                         void *context, size_t *taken) {
    char message[FAULT_MESSAGE_BYTES] = "";
    struct taking taking = {.take = take, .context = context, .more = true};
    enum tally_error error = TALLY_OK;
    uint64_t after = 0;
    size_t sum = 0;
    while (error == TALLY_OK && taking.more) {
        error = take_page(node, &taking, &after, &sum, message);
    }
    if (taken != NULL) {
        *taken = sum;
    }
    if (error != TALLY_OK) {
        progress_fail(node->progress, message);
    }
    return error;
}
