#include "client/lib/builder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/reader.h"
#include "proto/batch.h"
#include "rows.h"

static struct builder *started(void) {
    struct builder *builder = builder_create();
    cr_assert_not_null(builder);
    builder_start(builder, ROWS_COMPETITION);
    return builder;
}

static void assert_same_text(const char *left, const char *right) {
    cr_assert_eq(left == NULL, right == NULL);
    if (left != NULL) {
        cr_assert_str_eq(left, right);
    }
}

static void assert_same(const struct tally_project *left, const struct tally_project *right) {
    cr_assert_str_eq(left->code, right->code);
    cr_assert_eq(left->region, right->region);
    cr_assert_eq(left->category, right->category);
    cr_assert_eq(left->status, right->status);
    cr_assert_eq(left->contract_value, right->contract_value);
    cr_assert_eq(left->participants, right->participants);
    cr_assert_eq(left->migrant_participants, right->migrant_participants);
    cr_assert_eq(left->effective_day, right->effective_day);
    cr_assert_eq(left->start_day, right->start_day);
    cr_assert_eq(left->completion_day, right->completion_day);
    cr_assert_eq(left->tag, right->tag);
    assert_same_text(left->name, right->name);
    assert_same_text(left->contractor, right->contractor);
}

/* Reads a parcel back and compares it with the projects. */
static void assert_holds(const struct parcel *parcel, const struct tally_project *projects, size_t count) {
    bool malformed = true;
    struct reader *reader = reader_create(parcel, &malformed);
    struct tally_project project;
    cr_assert_not_null(reader);
    cr_assert_str_eq(reader_competition(reader), ROWS_COMPETITION);
    for (size_t i = 0; i < count; i++) {
        cr_assert(reader_next(reader, &project));
        assert_same(&project, &projects[i]);
    }
    cr_assert(!reader_next(reader, &project));
    reader_destroy(reader);
}

Test(builder, gives_back_what_it_was_given) {
    struct builder *builder = started();
    struct tally_project projects[100];
    for (unsigned i = 0; i < 100; i++) {
        projects[i] = rows_project(i);
        projects[i].name = i % 2 == 0 ? "地铁三号线" : "";
        projects[i].contractor = "浙江一建";
        projects[i].effective_day = 18000 + i;
        projects[i].start_day = i;
        cr_assert(builder_add(builder, &projects[i], 8192));
    }
    struct parcel *parcel = builder_pack(builder, (struct builder_mark){0});
    cr_assert_eq(parcel->rows, 100);
    assert_holds(parcel, projects, 100);
    parcel_release(&parcel);
    builder_destroy(builder);
}

Test(builder, packs_the_rows_after_a_mark) {
    struct builder *builder = started();
    struct tally_project projects[10];
    struct builder_mark mark = {0};
    for (unsigned i = 0; i < 10; i++) {
        projects[i] = rows_project(i);
        projects[i].name = "x";
        mark = i == 6 ? builder_end(builder) : mark;
        cr_assert(builder_add(builder, &projects[i], 8192));
    }
    struct parcel *parcel = builder_pack(builder, mark);
    assert_holds(parcel, projects + 6, 4);
    parcel_release(&parcel);
    builder_cut(builder, mark);
    parcel = builder_pack(builder, (struct builder_mark){0});
    assert_holds(parcel, projects, 6);
    parcel_release(&parcel);
    builder_destroy(builder);
}

static bool fits_together(struct tally_project first, struct tally_project second) {
    struct builder *builder = started();
    cr_assert(builder_add(builder, &first, 8192));
    bool fits = builder_add(builder, &second, 8192);
    cr_assert_eq(builder_rows(builder), fits ? 2 : 1);
    builder_destroy(builder);
    return fits;
}

Test(builder, keeps_rows_apart_that_leave_different_things_as_they_were) {
    struct tally_project plain = rows_project(1);
    struct tally_project named = rows_project(2);
    struct tally_project nameless = rows_project(3);
    struct tally_project dated = rows_project(4);
    struct tally_project built = rows_project(5);
    named.name = "a";
    nameless.name = "";
    dated.completion_day = 19000;
    built.contractor = "b";
    cr_assert(fits_together(plain, plain));
    cr_assert(!fits_together(plain, named));
    cr_assert(!fits_together(named, plain));
    cr_assert(fits_together(named, nameless), "an empty name is a name");
    cr_assert(!fits_together(plain, dated));
    cr_assert(fits_together(dated, dated));
    cr_assert(!fits_together(dated, named));
    cr_assert(!fits_together(named, built));
}

Test(builder, a_day_for_one_row_is_no_reason_to_split) {
    struct tally_project plain = rows_project(1);
    struct tally_project late = rows_project(2);
    late.effective_day = 18900;
    cr_assert(fits_together(plain, late));
}

