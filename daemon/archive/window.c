#include "window.h"

#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

enum { ROWS_PER_PAGE_MIN = 16 }; /* at least so many index entries or figures on a page half full */

static void *array(size_t count, size_t element_bytes) {
    return memory_reserve(count * element_bytes);
}

static size_t order_capacity(uint32_t projects_max) {
    return projects_max > WINDOW_DAYS_MAX ? projects_max : WINDOW_DAYS_MAX;
}

enum error window_init(struct window *window, uint32_t projects_max) {
    CHECK(projects_max > BATCH_ROWS_MAX);
    *window = (struct window){0};
    if (project_cache_init(&window->cache, projects_max) != ERROR_NONE ||
        keytable_init(&window->days, WINDOW_DAYS_MAX) != ERROR_NONE) {
        goto fail;
    }
    window->changed = array(projects_max, sizeof *window->changed);
    window->order = array(order_capacity(projects_max), sizeof *window->order);
    window->texts = array(projects_max, sizeof *window->texts);
    window->text_bytes = array(WINDOW_TEXT_BYTES_MAX, 1);
    window->day_sums = array(WINDOW_DAYS_MAX, sizeof *window->day_sums);
    window->receipts = array(WINDOW_RECEIPTS_MAX, sizeof *window->receipts);
    window->refusals = array(WINDOW_REFUSALS_MAX, sizeof *window->refusals);
    if (window->changed != NULL && window->order != NULL && window->texts != NULL && window->text_bytes != NULL &&
        window->day_sums != NULL && window->receipts != NULL && window->refusals != NULL) {
        return ERROR_NONE;
    }
fail:
    window_fini(window);
    return ERROR_MEMORY;
}

void window_fini(struct window *window) {
    uint32_t projects_max = window->cache.capacity;
    memory_release(window->changed, projects_max * sizeof *window->changed);
    memory_release(window->order, order_capacity(projects_max) * sizeof *window->order);
    memory_release(window->texts, projects_max * sizeof *window->texts);
    memory_release(window->text_bytes, WINDOW_TEXT_BYTES_MAX);
    memory_release(window->day_sums, WINDOW_DAYS_MAX * sizeof *window->day_sums);
    memory_release(window->receipts, WINDOW_RECEIPTS_MAX * sizeof *window->receipts);
    memory_release(window->refusals, WINDOW_REFUSALS_MAX * sizeof *window->refusals);
    if (window->days.keys != NULL) {
        keytable_fini(&window->days);
    }
    if (window->cache.records != NULL) {
        project_cache_fini(&window->cache);
    }
    *window = (struct window){0};
}

/* Leaf pages that `count` changes anywhere in a table of `pages` can dirty, when `added` of them are new. */
static size_t dirty_pages(size_t count, size_t pages, size_t added) {
    return (count < pages ? count : pages) + added / ROWS_PER_PAGE_MIN;
}

static size_t pages_to_write(const struct window *window, const struct window_pages *pages) {
    size_t moved = window->moved_count;
    return dirty_pages(window->changed_count, pages->projects, moved) + dirty_pages(2 * moved, pages->regions, moved) +
           dirty_pages(window->texts_count, pages->texts, window->texts_count) + window->text_bytes_used / 2048 +
           window->days.count / ROWS_PER_PAGE_MIN;
}

bool window_has_room(const struct window *window, const struct window_pages *pages) {
    return window->cache.capacity - window->cache.count >= BATCH_ROWS_MAX &&
           WINDOW_DAYS_MAX - window->days.count >= 2 * BATCH_ROWS_MAX &&
           WINDOW_TEXT_BYTES_MAX - window->text_bytes_used >= BATCH_BYTES_MAX &&
           window->receipt_count < WINDOW_RECEIPTS_MAX &&
           WINDOW_REFUSALS_MAX - window->refusal_count >= BATCH_ROWS_MAX &&
           window->body_bytes < WINDOW_BODY_BYTES_MAX && pages_to_write(window, pages) < WINDOW_PAGES_MAX;
}

static void list_record(struct window *window, struct cached_project *record) {
    if (!record->listed) {
        record->listed = true;
        window->changed[window->changed_count++] = (uint32_t)(record - window->cache.records);
    }
}

