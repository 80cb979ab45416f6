#include "diskbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "diskfile.h"

enum { CHECKSUM_BYTES = sizeof(uint64_t), REFUSED_HEAD_BYTES = 2 * sizeof(uint32_t) };

/* What a commit makes durable beside the records. */
struct numbers {
    uint64_t epoch;
    uint64_t offset;
    uint64_t settled; /* highest number with a receipt */
    uint64_t checksum;
};

struct diskbox {
    struct outbox base;
    struct diskfile file;           /* immutable after open; LMDB has its own locks */
    struct numbers numbers;         /* courier only */
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

static uint64_t checksum_of(uint64_t key, const uint8_t *record, size_t size) {
    return XXH3_64bits_withSeed(record + CHECKSUM_BYTES, size - CHECKSUM_BYTES, key);
}

static void seal_record(uint64_t key, uint8_t *record, size_t size) {
    uint64_t checksum = checksum_of(key, record, size);
    memcpy(record, &checksum, CHECKSUM_BYTES);
}

static bool record_sound(uint64_t key, MDB_val value) {
    uint64_t checksum = 0;
    if (value.mv_size < CHECKSUM_BYTES) {
        return false;
    }
    memcpy(&checksum, value.mv_data, CHECKSUM_BYTES);
    return checksum == checksum_of(key, value.mv_data, value.mv_size);
}

static enum tally_error damaged(const char *what, uint64_t key, char *message) {
    return fault_set(message, TALLY_OUTBOX_DAMAGED,
                     "the outbox is damaged at %s %llu; put it aside and report its projects again", what,
                     (unsigned long long)key);
}

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
    size_t size = CHECKSUM_BYTES + parcel_packed_bytes(parcel);
    enum tally_error error = reserve(box, transaction, table, key, size, &record, message);
    if (error == TALLY_OK) {
        parcel_pack(parcel, record + CHECKSUM_BYTES);
        seal_record(key, record, size);
    }
    return error;
}

static enum tally_error get_parcel(struct diskbox *box, MDB_txn *transaction, uint64_t number, struct parcel **parcel,
                                   char *message) {
    MDB_val key = key_of(&number);
    MDB_val value;
    bool malformed = false;
    int code = mdb_get(transaction, box->file.table[DISKFILE_BATCHES], &key, &value);
    if (code != 0) {
        return diskfile_error(&box->file, code, message);
    }
    if (!record_sound(number, value)) {
        return damaged("batch", number, message);
    }
    *parcel = parcel_unpack((uint8_t *)value.mv_data + CHECKSUM_BYTES, value.mv_size - CHECKSUM_BYTES, &malformed);
    if (*parcel == NULL) {
        return malformed ? damaged("batch", number, message) : fault_memory(message);
    }
    return TALLY_OK;
}

static size_t stored_bytes(const struct parcel *parcel) {
    return CHECKSUM_BYTES + parcel_packed_bytes(parcel);
}

static enum tally_error put_numbers(struct diskbox *box, MDB_txn *transaction, struct numbers *numbers, char *message) {
    char name[] = "numbers";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val value = {.mv_size = sizeof *numbers, .mv_data = numbers};
    numbers->checksum = XXH3_64bits(numbers, offsetof(struct numbers, checksum));
    int code = mdb_put(transaction, box->file.table[DISKFILE_META], &key, &value, 0);
    return code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
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
        added += (int64_t)stored_bytes(sealed[i]);
    }
    if (waiting_replaced) {
        added -= (int64_t)atomic_exchange_explicit(&box->waiting_bytes, 0, memory_order_relaxed);
    }
    if (waiting != NULL) {
        box->waiting_last++;
        added += (int64_t)stored_bytes(waiting);
        count_bytes(&box->waiting_bytes, (int64_t)stored_bytes(waiting));
    }
    count_bytes(&outbox->bytes, added);
    /* release pairs with the acquire of the courier, which then reads the batches */
    atomic_fetch_add_explicit(&outbox->last, count, memory_order_release);
    return TALLY_OK;
}

