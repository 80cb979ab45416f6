#include "proto/batch.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tally.pb-c.h"
#include "tests/support/columns.h"
#include "tests/support/random.h"
#include "tests/support/seed.h"

static void get_arena(struct arena *arena) {
    arena_init(arena, malloc(BATCH_ARENA_BYTES), BATCH_ARENA_BYTES);
    cr_assert_not_null(arena->base);
}

static const char *const texts[] = {"", "a", "杭州西站枢纽站房工程", "\x7F\x01", "浙江省建工集团有限责任公司"};

enum { TEXTS = sizeof texts / sizeof texts[0] };

static int64_t random_figure(struct random *random) {
    return (int64_t)random_next(random) >> random_below(random, 64);
}

static uint32_t random_number(struct random *random) {
    return (uint32_t)(random_next(random) >> (32 + random_below(random, 32)));
}

/* Any bytes without NUL, any length up to twice what is allowed: the codec does not judge. */
static const char *random_code(struct random *random) {
    static char code[65];
    size_t size = (size_t)random_below(random, sizeof code);
    for (size_t i = 0; i < size; i++) {
        code[i] = (char)(1 + random_below(random, 255));
    }
    code[size] = '\0';
    return code;
}

static void add_random_rows(struct columns *columns, struct random *random, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        struct columns_row row = {.code = random_code(random),
                                  .region = random_number(random),
                                  .category = random_number(random),
                                  .status = random_number(random),
                                  .contract_value = random_figure(random),
                                  .participants = random_figure(random),
                                  .migrant_participants = random_figure(random),
                                  .effective_day = random_number(random),
                                  .name = texts[random_below(random, TEXTS)],
                                  .contractor = texts[random_below(random, TEXTS)],
                                  .start_day = random_number(random),
                                  .completion_day = random_number(random)};
        columns_add(columns, &row);
    }
}

static void expect_same_numbers(const uint32_t *got, const uint32_t *wanted, size_t rows) {
    cr_assert_eq(got == NULL, wanted == NULL);
    cr_assert(wanted == NULL || memcmp(got, wanted, rows * sizeof *got) == 0);
}

static void expect_same_texts(char *const *got, char *const *wanted, size_t rows) {
    cr_assert_eq(got == NULL, wanted == NULL);
    for (size_t i = 0; wanted != NULL && i < rows; i++) {
        cr_assert_str_eq(got[i], wanted[i]);
    }
}

static void expect_same(const struct batch *got, const struct batch *wanted) {
    cr_assert_eq(got->sequence, wanted->sequence);
    cr_assert_str_eq(got->competition, wanted->competition);
    cr_assert_eq(got->rows, wanted->rows);
    cr_assert_eq(got->code_bytes_sum, wanted->code_bytes_sum);
    cr_assert(wanted->code_bytes_sum == 0 || memcmp(got->code, wanted->code, wanted->code_bytes_sum) == 0);
    expect_same_numbers(got->code_bytes, wanted->code_bytes, wanted->rows);
    expect_same_numbers(got->region, wanted->region, wanted->rows);
    expect_same_numbers(got->category, wanted->category, wanted->rows);
    expect_same_numbers(got->status, wanted->status, wanted->rows);
    size_t bytes = wanted->rows * sizeof(int64_t);
    cr_assert_eq(memcmp(got->contract_value, wanted->contract_value, bytes), 0);
    cr_assert_eq(memcmp(got->participants, wanted->participants, bytes), 0);
    cr_assert_eq(memcmp(got->migrant_participants, wanted->migrant_participants, bytes), 0);
    expect_same_numbers(got->effective_day, wanted->effective_day, wanted->rows);
    expect_same_texts(got->name, wanted->name, wanted->rows);
    expect_same_texts(got->contractor, wanted->contractor, wanted->rows);
    expect_same_numbers(got->start_day, wanted->start_day, wanted->rows);
    expect_same_numbers(got->completion_day, wanted->completion_day, wanted->rows);
}

static void expect_round_trip(struct arena *arena, const struct batch *batch) {
    size_t size;
    uint8_t *bytes = columns_encode(batch, &size);
    struct batch got;
    arena_reset(arena);
    cr_assert_eq(batch_decode(bytes, size, arena, &got), REFUSAL_NONE, "%zu rows", batch->rows);
    expect_same(&got, batch);
    free(bytes); /* into which the columns may point */
}

