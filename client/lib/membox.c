#include "membox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct refused_link {
    struct refused refused;
    struct refused_link *next;
};

struct membox {
    struct outbox base;
    pthread_mutex_t mutex; /* guards all below; held for a few instructions only */
    struct parcel **ring;  /* batch number n stands at n % capacity */
    size_t capacity;       /* a power of two */
    uint64_t first;        /* lowest number there; written by the courier alone, which may read it without the mutex */
    uint64_t end;          /* one after the highest */
    struct refused_link *refused_head;
    struct refused_link **refused_tail;
    uint64_t refused_id;
};

enum { CAPACITY_FIRST = 64 };

static struct membox *membox_of(struct outbox *outbox) {
    return (struct membox *)outbox;
}

static struct parcel **place(struct membox *box, uint64_t number) {
    return &box->ring[number & (box->capacity - 1)];
}

static void count_bytes(_Atomic uint64_t *counter, int64_t change) {
    atomic_fetch_add_explicit(counter, (uint64_t)change, memory_order_relaxed); /* a limit, not a guard of data */
}

static int64_t link_bytes(const struct refused_link *link) {
    return (int64_t)(parcel_bytes(link->refused.row) + sizeof *link);
}

static void free_links(struct refused_link *head) {
    while (head != NULL) {
        struct refused_link *link = head;
        head = link->next;
        refused_fini(&link->refused);
        free(link);
    }
}

static void membox_close(struct outbox *outbox) {
    struct membox *box = membox_of(outbox);
    for (uint64_t number = box->first; number != box->end; number++) {
        parcel_release(place(box, number));
    }
    free_links(box->refused_head);
    pthread_mutex_destroy(&box->mutex);
    free(box->ring);
    free(box);
}

/* Room for count more. Called with the mutex held. */
static bool make_room(struct membox *box, size_t count) {
    size_t used = (size_t)(box->end - box->first);
    size_t capacity = box->capacity;
    while (capacity < used + count) {
        capacity *= 2;
    }
    if (capacity == box->capacity) {
        return true;
    }
    struct parcel **ring = calloc(capacity, sizeof(struct parcel *));
    if (ring == NULL) {
        return false;
    }
    for (uint64_t number = box->first; number != box->end; number++) {
        ring[number & (capacity - 1)] = *place(box, number);
    }
    free(box->ring);
    box->ring = ring;
    box->capacity = capacity;
    return true;
}

static enum tally_error membox_append(struct outbox *outbox, struct parcel *const *sealed, size_t count,
                                      const struct parcel *waiting, bool waiting_replaced, char *message) {
    (void)waiting; /* the builder has these rows; there is nothing safer to put them */
    (void)waiting_replaced;
    struct membox *box = membox_of(outbox);
    pthread_mutex_lock(&box->mutex);
    bool room = make_room(box, count);
    for (size_t i = 0; room && i < count; i++) {
        *place(box, box->end++) = parcel_hold(sealed[i]);
        count_bytes(&outbox->bytes, (int64_t)parcel_bytes(sealed[i]));
    }
    /* release pairs with the acquire of the courier, which then reads the batches */
    atomic_store_explicit(&outbox->last, box->end - 1, memory_order_release);
    pthread_mutex_unlock(&box->mutex);
    return room ? TALLY_OK : fault_memory(message);
}

static enum tally_error membox_read(struct outbox *outbox, uint64_t number, uint64_t sequence, struct parcel **parcel,
                                    char *message) {
    struct membox *box = membox_of(outbox);
    enum tally_error error = TALLY_OK;
    pthread_mutex_lock(&box->mutex);
    if (number < box->first || number >= box->end) {
        error = fault_set(message, TALLY_OUTBOX_DAMAGED, "batch %llu is gone", (unsigned long long)number);
    } else if (!parcel_number(place(box, number), sequence)) {
        error = fault_memory(message);
    } else {
        *parcel = parcel_hold(*place(box, number));
    }
    pthread_mutex_unlock(&box->mutex);
    return error;
}

/* Refused rows of one batch, gathered first so that a failure keeps none of them. */
struct gathering {
    struct refused_link *head;
    struct refused_link **tail;
    int64_t bytes;
};

static enum tally_error gather(void *context, struct refused *refused, char *message) {
    struct gathering *gathering = context;
    struct refused_link *link = malloc(sizeof *link);
    if (link == NULL) {
        refused_fini(refused);
        return fault_memory(message);
    }
    *link = (struct refused_link){.refused = *refused};
    *gathering->tail = link;
    gathering->tail = &link->next;
    gathering->bytes += link_bytes(link);
    return TALLY_OK;
}

static void settle_first(struct membox *box, const struct parcel *parcel, struct gathering *gathering) {
    pthread_mutex_lock(&box->mutex);
    for (struct refused_link *link = gathering->head; link != NULL; link = link->next) {
        link->refused.id = ++box->refused_id;
    }
    if (gathering->head != NULL) {
        *box->refused_tail = gathering->head;
        box->refused_tail = gathering->tail;
    }
    count_bytes(&box->base.bytes, gathering->bytes - (int64_t)parcel_bytes(parcel));
    count_bytes(&box->base.refused_bytes, gathering->bytes);
    parcel_release(place(box, box->first++));
    pthread_mutex_unlock(&box->mutex);
}

