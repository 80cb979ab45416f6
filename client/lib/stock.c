#include "stock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "proto/limits.h"
#include "proto/text.h"
#include "reader.h"

/* A put this large would need a transaction that LMDB is not made for. */
#define PUT_BYTES_MAX (UINT64_C(256) << 20)

enum { SEALED_FIRST = 8 };

struct stock {
    struct outbox *outbox; /* immutable, as the next two */
    uint64_t bytes_max;
    bool durable;
    _Atomic size_t rows_max;       /* written by the courier, read by both */
    _Atomic int64_t waiting_since; /* written under the mutex, read by the courier */
    pthread_mutex_t mutex;         /* guards the builders; a put holds it through its sync, so the courier only tries */
    struct builder *open;          /* the rows that wait */
    struct builder *spare;         /* empty between calls */
};

/* Batches made by one call, not yet in the outbox. */
struct sealing {
    struct parcel **parcels;
    size_t count;
    size_t capacity;
};

void stock_destroy(struct stock *stock) {
    if (stock != NULL) {
        builder_destroy(stock->open);
        builder_destroy(stock->spare);
        pthread_mutex_destroy(&stock->mutex);
        free(stock);
    }
}

static void sealing_fini(struct sealing *sealing) {
    for (size_t i = 0; i < sealing->count; i++) {
        parcel_release(&sealing->parcels[i]);
    }
    free(sealing->parcels);
}

static bool seal(struct sealing *sealing, const struct builder *builder) {
    if (sealing->count == sealing->capacity) {
        size_t capacity = sealing->capacity > 0 ? 2 * sealing->capacity : SEALED_FIRST;
        struct parcel **parcels = realloc(sealing->parcels, capacity * sizeof(struct parcel *));
        if (parcels == NULL) {
            return false;
        }
        sealing->parcels = parcels;
        sealing->capacity = capacity;
    }
    struct parcel *parcel = builder_pack(builder, (struct builder_mark){0});
    if (parcel == NULL) {
        return false;
    }
    sealing->parcels[sealing->count++] = parcel;
    return true;
}

/* ---- putting ---- */

static enum tally_error weigh_text(const char *what, const char *text, size_t row, size_t *bytes, char *message) {
    *bytes = strnlen(text, BUILDER_TEXT_BYTES_MAX + 1);
    if (*bytes > BUILDER_TEXT_BYTES_MAX) {
        return fault_set(message, TALLY_INVALID, "row %zu: the %s is longer than %d bytes; it may have %d", row, what,
                         BUILDER_TEXT_BYTES_MAX, TEXT_BYTES_MAX);
    }
    if (*bytes > 0 && !text_is_utf8(text, *bytes)) {
        return fault_set(message, TALLY_INVALID, "row %zu: the %s is not UTF-8", row, what);
    }
    return TALLY_OK;
}

static enum tally_error weigh_row(const struct tally_project *project, size_t row, uint64_t *bytes, char *message) {
    size_t name_bytes = 0;
    size_t contractor_bytes = 0;
    if (project->code == NULL) {
        return fault_set(message, TALLY_INVALID, "row %zu has no project code", row);
    }
    size_t code_bytes = strnlen(project->code, BUILDER_CODE_BYTES_MAX + 1);
    if (code_bytes > BUILDER_CODE_BYTES_MAX) {
        return fault_set(message, TALLY_INVALID, "row %zu: the project code is longer than %d bytes; it may have %d",
                         row, BUILDER_CODE_BYTES_MAX, PROJECT_CODE_BYTES_MAX);
    }
    enum tally_error error = TALLY_OK;
    if (project->name != NULL) {
        error = weigh_text("name", project->name, row, &name_bytes, message);
    }
    if (error == TALLY_OK && project->contractor != NULL) {
        error = weigh_text("contractor", project->contractor, row, &contractor_bytes, message);
    }
    *bytes += builder_row_bytes_max(code_bytes, name_bytes, contractor_bytes) + sizeof project->tag;
    return error;
}

enum tally_error stock_weigh(const struct stock *stock, const char *competition, const struct tally_project *projects,
                             size_t count, uint64_t *bytes, char *message) {
    uint64_t sum = 0;
    enum tally_error error = TALLY_OK;
    if (competition == NULL ||
        !text_is_key(competition, strnlen(competition, COMPETITION_KEY_BYTES_MAX + 1), COMPETITION_KEY_BYTES_MAX)) {
        return fault_set(message, TALLY_INVALID, "a competition key is 1 to %d of a-z, 0-9 and '-'",
                         COMPETITION_KEY_BYTES_MAX);
    }
    for (size_t i = 0; error == TALLY_OK && i < count; i++) {
        error = weigh_row(&projects[i], i, &sum, message);
    }
    if (error == TALLY_OK && (sum > stock->bytes_max || sum > PUT_BYTES_MAX)) {
        error = fault_set(message, TALLY_INVALID, "%zu rows at once are more than the limit of %llu bytes; put fewer",
                          count, (unsigned long long)(sum > PUT_BYTES_MAX ? PUT_BYTES_MAX : stock->bytes_max));
    }
    *bytes = sum;
    return error;
}