Test(batch, random_batches_come_back_as_they_were) {
    struct random random = {.state = seed_of("batch", 21)};
    struct arena arena;
    get_arena(&arena);
    struct columns *columns = columns_create();
    for (int i = 0; i < 600; i++) {
        columns_clear(columns);
        add_random_rows(columns, &random, 1 + (size_t)random_below(&random, 400));
        uint64_t bits = random_next(&random);
        struct columns_present present = {bits & 1, bits & 2, bits & 4, bits & 8, bits & 16};
        struct batch batch = columns_batch(columns, present, 1 + (random_next(&random) >> 1), "csj-2021");
        expect_round_trip(&arena, &batch);
    }
    free(columns);
    free(arena.base);
}

Test(batch, the_empty_text_of_an_only_row_is_not_an_absent_column) {
    struct arena arena;
    get_arena(&arena);
    struct columns *columns = columns_create();
    columns_clear(columns);
    columns_add(columns, &(struct columns_row){.code = "c", .region = 330106, .name = "", .contractor = ""});
    for (unsigned bits = 0; bits < 4; bits++) {
        struct columns_present present = {.name = bits & 1, .contractor = bits & 2};
        struct batch batch = columns_batch(columns, present, 1, "csj-2021");
        expect_round_trip(&arena, &batch);
    }
    free(columns);
    free(arena.base);
}

/* The wire's own limits, all at once: 8,192 rows of the widest figures and dates. */
static void add_widest_rows(struct columns *columns, size_t rows, const char *name, const char *contractor) {
    for (size_t i = 0; i < rows; i++) {
        struct columns_row row = {.code = "0123456789-0123456789-0123456789",
                                  .region = 999999,
                                  .category = 15,
                                  .status = 15,
                                  .contract_value = CONTRACT_VALUE_FEN_MAX,
                                  .participants = PARTICIPANTS_MAX,
                                  .migrant_participants = PARTICIPANTS_MAX,
                                  .effective_day = 65535,
                                  .name = name,
                                  .contractor = contractor,
                                  .start_day = 65535,
                                  .completion_day = 65535};
        columns_add(columns, &row);
    }
}

Test(batch, the_largest_batches_fit_their_bytes_and_the_arena) {
    static const struct {
        size_t rows;
        const char *text;
    } largest[] = {{BATCH_ROWS_MAX, ""}, {BATCH_ROWS_MAX, "x"}, {BATCH_ROWS_MAX, "0123456789abcde0123456789abc"}};
    const struct columns_present all = {true, true, true, true, true};
    struct arena arena;
    get_arena(&arena);
    struct columns *columns = columns_create();
    for (size_t i = 0; i < sizeof largest / sizeof largest[0]; i++) {
        columns_clear(columns);
        add_widest_rows(columns, largest[i].rows, largest[i].text, largest[i].text);
        struct batch batch = columns_batch(columns, all, UINT64_MAX, "0123456789-0123456789-0123456789");
        cr_assert_leq(batch_encoded_bytes(&batch), BATCH_BYTES_MAX);
        expect_round_trip(&arena, &batch);
    }
    free(columns);
    free(arena.base);
}

/* As many of the longest texts as a body holds. */
Test(batch, a_body_full_of_the_longest_texts_fits_the_arena) {
    const struct columns_present all = {true, true, true, true, true};
    char text[TEXT_BYTES_MAX + 1];
    memset(text, 'x', TEXT_BYTES_MAX);
    text[TEXT_BYTES_MAX] = '\0';
    struct arena arena;
    get_arena(&arena);
    struct columns *columns = columns_create();
    struct batch batch = columns_batch(columns, all, 1, "csj-2021");
    while (batch_encoded_bytes(&batch) + 700 < BATCH_BYTES_MAX) {
        add_widest_rows(columns, 1, text, text);
        batch = columns_batch(columns, all, 1, "csj-2021");
    }
    cr_assert_gt(batch.rows, 1700);
    expect_round_trip(&arena, &batch);
    free(columns);
    free(arena.base);
}

