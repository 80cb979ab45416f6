/* What is read as a plain batch is what protobuf-c reads in the same bytes, to the last number: batches as libtally packs them,
 * and the same with bytes changed, cut off or added. The body is a piece of the heap of its exact size, so that an address
 * sanitizer sees any look beyond it. */
#include "proto/plain_batch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tally.pb-c.h"
#include "tests/support/columns.h"
#include "tests/support/random.h"
#include "tests/support/seed.h"

struct desk {
    struct random random;
    struct columns *columns;
    struct arena arena;
    struct batch batch;
    size_t plain;
    size_t other;
};

static void desk_init(struct desk *desk, uint64_t number) {
    *desk = (struct desk){.random = {.state = seed_of("plain_batch", number)}, .columns = columns_create()};
    arena_init(&desk->arena, malloc(BATCH_ARENA_BYTES), BATCH_ARENA_BYTES);
    cr_assert_not_null(desk->arena.base);
}

static void desk_fini(struct desk *desk) {
    free(desk->arena.base);
    free(desk->columns);
}

/* ---- against protobuf-c ---- */

static void expect_numbers(const uint32_t *got, const uint32_t *wanted, size_t count, size_t rows) {
    cr_assert(count == rows || (count == 0 && got == NULL));
    cr_assert(count == 0 || memcmp(got, wanted, rows * sizeof *got) == 0);
}

static void expect_figures(const int64_t *got, const int64_t *wanted, size_t count, size_t rows) {
    cr_assert_eq(count, rows);
    cr_assert_arr_eq(got, wanted, rows * sizeof *got);
}

static void expect_same(const struct batch *got, const Tally__Batch *wanted) {
    cr_assert_eq(got->sequence, wanted->sequence);
    cr_assert_str_eq(got->competition, wanted->competition);
    cr_assert_eq(got->rows, wanted->n_code_bytes);
    cr_assert_eq(got->code_bytes_sum, wanted->code.len);
    cr_assert_arr_eq(got->code, wanted->code.data, wanted->code.len);
    expect_numbers(got->code_bytes, wanted->code_bytes, wanted->n_code_bytes, got->rows);
    expect_numbers(got->region, wanted->region, wanted->n_region, got->rows);
    expect_numbers(got->category, wanted->category, wanted->n_category, got->rows);
    expect_numbers(got->status, wanted->status, wanted->n_status, got->rows);
    expect_figures(got->contract_value, wanted->contract_value, wanted->n_contract_value, got->rows);
    expect_figures(got->participants, wanted->participants, wanted->n_participants, got->rows);
    expect_figures(got->migrant_participants, wanted->migrant_participants, wanted->n_migrant_participants, got->rows);
    expect_numbers(got->effective_day, wanted->effective_day, wanted->n_effective_day, got->rows);
    expect_numbers(got->start_day, wanted->start_day, wanted->n_start_day, got->rows);
    expect_numbers(got->completion_day, wanted->completion_day, wanted->n_completion_day, got->rows);
    cr_assert(got->name == NULL && got->contractor == NULL && wanted->n_name == 0 && wanted->n_contractor == 0);
}

/* Reads the bytes, which are the desk's no longer. Returns whether they were plain. */
static bool check(struct desk *desk, uint8_t *bytes, size_t size) {
    uint8_t *exact = malloc(size > 0 ? size : 1);
    cr_assert_not_null(exact);
    memcpy(exact, bytes, size);
    free(bytes);
    arena_reset(&desk->arena);
    bool plain = plain_batch_read(exact, size, &desk->arena, &desk->batch);
    cr_assert(plain || desk->arena.used == 0);
    if (plain) {
        Tally__Batch *wanted = tally__batch__unpack(NULL, size, exact);
        cr_assert_not_null(wanted, "protobuf-c does not take it");
        expect_same(&desk->batch, wanted);
        tally__batch__free_unpacked(wanted, NULL);
    }
    desk->plain += plain;
    desk->other += !plain;
    free(exact);
    return plain;
}

/* ---- batches ---- */

static uint64_t below_bits(struct random *random, unsigned bits) {
    return random_next(random) >> (64 - bits + random_below(random, bits));
}

static void add_row(struct desk *desk) {
    char code[PROJECT_CODE_BYTES_MAX + 1];
    size_t size = 1 + (size_t)random_below(&desk->random, PROJECT_CODE_BYTES_MAX);
    for (size_t i = 0; i < size; i++) {
        code[i] = (char)(0x21 + random_below(&desk->random, 0x7E - 0x21));
    }
    code[size] = 0;
    columns_add(desk->columns,
                &(struct columns_row){.code = code,
                                      .region = random_once_in(&desk->random, 9)
                                                    ? (uint32_t)below_bits(&desk->random, 27)
                                                    : 110000 + (uint32_t)random_below(&desk->random, 550000),
                                      .category = (uint32_t)random_below(&desk->random, 16),
                                      .status = (uint32_t)random_below(&desk->random, 16),
                                      .contract_value = (int64_t)below_bits(&desk->random, 55),
                                      .participants = (int64_t)below_bits(&desk->random, 40),
                                      .migrant_participants = (int64_t)below_bits(&desk->random, 30),
                                      .effective_day = (uint32_t)random_below(&desk->random, 20000),
                                      .start_day = (uint32_t)below_bits(&desk->random, 20),
                                      .completion_day = (uint32_t)below_bits(&desk->random, 20)});
}

