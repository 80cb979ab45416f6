#include "client/cli/reader/problem.h"

#include <criterion/criterion.h>
#include <stdio.h>

static char buffer[PROBLEM_TEXT_BYTES];

Test(problem, every_kind_has_a_sentence_in_both_languages) {
    for (enum problem_kind kind = PROBLEM_REFUSAL + 1; kind < PROBLEM_KINDS; kind++) {
        struct problem problem = {.kind = kind, .field = FIELD_REGION, .cell = slice_of("x")};
        cr_assert(strlen(problem_text(&problem, NULL, LANGUAGE_EN, buffer)) > 20, "%d", (int)kind);
        cr_assert(strncmp(buffer, "region \"x\" ", 11) == 0, "%s", buffer);
        cr_assert(strlen(problem_text(&problem, NULL, LANGUAGE_ZH, buffer)) > 20, "%d", (int)kind);
        cr_assert(strncmp(buffer, "行政区划代码 \"x\" ", 23) == 0, "%s", buffer);
    }
}

Test(problem, the_column_is_named_as_in_the_source) {
    struct problem problem = {.kind = PROBLEM_SEPARATOR, .field = FIELD_CONTRACT_VALUE, .cell = slice_of("1,234")};
    problem_text(&problem, "合同造价（万元）", LANGUAGE_EN, buffer);
    cr_assert_str_eq(buffer, "合同造价（万元） \"1,234\" has thousands separators; remove them");
}

Test(problem, what_the_daemon_would_say_is_said_in_its_words) {
    struct problem problem = {.kind = PROBLEM_REFUSAL, .refusal = REFUSAL_CODE_EMPTY, .field = FIELD_CODE};
    problem_text(&problem, NULL, LANGUAGE_EN, buffer);
    cr_assert(strncmp(buffer, "code: the project code is empty", 31) == 0, "%s", buffer);
    cr_assert(strstr(problem_text(&problem, NULL, LANGUAGE_ZH, buffer), refusal_text_zh(REFUSAL_CODE_EMPTY)) != NULL);
}

Test(problem, long_and_many_lined_cells_are_cut_to_one_line) {
    char cell[4000];
    size_t used = 0;
    while (used + 8 < sizeof cell) {
        used += (size_t)sprintf(cell + used, "汉\n");
    }
    struct problem problem = {.kind = PROBLEM_NOT_NUMBER, .field = FIELD_PARTICIPANTS, .cell = slice_of(cell)};
    problem_text(&problem, NULL, LANGUAGE_EN, buffer);
    cr_assert(strchr(buffer, '\n') == NULL);
    cr_assert(strstr(buffer, "…") != NULL);
    cr_assert(strlen(buffer) < 300);
}
