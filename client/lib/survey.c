#include "survey.h"

#include <string.h>
#include <xxhash.h>

#include "record.h"

struct stored_numbers {
    struct survey_numbers numbers;
    uint64_t checksum;
};

static MDB_val numbers_key(void) {
    static const char name[] = "numbers";
    return (MDB_val){.mv_size = sizeof name - 1, .mv_data = (void *)(uintptr_t)name};
}

static uint64_t checksum_of(const struct survey_numbers *numbers) {
    return XXH3_64bits(numbers, sizeof *numbers);
}

int survey_put_numbers(const struct diskfile *file, MDB_txn *transaction, const struct survey_numbers *numbers) {
    struct stored_numbers stored = {.numbers = *numbers, .checksum = checksum_of(numbers)};
    MDB_val key = numbers_key();
    MDB_val value = {.mv_size = sizeof stored, .mv_data = &stored};
    return mdb_put(transaction, file->table[DISKFILE_META], &key, &value, 0);
}

static enum tally_error read_numbers(const struct diskfile *file, MDB_txn *transaction, struct survey_numbers *numbers,
                                     char *message) {
    struct stored_numbers stored;
    MDB_val key = numbers_key();
    MDB_val value;
    int code = mdb_get(transaction, file->table[DISKFILE_META], &key, &value);
    if (code == MDB_NOTFOUND) {
        *numbers = (struct survey_numbers){0};
        return TALLY_OK;
    }
    if (code != 0) {
        return diskfile_error(file, code, message);
    }
    if (value.mv_size != sizeof stored) {
        return record_damaged("its numbers, format", 0, message);
    }
    memcpy(&stored, value.mv_data, sizeof stored);
    *numbers = stored.numbers;
    return stored.checksum == checksum_of(numbers) ? TALLY_OK : record_damaged("its numbers, format", 0, message);
}

static enum tally_error add_record(struct survey_table *table, record_kind_t kind, bool gapless, MDB_val key,
                                   MDB_val value, char *message) {
    uint64_t number = 0;
    if (key.mv_size != sizeof number) {
        return record_damaged(kind, 0, message);
    }
    memcpy(&number, key.mv_data, sizeof number);
    bool gap = gapless && table->last != 0 && number != table->last + 1;
    if (gap || !record_sound(number, value.mv_data, value.mv_size)) {
        return record_damaged(kind, number, message);
    }
    table->first = table->first == 0 ? number : table->first;
    table->last = number;
    table->bytes += value.mv_size;
    table->rows += record_rows(value.mv_data, value.mv_size);
    return TALLY_OK;
}

static enum tally_error read_table(const struct diskfile *file, MDB_txn *transaction, enum diskfile_table which,
                                   record_kind_t kind, struct survey_table *table, char *message) {
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    enum tally_error error = TALLY_OK;
    *table = (struct survey_table){0};
    int code = mdb_cursor_open(transaction, file->table[which], &cursor);
    if (code != 0) {
        return diskfile_error(file, code, message);
    }
    while (error == TALLY_OK && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        error = add_record(table, kind, which == DISKFILE_BATCHES, key, value, message);
    }
    mdb_cursor_close(cursor);
    return error == TALLY_OK && code != MDB_NOTFOUND ? diskfile_error(file, code, message) : error;
}

enum tally_error survey_make(const struct diskfile *file, struct survey *survey, char *message) {
    MDB_txn *transaction = NULL;
    int code = mdb_txn_begin(file->environment, NULL, MDB_RDONLY, &transaction);
    if (code != 0) {
        return diskfile_error(file, code, message);
    }
    enum tally_error error = read_numbers(file, transaction, &survey->numbers, message);
    if (error == TALLY_OK) {
        error = read_table(file, transaction, DISKFILE_BATCHES, "batch", &survey->batches, message);
    }
    if (error == TALLY_OK) {
        error = read_table(file, transaction, DISKFILE_WAITING, "waiting rows", &survey->waiting, message);
    }
    if (error == TALLY_OK) {
        error = read_table(file, transaction, DISKFILE_REFUSED, "refused row", &survey->refused, message);
    }
    mdb_txn_abort(transaction);
    if (error == TALLY_OK && survey->batches.first != 0 && survey->batches.first != survey->numbers.settled + 1) {
        error = record_damaged("batch", survey->batches.first, message);
    }
    return error;
}