Test(builder, takes_rows_of_one_competition) {
    struct builder *builder = started();
    struct tally_project project = rows_project(1);
    cr_assert(builder_takes(builder, "other"), "while empty");
    cr_assert(builder_add(builder, &project, 8192));
    cr_assert(builder_takes(builder, ROWS_COMPETITION));
    cr_assert(!builder_takes(builder, "other"));
    builder_destroy(builder);
}

Test(builder, stops_at_its_rows) {
    struct builder *builder = started();
    struct tally_project project = rows_project(1);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(builder_add(builder, &project, 3));
    }
    cr_assert(!builder_add(builder, &project, 3));
    builder_destroy(builder);
}

/* Fills a builder with copies of a row until none fits; the parcel must be one that the daemon takes. */
static size_t rows_that_fit(const struct tally_project *project) {
    struct builder *builder = started();
    while (builder_add(builder, project, BATCH_ROWS_MAX)) {
    }
    size_t rows = builder_rows(builder);
    struct parcel *parcel = builder_pack(builder, (struct builder_mark){0});
    bool malformed = false;
    cr_assert_leq(parcel->body_bytes, BATCH_BYTES_MAX);
    struct reader *reader = reader_create(parcel, &malformed);
    cr_assert_not_null(reader);
    reader_destroy(reader);
    void *memory = malloc(BATCH_ARENA_BYTES);
    struct arena arena;
    struct batch batch;
    arena_init(&arena, memory, BATCH_ARENA_BYTES);
    cr_assert_eq(batch_decode(parcel->body, parcel->body_bytes, &arena, &batch), REFUSAL_NONE);
    cr_assert_eq(batch.rows, rows);
    free(memory);
    parcel_release(&parcel);
    builder_destroy(builder);
    return rows;
}

Test(builder, figures_alone_always_fill_a_batch) {
    struct tally_project project = rows_project(1);
    project.code = "12345678901234567890123456789012";
    project.region = project.category = project.status = project.effective_day = UINT32_MAX;
    project.start_day = project.completion_day = UINT32_MAX;
    project.contract_value = project.participants = project.migrant_participants = INT64_MIN;
    cr_assert_eq(rows_that_fit(&project), BATCH_ROWS_MAX);
}

Test(builder, texts_never_make_a_batch_too_large) {
    char text[BUILDER_TEXT_BYTES_MAX + 1];
    char code[BUILDER_CODE_BYTES_MAX + 1];
    struct tally_project project = rows_project(1);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    project.name = text;
    project.contractor = text;
    cr_assert_geq(rows_that_fit(&project), 120);
    project.name = "";
    project.contractor = "";
    cr_assert_eq(rows_that_fit(&project), BATCH_ROWS_MAX);
    memset(code, 'c', sizeof code - 1);
    code[sizeof code - 1] = '\0';
    project.code = code;
    cr_assert_lt(rows_that_fit(&project), BATCH_ROWS_MAX);
}

Test(builder, packs_one_row) {
    struct tally_project project = rows_project(7);
    project.name = "n";
    struct parcel *parcel = builder_pack_one(ROWS_COMPETITION, &project);
    assert_holds(parcel, &project, 1);
    parcel_release(&parcel);
    project.name = NULL;
    project.code = "";
    parcel = builder_pack_one(ROWS_COMPETITION, &project);
    assert_holds(parcel, &project, 1);
    parcel_release(&parcel);
}

Test(builder, a_parcel_survives_packing_and_a_broken_one_is_noticed) {
    struct tally_project project = rows_project(7);
    struct parcel *parcel = builder_pack_one(ROWS_COMPETITION, &project);
    size_t size = parcel_packed_bytes(parcel);
    uint8_t *bytes = malloc(size);
    bool malformed = true;
    parcel_pack(parcel, bytes);
    struct parcel *copy = parcel_unpack(bytes, size, &malformed);
    assert_holds(copy, &project, 1);
    parcel_release(&copy);
    cr_assert_null(parcel_unpack(bytes, 3, &malformed));
    cr_assert(malformed);
    memset(bytes, 0xff, 4);
    cr_assert_null(parcel_unpack(bytes, size, &malformed));
    cr_assert(malformed);
    parcel->body[20] ^= 0x40;
    parcel->rows = 1;
    struct reader *reader = reader_create(parcel, &malformed);
    cr_assert(reader != NULL || malformed);
    reader_destroy(reader);
    free(bytes);
    parcel_release(&parcel);
}

Test(builder, a_parcel_that_is_on_its_way_is_not_numbered_anew) {
    struct tally_project project = rows_project(7);
    struct parcel *parcel = builder_pack_one(ROWS_COMPETITION, &project);
    struct parcel *alone = parcel;
    cr_assert(parcel_number(&parcel, 5));
    cr_assert_eq(parcel, alone);
    struct parcel *travelling = parcel_hold(parcel);
    cr_assert(parcel_number(&parcel, 6));
    cr_assert_neq(parcel, travelling);
    cr_assert_eq(travelling->body[1], 5);
    cr_assert_eq(parcel->body[1], 6);
    assert_holds(parcel, &project, 1);
    parcel_release(&travelling);
    parcel_release(&parcel);
}
