#include "columns.h"

#include <stdlib.h>
#include <string.h>

static void require(bool held) {
    if (!held) {
        abort();
    }
}

struct columns *columns_create(void) {
    struct columns *columns = calloc(1, sizeof *columns);
    require(columns != NULL);
    return columns;
}

void columns_clear(struct columns *columns) {
    columns->rows = 0;
    columns->code_bytes_sum = 0;
}

/* Packing only reads: the cast takes const away for no other use. */
static char *text_of(const char *text) {
    return (char *)(uintptr_t)(text != NULL ? text : "");
}

void columns_add(struct columns *columns, const struct columns_row *row) {
    size_t size = strlen(row->code);
    size_t i = columns->rows++;
    require(i < COLUMNS_ROWS_MAX && columns->code_bytes_sum + size <= sizeof columns->code);
    memcpy(columns->code + columns->code_bytes_sum, row->code, size);
    columns->code_bytes_sum += size;
    columns->code_bytes[i] = (uint32_t)size;
    columns->region[i] = row->region;
    columns->category[i] = row->category;
    columns->status[i] = row->status;
    columns->contract_value[i] = row->contract_value;
    columns->participants[i] = row->participants;
    columns->migrant_participants[i] = row->migrant_participants;
    columns->effective_day[i] = row->effective_day;
    columns->name[i] = text_of(row->name);
    columns->contractor[i] = text_of(row->contractor);
    columns->start_day[i] = row->start_day;
    columns->completion_day[i] = row->completion_day;
}

struct batch columns_batch(const struct columns *columns, struct columns_present present, uint64_t sequence,
                           const char *competition) {
    return (struct batch){
        .sequence = sequence,
        .competition = competition,
        .rows = columns->rows,
        .code = columns->code,
        .code_bytes_sum = columns->code_bytes_sum,
        .code_bytes = columns->code_bytes,
        .region = columns->region,
        .category = columns->category,
        .status = columns->status,
        .contract_value = columns->contract_value,
        .participants = columns->participants,
        .migrant_participants = columns->migrant_participants,
        .effective_day = present.effective_day ? columns->effective_day : NULL,
        .name = present.name ? columns->name : NULL,
        .contractor = present.contractor ? columns->contractor : NULL,
        .start_day = present.start_day ? columns->start_day : NULL,
        .completion_day = present.completion_day ? columns->completion_day : NULL,
    };
}

uint8_t *columns_encode(const struct batch *batch, size_t *size) {
    *size = batch_encoded_bytes(batch);
    uint8_t *bytes = malloc(*size);
    require(bytes != NULL);
    batch_encode(batch, bytes);
    return bytes;
}
