#include "lookup.h"

#include <stddef.h>
#include <string.h>

#include "proto/region.h"

/* One question: a read transaction on the file. */
struct asking {
    const struct state_file *file;
    MDB_txn *transaction;
};

static void copy_text(char *out, const char *text, uint8_t text_bytes) {
    memcpy(out, text, text_bytes);
    out[text_bytes] = '\0';
}

/* Errors: LIMIT if there is no such key, else what LMDB's result means. */
static enum error get(const struct asking *asking, enum table table, const void *key, size_t key_bytes,
                      MDB_val *value) {
    MDB_val wanted = state_file_value(key, key_bytes);
    int result = mdb_get(asking->transaction, asking->file->tables[table], &wanted, value);
    return result == MDB_NOTFOUND ? ERROR_LIMIT : state_file_error(asking->file, result);
}

/* What must be there because something else says so. */
static enum error get_known(const struct asking *asking, enum table table, const void *key, size_t key_bytes,
                            MDB_val *value) {
    enum error error = get(asking, table, key, key_bytes, value);
    return error == ERROR_LIMIT ? ERROR_DAMAGED : error;
}

static enum error read_texts(const struct asking *asking, uint32_t number, struct stored_project *project) {
    MDB_val value;
    enum error error = get(asking, TABLE_TEXTS, &number, sizeof number, &value);
    if (error != ERROR_NONE) {
        return error == ERROR_LIMIT ? ERROR_NONE : error; /* never given */
    }
    struct layout_texts texts;
    if (!layout_texts_read(value.mv_data, value.mv_size, &texts)) {
        return ERROR_DAMAGED;
    }
    project->start_day = texts.start_day;
    project->completion_day = texts.completion_day;
    copy_text(project->name, texts.name, texts.name_bytes);
    copy_text(project->contractor, texts.contractor, texts.contractor_bytes);
    return ERROR_NONE;
}

/* The time of the first noted version that is not below the project's. */
static enum error read_time(const struct asking *asking, struct stored_project *project) {
    MDB_cursor *cursor;
    int result = state_file_open_cursor(asking->file, asking->transaction, TABLE_TIMES, &cursor);
    if (result != MDB_SUCCESS) {
        return state_file_error(asking->file, result);
    }
    MDB_val key = state_file_value(&project->updated_version, sizeof project->updated_version);
    MDB_val value;
    result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    bool fits = result == MDB_SUCCESS && value.mv_size == sizeof project->updated_ms;
    if (fits) {
        memcpy(&project->updated_ms, value.mv_data, sizeof project->updated_ms);
    }
    mdb_cursor_close(cursor);
    if (result == MDB_NOTFOUND || (result == MDB_SUCCESS && !fits)) {
        return ERROR_DAMAGED; /* the newest version is always noted */
    }
    return state_file_error(asking->file, result);
}

static enum error read_figures(const struct asking *asking, const struct project_record *record,
                               struct figures *figures) {
    MDB_val value;
    uint32_t number = record->cell;
    enum error error = get_known(asking, TABLE_CELLS, &number, sizeof number, &value);
    cell_key_t cell;
    if (error == ERROR_NONE && !layout_read_cell(value.mv_data, value.mv_size, &cell)) {
        error = ERROR_DAMAGED;
    }
    if (error == ERROR_NONE) {
        layout_figures(record, cell, figures);
    }
    return error;
}

static enum error read_record(const struct asking *asking, uint32_t number, struct project_record *record) {
    MDB_val value;
    uint32_t block = block_of(number);
    enum error error = get_known(asking, TABLE_BLOCKS, &block, sizeof block, &value);
    if (error != ERROR_NONE || value.mv_size != sizeof(struct project_block)) {
        return error != ERROR_NONE ? error : ERROR_DAMAGED;
    }
    size_t offset = offsetof(struct project_block, projects) + (number % BLOCK_PROJECTS) * sizeof *record;
    memcpy(record, (const uint8_t *)value.mv_data + offset, sizeof *record);
    return ERROR_NONE;
}

/* The project that an index says is number; it must be the one that was meant. */
static enum error read_project(const struct asking *asking, uint32_t number, uint16_t competition, const char *code,
                               struct stored_project *project) {
    struct project_record record;
    enum error error = read_record(asking, number, &record);
    if (error != ERROR_NONE) {
        return error;
    }
    size_t code_bytes = layout_code_bytes(&record);
    if (record.competition != competition || code_bytes != strlen(code) || memcmp(record.code, code, code_bytes) != 0) {
        return ERROR_DAMAGED;
    }
    *project = (struct stored_project){.competition = competition, .updated_version = record.updated_version};
    memcpy(project->code, code, code_bytes + 1);
    error = read_figures(asking, &record, &project->figures);
    if (error == ERROR_NONE) {
        error = read_texts(asking, number, project);
    }
    return error == ERROR_NONE ? read_time(asking, project) : error;
}

/* ---- one project ---- */

