/* The last totals of each region, as a watcher heard them. Not thread-safe: the watcher's mutex guards it. */
#ifndef TALLY_LIB_MIRROR_H
#define TALLY_LIB_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"
#include "tally/tally.h"

enum {
    MIRROR_CELLS_MAX = CATEGORIES_MAX * STATUSES_MAX,
    MIRROR_REGIONS_MAX = 16384, /* China has about 3,300; a bound on what a wrong daemon can make us keep */
};

struct mirror;

/* What came of totals that were heard. */
enum mirror_news {
    MIRROR_OLD = 0, /* of a version that is known already, or of an older one */
    MIRROR_CHANGED,
    MIRROR_RESET, /* changed, and everything known before belonged to another epoch and is forgotten */
    MIRROR_FULL,  /* too many regions, or no memory: not kept */
};

/* NULL without memory. */
struct mirror *mirror_create(void);
void mirror_destroy(struct mirror *mirror);

/* Takes in what was heard of a region; its cells are copied, at most MIRROR_CELLS_MAX. */
enum mirror_news mirror_hear(struct mirror *mirror, uint64_t epoch, const struct tally_watch_region *region);

/* Takes in a heartbeat: RESET or CHANGED or OLD. */
enum mirror_news mirror_beat(struct mirror *mirror, uint64_t epoch, uint64_t version, uint64_t time_ms);

/* Copies a region, with at most cells_max cells. False if it is not known. */
bool mirror_get(const struct mirror *mirror, uint32_t region, struct tally_watch_region *out,
                struct tally_watch_cell *cells, size_t cells_max);

/* Copies the regions in order of their codes, without cells, at most max; returns how many there are. */
size_t mirror_regions(const struct mirror *mirror, struct tally_watch_region *out, size_t max);

/* Fills epoch, version and time_ms with what was heard last. */
void mirror_state(const struct mirror *mirror, struct tally_watch_state *state);

/* The lowest code of a region that changed since this was last asked for it; false if none did. */
bool mirror_take_changed(struct mirror *mirror, uint32_t *region);

#endif
