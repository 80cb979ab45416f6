#include "receipt_writer.h"

enum { PAGE_BYTES = 4096 };

static bool kept(uint64_t sequence, uint64_t last_sequence) {
    return sequence + WINDOW_BATCHES_MAX > last_sequence;
}

static enum error write_one(struct commit *commit, uint16_t node, const struct receipt *receipt, uint8_t *bytes) {
    struct layout_key key;
    layout_receipt_key(&key, node, receipt->sequence);
    size_t size = layout_receipt_write(receipt, bytes);
    /* One that is larger than a part of a page has pages of its own. */
    commit_expect(commit, TABLE_RECEIPTS, 1 + size / PAGE_BYTES * COMMIT_ENTRIES_PER_PAGE);
    return commit_put(commit, TABLE_RECEIPTS, state_file_key(&key), state_file_value(bytes, size));
}

enum error receipt_writer_write(struct commit *commit, const struct receipt_list *list, const uint64_t *sequences,
                                uint8_t *bytes, size_t *done) {
    enum error error = ERROR_NONE;
    for (; *done < list->count && !commit_full(commit) && error == ERROR_NONE; *done += 1) {
        struct receipt receipt = receipt_list_at(list, *done);
        uint16_t node = list->receipts[*done].node;
        if (kept(receipt.sequence, sequences[node])) {
            error = write_one(commit, node, &receipt, bytes);
        }
    }
    return error;
}

enum error receipt_writer_drop_old(struct commit *commit, uint16_t node, uint64_t last_sequence) {
    struct layout_key from;
    layout_receipt_key(&from, node, 0);
    for (;;) {
        MDB_val key;
        MDB_val value;
        uint16_t found_node;
        uint64_t sequence;
        enum error error = commit_find_from(commit, TABLE_RECEIPTS, state_file_key(&from), &key, &value);
        if (error != ERROR_NONE || key.mv_data == NULL) {
            return error;
        }
        if (!layout_read_receipt_key(key.mv_data, key.mv_size, &found_node, &sequence)) {
            return ERROR_DAMAGED;
        }
        if (found_node != node || kept(sequence, last_sequence)) {
            return ERROR_NONE;
        }
        error = commit_remove(commit, TABLE_RECEIPTS);
        if (error != ERROR_NONE) {
            return error;
        }
    }
}
