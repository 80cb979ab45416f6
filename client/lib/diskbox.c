#include "diskbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diskfile.h"
#include "record.h"
#include "survey.h"

struct diskbox {
    struct outbox base;
    struct diskfile file;           /* immutable after open; LMDB has its own locks */
    struct survey_numbers numbers;  /* courier only */
    uint64_t refused_last;          /* courier only: highest id of a refused row */
    uint64_t waiting_last;          /* user and courier, under the stock's lock: highest key of waiting rows */
    _Atomic uint64_t waiting_bytes; /* any thread */
    _Atomic bool broken;            /* any thread: a commit failed, and what is on disk is not known */
};

static struct diskbox *diskbox_of(struct outbox *outbox) {
    return (struct diskbox *)outbox;
}

static MDB_val key_of(const uint64_t *number) {
    return (MDB_val){.mv_size = sizeof *number, .mv_data = (void *)(uintptr_t)number};
}

static void count_bytes(_Atomic uint64_t *counter, int64_t change) {
    atomic_fetch_add_explicit(counter, (uint64_t)change, memory_order_relaxed); /* a limit, not a guard of data */
}

static enum tally_error begin(struct diskbox *box, unsigned flags, MDB_txn **transaction, char *message) {
    if (atomic_load_explicit(&box->broken, memory_order_relaxed)) {
        return fault_set(message, TALLY_DISK, "the disk of the outbox failed; mend it, then start again");
    }
    int code = mdb_txn_begin(box->file.environment, NULL, flags, transaction);
    return code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
}

/* Commits, unless error says that something failed before: then takes everything back and returns it. */
static enum tally_error finish(struct diskbox *box, MDB_txn *transaction, enum tally_error error, char *message) {
    if (error != TALLY_OK) {
        mdb_txn_abort(transaction);
        return error;
    }
    int code = mdb_txn_commit(transaction);
    if (code == 0) {
        return TALLY_OK;
    }
    /* A failed sync is never tried again: the kernel may have dropped the pages and call the next one a success. */
    if (!diskfile_full(&box->file, code) && code != MDB_MAP_FULL && code != ENOMEM) {
        atomic_store_explicit(&box->broken, true, memory_order_relaxed);
    }
    return diskfile_error(&box->file, code, message);
}

/* ---- records ---- */

static enum tally_error reserve(struct diskbox *box, MDB_txn *transaction, enum diskfile_table table, uint64_t key,
                                size_t size, uint8_t **record, char *message) {
    MDB_val key_value = key_of(&key);
    MDB_val value = {.mv_size = size};
    int code = mdb_put(transaction, box->file.table[table], &key_value, &value, MDB_RESERVE | MDB_APPEND);
    *record = value.mv_data;
    return code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
}

static enum tally_error put_parcel(struct diskbox *box, MDB_txn *transaction, enum diskfile_table table, uint64_t key,
                                   const struct parcel *parcel, char *message) {
    uint8_t *record = NULL;
    enum tally_error error = reserve(box, transaction, table, key, record_parcel_bytes(parcel), &record, message);
    if (error == TALLY_OK) {
        record_pack_parcel(key, parcel, record);
    }
    return error;
}

static enum tally_error get_batch(struct diskbox *box, MDB_txn *transaction, uint64_t number, struct parcel **parcel,
                                  char *message) {
    MDB_val key = key_of(&number);
    MDB_val value;
    int code = mdb_get(transaction, box->file.table[DISKFILE_BATCHES], &key, &value);
    return code == 0 ? record_unpack_parcel("batch", number, value.mv_data, value.mv_size, parcel, message)
                     : diskfile_error(&box->file, code, message);
}

/* ---- the user's side ---- */

