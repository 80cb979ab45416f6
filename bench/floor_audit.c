#include "bench/floor_audit.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/base/entry.h"
#include "daemon/base/registry.h"
#include "daemon/journal/journal.h"

struct auditor {
    struct floor_audit found;
    uint64_t sequences[UINT16_MAX + 1]; /* of each node's last entry */
    struct fault *fault;
    struct arena arena;
    struct batch batch;
};

static enum error visit(void *context, const struct entry_record *record) {
    struct auditor *auditor = context;
    uint64_t expected = ++auditor->sequences[record->node];
    if (record->sequence != expected) {
        return fault_set(auditor->fault, ERROR_DAMAGED,
                         "entry %" PRIu64 ": batch %" PRIu64 " of node %u stands where %" PRIu64 " should",
                         record->version, record->sequence, record->node, expected);
    }
    arena_reset(&auditor->arena);
    enum refusal refusal = batch_decode(record->body, record->body_bytes, &auditor->arena, &auditor->batch);
    if (refusal != REFUSAL_NONE || auditor->batch.sequence != expected) {
        return fault_set(auditor->fault, ERROR_DAMAGED, "entry %" PRIu64 ": its body is not the batch: %s",
                         record->version, refusal_name(refusal));
    }
    auditor->found.entries++;
    auditor->found.rows += auditor->batch.rows;
    return ERROR_NONE;
}

static enum error read_all(struct journal *journal, struct auditor *auditor) {
    struct entry_source source = journal_source(journal);
    uint64_t last = 0;
    enum error error = source.read(source.context, 0, SIZE_MAX, visit, auditor, &last);
    if (error == ERROR_NONE && last != journal_version(journal)) {
        error = ERROR_DAMAGED;
    }
    return error == ERROR_NONE
               ? error
               : fault_set(auditor->fault, error, "the journal cannot be read after entry %" PRIu64 ": %s", last,
                           error_text(error));
}

enum error floor_audit_read(const char *journal_directory, struct floor_audit *audit, struct fault *fault) {
    struct journal_options options = {.directory = journal_directory, .segment_bytes = UINT64_C(1) << 30, .epoch = 1};
    void *memory = malloc(BATCH_ARENA_BYTES);
    struct auditor *auditor = calloc(1, sizeof *auditor);
    struct journal *journal = NULL;
    enum error error = ERROR_MEMORY;
    if (memory == NULL || auditor == NULL) {
        fault_set(fault, error, "%s: %s", journal_directory, error_text(error));
        goto done;
    }
    journal = journal_open(&options, fault);
    if (journal == NULL) {
        error = fault->error;
        goto done;
    }
    auditor->fault = fault;
    arena_init(&auditor->arena, memory, BATCH_ARENA_BYTES);
    error = read_all(journal, auditor);
    *audit = auditor->found;
done:
    journal_close(journal);
    free(auditor);
    free(memory);
    return error;
}
