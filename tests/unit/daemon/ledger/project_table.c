#include "daemon/ledger/project_table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <inttypes.h>

static struct project_record *find(const struct project_table *table, uint16_t competition, const char *code) {
    struct project_key key;
    project_key_set(&key, competition, code, strlen(code));
    return project_table_find(table, &key, project_key_hash(&key));
}

static struct project_record *add(struct project_table *table, uint16_t competition, const char *code) {
    struct project_key key;
    project_key_set(&key, competition, code, strlen(code));
    return project_table_add(table, &key, project_key_hash(&key));
}

static void code_of(uint64_t number, char *code) {
    snprintf(code, PROJECT_CODE_BYTES_MAX + 1, "%0*" PRIu64, (int)(1 + number % PROJECT_CODE_BYTES_MAX), number);
}

/* Every index part doubles many times on the way. */
Test(project_table, finds_every_project_and_no_other_while_it_grows) {
    enum { PROJECTS = 400000 };
    struct project_table table;
    cr_assert_eq(project_table_init(&table, PROJECTS), ERROR_NONE);
    char code[PROJECT_CODE_BYTES_MAX + 1];
    uint64_t checked = 0;
    for (uint64_t i = 0; i < PROJECTS; i++) {
        code_of(i, code);
        cr_assert_null(find(&table, (uint16_t)(i % 3), code));
        struct project_record *record = add(&table, (uint16_t)(i % 3), code);
        cr_assert_eq(record, &table.records[i], "records lie in the order in which they come");
        cr_assert(record->contract_value == 0 && record->node == 0 && record->text_hash == 0);
        record->participants = i & 0x7FFFFFF;
        if (i % 1000 == 999) {
            code_of(checked, code);
            cr_assert_eq(find(&table, (uint16_t)(checked % 3), code)->participants, checked);
            checked += 997;
        }
    }
    for (uint64_t i = 0; i < PROJECTS; i++) {
        code_of(i, code);
        struct project_record *record = find(&table, (uint16_t)(i % 3), code);
        cr_assert_not_null(record, "%s", code);
        cr_assert_eq(record->participants, i);
        cr_assert_null(find(&table, (uint16_t)(i % 3 + 1 + (i % 3 == 2)), code));
    }
    cr_assert_eq(table.count, PROJECTS);
    size_t bytes = project_table_bytes(&table);
    cr_assert(bytes >= PROJECTS * 73ul && bytes <= PROJECTS * 86ul, "%zu bytes a project", bytes / PROJECTS);
    project_table_fini(&table);
}

Test(project_table, tells_apart_codes_that_begin_alike_and_competitions) {
    struct project_table table;
    cr_assert_eq(project_table_init(&table, 100), ERROR_NONE);
    static const char *const codes[] = {"",
                                        "a",
                                        "aa",
                                        "b",
                                        "0123456789-0123456789-012345678",
                                        "0123456789-0123456789-0123456789",
                                        "0123456789-0123456789-0123456788"};
    enum { CODES = sizeof codes / sizeof codes[0] };
    for (uint16_t competition = 0; competition < 3; competition++) {
        for (size_t i = 0; i < CODES; i++) {
            cr_assert_null(find(&table, competition, codes[i]));
            add(&table, competition, codes[i])->participants = (uint32_t)(competition * 100u + i) & 1023;
        }
    }
    for (uint16_t competition = 0; competition < 3; competition++) {
        for (size_t i = 0; i < CODES; i++) {
            cr_assert_eq(find(&table, competition, codes[i])->participants, competition * 100u + i);
        }
    }
    cr_assert_null(find(&table, 3, "a"));
    cr_assert_null(find(&table, 0, "aaa"));
    project_table_fini(&table);
}

/* Keys with the same hash, as far as the index looks at it, must still be told apart by their bytes. */
Test(project_table, tells_apart_projects_whose_hashes_collide) {
    struct project_table table;
    cr_assert_eq(project_table_init(&table, 200), ERROR_NONE);
    const uint64_t hash = UINT64_C(0xABCDEF0123456789);
    struct project_key keys[100];
    for (size_t i = 0; i < 100; i++) {
        char code[PROJECT_CODE_BYTES_MAX + 1];
        code_of(i / 2, code); /* each code in two competitions */
        project_key_set(&keys[i], (uint16_t)(i % 2), code, strlen(code));
        cr_assert_null(project_table_find(&table, &keys[i], hash));
        project_table_add(&table, &keys[i], hash)->participants = (uint32_t)i & 127;
    }
    for (size_t i = 0; i < 100; i++) {
        cr_assert_eq(project_table_find(&table, &keys[i], hash)->participants, i);
        project_table_prefetch_slot(&table, hash);
        cr_assert_not_null(project_table_expect(&table, hash));
    }
    project_table_fini(&table);
}

Test(project_table, a_key_cut_out_of_what_follows_is_the_same_as_one_set) {
    uint8_t bytes[2 * PROJECT_CODE_BYTES_MAX];
    memset(bytes, 'x', sizeof bytes);
    for (size_t size = 1; size <= PROJECT_CODE_BYTES_MAX; size++) {
        struct project_key set = {0};
        struct project_key cut = {0};
        project_key_set(&set, 7, bytes, size);
        project_key_cut(&cut, 7, bytes, size);
        cr_assert_arr_eq(&set, &cut, sizeof set, "%zu bytes", size);
    }
}

Test(project_table, keys_are_spread_over_all_parts) {
    struct project_table table;
    cr_assert_eq(project_table_init(&table, 100000), ERROR_NONE);
    for (uint64_t i = 0; i < 100000; i++) {
        char code[PROJECT_CODE_BYTES_MAX + 1];
        snprintf(code, sizeof code, "2101-330106-04-01-%06" PRIu64, i);
        add(&table, 0, code);
    }
    for (size_t i = 0; i < PROJECT_TABLE_PARTS; i++) {
        uint32_t count = table.parts[i].count;
        cr_assert(count > 250 && count < 550, "part %zu has %u of 390 on average", i, count);
    }
    project_table_fini(&table);
}
