#include "entries.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"

/* A record and the memory that it points to, which never moves. */
struct stored_entry {
    struct entry_record record;
    uint8_t *body;
    struct entry_refusal *refusals;
};

struct entries {
    pthread_mutex_t mutex; /* over all below */
    struct stored_entry **list;
    size_t count;
    uint64_t sequences[NODES_MAX];
    uint64_t fail_from;
    enum error failure;
};

static void *allocate(size_t size) {
    void *memory = calloc(1, size > 0 ? size : 1);
    CHECK(memory != NULL);
    return memory;
}

struct entries *entries_create(void) {
    struct entries *entries = allocate(sizeof *entries);
    pthread_mutex_init(&entries->mutex, NULL);
    return entries;
}

void entries_destroy(struct entries *entries) {
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->list[i]->body);
        free(entries->list[i]->refusals);
        free(entries->list[i]);
    }
    pthread_mutex_destroy(&entries->mutex);
    free(entries->list);
    free(entries);
}

static uint64_t add(struct entries *entries, struct stored_entry *stored) {
    pthread_mutex_lock(&entries->mutex);
    struct stored_entry **longer = realloc(entries->list, (entries->count + 1) * sizeof(*longer));
    CHECK(longer != NULL);
    entries->list = longer;
    entries->list[entries->count++] = stored;
    uint64_t version = entries->count;
    stored->record.version = version;
    pthread_mutex_unlock(&entries->mutex);
    return version;
}

uint64_t entries_define(struct entries *entries, enum entry_kind kind, const struct definition *definition) {
    struct stored_entry *stored = allocate(sizeof *stored);
    stored->body = allocate(DEFINITION_BYTES);
    definition_encode(definition, stored->body);
    stored->record =
        (struct entry_record){.kind = kind, .wall_ms = 1, .body = stored->body, .body_bytes = DEFINITION_BYTES};
    return add(entries, stored);
}

/* ---- batches ---- */

/* The rows as columns. */
struct columns {
    struct batch batch;
    uint8_t code[BATCH_ROWS_MAX * PROJECT_CODE_BYTES_MAX];
    uint32_t numbers[7][BATCH_ROWS_MAX];
    int64_t figures[3][BATCH_ROWS_MAX];
    char *texts[2][BATCH_ROWS_MAX];
};

static char *text_of(const char *text) {
    return (char *)(uintptr_t)(text != NULL ? text : ""); /* only read */
}

static void set_row(struct columns *columns, const struct entries_row *row, size_t i) {
    size_t code_bytes = strlen(row->code);
    CHECK(code_bytes <= PROJECT_CODE_BYTES_MAX);
    memcpy(columns->code + columns->batch.code_bytes_sum, row->code, code_bytes);
    columns->batch.code_bytes_sum += code_bytes;
    const uint32_t numbers[7] = {(uint32_t)code_bytes, row->region,    row->category,      row->status,
                                 row->effective_day,   row->start_day, row->completion_day};
    for (size_t column = 0; column < 7; column++) {
        columns->numbers[column][i] = numbers[column];
    }
    columns->figures[0][i] = row->contract_value;
    columns->figures[1][i] = row->participants;
    columns->figures[2][i] = row->migrant_participants;
    columns->texts[0][i] = text_of(row->name);
    columns->texts[1][i] = text_of(row->contractor);
}

static void point_to_columns(struct columns *columns, unsigned wanted) {
    struct batch *batch = &columns->batch;
    batch->code = columns->code;
    batch->code_bytes = columns->numbers[0];
    batch->region = columns->numbers[1];
    batch->category = columns->numbers[2];
    batch->status = columns->numbers[3];
    batch->contract_value = columns->figures[0];
    batch->participants = columns->figures[1];
    batch->migrant_participants = columns->figures[2];
    batch->effective_day = (wanted & ENTRIES_EFFECTIVE_DAY) != 0 ? columns->numbers[4] : NULL;
    batch->start_day = (wanted & ENTRIES_START_DAY) != 0 ? columns->numbers[5] : NULL;
    batch->completion_day = (wanted & ENTRIES_COMPLETION_DAY) != 0 ? columns->numbers[6] : NULL;
    batch->name = (wanted & ENTRIES_NAME) != 0 ? columns->texts[0] : NULL;
    batch->contractor = (wanted & ENTRIES_CONTRACTOR) != 0 ? columns->texts[1] : NULL;
}

