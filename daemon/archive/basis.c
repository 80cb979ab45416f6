#include "basis.h"

#include <lmdb.h>
#include <string.h>

#include "daemon/base/curve.h"
#include "state_file.h"

/* ---- loading ---- */

static enum error load_definition(void *context, enum entry_kind kind, const struct definition *definition) {
    return basis_define(context, kind, definition);
}

static enum error load_cell(void *context, cell_key_t cell) {
    return basis_enter_cell(context, cell) ? ERROR_NONE : ERROR_LIMIT;
}

static enum error load_sequence(void *context, uint16_t node, uint64_t sequence) {
    struct basis *basis = context;
    basis->nodes[node].sequence = sequence;
    return basis->nodes[node].defined ? ERROR_NONE : ERROR_DAMAGED;
}

static enum error load_value_sum(void *context, uint16_t competition, int64_t fen) {
    struct basis *basis = context;
    basis->competitions[competition].value_sum = fen;
    return ERROR_NONE;
}

static enum error count_projects(struct basis *basis, struct state *state, struct fault *fault) {
    const struct state_file *file = state_file(state);
    MDB_txn *transaction;
    int result = mdb_txn_begin(file->env, NULL, MDB_RDONLY, &transaction);
    if (result == MDB_SUCCESS) {
        struct state_table_size size = {0};
        result = state_file_table_size(file, transaction, TABLE_PROJECTS, &size);
        basis->projects = size.entries;
        mdb_txn_abort(transaction);
    }
    return result == MDB_SUCCESS ? ERROR_NONE
                                 : fault_set(fault, state_file_error(file, result), "%s: cannot be read: %s",
                                             file->path, mdb_strerror(result));
}

enum error basis_init(struct basis *basis, struct state *state, struct fault *fault) {
    memset(basis, 0, sizeof *basis);
    const struct state_loader loader = {.context = basis,
                                        .definition = load_definition,
                                        .cell = load_cell,
                                        .sequence = load_sequence,
                                        .value_sum = load_value_sum};
    enum error error = keytable_init(&basis->cells, LEAF_CELLS_MAX);
    if (error == ERROR_NONE) {
        error = keytable_init(&basis->curves, LEAF_CURVES_MAX);
    }
    if (error != ERROR_NONE) {
        fault_set(fault, error, "archive: %s", error_text(error));
        goto fail;
    }
    if (state_load(state, &loader, &basis->version, fault) != ERROR_NONE ||
        count_projects(basis, state, fault) != ERROR_NONE) {
        goto fail;
    }
    basis_settle(basis);
    return ERROR_NONE;
fail:
    basis_fini(basis);
    return fault->error;
}

void basis_fini(struct basis *basis) {
    if (basis->cells.keys != NULL) {
        keytable_fini(&basis->cells);
    }
    if (basis->curves.keys != NULL) {
        keytable_fini(&basis->curves);
    }
}

/* ---- changing ---- */

enum error basis_define(struct basis *basis, enum entry_kind kind, const struct definition *definition) {
    if (definition->number >= (kind == ENTRY_COMPETITION ? (int)COMPETITIONS_MAX : (int)NODES_MAX)) {
        return ERROR_DAMAGED;
    }
    if (kind == ENTRY_COMPETITION) {
        struct basis_competition *competition = &basis->competitions[definition->number];
        competition->definition = *definition;
        competition->defined = true;
        competition->changed = true;
    } else {
        struct basis_node *node = &basis->nodes[definition->number];
        node->definition = *definition;
        node->defined = true;
        node->definition_changed = true;
    }
    return ERROR_NONE;
}

enum error basis_take_sequence(struct basis *basis, uint16_t node, uint64_t sequence) {
    if (node >= NODES_MAX || !basis->nodes[node].defined || sequence != basis->nodes[node].sequence + 1) {
        return ERROR_DAMAGED;
    }
    basis->nodes[node].sequence = sequence;
    basis->nodes[node].sequence_changed = true;
    return ERROR_NONE;
}

bool basis_enter_cell(struct basis *basis, cell_key_t cell) {
    if (keytable_find(&basis->cells, cell) != KEYTABLE_NONE) {
        return true;
    }
    if (basis->cells.count == basis->cells.capacity) {
        return false;
    }
    uint16_t competition = cell_key_competition(cell);
    if (basis_counts(basis, competition, cell_key_status(cell))) {
        uint64_t curve = UINT64_C(1) << 63 | (uint64_t)competition << 32 | cell_key_region(cell);
        if (keytable_find_or_add(&basis->curves, curve) == KEYTABLE_NONE) {
            return false;
        }
    }
    return keytable_find_or_add(&basis->cells, cell) != KEYTABLE_NONE;
}

void basis_settle(struct basis *basis) {
    for (size_t i = 0; i < COMPETITIONS_MAX; i++) {
        basis->competitions[i].changed = false;
    }
    for (size_t i = 0; i < NODES_MAX; i++) {
        basis->nodes[i].definition_changed = false;
        basis->nodes[i].sequence_changed = false;
    }
    basis->cells_stored = basis->cells.count;
}
