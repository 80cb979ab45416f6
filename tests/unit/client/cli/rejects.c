#include "client/cli/rejects.h"

#include <criterion/criterion.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/unit/client/cli/competition.h"

#define HEADER "项目代码,备注,行政区划代码,竞赛类别,状态,合同造价(万元),参与人数,其中农民工"

static char source_path[64];
static char rejects_path[64];
static struct source source;
static struct sheet *sheet;
static struct rejects *rejects;
static char *written;

static void write_source(const char *bytes, size_t size) {
    FILE *out = fopen(source_path, "w");
    cr_assert_eq(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

static void open_source(const char *bytes, size_t size) {
    char message[SHEET_MESSAGE_BYTES];
    write_source(bytes, size);
    cr_assert_eq(source_open(source_path, ENCODING_AUTO, &source, message), EX_OK, "%s", message);
    struct sheet_options options = {
        .text = source.text.text, .size = source.text.size, .competition = competition_sample(), .today = 18928};
    cr_assert(sheet_open(&options, &sheet, message), "%s", message);
}

static void start(void) {
    snprintf(source_path, sizeof source_path, "/tmp/tally-rejects-%d-in", (int)getpid());
    snprintf(rejects_path, sizeof rejects_path, "/tmp/tally-rejects-%d-out", (int)getpid());
    rejects = rejects_create();
}

static void finish(void) {
    sheet_close(&sheet);
    source_close(&source);
    rejects_destroy(&rejects);
    unlink(source_path);
    unlink(rejects_path);
    free(written);
}

/* Writes the rejects and reads them back into written. */
static void write_rejects(void) {
    cr_assert(rejects_write(rejects, rejects_path, &source, sheet, competition_sample()));
    FILE *in = fopen(rejects_path, "r");
    free(written);
    written = calloc(1, 65536);
    cr_assert(fread(written, 1, 65535, in) > 0);
    fclose(in);
}

Test(rejects, same_columns_untouched_in_source_order_with_the_reason, .init = start, .fini = finish) {
    static const char text[] = HEADER "\n"
                                      "A-1,ok,330106,1,3,1.50,10,5\n"
                                      "A-2,\"a, \"\"b\"\"\", 33010 ,1,3,1.50,10,5\n"
                                      "\n"
                                      "A-3,,330106,1,3,\"1,234\",10\n";
    open_source(text, strlen(text));
    cr_assert(rejects_add(rejects, 5, "later row"));
    cr_assert(rejects_add(rejects, 3, "zeros, lost"));
    cr_assert(rejects_add(rejects, 5, "second reason"));
    cr_assert_eq(rejects_count(rejects), 2);
    write_rejects();
    cr_assert_str_eq(written, HEADER ",原因\r\n"
                                     "A-2,\"a, \"\"b\"\"\", 33010 ,1,3,1.50,10,5,\"zeros, lost\"\r\n"
                                     "A-3,,330106,1,3,\"1,234\",10,,later row\r\n");
}

Test(rejects, what_was_not_plain_utf8_is_written_for_excel, .init = start, .fini = finish) {
    static const char text[] = HEADER "\r\nA-1,备忘,33010,重点工程,已报名,1.5,10,5\r\n";
    char gbk[512];
    char *from = (char *)(uintptr_t)text;
    char *to = gbk;
    size_t from_left = strlen(text);
    size_t to_left = sizeof gbk;
    iconv_t converter = iconv_open("GBK", "UTF-8");
    cr_assert(iconv(converter, &from, &from_left, &to, &to_left) != (size_t)-1);
    iconv_close(converter);
    open_source(gbk, sizeof gbk - to_left);
    cr_assert(rejects_add(rejects, 2, "理由"));
    write_rejects();
    cr_assert_str_eq(written, "\uFEFF" HEADER ",原因\r\nA-1,备忘,33010,重点工程,已报名,1.5,10,5,理由\r\n");
}

Test(rejects, a_corrected_file_with_its_reasons_can_be_read_and_rejected_again, .init = start, .fini = finish) {
    static const char text[] = HEADER ",原因\nA-1,x,330106,1,3,1.5,10,5,old reason\nA-2,y,1,1,3,1.5,10,5,old reason\n";
    struct sheet_row row;
    open_source(text, strlen(text));
    cr_assert(sheet_next(sheet, &row));
    cr_assert_eq(row.problem.kind, PROBLEM_NONE);
    cr_assert_str_eq(sheet_ignored(sheet), "备注");
    cr_assert(rejects_add(rejects, 3, "new reason"));
    write_rejects();
    cr_assert_str_eq(written, HEADER ",原因\r\nA-2,y,1,1,3,1.5,10,5,new reason\r\n");
}

Test(rejects, the_source_itself_can_be_replaced, .init = start, .fini = finish) {
    static const char text[] = HEADER "\nA-1,x,1,1,3,1.5,10,5\n";
    open_source(text, strlen(text));
    cr_assert(rejects_add(rejects, 2, "r"));
    strcpy(rejects_path, source_path);
    write_rejects();
    cr_assert_str_eq(written, HEADER ",原因\r\nA-1,x,1,1,3,1.5,10,5,r\r\n");
}

Test(rejects, ndjson_objects_get_a_reason_and_broken_lines_are_kept, .init = start, .fini = finish) {
    static const char text[] = "{\"code\":\"A\",\"x\":1,\"reason\":\"old\"}\n{\"code\": broken\n{\"code\":\"C\"}\n";
    open_source(text, strlen(text));
    cr_assert(rejects_add(rejects, 2, "no object"));
    cr_assert(rejects_add(rejects, 1, "why \"so\""));
    write_rejects();
    cr_assert_str_eq(written, "{\"code\":\"A\",\"x\":1,\"reason\":\"why \\\"so\\\"\"}\n"
                              "{\"source\":\"{\\\"code\\\": broken\",\"reason\":\"no object\"}\n");
}

Test(rejects, rows_of_an_earlier_push_are_made_anew, .init = start, .fini = finish) {
    static const char text[] = HEADER "\n";
    open_source(text, strlen(text));
    struct tally_refused refused = {.project = {.code = "OLD-1",
                                                .region = 330106,
                                                .category = 5,
                                                .status = 9,
                                                .contract_value = 123456789,
                                                .participants = 12,
                                                .migrant_participants = 3}};
    cr_assert(rejects_add_earlier(rejects, &refused, "why"));
    cr_assert_eq(rejects_count(rejects), 0);
    cr_assert_eq(rejects_earlier_count(rejects), 1);
    write_rejects();
    cr_assert_str_eq(written, HEADER ",原因\r\nOLD-1,,330106,vocational-skills,withdrawn,123.456789,12,3,why\r\n");
}

Test(rejects, an_open_quote_is_closed_so_that_the_reason_is_a_cell, .init = start, .fini = finish) {
    static const char text[] = HEADER "\nA-1,\"x,1,1,3\n";
    open_source(text, strlen(text));
    cr_assert(rejects_add(rejects, 2, "open"));
    write_rejects();
    cr_assert_str_eq(written, HEADER ",原因\r\nA-1,\"x,1,1,3\n\",,,,,,,open\r\n");
}

Test(rejects, a_place_that_cannot_be_written_is_told, .init = start, .fini = finish) {
    static const char text[] = HEADER "\n";
    open_source(text, strlen(text));
    cr_assert_not(rejects_write(rejects, "/nonexistent/rejects.csv", &source, sheet, competition_sample()));
}
