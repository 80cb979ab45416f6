#include "block_writer.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/check.h"
#include "daemon/base/memory.h"

#define CELLS_BYTES ((size_t)LEAF_CELLS_MAX * sizeof(cell_key_t))
#define PLACEMENTS_MAX ((size_t)CAPTURE_BLOCKS_MAX * BLOCK_PROJECTS)
#define PLACEMENTS_BYTES (PLACEMENTS_MAX * sizeof(struct placement))

/* ---- cells ---- */

static enum error load_cells(struct block_writer *writer, MDB_cursor *cursor, const struct state_file *file) {
    MDB_val key;
    MDB_val value;
    int result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (result == MDB_SUCCESS) {
        uint32_t number;
        if (!layout_read_number(key.mv_data, key.mv_size, &number) || number != writer->cell_count ||
            number >= LEAF_CELLS_MAX || !layout_read_cell(value.mv_data, value.mv_size, &writer->cells[number])) {
            return ERROR_DAMAGED;
        }
        writer->cell_count++;
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return result == MDB_NOTFOUND ? ERROR_NONE : state_file_error(file, result);
}

static enum error read_cells(struct block_writer *writer, const struct state_file *file) {
    MDB_txn *transaction;
    int result = mdb_txn_begin(file->env, NULL, MDB_RDONLY, &transaction);
    if (result != MDB_SUCCESS) {
        return state_file_error(file, result);
    }
    MDB_cursor *cursor;
    result = state_file_open_cursor(file, transaction, TABLE_CELLS, &cursor);
    enum error error = state_file_error(file, result);
    if (error == ERROR_NONE) {
        error = load_cells(writer, cursor, file);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(transaction);
    return error;
}

enum error block_writer_init(struct block_writer *writer, const struct state_file *file) {
    *writer =
        (struct block_writer){.cells = memory_reserve(CELLS_BYTES), .placements = memory_reserve(PLACEMENTS_BYTES)};
    enum error error = ERROR_MEMORY;
    if (writer->cells != NULL && writer->placements != NULL) {
        error = read_cells(writer, file);
    }
    if (error != ERROR_NONE) {
        block_writer_fini(writer);
    }
    return error;
}

void block_writer_fini(struct block_writer *writer) {
    memory_release(writer->cells, CELLS_BYTES);
    memory_release(writer->placements, PLACEMENTS_BYTES);
    *writer = (struct block_writer){0};
}

void block_writer_learn(struct block_writer *writer, const struct capture *capture) {
    CHECK(capture->first_cell <= writer->cell_count && capture->cell_count <= LEAF_CELLS_MAX);
    for (uint32_t number = capture->first_cell; number < capture->cell_count; number++) {
        writer->cells[number] = capture->cell_keys[number - capture->first_cell];
    }
    writer->cell_count = capture->cell_count;
}

/* ---- order ---- */

/* How many bytes all codes begin with. */
static size_t common_bytes(const struct block_writer *writer) {
    size_t common = PROJECT_CODE_BYTES_MAX;
    const uint8_t *first = writer->placements[0].project->code;
    for (size_t i = 1; i < writer->placement_count; i++) {
        const uint8_t *code = writer->placements[i].project->code;
        size_t same = 0;
        while (same < common && code[same] == first[same]) {
            same++;
        }
        common = same;
    }
    return common;
}

/* So many bytes of the code from a place on, as a number that sorts like them. */
static uint64_t number_at(const struct project_record *project, size_t place, size_t bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number = number << 8 | (place + i < sizeof project->code ? project->code[place + i] : 0);
    }
    return number;
}

/* Codes are filled up with NUL, so they sort like the keys, which end with the code. */
static int compare_codes(const struct project_record *a, const struct project_record *b) {
    if (a->competition != b->competition) {
        return a->competition < b->competition ? -1 : 1;
    }
    return memcmp(a->code, b->code, sizeof a->code);
}

/* Nearly always the prefixes differ, and the records, which lie all over the memory, need not be looked at. */
static int by_code(const void *a, const void *b) {
    const struct placement *left = a;
    const struct placement *right = b;
    if (left->prefix != right->prefix) {
        return left->prefix < right->prefix ? -1 : 1;
    }
    return compare_codes(left->project, right->project);
}

/* Competition and region are in the prefix. */
static int by_region(const void *a, const void *b) {
    const struct placement *left = a;
    const struct placement *right = b;
    if (left->prefix != right->prefix) {
        return left->prefix < right->prefix ? -1 : 1;
    }
    return memcmp(left->project->code, right->project->code, sizeof left->project->code);
}

_Static_assert(COMPETITIONS_MAX <= 1 << 8, "a competition has 8 bits of a prefix");

static void sort_by_code(struct block_writer *writer, size_t common) {
    for (size_t i = 0; i < writer->placement_count; i++) {
        struct placement *placement = &writer->placements[i];
        placement->prefix = (uint64_t)placement->project->competition << 56 | number_at(placement->project, common, 7);
    }
    qsort(writer->placements, writer->placement_count, sizeof *writer->placements, by_code);
}

static void sort_by_region(struct block_writer *writer, size_t common) {
    for (size_t i = 0; i < writer->placement_count; i++) {
        struct placement *placement = &writer->placements[i];
        CHECK(placement->region < 1u << 24);
        placement->prefix = (uint64_t)placement->project->competition << 56 | (uint64_t)placement->region << 32 |
                            number_at(placement->project, common, 4);
    }
    qsort(writer->placements, writer->placement_count, sizeof *writer->placements, by_region);
}

/* ---- what leads to a project ---- */

static enum error put_numbers(const struct block_writer *writer, struct commit *commit) {
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < writer->placement_count && error == ERROR_NONE; i++) {
        const struct placement *placement = &writer->placements[i];
        if (placement->old_region == 0) {
            const struct project_record *project = placement->project;
            struct layout_key key;
            layout_number_key(&key, (uint16_t)project->competition, project->code, layout_code_bytes(project));
            error = commit_put(commit, TABLE_NUMBERS, state_file_key(&key),
                               state_file_value(&placement->number, sizeof placement->number));
        }
    }
    return error;
}