uint64_t entries_add_batch(struct entries *entries, const struct entries_batch *added) {
    CHECK(added->count <= BATCH_ROWS_MAX && added->node < NODES_MAX);
    struct columns *columns = allocate(sizeof *columns);
    struct stored_entry *stored = allocate(sizeof *stored);
    uint64_t sequence = ++entries->sequences[added->node];
    columns->batch.sequence = sequence;
    columns->batch.competition = text_of("");
    columns->batch.rows = added->count;
    for (size_t i = 0; i < added->count; i++) {
        set_row(columns, &added->rows[i], i);
    }
    point_to_columns(columns, added->columns);
    size_t body_bytes = batch_encoded_bytes(&columns->batch);
    stored->body = allocate(body_bytes);
    batch_encode(&columns->batch, stored->body);
    free(columns);
    stored->refusals = allocate(added->refusal_count * sizeof *stored->refusals);
    if (added->refusal_count > 0) {
        memcpy(stored->refusals, added->refusals, added->refusal_count * sizeof *stored->refusals);
    }
    stored->record = (struct entry_record){.kind = ENTRY_BATCH,
                                           .node = added->node,
                                           .competition = added->competition,
                                           .rows = (uint32_t)added->count,
                                           .sequence = sequence,
                                           .wall_ms = added->wall_ms,
                                           .day = added->day,
                                           .refusal_count = added->refusal_count,
                                           .refusals = stored->refusals,
                                           .body = stored->body,
                                           .body_bytes = body_bytes};
    return add(entries, stored);
}

uint64_t entries_add_refused(struct entries *entries, uint16_t node, uint32_t rows, uint16_t batch_code) {
    struct stored_entry *stored = allocate(sizeof *stored);
    stored->record = (struct entry_record){.kind = ENTRY_BATCH_REFUSED,
                                           .node = node,
                                           .batch_code = batch_code,
                                           .rows = rows,
                                           .sequence = ++entries->sequences[node]};
    return add(entries, stored);
}

/* ---- reading ---- */

uint64_t entries_version(struct entries *entries) {
    pthread_mutex_lock(&entries->mutex);
    uint64_t version = entries->count;
    pthread_mutex_unlock(&entries->mutex);
    return version;
}

void entries_fail_from(struct entries *entries, uint64_t version, enum error error) {
    pthread_mutex_lock(&entries->mutex);
    entries->fail_from = version;
    entries->failure = error;
    pthread_mutex_unlock(&entries->mutex);
}

/* The entry of a version; NULL at the end. */
static const struct stored_entry *entry_at(struct entries *entries, uint64_t version, enum error *error) {
    pthread_mutex_lock(&entries->mutex);
    bool fails = entries->fail_from != 0 && version >= entries->fail_from;
    *error = fails ? entries->failure : ERROR_NONE;
    const struct stored_entry *stored = !fails && version <= entries->count ? entries->list[version - 1] : NULL;
    pthread_mutex_unlock(&entries->mutex);
    return stored;
}

static enum error read_entries(void *context, uint64_t after_version, size_t bytes_max, entry_visit *visit,
                               void *visitor, uint64_t *last_version) {
    *last_version = after_version;
    size_t bytes = 0;
    enum error error = ERROR_NONE;
    const struct stored_entry *stored;
    while (bytes < bytes_max && (stored = entry_at(context, *last_version + 1, &error)) != NULL) {
        error = visit(visitor, &stored->record);
        if (error != ERROR_NONE) {
            return error;
        }
        bytes += stored->record.body_bytes + 1;
        *last_version += 1;
    }
    return error;
}

struct entry_source entries_source(struct entries *entries) {
    return (struct entry_source){.context = entries, .read = read_entries};
}