static bool room_for(const struct stock *stock, uint64_t kept, uint64_t bytes) {
    return kept <= stock->bytes_max && bytes <= stock->bytes_max - kept;
}

bool stock_blocked(const struct stock *stock, uint64_t bytes) {
    uint64_t refused = atomic_load_explicit(&stock->outbox->refused_bytes, memory_order_relaxed);
    return !room_for(stock, refused, bytes);
}

/* The builder that takes the rows, and what is sealed on the way. A call that fails leaves stock->open as it was at
 * mark: it is never cleared before the outbox has its rows, later rows go to the spare one. */
struct intake {
    struct builder *builder;
    struct sealing sealing;
    struct builder_mark mark;
};

static bool turn_over(struct stock *stock, struct intake *intake, const char *competition) {
    if (!seal(&intake->sealing, intake->builder)) {
        return false;
    }
    intake->builder = stock->spare;
    intake->mark = (struct builder_mark){0};
    builder_start(intake->builder, competition);
    return true;
}

static bool take_row(struct stock *stock, struct intake *intake, const char *competition,
                     const struct tally_project *project, size_t rows_max) {
    if (!builder_add(intake->builder, project, rows_max)) {
        return turn_over(stock, intake, competition) && builder_add(intake->builder, project, rows_max);
    }
    return true;
}

static bool take_rows(struct stock *stock, struct intake *intake, const char *competition,
                      const struct tally_project *projects, size_t count) {
    size_t rows_max = atomic_load_explicit(&stock->rows_max, memory_order_relaxed); /* any recent value will do */
    if (builder_rows(intake->builder) == 0) {
        builder_start(intake->builder, competition);
    } else if (!builder_takes(intake->builder, competition) && !turn_over(stock, intake, competition)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!take_row(stock, intake, competition, &projects[i], rows_max)) {
            return false;
        }
    }
    bool full = builder_rows(intake->builder) >= rows_max;
    return !full || turn_over(stock, intake, competition);
}

/* Hands the result over to the outbox: batches, and the rows after mark as waiting ones. */
static enum tally_error hand_over(struct stock *stock, struct intake *intake, char *message) {
    struct parcel *waiting = NULL;
    if (stock->durable && builder_rows(intake->builder) > intake->mark.rows) {
        waiting = builder_pack(intake->builder, intake->mark);
        if (waiting == NULL) {
            return fault_memory(message);
        }
    }
    enum tally_error error = TALLY_OK;
    if (waiting != NULL || intake->sealing.count > 0) {
        error = outbox_append(stock->outbox, intake->sealing.parcels, intake->sealing.count, waiting,
                              intake->sealing.count > 0, message);
    }
    parcel_release(&waiting);
    return error;
}

static void adopt(struct stock *stock, struct builder *builder, int64_t now_ns) {
    if (builder != stock->open) {
        stock->spare = stock->open;
        stock->open = builder;
    }
    int64_t since = atomic_load_explicit(&stock->waiting_since, memory_order_relaxed); /* written under the mutex */
    bool fresh = since == 0 || builder_rows(stock->spare) > 0; /* the rows that waited were sealed */
    builder_start(stock->spare, "");
    since = builder_rows(stock->open) == 0 ? 0 : fresh ? now_ns : since;
    /* release pairs with the acquire in stock_waiting_since */
    atomic_store_explicit(&stock->waiting_since, since, memory_order_release);
}

static enum tally_error put_locked(struct stock *stock, const char *competition, const struct tally_project *projects,
                                   size_t count, int64_t now_ns, bool *wake, char *message) {
    struct intake intake = {.builder = stock->open, .mark = builder_end(stock->open)};
    struct builder_mark mark = intake.mark;
    enum tally_error error = TALLY_OK;
    if (!take_rows(stock, &intake, competition, projects, count)) {
        error = fault_memory(message);
    }
    if (error == TALLY_OK) {
        error = hand_over(stock, &intake, message);
    }
    if (error == TALLY_OK) {
        *wake = intake.sealing.count > 0 || mark.rows == 0;
        adopt(stock, intake.builder, now_ns);
    } else {
        builder_cut(stock->open, mark);
        builder_start(stock->spare, "");
    }
    sealing_fini(&intake.sealing);
    return error;
}