static enum error remove_region(struct commit *commit, const struct placement *placement) {
    const struct project_record *project = placement->project;
    struct layout_key key;
    MDB_val value;
    layout_region_key(&key, (uint16_t)project->competition, placement->old_region, project->code,
                      layout_code_bytes(project));
    enum error error = commit_find(commit, TABLE_REGIONS, state_file_key(&key), &value);
    if (error == ERROR_NONE && value.mv_data == NULL) {
        error = ERROR_DAMAGED;
    }
    return error == ERROR_NONE ? commit_remove(commit, TABLE_REGIONS) : error;
}

static enum error put_regions(const struct block_writer *writer, struct commit *commit) {
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < writer->placement_count && error == ERROR_NONE; i++) {
        const struct placement *placement = &writer->placements[i];
        const struct project_record *project = placement->project;
        if (placement->old_region != 0) {
            error = remove_region(commit, placement);
        }
        if (error == ERROR_NONE) {
            struct layout_key key;
            layout_region_key(&key, (uint16_t)project->competition, placement->region, project->code,
                              layout_code_bytes(project));
            error = commit_put(commit, TABLE_REGIONS, state_file_key(&key),
                               state_file_value(&placement->number, sizeof placement->number));
        }
    }
    return error;
}

static enum error place(struct block_writer *writer, struct commit *commit) {
    if (writer->placement_count == 0) {
        return ERROR_NONE;
    }
    size_t common = common_bytes(writer);
    sort_by_code(writer, common);
    enum error error = put_numbers(writer, commit);
    if (error == ERROR_NONE) {
        sort_by_region(writer, common);
        error = put_regions(writer, commit);
    }
    return error;
}

/* ---- blocks ---- */

