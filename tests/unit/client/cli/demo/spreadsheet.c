#include "client/cli/demo/spreadsheet.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/reader/sheet.h"
#include "client/cli/reader/source.h"
#include "tests/unit/client/cli/competition.h"

/* What is written is read back by what push uses, row for row. */
Test(spreadsheet, is_read_back_exactly) {
    const struct tally_competition *competition = competition_sample();
    char message[512];
    char path[64];
    snprintf(path, sizeof path, "/tmp/tally-plan-%d.csv", (int)getpid());
    struct plan *plan = plan_create(5, competition, message);
    cr_assert(spreadsheet_write(plan, competition, PLAN_NODES, path));
    struct source source;
    cr_assert_eq(source_open(path, ENCODING_AUTO, &source, message), EX_OK, "%s", message);
    struct sheet_options options = {
        .text = source.text.text, .size = source.text.size, .competition = competition, .today = plan->last_day};
    struct sheet *sheet = NULL;
    cr_assert(sheet_open(&options, &sheet, message), "%s", message);
    struct sheet_row row;
    for (size_t i = 0; i < plan->count; i++) {
        const struct tally_project *written = &plan->updates[i].project;
        cr_assert(sheet_next(sheet, &row));
        cr_assert_eq(row.problem.kind, PROBLEM_NONE, "row %d", (int)row.row);
        cr_assert_str_eq(row.project.code, written->code);
        cr_assert_str_eq(row.project.name, written->name);
        cr_assert_str_eq(row.project.contractor, written->contractor);
        cr_assert_eq(row.project.region, written->region);
        cr_assert_eq(row.project.category, written->category);
        cr_assert_eq(row.project.status, written->status);
        cr_assert_eq(row.project.contract_value, written->contract_value);
        cr_assert_eq(row.project.participants, written->participants);
        cr_assert_eq(row.project.migrant_participants, written->migrant_participants);
        cr_assert_eq(row.project.start_day, written->start_day);
        cr_assert_eq(row.project.completion_day, written->completion_day);
        cr_assert_eq(row.project.effective_day, written->effective_day);
    }
    cr_assert_not(sheet_next(sheet, &row));
    sheet_close(&sheet);
    source_close(&source);
    plan_destroy(&plan);
    unlink(path);
}
