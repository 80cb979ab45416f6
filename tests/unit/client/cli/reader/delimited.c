#include "client/cli/reader/delimited.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct delimited reader;

static void start(const char *text, char delimiter) {
    delimited_init(&reader, text, strlen(text), delimiter);
}

static void finish(void) {
    delimited_fini(&reader);
}

/* Expects the next row to have these cells, with "|" between. */
static void expect(uint64_t row, const char *cells) {
    cr_assert(delimited_next(&reader));
    char joined[512] = "";
    for (size_t i = 0; i < reader.count; i++) {
        strncat(joined, i > 0 ? "|" : "", 2);
        strncat(joined, reader.cells[i].value.text, reader.cells[i].value.size);
    }
    cr_assert_str_eq(joined, cells);
    cr_assert_eq(reader.row, row);
}

Test(delimited, plain_cells_and_every_line_end, .fini = finish) {
    start("a,b,c\n1,2,3\r\n4,,6\r7,8,", ',');
    expect(1, "a|b|c");
    expect(2, "1|2|3");
    expect(3, "4||6");
    expect(4, "7|8|");
    cr_assert_not(delimited_next(&reader));
    cr_assert_eq(reader.at, reader.end);
}

Test(delimited, quotes_hold_delimiters_quotes_and_line_ends, .fini = finish) {
    start("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\n\"\",x,\"\"\"\"\n", ',');
    expect(1, "a,b|say \"hi\"|two\nlines");
    expect(2, "|x|\"");
    cr_assert_eq(reader.fault, DELIMITED_FINE);
}

Test(delimited, many_doubled_quotes_in_one_row_survive_growth, .fini = finish) {
    char *text = malloc(200000);
    size_t used = 0;
    for (int cell = 0; cell < 20; cell++) {
        used += (size_t)sprintf(text + used, "%s\"%02d", cell > 0 ? "," : "", cell);
        for (int i = 0; i < 1000; i++) {
            used += (size_t)sprintf(text + used, "\"\"");
        }
        used += (size_t)sprintf(text + used, "\"");
    }
    delimited_init(&reader, text, used, ',');
    cr_assert(delimited_next(&reader));
    cr_assert_eq(reader.count, 20);
    for (size_t cell = 0; cell < 20; cell++) {
        cr_assert_eq(reader.cells[cell].value.size, 1002);
        cr_assert_eq((size_t)atoi(reader.cells[cell].value.text), cell);
        cr_assert_eq(reader.cells[cell].value.text[1001], '"');
    }
    free(text);
}

Test(delimited, rows_are_numbered_as_a_spreadsheet_shows_them, .fini = finish) {
    start("head\n\n,,\n\"a\nb\"\nlast", ',');
    expect(1, "head");
    expect(4, "a\nb");
    expect(5, "last");
}

Test(delimited, raw_cells_are_as_in_the_source, .fini = finish) {
    start(" a ,\"b\"\"c\" ,d\n", ',');
    cr_assert(delimited_next(&reader));
    cr_assert(slice_equal(reader.cells[0].raw, " a "));
    cr_assert(slice_equal(reader.cells[1].raw, "\"b\"\"c\" "));
    cr_assert(slice_equal(reader.cells[1].value, "b\"c"));
    cr_assert_eq(reader.fault, DELIMITED_FINE);
}

Test(delimited, a_quote_that_is_never_closed_is_told, .fini = finish) {
    start("a,\"b\nc,d\n", ',');
    cr_assert(delimited_next(&reader));
    cr_assert_eq(reader.fault, DELIMITED_QUOTE_OPEN);
    cr_assert_eq(reader.count, 2);
    cr_assert_not(delimited_next(&reader));
}

Test(delimited, text_after_a_closing_quote_is_told, .fini = finish) {
    start("\"a\"b,c\nd,e\n", ',');
    cr_assert(delimited_next(&reader));
    cr_assert_eq(reader.fault, DELIMITED_QUOTE_STRAY);
    expect(2, "d|e");
    cr_assert_eq(reader.fault, DELIMITED_FINE);
}

Test(delimited, a_quote_within_a_plain_cell_is_text, .fini = finish) {
    start("5\" pipe,x\n", ',');
    expect(1, "5\" pipe|x");
}

Test(delimited, too_many_cells_are_told_and_the_next_row_is_read, .fini = finish) {
    char *text = malloc(4096);
    memset(text, ',', 1000);
    strcpy(text + 1000, "x\na\n");
    start(text, ',');
    cr_assert(delimited_next(&reader));
    cr_assert_eq(reader.fault, DELIMITED_CELLS_TOO_MANY);
    cr_assert_eq(reader.count, DELIMITED_CELLS_MAX);
    expect(2, "a");
    free(text);
}

Test(delimited, tabs_and_semicolons, .fini = finish) {
    start("a;b,c\td\n", ';');
    expect(1, "a|b,c\td");
    start("a;b\tc\n", '\t');
    expect(1, "a;b|c");
}

Test(delimited, the_delimiter_is_found_in_the_first_row_outside_quotes) {
    cr_assert_eq(delimited_detect("a,b,c\n1;2;3;4;5;6", 17), ',');
    cr_assert_eq(delimited_detect("a;b\n", 4), ';');
    cr_assert_eq(delimited_detect("a\tb\tc,d\n", 8), '\t');
    cr_assert_eq(delimited_detect("\"a;b;c;d\",e\n", 12), ',');
    cr_assert_eq(delimited_detect("\r\n\na;b\n", 7), ';');
    cr_assert_eq(delimited_detect("", 0), ',');
}