static uint32_t region_of(const struct block_writer *writer, const struct project_record *project) {
    return cell_key_region(writer->cells[project->cell]);
}

static void note_placement(struct block_writer *writer, struct commit *commit, const struct project_record *project,
                           uint32_t number, uint32_t old_region) {
    CHECK(writer->placement_count < PLACEMENTS_MAX);
    writer->placements[writer->placement_count++] = (struct placement){
        .project = project, .number = number, .region = region_of(writer, project), .old_region = old_region};
    commit_expect(commit, TABLE_NUMBERS, old_region == 0);
    commit_expect(commit, TABLE_REGIONS, old_region == 0 ? 1 : 2);
}

/* Whether the project is new or has moved since it was stored. */
static enum error compare_project(struct block_writer *writer, struct commit *commit,
                                  const struct project_record *project, const struct project_record *old,
                                  uint32_t number) {
    CHECK(project->cell < writer->cell_count);
    if (old->code[0] == 0) {
        note_placement(writer, commit, project, number, 0);
        return ERROR_NONE;
    }
    if (old->cell >= writer->cell_count || memcmp(old->code, project->code, sizeof old->code) != 0) {
        return ERROR_DAMAGED;
    }
    uint32_t old_region = region_of(writer, old);
    if (old->cell != project->cell && old_region != region_of(writer, project)) {
        note_placement(writer, commit, project, number, old_region);
    }
    return ERROR_NONE;
}

/* stored is where LMDB has the block, or NULL if it is new. */
static enum error compare_block(struct block_writer *writer, struct commit *commit, uint32_t number,
                                const struct project_block *block, const uint8_t *stored) {
    enum error error = ERROR_NONE;
    for (uint32_t i = 0; i < BLOCK_PROJECTS && error == ERROR_NONE; i++) {
        const struct project_record *project = &block->projects[i];
        struct project_record old = {0};
        if (stored != NULL) {
            memcpy(&old, stored + offsetof(struct project_block, projects) + i * sizeof old, sizeof old);
        }
        if (project->code[0] != 0) {
            error = compare_project(writer, commit, project, &old, number * BLOCK_PROJECTS + i);
        } else if (old.code[0] != 0) {
            error = ERROR_DAMAGED; /* projects do not go */
        }
    }
    return error;
}

static enum error write_block(struct block_writer *writer, struct commit *commit, uint32_t number,
                              const struct project_block *block) {
    MDB_val key = state_file_value(&number, sizeof number);
    MDB_val value = state_file_value(block, sizeof *block);
    MDB_val stored;
    uint64_t count;
    commit_expect(commit, TABLE_BLOCKS, 1);
    enum error error = commit_count(commit, TABLE_BLOCKS, &count);
    if (error == ERROR_NONE) {
        error = commit_find(commit, TABLE_BLOCKS, key, &stored);
    }
    if (error != ERROR_NONE) {
        return error;
    }
    bool is_new = stored.mv_data == NULL;
    if (is_new ? number != count : stored.mv_size != sizeof *block) {
        return ERROR_DAMAGED;
    }
    error = compare_block(writer, commit, number, block, stored.mv_data);
    if (error != ERROR_NONE) {
        return error;
    }
    return is_new ? commit_append(commit, TABLE_BLOCKS, key, value) : commit_replace(commit, TABLE_BLOCKS, key, value);
}

enum error block_writer_write(struct block_writer *writer, struct commit *commit, const struct capture *capture,
                              uint32_t *done, uint64_t *new_projects) {
    enum error error = ERROR_NONE;
    writer->placement_count = 0;
    while (*done < capture->block_count && !commit_full(commit) && error == ERROR_NONE) {
        error = write_block(writer, commit, capture->block_numbers[*done], &capture->blocks[*done]);
        *done += 1;
    }
    for (size_t i = 0; i < writer->placement_count; i++) {
        *new_projects += writer->placements[i].old_region == 0;
    }
    return error == ERROR_NONE ? place(writer, commit) : error;
}