static bool is_moved(const struct cached_project *record) {
    return record->exists && record->figures.region != record->stored_region;
}

void window_set_figures(struct window *window, struct cached_project *record, const struct figures *figures) {
    list_record(window, record);
    window->moved_count -= is_moved(record);
    record->figures = *figures;
    record->exists = true;
    record->figures_changed = true;
    window->moved_count += is_moved(record);
}

/* Keeps a copy, unless it is what is there already: a project that is sent again and again then takes no more room. */
static void take_text(struct window *window, const char *text, const char **kept, uint8_t *kept_bytes) {
    size_t size = strnlen(text, TEXT_BYTES_MAX);
    if (size == *kept_bytes && (size == 0 || memcmp(text, *kept, size) == 0)) {
        return;
    }
    CHECK(size <= WINDOW_TEXT_BYTES_MAX - window->text_bytes_used);
    char *copy = window->text_bytes + window->text_bytes_used;
    memcpy(copy, text, size);
    window->text_bytes_used += size;
    *kept = copy;
    *kept_bytes = (uint8_t)size;
}

void window_take_texts(struct window *window, struct cached_project *record, const struct batch *batch, size_t row) {
    if (batch->name == NULL && batch->contractor == NULL && batch->start_day == NULL && batch->completion_day == NULL) {
        return;
    }
    if (record->texts == 0) {
        window->texts[window->texts_count] = (struct window_texts){0};
        record->texts = ++window->texts_count;
        list_record(window, record);
    }
    struct window_texts *texts = &window->texts[record->texts - 1];
    if (batch->name != NULL) {
        take_text(window, batch->name[row], &texts->texts.name, &texts->texts.name_bytes);
        texts->given |= WINDOW_NAME;
    }
    if (batch->contractor != NULL) {
        take_text(window, batch->contractor[row], &texts->texts.contractor, &texts->texts.contractor_bytes);
        texts->given |= WINDOW_CONTRACTOR;
    }
    if (batch->start_day != NULL) {
        texts->texts.start_day = batch->start_day[row];
        texts->given |= WINDOW_START_DAY;
    }
    if (batch->completion_day != NULL) {
        texts->texts.completion_day = batch->completion_day[row];
        texts->given |= WINDOW_COMPLETION_DAY;
    }
}

struct sums *window_day(struct window *window, uint16_t competition, uint32_t region, uint16_t day) {
    uint64_t key = UINT64_C(1) << 63 | (uint64_t)competition << 48 | (uint64_t)region << 16 | day;
    uint32_t before = window->days.count;
    uint32_t number = keytable_find_or_add(&window->days, key);
    CHECK(number != KEYTABLE_NONE);
    if (number == before) {
        window->day_sums[number] = (struct sums){0};
    }
    return &window->day_sums[number];
}

struct receipt *window_add_receipt(struct window *window, uint16_t node, uint32_t refusal_count) {
    CHECK(window->receipt_count < WINDOW_RECEIPTS_MAX && refusal_count <= WINDOW_REFUSALS_MAX - window->refusal_count);
    struct window_receipt *added = &window->receipts[window->receipt_count++];
    *added = (struct window_receipt){.node = node, .receipt.refusal_count = refusal_count};
    if (refusal_count > 0) {
        added->receipt.refusals = window->refusals + window->refusal_count;
        window->refusal_count += refusal_count;
    }
    return &added->receipt;
}

void window_settle(struct window *window) {
    struct project_cache *cache = &window->cache;
    for (uint32_t i = 0; i < window->changed_count; i++) {
        struct cached_project *record = &cache->records[window->changed[i]];
        record->listed = false;
        record->figures_changed = false;
        record->texts = 0;
        record->stored_region = record->figures.region;
    }
    if (cache->capacity - cache->count < BATCH_ROWS_MAX) {
        project_cache_clear(cache);
    }
    keytable_clear(&window->days);
    window->changed_count = 0;
    window->moved_count = 0;
    window->texts_count = 0;
    window->text_bytes_used = 0;
    window->receipt_count = 0;
    window->refusal_count = 0;
    window->body_bytes = 0;
    window->entries = 0;
}
