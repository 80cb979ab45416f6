/* What batch_decode does with bodies that nobody packed honestly: it answers, stays within its arena, and never calls
 * something a batch whose columns cannot be read. The arena is a piece of the heap of its exact size, so that an address
 * sanitizer sees any step beyond it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/batch.h"
#include "proto/text.h"
#include "tests/support/columns.h"
#include "tests/support/random.h"
#include "tests/support/seed.h"

static void get_arena(struct arena *arena) {
    arena_init(arena, malloc(BATCH_ARENA_BYTES), BATCH_ARENA_BYTES);
    cr_assert_not_null(arena->base);
}

static uint64_t touch_numbers(const uint32_t *column, size_t rows) {
    uint64_t sum = 0;
    for (size_t i = 0; column != NULL && i < rows; i++) {
        sum += column[i];
    }
    return sum;
}

static uint64_t touch_texts(char *const *column, size_t rows) {
    uint64_t sum = 0;
    for (size_t i = 0; column != NULL && i < rows; i++) {
        sum += strlen(column[i]);
    }
    return sum;
}

/* Reads every value of a batch that was said to be one. */
static uint64_t touch(const struct batch *batch) {
    uint64_t sum = strlen(batch->competition) + touch_numbers(batch->code_bytes, batch->rows);
    cr_assert_eq(touch_numbers(batch->code_bytes, batch->rows), batch->code_bytes_sum);
    cr_assert(batch->rows > 0 && batch->rows <= BATCH_ROWS_MAX);
    for (size_t i = 0; i < batch->code_bytes_sum; i++) {
        sum += batch->code[i];
    }
    for (size_t i = 0; i < batch->rows; i++) {
        sum += (uint64_t)batch->contract_value[i] + (uint64_t)batch->participants[i] +
               (uint64_t)batch->migrant_participants[i];
    }
    return sum + touch_numbers(batch->region, batch->rows) + touch_numbers(batch->category, batch->rows) +
           touch_numbers(batch->status, batch->rows) + touch_numbers(batch->effective_day, batch->rows) +
           touch_numbers(batch->start_day, batch->rows) + touch_numbers(batch->completion_day, batch->rows) +
           touch_texts(batch->name, batch->rows) + touch_texts(batch->contractor, batch->rows);
}

static volatile uint64_t touched; /* keeps the reads */

static enum refusal decode(struct arena *arena, const uint8_t *bytes, size_t size) {
    struct batch batch;
    arena_reset(arena);
    enum refusal refusal = batch_decode(bytes, size, arena, &batch);
    cr_assert_leq(arena->used, BATCH_ARENA_BYTES);
    cr_assert(refusal == REFUSAL_NONE || refusal == REFUSAL_BODY_MALFORMED || refusal == REFUSAL_BODY_TOO_LARGE ||
              refusal == REFUSAL_COLUMNS_UNEVEN || refusal == REFUSAL_TOO_MANY_ROWS || refusal == REFUSAL_BATCH_EMPTY);
    if (refusal == REFUSAL_NONE) {
        touched += touch(&batch);
    }
    return refusal;
}

static const struct columns_present all_columns = {true, true, true, true, true};

static uint8_t *honest_body(size_t rows, size_t *size) {
    struct columns *columns = columns_create();
    for (size_t i = 0; i < rows; i++) {
        char code[PROJECT_CODE_BYTES_MAX + 1];
        snprintf(code, sizeof code, "2101-330106-04-01-%06zu", i);
        columns_add(columns, &(struct columns_row){.code = code,
                                                   .region = 330106,
                                                   .status = 1,
                                                   .contract_value = INT64_C(941000000000) + (int64_t)i,
                                                   .participants = 600,
                                                   .migrant_participants = 300,
                                                   .effective_day = 18900,
                                                   .name = "杭州西站枢纽",
                                                   .contractor = "浙江建工",
                                                   .start_day = 18800,
                                                   .completion_day = 19800});
    }
    struct batch batch = columns_batch(columns, all_columns, 5, "csj-2021");
    uint8_t *bytes = columns_encode(&batch, size);
    free(columns);
    return bytes;
}