Test(batch, a_batch_of_another_arena_size_is_refused_not_cut) {
    struct random random = {.state = 5};
    struct columns *columns = columns_create();
    add_random_rows(columns, &random, 50);
    const struct columns_present all = {true, true, true, true, true};
    struct batch batch = columns_batch(columns, all, 1, "csj-2021");
    size_t size;
    uint8_t *bytes = columns_encode(&batch, &size);
    struct arena whole;
    get_arena(&whole);
    struct batch got;
    cr_assert_eq(batch_decode(bytes, size, &whole, &got), REFUSAL_NONE);
    for (size_t budget = 0; budget < whole.used; budget++) {
        uint8_t *memory = malloc(budget); /* of its own size, so that a sanitizer sees a step beyond */
        struct arena arena;
        arena_init(&arena, memory, budget);
        struct batch untouched = {.sequence = 77};
        cr_assert_eq(batch_decode(bytes, size, &arena, &untouched), REFUSAL_BODY_MALFORMED, "budget %zu", budget);
        cr_assert_eq(untouched.sequence, 77);
        free(memory);
    }
    free(whole.base);
    free(bytes);
    free(columns);
}

Test(batch, its_sequence_can_be_set_anew) {
    static const uint64_t sequences[] = {1, 2, 255, 256, UINT64_C(0x0102030405060708), UINT64_MAX};
    struct random random = {.state = 6};
    struct arena arena;
    get_arena(&arena);
    struct columns *columns = columns_create();
    add_random_rows(columns, &random, 20);
    struct batch batch = columns_batch(columns, (struct columns_present){.name = true}, 12345, "csj-2021");
    size_t size;
    uint8_t *bytes = columns_encode(&batch, &size);
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        batch_set_sequence(bytes, size, sequences[i]);
        cr_assert_eq(batch_sequence(bytes, size), sequences[i]);
        struct batch got;
        arena_reset(&arena);
        cr_assert_eq(batch_decode(bytes, size, &arena, &got), REFUSAL_NONE);
        batch.sequence = sequences[i];
        expect_same(&got, &batch);
    }
    batch_set_sequence(bytes, 8, 99);
    cr_assert_eq(bytes[1], UINT8_MAX, "too short to hold a sequence: left alone");
    cr_assert_eq(batch_sequence(bytes, 8), 0, "too short to hold a sequence");
    cr_assert_eq(batch_sequence(bytes + 1, size - 1), 0, "does not begin with a sequence");
    free(bytes);
    free(columns);
    free(arena.base);
}

/* ---- columns that do not go together ---- */

enum { ROWS = 5 };

static Tally__Batch whole_message(void) {
    static uint8_t code[] = "abcde";
    static uint32_t ones[ROWS + 1] = {1, 1, 1, 1, 1, 1};
    static int64_t figures[ROWS + 1] = {1, 1, 1, 1, 1, 1};
    static char *names[ROWS + 1] = {"n", "n", "n", "n", "n", "n"};
    Tally__Batch message = TALLY__BATCH__INIT;
    message.sequence = 7;
    message.competition = "csj-2021";
    message.code = (ProtobufCBinaryData){ROWS, code};
    message.n_code_bytes = message.n_region = message.n_category = message.n_status = ROWS;
    message.n_contract_value = message.n_participants = message.n_migrant_participants = ROWS;
    message.n_effective_day = message.n_name = message.n_contractor = ROWS;
    message.n_start_day = message.n_completion_day = ROWS;
    message.code_bytes = message.region = message.category = message.status = ones;
    message.effective_day = message.start_day = message.completion_day = ones;
    message.contract_value = message.participants = message.migrant_participants = figures;
    message.name = message.contractor = names;
    return message;
}

static enum refusal decode_message(const Tally__Batch *message, struct arena *arena, struct batch *batch) {
    size_t size = tally__batch__get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    tally__batch__pack(message, bytes);
    arena_reset(arena);
    enum refusal refusal = batch_decode(bytes, size, arena, batch);
    free(bytes);
    return refusal;
}