static enum tally_error write_append(struct diskbox *box, MDB_txn *transaction, struct parcel *const *sealed,
                                     size_t count, const struct parcel *waiting, bool waiting_replaced, char *message) {
    uint64_t number = atomic_load_explicit(&box->base.last, memory_order_relaxed); /* only appenders change it */
    enum tally_error error = TALLY_OK;
    for (size_t i = 0; error == TALLY_OK && i < count; i++) {
        error = put_parcel(box, transaction, DISKFILE_BATCHES, ++number, sealed[i], message);
    }
    if (error == TALLY_OK && waiting_replaced) {
        int code = mdb_drop(transaction, box->file.table[DISKFILE_WAITING], 0);
        error = code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
    }
    if (error == TALLY_OK && waiting != NULL) {
        error = put_parcel(box, transaction, DISKFILE_WAITING, box->waiting_last + 1, waiting, message);
    }
    return error;
}

static enum tally_error diskbox_append(struct outbox *outbox, struct parcel *const *sealed, size_t count,
                                       const struct parcel *waiting, bool waiting_replaced, char *message) {
    struct diskbox *box = diskbox_of(outbox);
    MDB_txn *transaction = NULL;
    enum tally_error error = begin(box, 0, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    error = write_append(box, transaction, sealed, count, waiting, waiting_replaced, message);
    error = finish(box, transaction, error, message);
    if (error != TALLY_OK) {
        return error;
    }
    int64_t added = 0;
    for (size_t i = 0; i < count; i++) {
        added += (int64_t)record_parcel_bytes(sealed[i]);
    }
    if (waiting_replaced) {
        added -= (int64_t)atomic_exchange_explicit(&box->waiting_bytes, 0, memory_order_relaxed);
    }
    if (waiting != NULL) {
        box->waiting_last++;
        added += (int64_t)record_parcel_bytes(waiting);
        count_bytes(&box->waiting_bytes, (int64_t)record_parcel_bytes(waiting));
    }
    count_bytes(&outbox->bytes, added);
    /* release pairs with the acquire of the courier, which then reads the batches */
    atomic_fetch_add_explicit(&outbox->last, count, memory_order_release);
    return TALLY_OK;
}

static enum tally_error diskbox_refused(struct outbox *outbox, uint64_t after, struct refused *refused, size_t max,
                                        size_t *count, char *message) {
    struct diskbox *box = diskbox_of(outbox);
    MDB_txn *transaction = NULL;
    MDB_cursor *cursor = NULL;
    uint64_t from = after + 1;
    MDB_val key = key_of(&from);
    MDB_val value;
    size_t found = 0;
    enum tally_error error = begin(box, MDB_RDONLY, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    int code = mdb_cursor_open(transaction, box->file.table[DISKFILE_REFUSED], &cursor);
    if (code == 0) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    }
    while (code == 0 && found < max && error == TALLY_OK) {
        uint64_t id = 0;
        memcpy(&id, key.mv_data, sizeof id);
        error = record_unpack_refused(id, value.mv_data, value.mv_size, &refused[found], message);
        found += error == TALLY_OK ? 1 : 0;
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (error == TALLY_OK && code != 0 && code != MDB_NOTFOUND) {
        error = diskfile_error(&box->file, code, message);
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(transaction);
    for (size_t i = 0; error != TALLY_OK && i < found; i++) {
        refused_fini(&refused[i]);
    }
    *count = error == TALLY_OK ? found : 0;
    return error;
}

static enum tally_error diskbox_forget(struct outbox *outbox, const uint64_t *ids, size_t count, char *message) {
    struct diskbox *box = diskbox_of(outbox);
    MDB_txn *transaction = NULL;
    int64_t bytes = 0;
    enum tally_error error = begin(box, 0, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++) {
        MDB_val key = key_of(&ids[i]);
        MDB_val value;
        code = mdb_get(transaction, box->file.table[DISKFILE_REFUSED], &key, &value);
        if (code == 0) {
            bytes += (int64_t)value.mv_size;
            code = mdb_del(transaction, box->file.table[DISKFILE_REFUSED], &key, NULL);
        }
    }
    error = finish(box, transaction, code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message), message);
    if (error == TALLY_OK) {
        count_bytes(&outbox->bytes, -bytes);
        count_bytes(&outbox->refused_bytes, -bytes);
    }
    return error;
}

/* ---- the courier's side ---- */

static enum tally_error diskbox_read(struct outbox *outbox, uint64_t number, uint64_t sequence, struct parcel **parcel,
                                     char *message) {
    struct diskbox *box = diskbox_of(outbox);
    MDB_txn *transaction = NULL;
    enum tally_error error = begin(box, MDB_RDONLY, &transaction, message);
    if (error == TALLY_OK) {
        error = get_batch(box, transaction, number, parcel, message);
        mdb_txn_abort(transaction);
    }
    if (error == TALLY_OK && !parcel_number(parcel, sequence)) {
        parcel_release(parcel);
        error = fault_memory(message);
    }
    return error;
}

/* One settling transaction, and what to count once it is committed. */
struct settling {
    struct diskbox *box;
    MDB_txn *transaction;
    uint64_t refused_last;
    int64_t bytes;
    int64_t refused_bytes;
};

static enum tally_error keep_refused(void *context, struct refused *refused, char *message) {
    struct settling *settling = context;
    size_t size = record_refused_bytes(refused);
    uint64_t id = settling->refused_last + 1;
    uint8_t *record = NULL;
    enum tally_error error =
        reserve(settling->box, settling->transaction, DISKFILE_REFUSED, id, size, &record, message);
    if (error == TALLY_OK) {
        record_pack_refused(id, refused, record);
        settling->refused_last = id;
        settling->refused_bytes += (int64_t)size;
    }
    refused_fini(refused);
    return error;
}

static enum tally_error settle_one(struct settling *settling, struct settlement *settlement, char *message) {
    struct diskbox *box = settling->box;
    struct parcel *parcel = NULL;
    MDB_val key = key_of(&settlement->number);
    enum tally_error error = get_batch(box, settling->transaction, settlement->number, &parcel, message);
    if (error != TALLY_OK) {
        return error;
    }
    error = outbox_each_refused(parcel, settlement, keep_refused, settling, message);
    if (error == TALLY_OK) {
        int code = mdb_del(settling->transaction, box->file.table[DISKFILE_BATCHES], &key, NULL);
        error = code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
        settling->bytes -= (int64_t)record_parcel_bytes(parcel);
    }
    parcel_release(&parcel);
    return error;
}

static enum tally_error diskbox_settle(struct outbox *outbox, struct settlement *settlements, size_t count,
                                       char *message) {
    struct diskbox *box = diskbox_of(outbox);
    struct settling settling = {.box = box, .refused_last = box->refused_last};
    struct survey_numbers numbers = box->numbers;
    enum tally_error error = begin(box, 0, &settling.transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    for (size_t i = 0; error == TALLY_OK && i < count; i++) {
        error = settle_one(&settling, &settlements[i], message);
        numbers.settled = settlements[i].number;
    }
    if (error == TALLY_OK) {
        int code = survey_put_numbers(&box->file, settling.transaction, &numbers);
        error = code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
    }
    error = finish(box, settling.transaction, error, message);
    if (error == TALLY_OK) {
        box->numbers = numbers;
        box->refused_last = settling.refused_last;
        count_bytes(&outbox->bytes, settling.bytes + settling.refused_bytes);
        count_bytes(&outbox->refused_bytes, settling.refused_bytes);
    }
    return error;
}

static enum tally_error diskbox_renumber(struct outbox *outbox, uint64_t epoch, uint64_t offset, char *message) {
    struct diskbox *box = diskbox_of(outbox);
    MDB_txn *transaction = NULL;
    struct survey_numbers numbers = box->numbers;
    numbers.epoch = epoch;
    numbers.offset = offset;
    enum tally_error error = begin(box, 0, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    int code = survey_put_numbers(&box->file, transaction, &numbers);
    error = code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
    error = finish(box, transaction, error, message);
    if (error == TALLY_OK) {
        box->numbers = numbers;
    }
    return error;
}

/* ---- opening ---- */

static enum tally_error read_waiting(struct diskbox *box, MDB_txn *transaction, struct parcel **parcels, size_t max,
                                     size_t *count, char *message) {
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    enum tally_error error = TALLY_OK;
    int code = mdb_cursor_open(transaction, box->file.table[DISKFILE_WAITING], &cursor);
    while (code == 0 && error == TALLY_OK && *count < max) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (code == 0) {
            uint64_t number = 0;
            memcpy(&number, key.mv_data, sizeof number);
            error =
                record_unpack_parcel("waiting rows", number, value.mv_data, value.mv_size, &parcels[*count], message);
            *count += error == TALLY_OK ? 1 : 0;
        }
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    return code != 0 && code != MDB_NOTFOUND ? diskfile_error(&box->file, code, message) : error;
}

static enum tally_error diskbox_waiting(struct outbox *outbox, struct parcel ***parcels, size_t *count, char *message) {
    struct diskbox *box = diskbox_of(outbox);
    MDB_txn *transaction = NULL;
    MDB_stat stat = {0};
    *count = 0;
    *parcels = NULL;
    enum tally_error error = begin(box, MDB_RDONLY, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    mdb_stat(transaction, box->file.table[DISKFILE_WAITING], &stat);
    *parcels = calloc(stat.ms_entries + 1, sizeof(struct parcel *));
    error = *parcels != NULL ? read_waiting(box, transaction, *parcels, stat.ms_entries, count, message)
                             : fault_memory(message);
    mdb_txn_abort(transaction);
    if (error != TALLY_OK) {
        while (*count > 0) {
            parcel_release(&(*parcels)[--*count]);
        }
        free(*parcels);
        *parcels = NULL;
    }
    return error;
}

static void take_stock(struct diskbox *box, const struct survey *survey) {
    uint64_t settled = survey->numbers.settled;
    box->numbers = survey->numbers;
    box->base.content = (struct outbox_content){
        .epoch = survey->numbers.epoch,
        .offset = survey->numbers.offset,
        .first = settled + 1,
        .last = survey->batches.last != 0 ? survey->batches.last : settled,
        .rows = survey->batches.rows + survey->waiting.rows,
    };
    box->waiting_last = survey->waiting.last;
    box->refused_last = survey->refused.last;
    atomic_init(&box->waiting_bytes, survey->waiting.bytes);
    atomic_init(&box->base.last, box->base.content.last);
    atomic_init(&box->base.bytes, survey->batches.bytes + survey->waiting.bytes + survey->refused.bytes);
    atomic_init(&box->base.refused_bytes, survey->refused.bytes);
}

static void diskbox_close(struct outbox *outbox) {
    struct diskbox *box = diskbox_of(outbox);
    diskfile_close(&box->file);
    free(box);
}

static const struct outbox_operations operations = {
    .close = diskbox_close,
    .append = diskbox_append,
    .read = diskbox_read,
    .settle = diskbox_settle,
    .renumber = diskbox_renumber,
    .waiting = diskbox_waiting,
    .refused = diskbox_refused,
    .forget = diskbox_forget,
};

enum tally_error diskbox_open(const char *directory, const char *node, uint64_t bytes_max, struct outbox **outbox,
                              char *message) {
    struct diskbox *box = calloc(1, sizeof *box);
    if (box == NULL) {
        return fault_memory(message);
    }
    box->base.operations = &operations;
    enum tally_error error = diskfile_open(&box->file, directory, node, bytes_max, message);
    if (error != TALLY_OK) {
        free(box);
        return error;
    }
    struct survey survey;
    error = survey_make(&box->file, &survey, message);
    if (error != TALLY_OK) {
        diskbox_close(&box->base);
        return error;
    }
    take_stock(box, &survey);
    *outbox = &box->base;
    return TALLY_OK;
}
