/* The projects that the archive's thread has at hand: their present figures and what state.mdb knows of them. It is a cache
 * as well as the list of what has to be written: a project is read from state.mdb when it is first met, and stays until the
 * cache is full and cleared after a fold.
 * Records lie densely in the order in which they came and never move while the cache is not cleared; an open-addressing
 * index with 32 bits of hash in each slot leads to them. Belongs to one thread. */
#ifndef TALLY_DAEMON_ARCHIVE_PROJECT_CACHE_H
#define TALLY_DAEMON_ARCHIVE_PROJECT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "proto/limits.h"

struct cached_project {
    uint8_t code[PROJECT_CODE_BYTES_MAX]; /* filled up with NUL, which no code holds */
    struct figures figures;               /* if it exists */
    uint64_t updated_version;
    int64_t updated_ms;
    uint32_t stored_region; /* where state.mdb's list of regions has it; 0 = it has no such project */
    uint32_t texts;         /* number + 1 of its texts in the window, or 0 */
    uint16_t competition;
    uint8_t code_bytes;
    bool exists;
    bool listed;          /* among the window's changed records */
    bool figures_changed; /* since the last fold; listed as well */
};

struct project_cache {
    struct cached_project *records; /* count of them */
    uint32_t count;
    uint32_t capacity;
    uint32_t common_bytes; /* all codes begin with the same so many bytes */
    uint64_t *slots;       /* hash bits << 32 | record number + 1, or 0 */
    uint32_t slot_bits;
};

/* capacity is at most 2^30. Errors: MEMORY. */
MUST_USE enum error project_cache_init(struct project_cache *cache, uint32_t capacity);
void project_cache_fini(struct project_cache *cache);

/* code is code_bytes bytes, 1 to PROJECT_CODE_BYTES_MAX, none of them NUL. */
uint64_t project_cache_hash(uint16_t competition, const void *code, size_t code_bytes);

/* Asks the memory for the place where project_cache_find will look first. */
void project_cache_prefetch_slot(const struct project_cache *cache, uint64_t hash);

/* Asks the memory for the record that project_cache_find will probably return. */
void project_cache_prefetch_record(const struct project_cache *cache, uint64_t hash);

/* NULL if there is none. */
struct cached_project *project_cache_find(const struct project_cache *cache, uint64_t hash, uint16_t competition,
                                          const void *code, size_t code_bytes);

/* A new record with its key set and all else 0. It is not there yet and the cache is not full (checked). */
struct cached_project *project_cache_add(struct project_cache *cache, uint64_t hash, uint16_t competition,
                                         const void *code, size_t code_bytes);

/* Forgets all records. */
void project_cache_clear(struct project_cache *cache);

#endif