Test(batch, a_column_of_another_length_makes_it_uneven) {
    struct arena arena;
    get_arena(&arena);
    Tally__Batch message = whole_message();
    struct batch batch;
    cr_assert_eq(decode_message(&message, &arena, &batch), REFUSAL_NONE);
    size_t *const lengths[] = {&message.n_region,         &message.n_category,      &message.n_status,
                               &message.n_contract_value, &message.n_participants,  &message.n_migrant_participants,
                               &message.n_effective_day,  &message.n_name,          &message.n_contractor,
                               &message.n_start_day,      &message.n_completion_day};
    enum { REQUIRED = 6 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t length = 0; length <= ROWS + 1; length++) {
            bool fine = length == ROWS || (length == 0 && i >= REQUIRED);
            *lengths[i] = length;
            cr_assert_eq(decode_message(&message, &arena, &batch), fine ? REFUSAL_NONE : REFUSAL_COLUMNS_UNEVEN,
                         "column %zu of length %zu", i, length);
            cr_assert(batch.sequence == 7 && batch.rows == ROWS && strcmp(batch.competition, "csj-2021") == 0);
        }
        *lengths[i] = ROWS;
    }
    free(arena.base);
}

Test(batch, code_lengths_that_do_not_add_up_make_it_uneven) {
    struct arena arena;
    get_arena(&arena);
    Tally__Batch message = whole_message();
    struct batch batch;
    uint32_t lengths[ROWS] = {1, 1, 1, 1, 2};
    message.code_bytes = lengths;
    cr_assert_eq(decode_message(&message, &arena, &batch), REFUSAL_COLUMNS_UNEVEN);
    lengths[4] = 0;
    cr_assert_eq(decode_message(&message, &arena, &batch), REFUSAL_COLUMNS_UNEVEN);
    lengths[0] = 5;
    lengths[1] = lengths[2] = lengths[3] = 0;
    cr_assert_eq(decode_message(&message, &arena, &batch), REFUSAL_NONE, "empty codes are for admission to judge");
    /* 2^32 - 1 + 2^32 - 1 + 7 = 5 modulo 2^32. */
    lengths[0] = lengths[1] = UINT32_MAX;
    lengths[2] = 7;
    cr_assert_eq(decode_message(&message, &arena, &batch), REFUSAL_COLUMNS_UNEVEN, "the sum does not wrap");
    free(arena.base);
}

Test(batch, without_rows_it_is_empty) {
    struct arena arena;
    get_arena(&arena);
    struct batch batch;
    Tally__Batch message = TALLY__BATCH__INIT;
    message.sequence = 9;
    message.competition = "csj-2021";
    cr_assert_eq(decode_message(&message, &arena, &batch), REFUSAL_BATCH_EMPTY);
    cr_assert(batch.sequence == 9 && batch.rows == 0 && strcmp(batch.competition, "csj-2021") == 0);
    cr_assert_eq(batch_decode("", 0, &arena, &batch), REFUSAL_BATCH_EMPTY);
    cr_assert(batch.sequence == 0 && batch.competition != NULL);
    Tally__Batch code_alone = whole_message();
    code_alone.n_code_bytes = 0;
    cr_assert_eq(decode_message(&code_alone, &arena, &batch), REFUSAL_COLUMNS_UNEVEN);
    free(arena.base);
}

Test(batch, one_row_too_many_is_too_many) {
    struct arena arena;
    get_arena(&arena);
    struct columns *columns = columns_create();
    for (size_t i = 0; i < BATCH_ROWS_MAX; i++) {
        columns_add(columns, &(struct columns_row){.code = "c"});
    }
    struct batch batch = columns_batch(columns, (struct columns_present){0}, 3, "csj-2021");
    expect_round_trip(&arena, &batch);
    columns_add(columns, &(struct columns_row){.code = "c"});
    batch = columns_batch(columns, (struct columns_present){0}, 3, "csj-2021");
    size_t size;
    uint8_t *bytes = columns_encode(&batch, &size);
    struct batch got;
    arena_reset(&arena);
    cr_assert_eq(batch_decode(bytes, size, &arena, &got), REFUSAL_TOO_MANY_ROWS);
    cr_assert(got.sequence == 3 && got.rows == BATCH_ROWS_MAX + 1);
    free(bytes);
    free(columns);
    free(arena.base);
}