/* A beginning of a body that decodes is the body without its last optional columns: protobuf has no end mark. */
Test(batch_hostile, a_body_cut_at_any_byte_is_never_taken_for_other_rows) {
    enum { ROWS = 40 };
    size_t size;
    uint8_t *bytes = honest_body(ROWS, &size);
    struct arena arena;
    get_arena(&arena);
    struct batch whole;
    cr_assert_eq(batch_decode(bytes, size, &arena, &whole), REFUSAL_NONE);
    struct arena other;
    get_arena(&other);
    unsigned taken = 0;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *beginning = malloc(cut);
        memcpy(beginning, bytes, cut);
        struct batch got;
        arena_reset(&other);
        if (batch_decode(beginning, cut, &other, &got) == REFUSAL_NONE) {
            taken++;
            cr_assert_eq(got.rows, ROWS);
            cr_assert_eq(got.sequence, 5);
            cr_assert_arr_eq(got.code, whole.code, whole.code_bytes_sum);
            cr_assert_arr_eq(got.contract_value, whole.contract_value, ROWS * sizeof *got.contract_value);
            cr_assert_arr_eq(got.migrant_participants, whole.migrant_participants, ROWS * sizeof(int64_t));
            cr_assert_null(got.completion_day);
        }
        free(beginning);
    }
    cr_assert_eq(taken, 5, "before each of the five optional columns");
    free(other.base);
    free(arena.base);
    free(bytes);
}

Test(batch_hostile, a_hundred_thousand_random_bodies_are_answered) {
    struct random random = {.state = seed_of("batch_hostile", 31)};
    struct arena arena;
    get_arena(&arena);
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[256];
        size_t size = (size_t)random_below(&random, sizeof bytes + 1);
        for (size_t k = 0; k < size; k++) {
            bytes[k] = (uint8_t)random_next(&random);
        }
        decode(&arena, bytes, size);
    }
    free(arena.base);
}

/* Random bytes hardly ever get past the first field: honest bodies with a few bytes changed do. */
Test(batch_hostile, a_hundred_thousand_changed_bodies_are_answered) {
    struct random random = {.state = seed_of("batch_hostile", 32)};
    struct arena arena;
    get_arena(&arena);
    size_t size;
    uint8_t *honest = honest_body(20, &size);
    uint8_t *bytes = malloc(size);
    unsigned answers[REFUSAL_CODE_LIMIT] = {0};
    for (int i = 0; i < 100000; i++) {
        memcpy(bytes, honest, size);
        for (uint64_t changes = 1 + random_below(&random, 4); changes > 0; changes--) {
            bytes[random_below(&random, size)] = (uint8_t)random_next(&random);
        }
        answers[decode(&arena, bytes, size)]++;
    }
    cr_assert_gt(answers[REFUSAL_NONE], 0);
    cr_assert_gt(answers[REFUSAL_BODY_MALFORMED], 0);
    cr_assert_gt(answers[REFUSAL_COLUMNS_UNEVEN], 0);
    free(bytes);
    free(honest);
    free(arena.base);
}

/* Each NUL within a text in turn: protobuf-c ends a text there, and the rest must not be dropped in silence. */
Test(batch_hostile, a_text_with_a_nul_is_no_valid_text) {
    enum { ROWS = 6 };
    size_t size;
    uint8_t *bytes = honest_body(ROWS, &size);
    struct arena arena;
    get_arena(&arena);
    static const char name[] = "杭州西站枢纽";
    static const char contractor[] = "浙江建工";
    unsigned seen[2] = {0};
    for (size_t at = 0; at + sizeof name <= size; at++) {
        bool is_name = memcmp(bytes + at, name, sizeof name - 1) == 0;
        bool is_contractor = memcmp(bytes + at, contractor, sizeof contractor - 1) == 0;
        for (size_t i = 0; (is_name && i < sizeof name - 1) || (is_contractor && i < sizeof contractor - 1); i++) {
            uint8_t before = bytes[at + i];
            bytes[at + i] = 0;
            struct batch batch;
            arena_reset(&arena);
            cr_assert_eq(batch_decode(bytes, size, &arena, &batch), REFUSAL_NONE);
            size_t row = seen[is_contractor];
            for (size_t k = 0; k < ROWS; k++) {
                const char *text = is_name ? batch.name[k] : batch.contractor[k];
                const char *other = is_name ? batch.contractor[k] : batch.name[k];
                cr_assert_eq(text_valid(text, strlen(text)), k != row, "row %zu byte %zu", k, i);
                cr_assert(text_valid(other, strlen(other)));
            }
            bytes[at + i] = before;
        }
        seen[0] += is_name;
        seen[1] += is_contractor;
    }
    cr_assert(seen[0] == ROWS && seen[1] == ROWS);
    free(arena.base);
    free(bytes);
}

/* ---- bodies that grow when they are unpacked ---- */

