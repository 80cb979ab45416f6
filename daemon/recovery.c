#include "recovery.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/receipt.h"

enum { READ_BYTES = 64 << 20 };

static const int64_t progress_interval_ns = INT64_C(2000000000);

struct recovering {
    const struct recovery *recovery;
    struct state_reach stored;
    struct entry entry;
    struct arena arena;
    bool needs_room;            /* before the next entry is applied */
    uint64_t room_made_version; /* of the ledger when room was made last */
    int64_t began_ns;
    int64_t loaded_ns;
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

static enum error load_block(void *context, uint32_t number, const struct project_block *block) {
    return ledger_load_block(((struct recovering *)context)->recovery->ledger, number, block);
}

static enum error load_day(void *context, uint16_t competition, uint32_t region, uint16_t day,
                           const struct sums *sums) {
    return ledger_load_day(((struct recovering *)context)->recovery->ledger, competition, region, day, sums);
}

static enum error load_sequence(void *context, uint16_t node, uint64_t sequence) {
    struct recovering *recovering = context;
    ledger_load_sequence(recovering->recovery->ledger, node, sequence);
    return intake_stage_load_sequence(recovering->recovery->intake, node, sequence, recovering->stored.version);
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
                                  .block = load_block,
                                  .day = load_day,
                                  .sequence = load_sequence,
                                  .receipt = load_receipt};
    enum error error = state_load(recovery->state, &loader, &recovering->stored, fault);
    if (error == ERROR_NONE) {
        ledger_resume(recovery->ledger, recovering->stored.complete, recovering->stored.version);
        intake_stage_load_version(recovery->intake, recovering->stored.version, recovering->stored.version);
    }
    recovering->loaded_ns = clock_monotonic_ns();
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

/* BUSY ends the reading at an entry that the ledger has no room for. */
static enum error replay_entry(void *visitor, const struct entry_record *record) {
    struct recovering *recovering = visitor;
    struct entry *entry = &recovering->entry;
    enum error error = entry_from_record(entry, record, &recovering->arena);
    if (error != ERROR_NONE) {
        return error;
    }
    recovering->needs_room = !ledger_has_room(recovering->recovery->ledger, entry);
    if (recovering->needs_room) {
        return ERROR_BUSY;
    }
    ledger_apply(recovering->recovery->ledger, entry);
    if (entry->version <= recovering->stored.version) {
        return ERROR_NONE; /* what else it says is stored already */
    }
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

/* Replays some of it, from where the ledger is. */
static enum error replay_some(struct recovering *recovering, struct fault *fault) {
    const struct recovery *recovery = recovering->recovery;
    uint64_t began = ledger_version(recovery->ledger);
    uint64_t reached;
    enum error error =
        recovery->source.read(recovery->source.context, began, READ_BYTES, replay_entry, recovering, &reached);
    uint64_t version = ledger_version(recovery->ledger);
    if (error == ERROR_BUSY && recovering->needs_room) {
        CHECK(recovering->room_made_version != version);
        recovering->room_made_version = version;
        return recovery->make_room(recovery->context, fault);
    }
    if (error == ERROR_NONE && version == began) {
        error = ERROR_DAMAGED; /* the journal says that it has more */
    }
    return error == ERROR_NONE
               ? ERROR_NONE
               : fault_set(fault, error,
                           "the journal cannot be replayed beyond version %" PRIu64 " (%s); restore from a backup",
                           version, error_text(error));
}

static enum error replay_tail(struct recovering *recovering, struct fault *fault) {
    const struct recovery *recovery = recovering->recovery;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && ledger_version(recovery->ledger) < recovery->journal_version) {
        error = replay_some(recovering, fault);
        log_progress(recovering, ledger_version(recovery->ledger));
    }
    return error;
}

/* What only the whole ledger can tell. */
static void tell_intake(const struct recovering *recovering) {
    const struct recovery *recovery = recovering->recovery;
    uint64_t stored_version = recovering->room_made_version > recovering->stored.version ? recovering->room_made_version
                                                                                         : recovering->stored.version;
    for (uint16_t i = 0; i < COMPETITIONS_MAX; i++) {
        intake_stage_load_value_sum(recovery->intake, i, ledger_value_sum(recovery->ledger, i));
    }
    intake_stage_load_version(recovery->intake, ledger_version(recovery->ledger), stored_version);
}

static int64_t elapsed_ms(int64_t from_ns, int64_t to_ns) {
    return (to_ns - from_ns) / 1000000;
}

static void log_recovered(const struct recovering *recovering) {
    const struct recovery *recovery = recovering->recovery;
    int64_t now_ns = clock_monotonic_ns();
    log_event(LOG_INFO, "recovered",
              "version=%" PRIu64 " stored=%" PRIu64 " replayed=%" PRIu64 " projects=%" PRIu64 " ms=%" PRId64
              " load_ms=%" PRId64 " replay_ms=%" PRId64,
              recovery->journal_version, recovering->stored.complete,
              recovery->journal_version - recovering->stored.complete, ledger_projects(recovery->ledger),
              elapsed_ms(recovering->began_ns, now_ns), elapsed_ms(recovering->began_ns, recovering->loaded_ns),
              elapsed_ms(recovering->loaded_ns, now_ns));
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
        tell_intake(recovering);
        log_recovered(recovering);
    }
done:
    free(memory);
    free(recovering);
    return error;
}
