#include "progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

struct progress {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t change;
    struct tally_node_progress figures;
    uint64_t changes;
    enum tally_error stopped;
    enum tally_error trouble;
    bool awaiting; /* the message says what the node waits for */
    char message[FAULT_MESSAGE_BYTES];
};

struct progress *progress_create(uint64_t rows_held) {
    struct progress *progress = calloc(1, sizeof *progress);
    if (progress == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->change, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&progress->mutex, NULL);
    progress->figures.rows_put = rows_held;
    return progress;
}

void progress_destroy(struct progress *progress) {
    if (progress != NULL) {
        pthread_cond_destroy(&progress->change);
        pthread_mutex_destroy(&progress->mutex);
        free(progress);
    }
}

static void say(struct progress *progress, const char *message) {
    progress->awaiting = false;
    snprintf(progress->message, sizeof progress->message, "%s", message);
}

static void announce(struct progress *progress) {
    progress->changes++;
    pthread_cond_broadcast(&progress->change);
}

void progress_copy(struct progress *progress, struct tally_node_progress *out) {
    pthread_mutex_lock(&progress->mutex);
    *out = progress->figures;
    pthread_mutex_unlock(&progress->mutex);
}

void progress_message(struct progress *progress, char *buffer, size_t size) {
    if (size > 0) {
        pthread_mutex_lock(&progress->mutex);
        snprintf(buffer, size, "%s", progress->message);
        pthread_mutex_unlock(&progress->mutex);
    }
}

void progress_fail(struct progress *progress, const char *message) {
    pthread_mutex_lock(&progress->mutex);
    if (progress->stopped == TALLY_OK) { /* why it stopped must stay readable */
        say(progress, message);
    }
    pthread_mutex_unlock(&progress->mutex);
}

void progress_await(struct progress *progress, const char *message) {
    pthread_mutex_lock(&progress->mutex);
    if (progress->stopped == TALLY_OK && (*message != '\0' || progress->awaiting)) {
        say(progress, message);
        progress->awaiting = true;
    }
    pthread_mutex_unlock(&progress->mutex);
}

void progress_put(struct progress *progress, int64_t rows) {
    pthread_mutex_lock(&progress->mutex);
    progress->figures.rows_put += (uint64_t)rows; /* wraps for negative ones, as it should */
    pthread_mutex_unlock(&progress->mutex);
}

void progress_settle(struct progress *progress, const struct tally_receipt *receipt) {
    pthread_mutex_lock(&progress->mutex);
    progress->figures.rows_accepted += receipt->accepted;
    progress->figures.rows_unchanged += receipt->unchanged;
    progress->figures.rows_refused += receipt->refused;
    progress->figures.batches_settled++;
    if (receipt->version > progress->figures.version) {
        progress->figures.version = receipt->version;
    }
    announce(progress);
    pthread_mutex_unlock(&progress->mutex);
}

void progress_sent(struct progress *progress) {
    pthread_mutex_lock(&progress->mutex);
    progress->figures.batches_sent++;
    pthread_mutex_unlock(&progress->mutex);
}

void progress_link(struct progress *progress, bool connected, bool busy, uint64_t reconnects) {
    pthread_mutex_lock(&progress->mutex);
    progress->figures.connected = connected;
    progress->figures.busy = busy;
    progress->figures.reconnects = reconnects;
    pthread_mutex_unlock(&progress->mutex);
}

void progress_trouble(struct progress *progress, enum tally_error error, const char *message) {
    pthread_mutex_lock(&progress->mutex);
    if (progress->trouble != error) {
        progress->trouble = error;
        say(progress, message);
        announce(progress);
    }
    pthread_mutex_unlock(&progress->mutex);
}

void progress_stop(struct progress *progress, enum tally_error error, const char *message) {
    pthread_mutex_lock(&progress->mutex);
    if (progress->stopped == TALLY_OK) {
        progress->stopped = error;
        say(progress, message);
        announce(progress);
    }
    pthread_mutex_unlock(&progress->mutex);
}

enum tally_error progress_stopped(struct progress *progress) {
    pthread_mutex_lock(&progress->mutex);
    enum tally_error error = progress->stopped;
    pthread_mutex_unlock(&progress->mutex);
    return error;
}

enum tally_error progress_troubled(struct progress *progress) {
    pthread_mutex_lock(&progress->mutex);
    enum tally_error error = progress->trouble;
    pthread_mutex_unlock(&progress->mutex);
    return error;
}

static bool settled(const struct progress *progress, uint64_t rows) {
    return progress->figures.rows_accepted + progress->figures.rows_refused >= rows;
}

static enum tally_error present_error(const struct progress *progress) {
    return progress->stopped != TALLY_OK ? progress->stopped : progress->trouble;
}

enum tally_error progress_wait_settled(struct progress *progress, int timeout_ms) {
    int64_t deadline_ns = clock_now_ns() + (int64_t)timeout_ms * 1000000;
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000), .tv_nsec = deadline_ns % 1000000000};
    int code = 0;
    pthread_mutex_lock(&progress->mutex);
    uint64_t rows = progress->figures.rows_put;
    while (!settled(progress, rows) && present_error(progress) == TALLY_OK && code != ETIMEDOUT) {
        code = timeout_ms < 0 ? pthread_cond_wait(&progress->change, &progress->mutex)
                              : pthread_cond_timedwait(&progress->change, &progress->mutex, &deadline);
    }
    enum tally_error error = settled(progress, rows) ? TALLY_OK : present_error(progress);
    if (!settled(progress, rows) && error == TALLY_OK) {
        error = TALLY_TIMEOUT;
    }
    pthread_mutex_unlock(&progress->mutex);
    return error;
}

uint64_t progress_changes(struct progress *progress) {
    pthread_mutex_lock(&progress->mutex);
    uint64_t changes = progress->changes;
    pthread_mutex_unlock(&progress->mutex);
    return changes;
}

void progress_changed(struct progress *progress) {
    pthread_mutex_lock(&progress->mutex);
    announce(progress);
    pthread_mutex_unlock(&progress->mutex);
}

void progress_wait_change(struct progress *progress, uint64_t changes) {
    pthread_mutex_lock(&progress->mutex);
    while (progress->changes == changes && progress->stopped == TALLY_OK) {
        pthread_cond_wait(&progress->change, &progress->mutex);
    }
    pthread_mutex_unlock(&progress->mutex);
}
