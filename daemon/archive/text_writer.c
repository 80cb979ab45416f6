#include "text_writer.h"

#include <stdlib.h>
#include <string.h>

/* The changes that are in one entry. */
struct run {
    struct text_writer *writer;
    struct commit *commit;
    const struct text_change *changes;
    size_t count;
    bool visited;
    uint64_t written;
};

enum error text_writer_init(struct text_writer *writer, const struct entry_source *source) {
    *writer = (struct text_writer){.source = *source, .arena_memory = malloc(BATCH_ARENA_BYTES)};
    if (writer->arena_memory == NULL) {
        return ERROR_MEMORY;
    }
    arena_init(&writer->arena, writer->arena_memory, BATCH_ARENA_BYTES);
    return ERROR_NONE;
}

void text_writer_fini(struct text_writer *writer) {
    free(writer->arena_memory);
    *writer = (struct text_writer){0};
}

static void take_text(const char *text, const char **kept, uint8_t *kept_bytes) {
    *kept = text;
    *kept_bytes = (uint8_t)strnlen(text, TEXT_BYTES_MAX);
}

/* What is stored of the texts, with what the row has in place of it. */
static void merge_row(struct layout_texts *texts, const struct batch *batch, size_t row) {
    if (batch->name != NULL) {
        take_text(batch->name[row], &texts->name, &texts->name_bytes);
    }
    if (batch->contractor != NULL) {
        take_text(batch->contractor[row], &texts->contractor, &texts->contractor_bytes);
    }
    if (batch->start_day != NULL) {
        texts->start_day = batch->start_day[row];
    }
    if (batch->completion_day != NULL) {
        texts->completion_day = batch->completion_day[row];
    }
}

_Static_assert(TEXT_BYTES_MAX <= UINT8_MAX, "the length of a text fits a byte");

/* Whether a project's number is above those of all that have texts: then pages are filled up. */
static enum error is_last(struct commit *commit, uint32_t number, bool *last) {
    MDB_val key;
    MDB_val value;
    uint32_t highest = 0;
    enum error error = commit_find_last(commit, TABLE_TEXTS, &key, &value);
    if (error == ERROR_NONE && key.mv_data != NULL && !layout_read_number(key.mv_data, key.mv_size, &highest)) {
        error = ERROR_DAMAGED;
    }
    *last = key.mv_data == NULL || number > highest;
    return error;
}

static enum error put_texts(struct commit *commit, uint32_t number, const uint8_t *bytes, size_t size, bool is_new) {
    MDB_val key = state_file_value(&number, sizeof number);
    bool last = false;
    enum error error = is_new ? is_last(commit, number, &last) : ERROR_NONE;
    if (error != ERROR_NONE) {
        return error;
    }
    return last ? commit_append(commit, TABLE_TEXTS, key, state_file_value(bytes, size))
                : commit_put(commit, TABLE_TEXTS, key, state_file_value(bytes, size));
}

/* Texts that are there already are not written again. */
static enum error write_change(struct run *run, const struct batch *batch, const struct text_change *change) {
    MDB_val stored;
    struct layout_texts texts = {0};
    enum error error =
        commit_find(run->commit, TABLE_TEXTS, state_file_value(&change->project, sizeof change->project), &stored);
    if (error != ERROR_NONE) {
        return error;
    }
    if (change->row >= batch->rows ||
        (stored.mv_data != NULL && !layout_texts_read(stored.mv_data, stored.mv_size, &texts))) {
        return ERROR_DAMAGED;
    }
    uint8_t bytes[LAYOUT_TEXTS_BYTES_MAX];
    merge_row(&texts, batch, change->row);
    size_t size = layout_texts_write(&texts, bytes);
    if (stored.mv_data != NULL && size == stored.mv_size && memcmp(bytes, stored.mv_data, size) == 0) {
        return ERROR_NONE;
    }
    run->written++;
    return put_texts(run->commit, change->project, bytes, size, stored.mv_data == NULL);
}

static enum error visit(void *visitor, const struct entry_record *record) {
    struct run *run = visitor;
    struct batch batch;
    if (record->version != run->changes->version) {
        return ERROR_NONE; /* the source may go on a little further than it was asked to */
    }
    arena_reset(&run->writer->arena);
    if (record->kind != ENTRY_BATCH ||
        batch_decode(record->body, record->body_bytes, &run->writer->arena, &batch) != REFUSAL_NONE) {
        return ERROR_DAMAGED;
    }
    run->visited = true;
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < run->count && error == ERROR_NONE; i++) {
        error = write_change(run, &batch, &run->changes[i]);
    }
    return error;
}

static enum error write_run(struct run *run) {
    const struct entry_source *source = &run->writer->source;
    uint64_t last_version;
    enum error error = source->read(source->context, run->changes->version - 1, 1, visit, run, &last_version);
    return error == ERROR_NONE && !run->visited ? ERROR_DAMAGED : error;
}

enum error text_writer_write(struct text_writer *writer, struct commit *commit, const struct capture *capture,
                             size_t *done, uint64_t *written) {
    enum error error = ERROR_NONE;
    while (*done < capture->text_count && !commit_full(commit) && error == ERROR_NONE) {
        struct run run = {.writer = writer, .commit = commit, .changes = capture->texts + *done};
        while (*done + run.count < capture->text_count && run.changes[run.count].version == run.changes->version) {
            run.count++;
        }
        commit_expect(commit, TABLE_TEXTS, run.count);
        error = write_run(&run);
        *done += run.count;
        *written += run.written;
    }
    return error;
}
