#include "client/cli/board.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/terminal.h"

static struct board_row rows[] = {
    {.name = "安徽省", .now = {1, 100, 9, 1}},
    {.name = "浙江省", .now = {3, 9400000000000, 5, 1}, .start = {1, 9300000000000, 5, 1}},
    {.name = "上海市", .now = {2, 200, 7, 1}},
};

static struct board_row sum = {.name = "合计", .now = {6, 9400000000300, 21, 3}};

static struct board board;

static void start(void) {
    terminal_init();
    board = (struct board){.title = "样例",
                           .rows = rows,
                           .count = 3,
                           .sum = &sum,
                           .version = 42,
                           .fresh = true,
                           .age_ms = 300,
                           .measure = BOARD_VALUE,
                           .language = LANGUAGE_ZH,
                           .columns = 100,
                           .lines = 24};
}

/* What is printed; the caller frees. */
static char *printed(void) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    int lines = board_print(out, &board);
    fclose(out);
    int counted = 0;
    for (char *at = bytes; *at != '\0'; at++) {
        counted += *at == '\n';
    }
    cr_assert_eq(lines, counted);
    return bytes;
}

Test(board, ranks_by_each_measure) {
    board_rank(rows, 3, BOARD_VALUE);
    cr_assert_str_eq(rows[0].name, "浙江省");
    board_rank(rows, 3, BOARD_PARTICIPANTS);
    cr_assert_str_eq(rows[0].name, "安徽省");
    cr_assert_str_eq(rows[1].name, "上海市");
    board_rank(rows, 3, BOARD_PROJECTS);
    cr_assert_str_eq(rows[2].name, "安徽省");
    cr_assert_eq(board_measure_of_name("participants"), BOARD_PARTICIPANTS);
    cr_assert_eq(board_measure_of_name("projects"), BOARD_PROJECTS);
}

Test(board, lines_fit_the_terminal_at_every_width, .init = start) {
    for (int columns = 55; columns <= 200; columns++) {
        board.columns = columns;
        char *text = printed();
        char *rest = text;
        for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
            cr_assert(terminal_text_width(line) <= columns, "%d: %s", columns, line);
        }
        free(text);
    }
}

Test(board, shows_totals_change_version_and_age, .init = start) {
    board_rank(rows, 3, BOARD_VALUE);
    char *text = printed();
    cr_assert(strstr(text, "版本 42") != NULL, "%s", text);
    cr_assert(strstr(text, "0.3 秒前") != NULL, "%s", text);
    cr_assert(strstr(text, "+10亿元") != NULL, "%s", text);
    cr_assert(strstr(text, "940亿元") != NULL, "%s", text);
    cr_assert(strstr(text, "合计") != NULL, "%s", text);
    cr_assert(strstr(text, "\033") == NULL, "no colour unless asked for");
    free(text);
}

Test(board, stale_figures_say_so_in_words_and_colour, .init = start) {
    board.fresh = false;
    board.age_ms = 12345;
    board.language = LANGUAGE_EN;
    board.color = true;
    char *text = printed();
    cr_assert(strstr(text, "STALE: nothing for 12 s") != NULL, "%s", text);
    cr_assert(strstr(text, "\033[31m") != NULL);
    free(text);
    board.age_ms = -1;
    text = printed();
    cr_assert(strstr(text, "waiting for the daemon") != NULL, "%s", text);
    free(text);
}

Test(board, what_does_not_fit_is_counted, .init = start) {
    board.lines = 6;
    char *text = printed();
    cr_assert(strstr(text, "另有 1 个") != NULL, "%s", text);
    free(text);
}