static size_t put_varint(uint8_t *out, uint64_t value) {
    size_t size = 0;
    do {
        out[size++] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    return size;
}

/* The same field over and over until the body is full. */
static size_t fill_with(uint8_t *bytes, unsigned field, unsigned wire_type, const uint8_t *payload,
                        size_t payload_bytes) {
    uint8_t piece[32];
    size_t piece_bytes = put_varint(piece, (uint64_t)field << 3 | wire_type);
    memcpy(piece + piece_bytes, payload, payload_bytes);
    piece_bytes += payload_bytes;
    size_t size = 0;
    while (size + piece_bytes <= BATCH_BYTES_MAX) {
        memcpy(bytes + size, piece, piece_bytes);
        size += piece_bytes;
    }
    return size;
}

static const unsigned fields[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 99, 18999, 536870911};

enum { FIELDS = sizeof fields / sizeof fields[0] };

Test(batch_hostile, a_mebibyte_of_the_smallest_pieces_of_any_field_stays_within_the_budget) {
    static const uint8_t zeros[8];
    static const struct {
        unsigned wire_type;
        size_t payload_bytes;
    } smallest[] = {{0, 1}, {1, 8}, {2, 1}, {5, 4}};
    struct arena arena;
    get_arena(&arena);
    uint8_t *bytes = malloc(BATCH_BYTES_MAX);
    for (size_t i = 0; i < FIELDS; i++) {
        for (size_t kind = 0; kind < sizeof smallest / sizeof smallest[0]; kind++) {
            size_t size = fill_with(bytes, fields[i], smallest[kind].wire_type, zeros, smallest[kind].payload_bytes);
            cr_assert_neq(decode(&arena, bytes, size), REFUSAL_NONE, "field %u", fields[i]);
        }
    }
    free(bytes);
    free(arena.base);
}

/* One packed field of a mebibyte, a byte a number: eight times that in memory for 64-bit columns. */
Test(batch_hostile, a_mebibyte_of_one_packed_column_stays_within_the_budget) {
    struct arena arena;
    get_arena(&arena);
    uint8_t *bytes = malloc(BATCH_BYTES_MAX);
    for (size_t i = 0; i < FIELDS; i++) {
        size_t size = put_varint(bytes, (uint64_t)fields[i] << 3 | 2);
        size_t payload = BATCH_BYTES_MAX - size - 3;
        size += put_varint(bytes + size, payload);
        memset(bytes + size, 0, payload);
        size += payload;
        cr_assert_eq(size, BATCH_BYTES_MAX);
        cr_assert_neq(decode(&arena, bytes, size), REFUSAL_NONE, "field %u", fields[i]);
    }
    free(bytes);
    free(arena.base);
}

Test(batch_hostile, lengths_beyond_the_body_are_malformed) {
    struct arena arena;
    get_arena(&arena);
    static const uint64_t lengths[] = {1, 127, 128, 1 << 20, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < FIELDS; i++) {
        for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
            uint8_t bytes[32];
            size_t size = put_varint(bytes, (uint64_t)fields[i] << 3 | 2);
            size += put_varint(bytes + size, lengths[k]);
            cr_assert_eq(decode(&arena, bytes, size), REFUSAL_BODY_MALFORMED, "field %u length %zu", fields[i], k);
        }
    }
    free(arena.base);
}

Test(batch_hostile, a_body_over_a_mebibyte_is_too_large_whatever_it_holds) {
    struct arena arena;
    get_arena(&arena);
    uint8_t *bytes = calloc(1, BATCH_BYTES_MAX + 1);
    struct batch batch = {.sequence = 77};
    cr_assert_eq(batch_decode(bytes, BATCH_BYTES_MAX + 1, &arena, &batch), REFUSAL_BODY_TOO_LARGE);
    cr_assert_eq(batch.sequence, 77);
    cr_assert_eq(arena.used, 0);
    free(bytes);
    free(arena.base);
}

/* An encoder may write a repeated number without packing; decoders must take it. */
Test(batch_hostile, columns_that_are_not_packed_are_taken) {
    enum { ROWS = 300 };
    uint8_t *bytes = malloc(BATCH_BYTES_MAX);
    size_t size = 0;
    bytes[size++] = 1 << 3 | 1;
    memset(bytes + size, 0, 8);
    bytes[size] = 42;
    size += 8;
    bytes[size++] = 3 << 3 | 2;
    size += put_varint(bytes + size, ROWS);
    memset(bytes + size, 'c', ROWS);
    size += ROWS;
    for (uint64_t row = 0; row < ROWS; row++) {
        for (uint64_t field = 4; field <= 10; field++) {
            size += put_varint(bytes + size, field << 3);
            size += put_varint(bytes + size, field == 4 ? 1 : row * field);
        }
    }
    struct arena arena;
    get_arena(&arena);
    struct batch batch;
    cr_assert_eq(batch_decode(bytes, size, &arena, &batch), REFUSAL_NONE);
    cr_assert(batch.rows == ROWS && batch.sequence == 42);
    cr_assert_eq(batch.migrant_participants[299], 2990);
    cr_assert_eq(batch.region[299], 299 * 5);
    free(arena.base);
    free(bytes);
}
