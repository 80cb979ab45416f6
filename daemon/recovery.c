#include "recovery.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/receipt.h"

enum { READ_BYTES = 64 << 20 };

static const int64_t progress_interval_ns = INT64_C(2000000000);

struct recovering {
    const struct recovery *recovery;
    uint64_t state_version;
    struct entry entry;
    struct arena arena;
    int64_t began_ns;
    int64_t next_progress_ns;
};

/* ---- what state.mdb holds ---- */

static enum error learn_definition(const struct recovery *recovery, enum entry_kind kind,
                                   const struct definition *definition) {
    enum error error = numbering_learn(recovery->numbering, kind, definition);
    if (error == ERROR_NONE) {
        intake_stage_load_definition(recovery->intake, kind, definition);
    }
    return error;
}

static enum error load_definition(void *context, enum entry_kind kind, const struct definition *definition) {
    struct recovering *recovering = context;
    enum error error = ledger_load_definition(recovering->recovery->ledger, kind, definition);
    return error == ERROR_NONE ? learn_definition(recovering->recovery, kind, definition) : error;
}

static enum error load_cell(void *context, cell_key_t cell) {
    return ledger_load_cell(((struct recovering *)context)->recovery->ledger, cell);
}

static enum error load_project(void *context, uint16_t competition, const char *code, const struct figures *figures) {
    return ledger_load_project(((struct recovering *)context)->recovery->ledger, competition, code, figures);
}

static enum error load_day(void *context, uint16_t competition, uint32_t region, uint16_t day,
                           const struct sums *sums) {
    return ledger_load_day(((struct recovering *)context)->recovery->ledger, competition, region, day, sums);
}

static enum error load_sequence(void *context, uint16_t node, uint64_t sequence) {
    struct recovering *recovering = context;
    ledger_load_sequence(recovering->recovery->ledger, node, sequence);
    return intake_stage_load_sequence(recovering->recovery->intake, node, sequence, recovering->state_version);
}

static enum error load_receipt(void *context, uint16_t node, const struct receipt *receipt) {
    struct recovering *recovering = context;
    struct receipt copy = *receipt;
    size_t bytes = receipt->refusal_count * sizeof *copy.refusals;
    copy.refusals = bytes > 0 ? malloc(bytes) : NULL;
    if (bytes > 0 && copy.refusals == NULL) {
        return ERROR_MEMORY;
    }
    if (bytes > 0) {
        memcpy(copy.refusals, receipt->refusals, bytes);
    }
    return intake_stage_load_receipt(recovering->recovery->intake, node, &copy);
}

static enum error load_state(struct recovering *recovering, struct fault *fault) {
    const struct recovery *recovery = recovering->recovery;
    struct state_loader loader = {.context = recovering,
                                  .definition = load_definition,
                                  .cell = load_cell,
                                  .project = load_project,
                                  .day = load_day,
                                  .sequence = load_sequence,
                                  .receipt = load_receipt};
    recovering->state_version = state_version(recovery->state);
    enum error error = state_load(recovery->state, &loader, &recovering->state_version, fault);
    if (error == ERROR_NONE) {
        ledger_resume_at(recovery->ledger, recovering->state_version);
    }
    return error;
}

/* ---- the journal's tail ---- */

static enum error keep_receipt(const struct recovery *recovery, const struct entry *entry) {
    struct receipt receipt;
    enum error error = receipt_from_entry(&receipt, entry);
    if (error == ERROR_NONE) {
        error = intake_stage_load_receipt(recovery->intake, entry->node, &receipt);
    }
    return error == ERROR_NONE
               ? intake_stage_load_sequence(recovery->intake, entry->node, entry->sequence, entry->version)
               : error;
}

static enum error replay_entry(void *visitor, const struct entry_record *record) {
    struct recovering *recovering = visitor;
    struct entry *entry = &recovering->entry;
    enum error error = entry_from_record(entry, record, &recovering->arena);
    if (error != ERROR_NONE) {
        return error;
    }
    ledger_apply(recovering->recovery->ledger, entry);
    bool batch = entry->kind == ENTRY_BATCH || entry->kind == ENTRY_BATCH_REFUSED;
    return batch ? keep_receipt(recovering->recovery, entry)
                 : learn_definition(recovering->recovery, entry->kind, &entry->definition);
}

static void log_progress(struct recovering *recovering, uint64_t version) {
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns >= recovering->next_progress_ns) {
        recovering->next_progress_ns = now_ns + progress_interval_ns;
        log_event(LOG_INFO, "recovery-replaying", "version=%" PRIu64 " of=%" PRIu64, version,
                  recovering->recovery->journal_version);
    }
}

static enum error replay_tail(struct recovering *recovering, struct fault *fault) {
    const struct recovery *recovery = recovering->recovery;
    uint64_t version = recovering->state_version;
    while (version < recovery->journal_version) {
        uint64_t reached;
        enum error error =
            recovery->source.read(recovery->source.context, version, READ_BYTES, replay_entry, recovering, &reached);
        if (error != ERROR_NONE) {
            return fault_set(fault, error,
                             "the journal cannot be replayed beyond version %" PRIu64 " (%s); restore from a backup",
                             reached, error_text(error));
        }
        version = reached;
        log_progress(recovering, version);
    }
    return ERROR_NONE;
}

enum error recovery_run(const struct recovery *recovery, struct fault *fault) {
    struct recovering *recovering = calloc(1, sizeof *recovering);
    void *memory = malloc(BATCH_ARENA_BYTES);
    enum error error = ERROR_NONE;
    if (recovering == NULL || memory == NULL) {
        error = fault_set(fault, ERROR_MEMORY, "recovery: %s", error_text(ERROR_MEMORY));
        goto done;
    }
    recovering->recovery = recovery;
    recovering->began_ns = clock_monotonic_ns();
    recovering->next_progress_ns = recovering->began_ns + progress_interval_ns;
    arena_init(&recovering->arena, memory, BATCH_ARENA_BYTES);
    error = load_state(recovering, fault);
    if (error == ERROR_NONE) {
        error = replay_tail(recovering, fault);
    }
    if (error == ERROR_NONE) {
        log_event(LOG_INFO, "recovered",
                  "version=%" PRIu64 " stored=%" PRIu64 " replayed=%" PRIu64 " projects=%" PRIu64 " ms=%" PRId64,
                  recovery->journal_version, recovering->state_version,
                  recovery->journal_version - recovering->state_version, ledger_projects(recovery->ledger),
                  (clock_monotonic_ns() - recovering->began_ns) / 1000000);
    }
done:
    free(memory);
    free(recovering);
    return error;
}
