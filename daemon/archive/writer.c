#include "writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "block_writer.h"
#include "commit.h"
#include "frame_writer.h"
#include "receipt_writer.h"
#include "text_writer.h"

/* How far a capture is written. */
struct progress {
    size_t receipts;
    size_t texts;
    bool frame;
    uint32_t blocks;
};

struct writer {
    struct state_file *file;
    struct block_writer blocks;
    struct text_writer texts;
    uint8_t *receipt_bytes;
    size_t pages_max;
    uint64_t sequences[NODES_MAX]; /* as stored */
    struct progress progress;      /* of the capture that is being written */
    struct writer_count count;
};

/* ---- making ---- */

static enum error read_sequences(struct writer *writer, MDB_cursor *cursor) {
    MDB_val key;
    MDB_val value;
    int result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (result == MDB_SUCCESS) {
        uint16_t node;
        if (!layout_read_node_key(key.mv_data, key.mv_size, &node) || value.mv_size != sizeof writer->sequences[0]) {
            return ERROR_DAMAGED;
        }
        memcpy(&writer->sequences[node], value.mv_data, sizeof writer->sequences[0]);
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return result == MDB_NOTFOUND ? ERROR_NONE : state_file_error(writer->file, result);
}

static enum error load_sequences(struct writer *writer) {
    MDB_txn *transaction;
    MDB_cursor *cursor;
    int result = mdb_txn_begin(writer->file->env, NULL, MDB_RDONLY, &transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(writer->file, result);
    }
    result = state_file_open_cursor(writer->file, transaction, TABLE_NODES, &cursor);
    enum error error = state_file_error(writer->file, result);
    if (error == ERROR_NONE) {
        error = read_sequences(writer, cursor);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(transaction);
    return error;
}

struct writer *writer_create(struct state_file *file, const struct entry_source *source, struct fault *fault) {
    struct writer *writer = calloc(1, sizeof *writer);
    enum error error = ERROR_MEMORY;
    if (writer == NULL) {
        goto fail;
    }
    writer->file = file;
    writer->pages_max = COMMIT_PAGES_MAX;
    writer->receipt_bytes = malloc(LAYOUT_RECEIPT_BYTES_MAX);
    if (writer->receipt_bytes == NULL) {
        goto fail;
    }
    error = text_writer_init(&writer->texts, source);
    if (error == ERROR_NONE) {
        error = block_writer_init(&writer->blocks, file);
    }
    if (error == ERROR_NONE) {
        error = load_sequences(writer);
    }
    if (error == ERROR_NONE) {
        return writer;
    }
fail:
    fault_set(fault, error, "%s: cannot be written: %s", file->path, error_text(error));
    writer_destroy(writer);
    return NULL;
}

void writer_destroy(struct writer *writer) {
    if (writer == NULL) {
        return;
    }
    block_writer_fini(&writer->blocks);
    text_writer_fini(&writer->texts);
    free(writer->receipt_bytes);
    free(writer);
}

void writer_set_pages_max(struct writer *writer, size_t pages_max) {
    writer->pages_max = pages_max;
}

/* ---- writing ---- */

/* One transaction: what is being written, and how far it is once the transaction is committed. */
struct part {
    struct writer *writer;
    struct commit commit;
    struct capture *capture;
    const struct receipt_list *receipts;
    struct progress progress;
    struct writer_count count;
    bool complete;
};

static enum error fill_receipts(struct part *part) {
    return receipt_writer_write(&part->commit, part->receipts, part->capture->sequences, part->writer->receipt_bytes,
                                &part->progress.receipts);
}

static enum error fill_texts(struct part *part) {
    if (part->progress.receipts < part->receipts->count) {
        return ERROR_NONE;
    }
    return text_writer_write(&part->writer->texts, &part->commit, part->capture, &part->progress.texts,
                             &part->count.texts);
}

static enum error fill_frame(struct part *part) {
    if (part->progress.frame || part->progress.texts < part->capture->text_count || commit_full(&part->commit)) {
        return ERROR_NONE;
    }
    part->progress.frame = true;
    return frame_writer_write(&part->commit, part->capture, part->writer->sequences);
}

static enum error fill_blocks(struct part *part) {
    if (!part->progress.frame) {
        return ERROR_NONE;
    }
    uint32_t before = part->progress.blocks;
    enum error error = block_writer_write(&part->writer->blocks, &part->commit, part->capture, &part->progress.blocks,
                                          &part->count.new_projects);
    part->count.blocks += part->progress.blocks - before;
    return error;
}

static enum error fill_complete(struct part *part) {
    part->complete = part->progress.frame && part->progress.blocks == part->capture->block_count;
    return part->complete ? commit_put_number(&part->commit, LAYOUT_META_COMPLETE, part->capture->complete_version)
                          : ERROR_NONE;
}

/* What is in the file now shows. Release: who sees a version finds its state in the file. */
static void publish(const struct part *part) {
    struct writer *writer = part->writer;
    if (part->progress.frame) {
        memcpy(writer->sequences, part->capture->sequences, sizeof writer->sequences);
        atomic_store_explicit(&writer->file->version, part->capture->version, memory_order_release);
    }
    if (part->complete) {
        atomic_store_explicit(&writer->file->complete, part->capture->complete_version, memory_order_release);
    }
}

/* As much as one transaction may change. The writer's progress moves on only with a commit. */
static enum error write_part(struct part *part) {
    enum error (*const steps[])(struct part * part) = {fill_receipts, fill_texts, fill_frame, fill_blocks,
                                                       fill_complete};
    struct writer *writer = part->writer;
    part->progress = writer->progress;
    part->count = writer->count;
    enum error error = commit_begin(&part->commit, writer->file);
    if (error != ERROR_NONE) {
        return error;
    }
    part->commit.pages_max = writer->pages_max;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && error == ERROR_NONE; i++) {
        error = steps[i](part);
    }
    if (error != ERROR_NONE) {
        commit_abort(&part->commit);
        return error;
    }
    error = commit_end(&part->commit);
    if (error == ERROR_NONE) {
        writer->progress = part->complete ? (struct progress){0} : part->progress;
        writer->count = part->count;
        publish(part);
    }
    return error;
}

enum error writer_write(struct writer *writer, struct capture *capture, const struct receipt_list *receipts) {
    struct part part = {.writer = writer, .capture = capture, .receipts = receipts};
    block_writer_learn(&writer->blocks, capture);
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && !part.complete) {
        error = write_part(&part);
    }
    return error;
}

struct writer_count writer_count(const struct writer *writer) {
    return writer->count;
}

enum error writer_projects(const struct writer *writer, uint64_t *projects) {
    MDB_txn *transaction;
    struct state_table_size size = {0};
    int result = mdb_txn_begin(writer->file->env, NULL, MDB_RDONLY, &transaction);
    if (result == MDB_SUCCESS) {
        result = state_file_table_size(writer->file, transaction, TABLE_BLOCKS, &size);
        mdb_txn_abort(transaction);
    }
    *projects = size.entries * BLOCK_PROJECTS;
    return state_file_error(writer->file, result);
}