static enum error begin(struct asking *asking, uint64_t *version) {
    int result = mdb_txn_begin(asking->file->env, NULL, MDB_RDONLY, &asking->transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(asking->file, result);
    }
    result = state_file_get_number(asking->file, asking->transaction, LAYOUT_META_COMPLETE, version);
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(asking->transaction);
        return state_file_error(asking->file, result);
    }
    return ERROR_NONE;
}

/* Errors: LIMIT if there is no such project. */
static enum error find_project(const struct asking *asking, uint16_t competition, const char *code,
                               struct stored_project *project) {
    struct layout_key key;
    MDB_val value;
    uint32_t number;
    if (strlen(code) > PROJECT_CODE_BYTES_MAX) {
        return ERROR_LIMIT;
    }
    layout_number_key(&key, competition, code, strlen(code));
    enum error error = get(asking, TABLE_NUMBERS, key.bytes, key.size, &value);
    if (error != ERROR_NONE) {
        return error;
    }
    return layout_read_number(value.mv_data, value.mv_size, &number)
               ? read_project(asking, number, competition, code, project)
               : ERROR_DAMAGED;
}

static enum error find(void *context, uint16_t competition, const char *code, stored_visit *visit, void *visitor,
                       uint64_t *version) {
    struct asking asking = {.file = context};
    struct stored_project project;
    enum error error = begin(&asking, version);
    if (error != ERROR_NONE) {
        return error;
    }
    error = find_project(&asking, competition, code, &project);
    mdb_txn_abort(asking.transaction);
    if (error == ERROR_NONE) {
        visit(visitor, &project);
    }
    return error == ERROR_LIMIT ? ERROR_NONE : error;
}

/* ---- the projects of a region ---- */

/* What a list is asked for, and how far it is. */
struct listing {
    struct asking asking;
    uint16_t competition;
    uint32_t region;
    struct layout_key after;
    size_t left;
    stored_visit *visit;
    void *visitor;
};

/* Visits the project that an entry of the index names; *inside is false once it lies outside what is listed. */
static enum error visit_entry(struct listing *listing, const MDB_val *key, const MDB_val *value, bool *inside) {
    uint16_t competition;
    uint32_t region;
    char code[PROJECT_CODE_BYTES_MAX + 1];
    uint32_t number;
    if (!layout_read_region_key(key->mv_data, key->mv_size, &competition, &region, code) ||
        !layout_read_number(value->mv_data, value->mv_size, &number)) {
        return ERROR_DAMAGED;
    }
    *inside = competition == listing->competition && region_within(region, listing->region);
    bool is_after =
        key->mv_size != listing->after.size || memcmp(key->mv_data, listing->after.bytes, key->mv_size) != 0;
    if (!*inside || !is_after) {
        return ERROR_NONE;
    }
    struct stored_project project;
    enum error error = read_project(&listing->asking, number, competition, code, &project);
    if (error != ERROR_NONE) {
        return error;
    }
    if (project.figures.region != region) {
        return ERROR_DAMAGED;
    }
    listing->visit(listing->visitor, &project);
    listing->left--;
    return ERROR_NONE;
}

static enum error visit_range(struct listing *listing, MDB_cursor *cursor, const struct layout_key *from) {
    MDB_val key = state_file_key(from);
    MDB_val value;
    bool inside = true;
    enum error error = ERROR_NONE;
    int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (result == MDB_SUCCESS && error == ERROR_NONE && inside && listing->left > 0) {
        error = visit_entry(listing, &key, &value, &inside);
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return error != ERROR_NONE || result == MDB_NOTFOUND ? error : state_file_error(listing->asking.file, result);
}

static enum error list(void *context, uint16_t competition, uint32_t region, uint32_t after_region,
                       const char *after_code, size_t limit, stored_visit *visit, void *visitor, uint64_t *version) {
    struct listing listing = {.asking = {.file = context},
                              .competition = competition,
                              .region = region,
                              .left = limit,
                              .visit = visit,
                              .visitor = visitor};
    size_t after_bytes = strnlen(after_code, PROJECT_CODE_BYTES_MAX);
    layout_region_key(&listing.after, competition, after_region, after_code, after_bytes);
    struct layout_key from = listing.after;
    if (after_region < region) { /* a region's own code is the lowest of all within it */
        layout_region_key(&from, competition, region, "", 0);
    }
    enum error error = begin(&listing.asking, version);
    if (error != ERROR_NONE) {
        return error;
    }
    MDB_cursor *cursor;
    int result = state_file_open_cursor(listing.asking.file, listing.asking.transaction, TABLE_REGIONS, &cursor);
    error = state_file_error(listing.asking.file, result);
    if (error == ERROR_NONE) {
        error = visit_range(&listing, cursor, &from);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(listing.asking.transaction);
    return error;
}

struct stored_source lookup_source(struct state_file *file) {
    return (struct stored_source){.context = file, .find = find, .list = list};
}
