#include "load.h"

static enum error load_definition(void *context, enum entry_kind kind, const struct definition *definition) {
    return ledger_load_definition(context, kind, definition);
}

static enum error load_cell(void *context, cell_key_t cell) {
    return ledger_load_cell(context, cell);
}

static enum error load_block(void *context, uint32_t number, const struct project_block *block) {
    return ledger_load_block(context, number, block);
}

static enum error load_day(void *context, uint16_t competition, uint32_t region, uint16_t day,
                           const struct sums *sums) {
    return ledger_load_day(context, competition, region, day, sums);
}

static enum error load_sequence(void *context, uint16_t node, uint64_t sequence) {
    ledger_load_sequence(context, node, sequence);
    return ERROR_NONE;
}

enum error load_ledger(const struct state *state, struct ledger *ledger, struct state_reach *reach,
                       struct fault *fault) {
    struct state_loader loader = {.context = ledger,
                                  .definition = load_definition,
                                  .cell = load_cell,
                                  .block = load_block,
                                  .day = load_day,
                                  .sequence = load_sequence};
    enum error error = state_load(state, &loader, reach, fault);
    if (error == ERROR_NONE) {
        ledger_resume(ledger, reach->complete, reach->version);
    }
    return error;
}
