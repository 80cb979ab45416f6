#include "mirror.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct tally_watch_region region; /* cells are allocated */
    bool changed;
};

struct mirror {
    uint64_t epoch;
    uint64_t version; /* highest heard of in the epoch */
    uint64_t time_ms;
    struct entry *entries; /* in order of region codes */
    size_t count;
    size_t capacity;
    size_t changed; /* entries that are marked so */
};

enum { CAPACITY_FIRST = 64 };

struct mirror *mirror_create(void) {
    return calloc(1, sizeof(struct mirror));
}

static void forget_all(struct mirror *mirror) {
    for (size_t i = 0; i < mirror->count; i++) {
        free((void *)(uintptr_t)mirror->entries[i].region.cells);
    }
    mirror->count = 0;
    mirror->changed = 0;
}

void mirror_destroy(struct mirror *mirror) {
    if (mirror != NULL) {
        forget_all(mirror);
        free(mirror->entries);
        free(mirror);
    }
}

/* The place of a region, or where it would have to stand. */
static size_t find(const struct mirror *mirror, uint32_t region) {
    size_t low = 0;
    size_t high = mirror->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mirror->entries[middle].region.region < region) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(const struct mirror *mirror, size_t place, uint32_t region) {
    return place < mirror->count && mirror->entries[place].region.region == region;
}

static bool make_room(struct mirror *mirror) {
    if (mirror->count < mirror->capacity) {
        return true;
    }
    size_t capacity = mirror->capacity > 0 ? 2 * mirror->capacity : CAPACITY_FIRST;
    struct entry *entries = realloc(mirror->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    mirror->entries = entries;
    mirror->capacity = capacity;
    return true;
}

static bool insert(struct mirror *mirror, size_t place, uint32_t region) {
    if (mirror->count >= MIRROR_REGIONS_MAX || !make_room(mirror)) {
        return false;
    }
    memmove(&mirror->entries[place + 1], &mirror->entries[place], (mirror->count - place) * sizeof *mirror->entries);
    mirror->entries[place] = (struct entry){0};
    mirror->entries[place].region.region = region;
    mirror->count++;
    return true;
}

/* Only for an entry that was just inserted: it has no cells and no mark. */
static void take_out(struct mirror *mirror, size_t place) {
    mirror->count--;
    memmove(&mirror->entries[place], &mirror->entries[place + 1], (mirror->count - place) * sizeof *mirror->entries);
}

static bool keep(struct entry *entry, const struct tally_watch_region *region) {
    size_t count = region->cell_count < MIRROR_CELLS_MAX ? region->cell_count : MIRROR_CELLS_MAX;
    struct tally_watch_cell *cells = NULL;
    if (count > 0) {
        cells = malloc(count * sizeof *cells);
        if (cells == NULL) {
            return false;
        }
        memcpy(cells, region->cells, count * sizeof *cells);
    }
    free((void *)(uintptr_t)entry->region.cells);
    entry->region = *region;
    entry->region.cells = cells;
    entry->region.cell_count = count;
    return true;
}

enum mirror_news mirror_beat(struct mirror *mirror, uint64_t epoch, uint64_t version, uint64_t time_ms) {
    if (epoch != mirror->epoch) {
        bool known = mirror->epoch != 0;
        forget_all(mirror);
        mirror->epoch = epoch;
        mirror->version = version;
        mirror->time_ms = time_ms;
        return known ? MIRROR_RESET : MIRROR_CHANGED;
    }
    mirror->time_ms = time_ms > mirror->time_ms ? time_ms : mirror->time_ms;
    if (version <= mirror->version) {
        return MIRROR_OLD;
    }
    mirror->version = version;
    return MIRROR_CHANGED;
}

enum mirror_news mirror_hear(struct mirror *mirror, uint64_t epoch, const struct tally_watch_region *region) {
    bool reset = mirror_beat(mirror, epoch, region->version, region->time_ms) == MIRROR_RESET;
    size_t place = find(mirror, region->region);
    bool known = stands_at(mirror, place, region->region);
    if (known && region->version <= mirror->entries[place].region.version) {
        return MIRROR_OLD;
    }
    if (!known && !insert(mirror, place, region->region)) {
        return MIRROR_FULL;
    }
    struct entry *entry = &mirror->entries[place];
    if (!keep(entry, region)) {
        if (!known) {
            take_out(mirror, place);
        }
        return MIRROR_FULL;
    }
    mirror->changed += entry->changed ? 0 : 1;
    entry->changed = true;
    return reset ? MIRROR_RESET : MIRROR_CHANGED;
}

bool mirror_get(const struct mirror *mirror, uint32_t region, struct tally_watch_region *out,
                struct tally_watch_cell *cells, size_t cells_max) {
    size_t place = find(mirror, region);
    if (!stands_at(mirror, place, region)) {
        return false;
    }
    const struct tally_watch_region *known = &mirror->entries[place].region;
    size_t count = known->cell_count < cells_max ? known->cell_count : cells_max;
    if (count > 0) {
        memcpy(cells, known->cells, count * sizeof *cells);
    }
    *out = *known;
    out->cell_count = count;
    out->cells = count > 0 ? cells : NULL;
    return true;
}

size_t mirror_regions(const struct mirror *mirror, struct tally_watch_region *out, size_t max) {
    for (size_t i = 0; i < mirror->count && i < max; i++) {
        out[i] = mirror->entries[i].region;
        out[i].cells = NULL;
        out[i].cell_count = 0;
    }
    return mirror->count;
}

void mirror_state(const struct mirror *mirror, struct tally_watch_state *state) {
    state->epoch = mirror->epoch;
    state->version = mirror->version;
    state->time_ms = mirror->time_ms;
}

bool mirror_take_changed(struct mirror *mirror, uint32_t *region) {
    for (size_t i = 0; mirror->changed > 0 && i < mirror->count; i++) {
        if (mirror->entries[i].changed) {
            mirror->entries[i].changed = false;
            mirror->changed--;
            *region = mirror->entries[i].region.region;
            return true;
        }
    }
    return false;
}