enum tally_error stock_put(struct stock *stock, const char *competition, const struct tally_project *projects,
                           size_t count, uint64_t bytes, int64_t now_ns, bool *wake, char *message) {
    *wake = false;
    pthread_mutex_lock(&stock->mutex);
    uint64_t kept = atomic_load_explicit(&stock->outbox->bytes, memory_order_relaxed); /* only shrinks meanwhile */
    kept += stock->durable ? 0 : builder_end(stock->open).packed_bytes;
    enum tally_error error = room_for(stock, kept, bytes)
                                 ? put_locked(stock, competition, projects, count, now_ns, wake, message)
                                 : fault_set(message, TALLY_OUTBOX_FULL, "%s", tally_error_text(TALLY_OUTBOX_FULL));
    pthread_mutex_unlock(&stock->mutex);
    return error;
}

/* ---- the courier's side ---- */

int64_t stock_waiting_since(const struct stock *stock) {
    return atomic_load_explicit(&stock->waiting_since, memory_order_acquire); /* pairs with adopt */
}

enum tally_error stock_seal(struct stock *stock, char *message) {
    if (pthread_mutex_trylock(&stock->mutex) != 0) {
        return TALLY_OK;
    }
    enum tally_error error = TALLY_OK;
    struct sealing sealing = {0};
    if (builder_rows(stock->open) > 0) {
        error = seal(&sealing, stock->open) ? TALLY_OK : fault_memory(message);
        if (error == TALLY_OK) {
            error = outbox_append(stock->outbox, sealing.parcels, sealing.count, NULL, true, message);
        }
        if (error == TALLY_OK) {
            builder_start(stock->open, "");
            atomic_store_explicit(&stock->waiting_since, 0, memory_order_release); /* as in adopt */
        }
        sealing_fini(&sealing);
    }
    pthread_mutex_unlock(&stock->mutex);
    return error;
}

void stock_limit_rows(struct stock *stock, size_t rows_max) {
    size_t present = atomic_load_explicit(&stock->rows_max, memory_order_relaxed); /* this thread alone writes it */
    if (rows_max > 0 && rows_max < present) {
        atomic_store_explicit(&stock->rows_max, rows_max, memory_order_relaxed);
    }
}

/* ---- opening ---- */

static bool intake_parcel(struct stock *stock, struct intake *intake, const struct parcel *parcel, bool *malformed) {
    struct reader *reader = reader_create(parcel, malformed);
    struct tally_project project;
    bool taken = reader != NULL;
    while (taken && reader_next(reader, &project)) {
        taken = take_rows(stock, intake, reader_competition(reader), &project, 1);
    }
    reader_destroy(reader);
    return taken;
}

/* Rows that waited when the program ended become batches now: it is simpler, and as good, as letting them wait on. */
static enum tally_error take_up(struct stock *stock, char *message) {
    struct parcel **parcels = NULL;
    size_t count = 0;
    bool malformed = false;
    struct intake intake = {.builder = stock->open};
    enum tally_error error = outbox_waiting(stock->outbox, &parcels, &count, message);
    for (size_t i = 0; error == TALLY_OK && i < count; i++) {
        if (!intake_parcel(stock, &intake, parcels[i], &malformed)) {
            error = malformed ? fault_set(message, TALLY_OUTBOX_DAMAGED, "waiting rows in the outbox cannot be read")
                              : fault_memory(message);
        }
    }
    if (error == TALLY_OK && builder_rows(intake.builder) > 0 && !seal(&intake.sealing, intake.builder)) {
        error = fault_memory(message);
    }
    if (error == TALLY_OK && intake.sealing.count > 0) {
        error = outbox_append(stock->outbox, intake.sealing.parcels, intake.sealing.count, NULL, true, message);
    }
    builder_start(stock->open, "");
    builder_start(stock->spare, "");
    sealing_fini(&intake.sealing);
    for (size_t i = 0; i < count; i++) {
        parcel_release(&parcels[i]);
    }
    free(parcels);
    return error;
}

enum tally_error stock_create(struct outbox *outbox, size_t rows_max, uint64_t bytes_max, bool durable,
                              struct stock **stock, char *message) {
    struct stock *created = calloc(1, sizeof *created);
    if (created == NULL) {
        return fault_memory(message);
    }
    enum tally_error error = TALLY_OK;
    pthread_mutex_init(&created->mutex, NULL);
    created->outbox = outbox;
    created->bytes_max = bytes_max;
    created->durable = durable;
    created->open = builder_create();
    created->spare = builder_create();
    atomic_init(&created->rows_max, rows_max);
    if (created->open == NULL || created->spare == NULL) {
        error = fault_memory(message);
        goto fail;
    }
    error = take_up(created, message);
    if (error != TALLY_OK) {
        goto fail;
    }
    *stock = created;
    return TALLY_OK;
fail:
    stock_destroy(created);
    return error;
}
