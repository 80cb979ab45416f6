#include "project_writer.h"

#include <stdlib.h>
#include <string.h>

/* Records that will be needed soon lie all over the memory: so many ahead are asked for. */
enum { PREFETCH_AHEAD = 12 };

struct writing {
    const struct state_file *file;
    MDB_txn *transaction;
    struct window *window;
    uint64_t written;
};

/* ---- order ---- */

/* The eight bytes of the code after those that all codes at hand begin with, as a number that sorts like them. */
static uint64_t telling_bytes(const struct project_cache *cache, const struct cached_project *project) {
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof number; i++) {
        size_t place = cache->common_bytes + i;
        number = number << 8 | (place < sizeof project->code ? project->code[place] : 0);
    }
    return number;
}

static int compare_codes(const struct cached_project *a, const struct cached_project *b) {
    if (a->competition != b->competition) {
        return a->competition < b->competition ? -1 : 1;
    }
    return memcmp(a->code, b->code, sizeof a->code);
}

/* Nearly always the prefixes differ, and the records, which lie all over the memory, need not be looked at. */
static int by_code(const void *a, const void *b, void *context) {
    const struct cached_project *projects = context;
    const struct window_order *left = a;
    const struct window_order *right = b;
    if (left->prefix != right->prefix) {
        return left->prefix < right->prefix ? -1 : 1;
    }
    return compare_codes(&projects[left->number], &projects[right->number]);
}

static int by_region(const void *a, const void *b, void *context) {
    const struct cached_project *projects = context;
    const struct window_order *left = a;
    const struct window_order *right = b;
    if (left->prefix != right->prefix) {
        return left->prefix < right->prefix ? -1 : 1;
    }
    const struct cached_project *left_project = &projects[left->number];
    const struct cached_project *right_project = &projects[right->number];
    if (left_project->competition == right_project->competition &&
        left_project->figures.region != right_project->figures.region) {
        return left_project->figures.region < right_project->figures.region ? -1 : 1;
    }
    return compare_codes(left_project, right_project);
}

_Static_assert(COMPETITIONS_MAX <= 1 << 8, "a competition has 8 bits of a prefix");

static void order_by_code(struct window *window) {
    const struct cached_project *projects = window->cache.records;
    for (uint32_t i = 0; i < window->changed_count; i++) {
        const struct cached_project *project = &projects[window->changed[i]];
        window->order[i] = (struct window_order){.prefix = (uint64_t)project->competition << 56 |
                                                           telling_bytes(&window->cache, project) >> 8,
                                                 .number = window->changed[i]};
    }
    qsort_r(window->order, window->changed_count, sizeof *window->order, by_code, window->cache.records);
}

static bool is_moved(const struct cached_project *project) {
    return project->exists && project->figures.region != project->stored_region;
}

/* Puts those that moved in order, and returns how many they are. */
static size_t order_by_region(struct window *window) {
    const struct cached_project *projects = window->cache.records;
    size_t count = 0;
    for (uint32_t i = 0; i < window->changed_count; i++) {
        const struct cached_project *project = &projects[window->changed[i]];
        if (is_moved(project)) {
            window->order[count++] = (struct window_order){.prefix = (uint64_t)project->competition << 56 |
                                                                     (uint64_t)project->figures.region << 24 |
                                                                     telling_bytes(&window->cache, project) >> 40,
                                                           .number = window->changed[i]};
        }
    }
    qsort_r(window->order, count, sizeof *window->order, by_region, window->cache.records);
    return count;
}

/* The i-th project of the order, of count. */
static const struct cached_project *ordered(const struct window *window, size_t i, size_t count) {
    const struct cached_project *projects = window->cache.records;
    if (i + PREFETCH_AHEAD < count) {
        const uint8_t *soon = (const uint8_t *)&projects[window->order[i + PREFETCH_AHEAD].number];
        __builtin_prefetch(soon);
        __builtin_prefetch(soon + 64);
    }
    return &projects[window->order[i].number];
}

/* ---- figures ---- */

static int write_figures(struct writing *writing) {
    const struct window *window = writing->window;
    MDB_cursor *cursor;
    int result = state_file_open_cursor(writing->file, writing->transaction, TABLE_PROJECTS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < window->changed_count && result == MDB_SUCCESS; i++) {
        const struct cached_project *project = ordered(window, i, window->changed_count);
        if (project->figures_changed) {
            struct layout_key key;
            struct layout_project value;
            layout_project_key(&key, project->competition, project->code, project->code_bytes);
            layout_project_set(&value, &project->figures, project->updated_version, project->updated_ms);
            result = state_file_put_at(cursor, &key, &value, sizeof value);
            writing->written++;
        }
    }
    mdb_cursor_close(cursor);
    return result;
}

