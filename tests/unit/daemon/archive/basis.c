#include "daemon/archive/basis.h"

#include <criterion/criterion.h>

#include "daemon/base/curve.h"
#include "tests/unit/daemon/folder.h"

enum { COUNTING = 1, NOT_COUNTING = 0 };

static struct folder folder;
static struct state *state;
static struct basis basis;

static void open_basis(void) {
    char path[FOLDER_PATH_BYTES];
    struct fault fault = {0};
    folder_init(&folder);
    struct state_options options = {.path = folder_join(&folder, "state.mdb", path), .epoch = 1};
    state = state_open(&options, &fault);
    cr_assert_not_null(state, "%s", fault.text);
    cr_assert_eq(basis_init(&basis, state, &fault), ERROR_NONE, "%s", fault.text);
    struct definition definition = {.key = "key", .statuses = 3, .counts = 1 << COUNTING};
    for (definition.number = 0; definition.number < 3; definition.number++) {
        cr_assert_eq(basis_define(&basis, ENTRY_COMPETITION, &definition), ERROR_NONE);
    }
}

static void close_basis(void) {
    basis_fini(&basis);
    state_close(state);
    folder_fini(&folder);
}

TestSuite(basis, .init = open_basis, .fini = close_basis);

Test(basis, has_room_for_so_many_curves_and_no_more) {
    for (uint32_t region = 1; region <= LEAF_CURVES_MAX; region++) {
        cr_assert(basis_enter_cell(&basis, cell_key(0, region, 0, COUNTING)));
    }
    uint32_t cells = basis.cells.count;
    cr_assert_not(basis_enter_cell(&basis, cell_key(0, LEAF_CURVES_MAX + 1, 0, COUNTING)));
    cr_assert_eq(basis.cells.count, cells);
    cr_assert(basis_enter_cell(&basis, cell_key(0, LEAF_CURVES_MAX + 1, 0, NOT_COUNTING)));
    cr_assert(basis_enter_cell(&basis, cell_key(0, 1, 1, COUNTING)), "its curve is there");
    cr_assert(basis_enter_cell(&basis, cell_key(0, 1, 0, COUNTING)), "it is there itself");
}

Test(basis, has_room_for_so_many_cells_and_no_more) {
    uint32_t entered = 0;
    for (uint16_t competition = 0; entered < LEAF_CELLS_MAX; competition++) {
        for (uint32_t region = 1; region < 900000 && entered < LEAF_CELLS_MAX; region++, entered++) {
            cr_assert(basis_enter_cell(&basis, cell_key(competition, region, 0, NOT_COUNTING)));
        }
    }
    cr_assert_not(basis_enter_cell(&basis, cell_key(2, 1, 0, NOT_COUNTING)));
    cr_assert_not(basis_enter_cell(&basis, cell_key(2, 1, 0, COUNTING)));
    cr_assert(basis_enter_cell(&basis, cell_key(0, 1, 0, NOT_COUNTING)));
}

Test(basis, takes_sequences_one_after_the_other) {
    struct definition node = {.number = 4, .key = "node"};
    cr_assert_eq(basis_take_sequence(&basis, 4, 1), ERROR_DAMAGED);
    cr_assert_eq(basis_define(&basis, ENTRY_NODE, &node), ERROR_NONE);
    cr_assert_eq(basis_take_sequence(&basis, 4, 1), ERROR_NONE);
    cr_assert_eq(basis_take_sequence(&basis, 4, 1), ERROR_DAMAGED);
    cr_assert_eq(basis_take_sequence(&basis, 4, 3), ERROR_DAMAGED);
    cr_assert_eq(basis_take_sequence(&basis, 4, 2), ERROR_NONE);
    cr_assert_eq(basis_take_sequence(&basis, NODES_MAX, 1), ERROR_DAMAGED);
}

Test(basis, refuses_definitions_beyond_the_bounds) {
    struct definition definition = {.number = COMPETITIONS_MAX, .key = "key"};
    cr_assert_eq(basis_define(&basis, ENTRY_COMPETITION, &definition), ERROR_DAMAGED);
    definition.number = NODES_MAX;
    cr_assert_eq(basis_define(&basis, ENTRY_NODE, &definition), ERROR_DAMAGED);
}
