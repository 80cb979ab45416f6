/* From the cells of a row to a project, or to the first thing that is wrong with it. */
#ifndef TALLY_CLIENT_CLI_READER_ROW_H
#define TALLY_CLIENT_CLI_READER_ROW_H

#include <stdbool.h>
#include <stdint.h>
#include <tally/tally.h>

#include "client/cli/reader/header.h"
#include "client/cli/reader/problem.h"
#include "client/cli/reader/slice.h"
#include "proto/limits.h"

struct row_cells {
    struct slice cell[FIELD_COUNT];
    bool present[FIELD_COUNT]; /* the source has this column; a required field that it has not is refused */
    enum money_unit unit;
};

/* What rows are read against. */
struct row_rules {
    const struct tally_competition *competition; /* its categories, statuses, regions and start */
    uint32_t today;                              /* no effective day lies after the day after it */
    size_t digits_expected;                      /* see damage_in_code; 0 = not known */
    bool digits_as_they_are;                     /* see damage_in_code */
};

/* Room for the texts of one project. */
struct row_texts {
    char code[PROJECT_CODE_BYTES_MAX + 1];
    char name[TEXT_BYTES_MAX + 1];
    char contractor[TEXT_BYTES_MAX + 1];
};

/* Reads a row. project points into texts, never into cells; its tag is 0. Texts of absent columns are NULL, an absent
 * column of migrants counts as 0. Returns PROBLEM_NONE, or what is wrong with which field in problem; project then holds
 * nothing. About a third of a microsecond. */
enum problem_kind row_read(const struct row_cells *cells, const struct row_rules *rules, struct row_texts *texts,
                           struct tally_project *project, struct problem *problem);

#endif
