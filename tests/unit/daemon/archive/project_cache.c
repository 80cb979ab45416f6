#include "daemon/archive/project_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { PROJECTS = 5000 };

static size_t code_of(unsigned i, char *code) {
    return (size_t)snprintf(code, PROJECT_CODE_BYTES_MAX + 1, "2101-330106-04-01-%06u", i);
}

static struct cached_project *find(struct project_cache *cache, uint16_t competition, unsigned i) {
    char code[PROJECT_CODE_BYTES_MAX + 1];
    size_t size = code_of(i, code);
    return project_cache_find(cache, project_cache_hash(competition, code, size), competition, code, size);
}

Test(project_cache, finds_what_was_added_until_it_is_cleared) {
    struct project_cache cache;
    cr_assert_eq(project_cache_init(&cache, 2 * PROJECTS), ERROR_NONE);
    for (uint16_t competition = 0; competition < 2; competition++) {
        for (unsigned i = 0; i < PROJECTS; i++) {
            char code[PROJECT_CODE_BYTES_MAX + 1];
            size_t size = code_of(i, code);
            cr_assert_null(find(&cache, competition, i));
            uint64_t hash = project_cache_hash(competition, code, size);
            struct cached_project *record = project_cache_add(&cache, hash, competition, code, size);
            record->updated_version = (uint64_t)competition * PROJECTS + i;
        }
    }
    for (unsigned i = 0; i < PROJECTS; i++) {
        cr_assert_eq(find(&cache, 0, i)->updated_version, i);
        cr_assert_eq(find(&cache, 1, i)->updated_version, PROJECTS + i);
    }
    cr_assert_null(find(&cache, 2, 0));
    project_cache_clear(&cache);
    cr_assert_null(find(&cache, 0, 0));
    project_cache_fini(&cache);
}

Test(project_cache, tells_codes_of_one_hash_apart) {
    struct project_cache cache;
    cr_assert_eq(project_cache_init(&cache, 100), ERROR_NONE);
    const char *codes[] = {"A", "B", "AB", "A-1"};
    for (size_t i = 0; i < 4; i++) {
        project_cache_add(&cache, 42, 0, codes[i], strlen(codes[i]));
    }
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(project_cache_find(&cache, 42, 0, codes[i], strlen(codes[i])), &cache.records[i]);
    }
    cr_assert_null(project_cache_find(&cache, 42, 0, "C", 1));
    cr_assert_null(project_cache_find(&cache, 42, 1, "A", 1));
    project_cache_fini(&cache);
}