static uint8_t *random_bytes(struct desk *desk, size_t *size) {
    columns_clear(desk->columns);
    size_t rows = 1 + (size_t)random_below(&desk->random, random_once_in(&desk->random, 20) ? BATCH_ROWS_MAX : 40);
    for (size_t i = 0; i < rows; i++) {
        add_row(desk);
    }
    struct columns_present present = {.effective_day = random_once_in(&desk->random, 2),
                                      .start_day = random_once_in(&desk->random, 3),
                                      .completion_day = random_once_in(&desk->random, 3)};
    struct batch batch = columns_batch(desk->columns, present, 1 + random_next(&desk->random), "csj-2021");
    return columns_encode(&batch, size);
}

Test(plain_batch, what_libtally_packs_is_plain_and_read_as_protobuf_reads_it) {
    struct desk desk;
    desk_init(&desk, 1);
    for (int i = 0; i < 2000; i++) {
        size_t size;
        uint8_t *bytes = random_bytes(&desk, &size);
        cr_assert(check(&desk, bytes, size));
    }
    desk_fini(&desk);
}

static size_t mutate(struct desk *desk, uint8_t **bytes, size_t size) {
    size_t at = (size_t)random_below(&desk->random, size);
    switch (random_below(&desk->random, 4)) {
    case 0:
        (*bytes)[at] ^= (uint8_t)(1u << random_below(&desk->random, 8));
        return size;
    case 1:
        (*bytes)[at] = (uint8_t)random_next(&desk->random);
        return size;
    case 2:
        memmove(*bytes + at, *bytes + at + 1, size - at - 1);
        return size - 1;
    default:
        *bytes = realloc(*bytes, size + 1);
        cr_assert_not_null(*bytes);
        memmove(*bytes + at + 1, *bytes + at, size - at);
        return size + 1;
    }
}

Test(plain_batch, what_is_changed_is_read_as_protobuf_reads_it_or_left_to_it) {
    struct desk desk;
    desk_init(&desk, 2);
    for (int i = 0; i < 40000; i++) {
        size_t size;
        uint8_t *bytes = random_bytes(&desk, &size);
        for (uint64_t changes = 1 + random_below(&desk.random, 3); changes > 0 && size > 1; changes--) {
            size = mutate(&desk, &bytes, size);
        }
        check(&desk, bytes, size);
    }
    fprintf(stderr, "plain_batch: %zu plain, %zu left to protobuf-c\n", desk.plain, desk.other);
    cr_assert(desk.plain > 1000 && desk.other > 1000, "both were tested");
    desk_fini(&desk);
}

/* ---- what is not plain ---- */

static bool plain_with(const struct columns_row *row, struct columns_present present, const char *competition) {
    struct desk desk;
    desk_init(&desk, 3);
    columns_add(desk.columns, row);
    struct batch batch = columns_batch(desk.columns, present, 7, competition);
    size_t size;
    uint8_t *bytes = columns_encode(&batch, &size);
    bool plain = check(&desk, bytes, size);
    desk_fini(&desk);
    return plain;
}

Test(plain_batch, texts_negative_and_oversized_numbers_are_left_to_protobuf) {
    struct columns_row row = {.code = "p", .region = 330106, .contract_value = 1, .participants = 1};
    struct columns_present none = {0};
    cr_assert(plain_with(&row, none, "csj-2021"));
    cr_assert(!plain_with(&row, none, ""));
    cr_assert(!plain_with(&row, (struct columns_present){.name = true}, "csj-2021"));
    row.contract_value = -1;
    cr_assert(!plain_with(&row, none, "csj-2021"));
    row.contract_value = INT64_C(1) << 56;
    cr_assert(!plain_with(&row, none, "csj-2021"));
    row.contract_value = (INT64_C(1) << 56) - 1;
    cr_assert(plain_with(&row, none, "csj-2021"));
    row.region = UINT32_C(1) << 28;
    cr_assert(!plain_with(&row, none, "csj-2021"));
    row.region--;
    cr_assert(plain_with(&row, none, "csj-2021"));
}

Test(plain_batch, more_rows_than_a_batch_may_have_or_than_the_arena_holds_change_nothing) {
    struct desk desk;
    desk_init(&desk, 4);
    for (size_t i = 0; i < BATCH_ROWS_MAX; i++) {
        columns_add(desk.columns, &(struct columns_row){.code = "p", .region = 330106});
    }
    struct batch batch = columns_batch(desk.columns, (struct columns_present){0}, 1, "csj-2021");
    size_t size;
    uint8_t *bytes = columns_encode(&batch, &size);
    struct arena small;
    arena_init(&small, desk.arena.base, 10000);
    cr_assert(!plain_batch_read(bytes, size, &small, &desk.batch));
    cr_assert_eq(small.used, 0);
    cr_assert(check(&desk, bytes, size));
    columns_add(desk.columns, &(struct columns_row){.code = "p", .region = 330106});
    batch = columns_batch(desk.columns, (struct columns_present){0}, 1, "csj-2021");
    bytes = columns_encode(&batch, &size);
    cr_assert(!check(&desk, bytes, size));
    desk_fini(&desk);
}