static enum tally_error settle_one(struct membox *box, struct settlement *settlement, char *message) {
    struct parcel *parcel = NULL;
    pthread_mutex_lock(&box->mutex);
    if (settlement->number == box->first && box->first != box->end) {
        parcel = parcel_hold(*place(box, box->first)); /* a put may move the ring meanwhile */
    }
    pthread_mutex_unlock(&box->mutex);
    if (parcel == NULL) {
        return fault_set(message, TALLY_OUTBOX_DAMAGED, "batch %llu is not the first that waits",
                         (unsigned long long)settlement->number);
    }
    struct gathering gathering = {.head = NULL, .tail = &gathering.head};
    enum tally_error error = outbox_each_refused(parcel, settlement, gather, &gathering, message);
    if (error == TALLY_OK) {
        settle_first(box, parcel, &gathering);
    } else {
        free_links(gathering.head);
    }
    parcel_release(&parcel);
    return error;
}

static enum tally_error membox_settle(struct outbox *outbox, struct settlement *settlements, size_t count,
                                      char *message) {
    struct membox *box = membox_of(outbox);
    enum tally_error error = TALLY_OK;
    for (size_t i = 0; error == TALLY_OK && i < count; i++) {
        if (settlements[i].number >= box->first) { /* else settled by a call that failed later on */
            error = settle_one(box, &settlements[i], message);
        }
    }
    return error;
}

static enum tally_error membox_renumber(struct outbox *outbox, uint64_t epoch, uint64_t offset, char *message) {
    (void)outbox; /* the session remembers them for as long as this lives */
    (void)epoch;
    (void)offset;
    (void)message;
    return TALLY_OK;
}

static enum tally_error membox_waiting(struct outbox *outbox, struct parcel ***parcels, size_t *count, char *message) {
    (void)outbox;
    (void)message;
    *parcels = NULL;
    *count = 0;
    return TALLY_OK;
}

static enum tally_error membox_refused(struct outbox *outbox, uint64_t after, struct refused *refused, size_t max,
                                       size_t *count, char *message) {
    struct membox *box = membox_of(outbox);
    bool memory = true;
    size_t found = 0;
    pthread_mutex_lock(&box->mutex);
    for (struct refused_link *link = box->refused_head; link != NULL && found < max && memory; link = link->next) {
        if (link->refused.id <= after) {
            continue;
        }
        refused[found] = link->refused;
        refused[found].row = parcel_hold(link->refused.row);
        if (link->refused.text != NULL) {
            refused[found].text = strdup(link->refused.text);
            memory = refused[found].text != NULL;
        }
        found++;
    }
    pthread_mutex_unlock(&box->mutex);
    for (size_t i = 0; !memory && i < found; i++) {
        refused_fini(&refused[i]);
    }
    *count = memory ? found : 0;
    return memory ? TALLY_OK : fault_memory(message);
}

static enum tally_error membox_forget(struct outbox *outbox, const uint64_t *ids, size_t count, char *message) {
    (void)message;
    struct membox *box = membox_of(outbox);
    pthread_mutex_lock(&box->mutex);
    struct refused_link **at = &box->refused_head;
    for (size_t i = 0; i < count && *at != NULL;) {
        struct refused_link *link = *at;
        if (link->refused.id != ids[i]) {
            at = &link->next;
            continue;
        }
        count_bytes(&outbox->bytes, -link_bytes(link));
        count_bytes(&outbox->refused_bytes, -link_bytes(link));
        *at = link->next;
        refused_fini(&link->refused);
        free(link);
        i++;
    }
    if (box->refused_head == NULL) {
        box->refused_tail = &box->refused_head;
    } else if (*at == NULL) {
        box->refused_tail = at;
    }
    pthread_mutex_unlock(&box->mutex);
    return TALLY_OK;
}

static const struct outbox_operations operations = {
    .close = membox_close,
    .append = membox_append,
    .read = membox_read,
    .settle = membox_settle,
    .renumber = membox_renumber,
    .waiting = membox_waiting,
    .refused = membox_refused,
    .forget = membox_forget,
};

struct outbox *membox_open(void) {
    struct membox *box = calloc(1, sizeof *box);
    if (box == NULL) {
        return NULL;
    }
    box->ring = calloc(CAPACITY_FIRST, sizeof(struct parcel *));
    if (box->ring == NULL) {
        free(box);
        return NULL;
    }
    pthread_mutex_init(&box->mutex, NULL);
    box->base.operations = &operations;
    box->base.content = (struct outbox_content){.first = 1, .last = 0};
    box->capacity = CAPACITY_FIRST;
    box->first = 1;
    box->end = 1;
    box->refused_tail = &box->refused_head;
    return &box->base;
}
