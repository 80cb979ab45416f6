#include "frame_writer.h"

#include <stdlib.h>
#include <string.h>

#include "receipt_writer.h"

enum { TIME_INTERVAL_MS = 1000 }; /* between two rows of times that stay */

static enum error write_definition(struct commit *commit, enum entry_kind kind, const struct definition *definition) {
    struct layout_key key;
    uint8_t bytes[DEFINITION_BYTES];
    layout_definition_key(&key, kind, definition->number);
    definition_encode(definition, bytes);
    return commit_put(commit, TABLE_DEFINITIONS, state_file_key(&key), state_file_value(bytes, sizeof bytes));
}

static enum error write_definitions(struct commit *commit, const struct capture *capture) {
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < COMPETITIONS_MAX && error == ERROR_NONE; i++) {
        if (capture->defined_competition[i]) {
            error = write_definition(commit, ENTRY_COMPETITION, &capture->competitions[i]);
        }
    }
    for (size_t i = 0; i < NODES_MAX && error == ERROR_NONE; i++) {
        if (capture->defined_node[i]) {
            error = write_definition(commit, ENTRY_NODE, &capture->nodes[i]);
        }
    }
    return error;
}

static enum error write_cells(struct commit *commit, const struct capture *capture) {
    enum error error = ERROR_NONE;
    for (uint32_t number = capture->first_cell; number < capture->cell_count && error == ERROR_NONE; number++) {
        const cell_key_t *cell = &capture->cell_keys[number - capture->first_cell];
        error = commit_append(commit, TABLE_CELLS, state_file_value(&number, sizeof number),
                              state_file_value(cell, sizeof *cell));
    }
    commit_expect(commit, TABLE_CELLS, capture->cell_count - capture->first_cell);
    return error;
}

static int by_place(const void *a, const void *b) {
    const struct snapshot_day *left = a;
    const struct snapshot_day *right = b;
    if (left->competition != right->competition) {
        return left->competition < right->competition ? -1 : 1;
    }
    if (left->region != right->region) {
        return left->region < right->region ? -1 : 1;
    }
    return left->day < right->day ? -1 : left->day > right->day;
}

static enum error write_days(struct commit *commit, struct capture *capture) {
    enum error error = ERROR_NONE;
    if (capture->day_count > 0) {
        qsort(capture->days, capture->day_count, sizeof *capture->days, by_place);
    }
    for (size_t i = 0; i < capture->day_count && error == ERROR_NONE; i++) {
        const struct snapshot_day *day = &capture->days[i];
        struct layout_key key;
        layout_day_key(&key, day->competition, day->region, day->day);
        error = commit_put(commit, TABLE_DAYS, state_file_key(&key), state_file_value(&day->sums, sizeof day->sums));
    }
    commit_expect(commit, TABLE_DAYS, capture->day_count);
    return error;
}

static enum error write_sequences(struct commit *commit, const struct capture *capture, const uint64_t *sequences) {
    enum error error = ERROR_NONE;
    for (uint16_t node = 0; node < NODES_MAX && error == ERROR_NONE; node++) {
        const uint64_t *sequence = &capture->sequences[node];
        if (*sequence != sequences[node]) {
            struct layout_key key;
            layout_node_key(&key, node);
            error = commit_put(commit, TABLE_NODES, state_file_key(&key), state_file_value(sequence, sizeof *sequence));
            if (error == ERROR_NONE) {
                error = receipt_writer_drop_old(commit, node, *sequence);
            }
            commit_expect(commit, TABLE_NODES, 1);
        }
    }
    return error;
}

/* ---- times ---- */

/* One end of times; version 0 if there is none. */
struct moment {
    uint64_t version;
    int64_t wall_ms;
};

static enum error read_moment(enum error error, const MDB_val *key, const MDB_val *value, struct moment *moment) {
    *moment = (struct moment){0};
    if (error != ERROR_NONE || key->mv_data == NULL) {
        return error;
    }
    if (key->mv_size != sizeof moment->version || value->mv_size != sizeof moment->wall_ms) {
        return ERROR_DAMAGED;
    }
    memcpy(&moment->version, key->mv_data, sizeof moment->version);
    memcpy(&moment->wall_ms, value->mv_data, sizeof moment->wall_ms);
    return ERROR_NONE;
}

/* The newest is always there; it stays if enough time lies between it and the one before. */
static enum error write_time(struct commit *commit, const struct capture *capture) {
    MDB_val key;
    MDB_val value;
    struct moment last;
    struct moment before;
    enum error error = commit_find_last(commit, TABLE_TIMES, &key, &value);
    error = read_moment(error, &key, &value, &last);
    if (error != ERROR_NONE || last.version == capture->version) {
        return error;
    }
    error = commit_find_previous(commit, TABLE_TIMES, &key, &value);
    error = read_moment(error, &key, &value, &before);
    if (error == ERROR_NONE && before.version != 0 && last.wall_ms - before.wall_ms < TIME_INTERVAL_MS) {
        error = commit_find_last(commit, TABLE_TIMES, &key, &value);
        error = error == ERROR_NONE ? commit_remove(commit, TABLE_TIMES) : error;
    }
    return error == ERROR_NONE
               ? commit_append(commit, TABLE_TIMES, state_file_value(&capture->version, sizeof capture->version),
                               state_file_value(&capture->wall_ms, sizeof capture->wall_ms))
               : error;
}

enum error frame_writer_write(struct commit *commit, struct capture *capture, const uint64_t *sequences) {
    enum error error = capture->definitions_changed ? write_definitions(commit, capture) : ERROR_NONE;
    if (error == ERROR_NONE) {
        error = write_cells(commit, capture);
    }
    if (error == ERROR_NONE) {
        error = write_days(commit, capture);
    }
    if (error == ERROR_NONE) {
        error = write_sequences(commit, capture, sequences);
    }
    if (error == ERROR_NONE) {
        error = write_time(commit, capture);
    }
    return error == ERROR_NONE ? commit_put_number(commit, LAYOUT_META_VERSION, capture->version) : error;
}