/* ---- texts ---- */

/* What is stored of the texts, with what came in place of it. */
static void merge_texts(struct layout_texts *texts, const struct window_texts *change) {
    if ((change->given & WINDOW_NAME) != 0) {
        texts->name = change->texts.name;
        texts->name_bytes = change->texts.name_bytes;
    }
    if ((change->given & WINDOW_CONTRACTOR) != 0) {
        texts->contractor = change->texts.contractor;
        texts->contractor_bytes = change->texts.contractor_bytes;
    }
    if ((change->given & WINDOW_START_DAY) != 0) {
        texts->start_day = change->texts.start_day;
    }
    if ((change->given & WINDOW_COMPLETION_DAY) != 0) {
        texts->completion_day = change->texts.completion_day;
    }
}

/* Texts that are there already are not written again: nodes tend to send them with every row. */
static int write_texts_of(MDB_cursor *cursor, const struct cached_project *project, const struct window_texts *change) {
    struct layout_key key;
    layout_project_key(&key, project->competition, project->code, project->code_bytes);
    MDB_val wanted = state_file_key(&key);
    MDB_val stored = {0};
    struct layout_texts texts = {0};
    int result = mdb_cursor_get(cursor, &wanted, &stored, MDB_SET);
    if (result == MDB_SUCCESS && !layout_texts_read(stored.mv_data, stored.mv_size, &texts)) {
        return MDB_CORRUPTED;
    }
    if (result != MDB_SUCCESS && result != MDB_NOTFOUND) {
        return result;
    }
    bool is_new = result == MDB_NOTFOUND;
    uint8_t bytes[LAYOUT_TEXTS_BYTES_MAX];
    merge_texts(&texts, change);
    size_t size = layout_texts_write(&texts, bytes);
    bool same = !is_new && size == stored.mv_size && memcmp(bytes, stored.mv_data, size) == 0;
    return same ? MDB_SUCCESS : state_file_put_at(cursor, &key, bytes, size);
}

static int write_texts(const struct writing *writing) {
    const struct window *window = writing->window;
    if (window->texts_count == 0) {
        return MDB_SUCCESS;
    }
    MDB_cursor *cursor;
    int result = state_file_open_cursor(writing->file, writing->transaction, TABLE_TEXTS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < window->changed_count && result == MDB_SUCCESS; i++) {
        const struct cached_project *project = ordered(window, i, window->changed_count);
        if (project->texts != 0) {
            result = write_texts_of(cursor, project, &window->texts[project->texts - 1]);
        }
    }
    mdb_cursor_close(cursor);
    return result;
}

/* ---- the list by region ---- */

static int move_in_list(const struct writing *writing, MDB_cursor *cursor, const struct cached_project *project) {
    struct layout_key key;
    if (project->stored_region != 0) {
        layout_region_key(&key, project->competition, project->stored_region, project->code, project->code_bytes);
        MDB_val old = state_file_key(&key);
        int result = mdb_del(writing->transaction, writing->file->tables[TABLE_REGIONS], &old, NULL);
        if (result != MDB_SUCCESS) {
            return result;
        }
    }
    layout_region_key(&key, project->competition, project->figures.region, project->code, project->code_bytes);
    return state_file_put_at(cursor, &key, "", 0);
}

static int write_regions(const struct writing *writing) {
    size_t count = order_by_region(writing->window);
    MDB_cursor *cursor;
    int result = state_file_open_cursor(writing->file, writing->transaction, TABLE_REGIONS, &cursor);
    if (result != MDB_SUCCESS) {
        return result;
    }
    for (size_t i = 0; i < count && result == MDB_SUCCESS; i++) {
        result = move_in_list(writing, cursor, ordered(writing->window, i, count));
    }
    mdb_cursor_close(cursor);
    return result;
}

int project_writer_write(const struct state_file *file, MDB_txn *transaction, struct window *window,
                         uint64_t *written) {
    struct writing writing = {.file = file, .transaction = transaction, .window = window};
    order_by_code(window);
    int result = write_figures(&writing);
    if (result == MDB_SUCCESS) {
        result = write_texts(&writing);
    }
    if (result == MDB_SUCCESS) {
        result = write_regions(&writing);
    }
    *written = writing.written;
    return result;
}
