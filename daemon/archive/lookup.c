#include "lookup.h"

#include <string.h>

#include "proto/region.h"

static void copy_text(char *out, const char *text, uint8_t text_bytes) {
    memcpy(out, text, text_bytes);
    out[text_bytes] = '\0';
}

static enum error read_texts(const struct state_file *file, MDB_txn *transaction, MDB_val key,
                             struct stored_project *project) {
    MDB_val value;
    int result = mdb_get(transaction, file->tables[TABLE_TEXTS], &key, &value);
    if (result == MDB_NOTFOUND) {
        return ERROR_NONE;
    }
    struct layout_texts texts;
    if (result != MDB_SUCCESS || !layout_texts_read(value.mv_data, value.mv_size, &texts)) {
        return result != MDB_SUCCESS ? state_file_error(file, result) : ERROR_DAMAGED;
    }
    project->start_day = texts.start_day;
    project->completion_day = texts.completion_day;
    copy_text(project->name, texts.name, texts.name_bytes);
    copy_text(project->contractor, texts.contractor, texts.contractor_bytes);
    return ERROR_NONE;
}

/* Errors: LIMIT if there is no such project. */
static enum error read_project(const struct state_file *file, MDB_txn *transaction, uint16_t competition,
                               const char *code, struct stored_project *project) {
    struct layout_key key;
    layout_project_key(&key, competition, code, strlen(code));
    MDB_val wanted = state_file_key(&key);
    MDB_val value;
    int result = mdb_get(transaction, file->tables[TABLE_PROJECTS], &wanted, &value);
    if (result == MDB_NOTFOUND) {
        return ERROR_LIMIT;
    }
    struct layout_project stored;
    if (result != MDB_SUCCESS || value.mv_size != sizeof stored) {
        return result != MDB_SUCCESS ? state_file_error(file, result) : ERROR_DAMAGED;
    }
    memcpy(&stored, value.mv_data, sizeof stored);
    *project = (struct stored_project){
        .competition = competition, .updated_version = stored.updated_version, .updated_ms = stored.updated_ms};
    memcpy(project->code, code, strlen(code) + 1);
    layout_project_figures(&stored, &project->figures);
    return read_texts(file, transaction, wanted, project);
}

static enum error begin(const struct state_file *file, MDB_txn **transaction, uint64_t *version) {
    int result = mdb_txn_begin(file->env, NULL, MDB_RDONLY, transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(file, result);
    }
    result = state_file_get_number(file, *transaction, LAYOUT_META_VERSION, version);
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(*transaction);
        return state_file_error(file, result);
    }
    return ERROR_NONE;
}

static enum error find(void *context, uint16_t competition, const char *code, stored_visit *visit, void *visitor,
                       uint64_t *version) {
    const struct state_file *file = context;
    MDB_txn *transaction;
    enum error error = begin(file, &transaction, version);
    if (error != ERROR_NONE) {
        return error;
    }
    struct stored_project project;
    error = strlen(code) <= PROJECT_CODE_BYTES_MAX ? read_project(file, transaction, competition, code, &project)
                                                   : ERROR_LIMIT;
    mdb_txn_abort(transaction);
    if (error == ERROR_NONE) {
        visit(visitor, &project);
    }
    return error == ERROR_LIMIT ? ERROR_NONE : error;
}

/* What a list is asked for, and how far it is. */
struct listing {
    const struct state_file *file;
    MDB_txn *transaction;
    uint16_t competition;
    uint32_t region;
    struct layout_key after;
    size_t left;
    stored_visit *visit;
    void *visitor;
};

/* Visits the project that an index key names; *inside is false once the key lies outside what is listed. */
static enum error visit_key(struct listing *listing, const MDB_val *key, bool *inside) {
    uint16_t competition;
    uint32_t region;
    char code[PROJECT_CODE_BYTES_MAX + 1];
    if (!layout_read_region_key(key->mv_data, key->mv_size, &competition, &region, code)) {
        return ERROR_DAMAGED;
    }
    *inside = competition == listing->competition && region_within(region, listing->region);
    bool is_after =
        key->mv_size != listing->after.size || memcmp(key->mv_data, listing->after.bytes, key->mv_size) != 0;
    if (!*inside || !is_after) {
        return ERROR_NONE;
    }
    struct stored_project project;
    enum error error = read_project(listing->file, listing->transaction, competition, code, &project);
    if (error != ERROR_NONE) {
        return error == ERROR_LIMIT ? ERROR_DAMAGED : error;
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
        error = visit_key(listing, &key, &inside);
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return error != ERROR_NONE || result == MDB_NOTFOUND ? error : state_file_error(listing->file, result);
}

static enum error list(void *context, uint16_t competition, uint32_t region, uint32_t after_region,
                       const char *after_code, size_t limit, stored_visit *visit, void *visitor, uint64_t *version) {
    struct listing listing = {.file = context,
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
    enum error error = begin(listing.file, &listing.transaction, version);
    if (error != ERROR_NONE) {
        return error;
    }
    MDB_cursor *cursor;
    int result = mdb_cursor_open(listing.transaction, listing.file->tables[TABLE_REGIONS], &cursor);
    error = state_file_error(listing.file, result);
    if (error == ERROR_NONE) {
        error = visit_range(&listing, cursor, &from);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(listing.transaction);
    return error;
}

struct stored_source lookup_source(struct state_file *file) {
    return (struct stored_source){.context = file, .find = find, .list = list};
}