static enum tally_error unpack_refused(MDB_val key, MDB_val value, struct refused *refused, char *message) {
    uint32_t head[2] = {0};
    memcpy(&refused->id, key.mv_data, sizeof refused->id);
    const uint8_t *record = (const uint8_t *)value.mv_data + CHECKSUM_BYTES;
    if (!record_sound(refused->id, value) || value.mv_size < CHECKSUM_BYTES + REFUSED_HEAD_BYTES) {
        return damaged("refused row", refused->id, message);
    }
    memcpy(head, record, REFUSED_HEAD_BYTES);
    record += REFUSED_HEAD_BYTES;
    size_t rest = value.mv_size - CHECKSUM_BYTES - REFUSED_HEAD_BYTES;
    if (head[1] > rest) {
        return damaged("refused row", refused->id, message);
    }
    bool malformed = false;
    refused->code = head[0];
    refused->text = head[1] > 0 ? strndup((const char *)record, head[1]) : NULL;
    refused->row = parcel_unpack(record + head[1], rest - head[1], &malformed);
    if (refused->row == NULL || (head[1] > 0 && refused->text == NULL)) {
        refused_fini(refused);
        return malformed ? damaged("refused row", refused->id, message) : fault_memory(message);
    }
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
        error = unpack_refused(key, value, &refused[found], message);
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
        error = get_parcel(box, transaction, number, parcel, message);
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
    size_t text_bytes = refused->text != NULL ? strlen(refused->text) : 0;
    size_t size = CHECKSUM_BYTES + REFUSED_HEAD_BYTES + text_bytes + parcel_packed_bytes(refused->row);
    uint32_t head[2] = {refused->code, (uint32_t)text_bytes};
    uint64_t id = settling->refused_last + 1;
    uint8_t *record = NULL;
    enum tally_error error =
        reserve(settling->box, settling->transaction, DISKFILE_REFUSED, id, size, &record, message);
    if (error == TALLY_OK) {
        memcpy(record + CHECKSUM_BYTES, head, REFUSED_HEAD_BYTES);
        if (text_bytes > 0) {
            memcpy(record + CHECKSUM_BYTES + REFUSED_HEAD_BYTES, refused->text, text_bytes);
        }
        parcel_pack(refused->row, record + CHECKSUM_BYTES + REFUSED_HEAD_BYTES + text_bytes);
        seal_record(id, record, size);
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
    enum tally_error error = get_parcel(box, settling->transaction, settlement->number, &parcel, message);
    if (error != TALLY_OK) {
        return error;
    }
    error = outbox_each_refused(parcel, settlement, keep_refused, settling, message);
    if (error == TALLY_OK) {
        int code = mdb_del(settling->transaction, box->file.table[DISKFILE_BATCHES], &key, NULL);
        error = code == 0 ? TALLY_OK : diskfile_error(&box->file, code, message);
        settling->bytes -= (int64_t)stored_bytes(parcel);
    }
    parcel_release(&parcel);
    return error;
}

static enum tally_error diskbox_settle(struct outbox *outbox, struct settlement *settlements, size_t count,
                                       char *message) {
    struct diskbox *box = diskbox_of(outbox);
    struct settling settling = {.box = box, .refused_last = box->refused_last};
    struct numbers numbers = box->numbers;
    enum tally_error error = begin(box, 0, &settling.transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    for (size_t i = 0; error == TALLY_OK && i < count; i++) {
        error = settle_one(&settling, &settlements[i], message);
        numbers.settled = settlements[i].number;
    }
    if (error == TALLY_OK) {
        error = put_numbers(box, settling.transaction, &numbers, message);
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
    struct numbers numbers = box->numbers;
    numbers.epoch = epoch;
    numbers.offset = offset;
    enum tally_error error = begin(box, 0, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    error = finish(box, transaction, put_numbers(box, transaction, &numbers, message), message);
    if (error == TALLY_OK) {
        box->numbers = numbers;
    }
    return error;
}

/* ---- opening ---- */

static enum tally_error diskbox_waiting(struct outbox *outbox, struct parcel ***parcels, size_t *count, char *message) {
    struct diskbox *box = diskbox_of(outbox);
    MDB_txn *transaction = NULL;
    MDB_cursor *cursor = NULL;
    MDB_stat stat = {0};
    MDB_val key;
    MDB_val value;
    *count = 0;
    enum tally_error error = begin(box, MDB_RDONLY, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    int code = mdb_stat(transaction, box->file.table[DISKFILE_WAITING], &stat);
    *parcels = calloc(stat.ms_entries + 1, sizeof **parcels);
    if (code == 0) {
        code = *parcels != NULL ? mdb_cursor_open(transaction, box->file.table[DISKFILE_WAITING], &cursor) : ENOMEM;
    }
    while (code == 0 && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0 && *count < stat.ms_entries) {
        bool malformed = false;
        struct parcel *parcel =
            parcel_unpack((uint8_t *)value.mv_data + CHECKSUM_BYTES, value.mv_size - CHECKSUM_BYTES, &malformed);
        code = parcel != NULL ? 0 : malformed ? MDB_CORRUPTED : ENOMEM;
        (*parcels)[*count] = parcel;
        *count += parcel != NULL ? 1 : 0;
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(transaction);
    if (code == MDB_NOTFOUND) {
        return TALLY_OK;
    }
    while (*count > 0) {
        parcel_release(&(*parcels)[--*count]);
    }
    free(*parcels);
    return diskfile_error(&box->file, code, message);
}

/* Reads one table from end to end; every record must be sound, batches also without gap. */
struct walk {
    enum diskfile_table table;
    const char *what;
    uint64_t first;
    uint64_t last;
    uint64_t bytes;
    uint64_t rows;
};

static enum tally_error walk_record(struct walk *walk, MDB_val key, MDB_val value, char *message) {
    uint64_t number = 0;
    if (key.mv_size != sizeof number) {
        return damaged(walk->what, 0, message);
    }
    memcpy(&number, key.mv_data, sizeof number);
    uint32_t rows = 0;
    bool gap = walk->table == DISKFILE_BATCHES && walk->last != 0 && number != walk->last + 1;
    if (gap || !record_sound(number, value) || value.mv_size < CHECKSUM_BYTES + sizeof rows) {
        return damaged(walk->what, number, message);
    }
    memcpy(&rows, (uint8_t *)value.mv_data + CHECKSUM_BYTES, sizeof rows);
    walk->first = walk->first == 0 ? number : walk->first;
    walk->last = number;
    walk->bytes += value.mv_size;
    walk->rows += rows; /* of refused records this is the code; nobody reads it */
    return TALLY_OK;
}

static enum tally_error walk_table(struct diskbox *box, MDB_txn *transaction, struct walk *walk, char *message) {
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    enum tally_error error = TALLY_OK;
    int code = mdb_cursor_open(transaction, box->file.table[walk->table], &cursor);
    if (code != 0) {
        return diskfile_error(&box->file, code, message);
    }
    while (error == TALLY_OK && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        error = walk_record(walk, key, value, message);
    }
    mdb_cursor_close(cursor);
    return error == TALLY_OK && code != MDB_NOTFOUND ? diskfile_error(&box->file, code, message) : error;
}

static enum tally_error read_numbers(struct diskbox *box, MDB_txn *transaction, char *message) {
    char name[] = "numbers";
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val value;
    struct numbers *numbers = &box->numbers;
    int code = mdb_get(transaction, box->file.table[DISKFILE_META], &key, &value);
    if (code == MDB_NOTFOUND) {
        return TALLY_OK; /* no Welcome ever came */
    }
    if (code != 0) {
        return diskfile_error(&box->file, code, message);
    }
    if (value.mv_size != sizeof *numbers) {
        return damaged("numbers", 0, message);
    }
    memcpy(numbers, value.mv_data, sizeof *numbers);
    return numbers->checksum == XXH3_64bits(numbers, offsetof(struct numbers, checksum))
               ? TALLY_OK
               : damaged("numbers", 0, message);
}

static void take_stock(struct diskbox *box, const struct walk *batches, const struct walk *waiting,
                       const struct walk *refused) {
    uint64_t settled = box->numbers.settled;
    box->base.content = (struct outbox_content){
        .epoch = box->numbers.epoch,
        .offset = box->numbers.offset,
        .first = settled + 1,
        .last = batches->last != 0 ? batches->last : settled,
        .rows = batches->rows + waiting->rows,
    };
    box->waiting_last = waiting->last;
    box->refused_last = refused->last;
    atomic_init(&box->waiting_bytes, waiting->bytes);
    atomic_init(&box->base.last, box->base.content.last);
    atomic_init(&box->base.bytes, batches->bytes + waiting->bytes + refused->bytes);
    atomic_init(&box->base.refused_bytes, refused->bytes);
}

static enum tally_error read_all(struct diskbox *box, char *message) {
    MDB_txn *transaction = NULL;
    struct walk walks[] = {{DISKFILE_BATCHES, "batch"}, {DISKFILE_WAITING, "waiting rows"}, {DISKFILE_REFUSED, "row"}};
    enum tally_error error = begin(box, MDB_RDONLY, &transaction, message);
    if (error != TALLY_OK) {
        return error;
    }
    error = read_numbers(box, transaction, message);
    for (size_t i = 0; error == TALLY_OK && i < sizeof walks / sizeof *walks; i++) {
        error = walk_table(box, transaction, &walks[i], message);
    }
    mdb_txn_abort(transaction);
    if (error == TALLY_OK && walks[0].first != 0 && walks[0].first != box->numbers.settled + 1) {
        error = damaged("batch", walks[0].first, message);
    }
    if (error == TALLY_OK) {
        take_stock(box, &walks[0], &walks[1], &walks[2]);
    }
    return error;
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
    error = read_all(box, message);
    if (error != TALLY_OK) {
        diskbox_close(&box->base);
        return error;
    }
    *outbox = &box->base;
    return TALLY_OK;
}
