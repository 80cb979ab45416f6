/* What has happened since the last fold, in memory, ready to be written in one transaction: changed projects and their
 * texts, what days changed, receipts. Repeated updates of a project take no more room than one. Bounded: window_has_room
 * says whether one more batch fits, whatever is in it.
 * Belongs to the archive's thread. */
#ifndef TALLY_DAEMON_ARCHIVE_WINDOW_H
#define TALLY_DAEMON_ARCHIVE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "daemon/base/receipt.h"
#include "keytable.h"
#include "layout.h"
#include "project_cache.h"

/* Bounds of one window. Each is more than a batch can need. */
enum {
    WINDOW_PROJECTS_MAX = 1 << 21, /* the cache's capacity, unless a smaller one is asked for */
    WINDOW_DAYS_MAX = 1 << 18,
    WINDOW_TEXT_BYTES_MAX = 64 << 20,
    WINDOW_RECEIPTS_MAX = 1 << 15,
    WINDOW_REFUSALS_MAX = 1 << 22,
    WINDOW_BODY_BYTES_MAX = 256 << 20, /* of the entries that are in it: what a restart would have to replay */
};

/* A bound on what one transaction changes: LMDB 0.9 keeps changed pages in memory and lists at most 131,071 of them; beyond
 * that it spills, which is where its defects were. One batch may still come on top. */
enum { WINDOW_PAGES_MAX = 96 << 10 };

_Static_assert((int)WINDOW_DAYS_MAX > 2 * BATCH_ROWS_MAX, "a row changes at most two days");

/* Pages of the tables that grow with the projects, as of the last fold. */
struct window_pages {
    size_t projects;
    size_t texts;
    size_t regions;
};

/* One of many that are put in order: by prefix, and by what the number leads to where prefixes are equal. */
struct window_order {
    uint64_t prefix;
    uint32_t number; /* of a cached project or a day */
};

enum window_text_field {
    WINDOW_NAME = 1,
    WINDOW_CONTRACTOR = 2,
    WINDOW_START_DAY = 4,
    WINDOW_COMPLETION_DAY = 8,
    WINDOW_ALL_TEXTS = 15,
};

/* Texts that came for a project; fields that are not in given stay as they are stored. */
struct window_texts {
    struct layout_texts texts; /* pointing into the window */
    uint8_t given;             /* bits of enum window_text_field */
};

struct window_receipt {
    uint16_t node;
    struct receipt receipt; /* refusals point into the window */
};

struct window {
    struct project_cache cache;
    uint32_t *changed; /* numbers of the records that changed, or were given texts; in the order of that */
    uint32_t changed_count;
    uint32_t moved_count;       /* among them, those that are new or in another region than stored */
    struct window_order *order; /* room to put projects or days in order */

    struct window_texts *texts;
    uint32_t texts_count;
    char *text_bytes;
    size_t text_bytes_used;

    struct keytable days; /* window_day_key */
    struct sums *day_sums;

    struct window_receipt *receipts;
    uint32_t receipt_count;
    struct entry_refusal *refusals;
    uint32_t refusal_count;

    uint64_t body_bytes;
    uint64_t entries;
};

/* projects_max: the cache's capacity, more than BATCH_ROWS_MAX. Errors: MEMORY. */
MUST_USE enum error window_init(struct window *window, uint32_t projects_max);
void window_fini(struct window *window);

/* Whether the largest batch would still fit into every bound. */
bool window_has_room(const struct window *window, const struct window_pages *pages);

/* Sets the figures of a record, which exists from now on, and notes that it is to be written. */
void window_set_figures(struct window *window, struct cached_project *record, const struct figures *figures);

/* Takes over the texts that the row carries, if any, into the record's. */
void window_take_texts(struct window *window, struct cached_project *record, const struct batch *batch, size_t row);

/* What the day changed, to be added to. */
struct sums *window_day(struct window *window, uint16_t competition, uint32_t region, uint16_t day);

/* Taking apart the keys of the table of days. */
static inline uint16_t window_day_competition(uint64_t key) {
    return (uint16_t)(key >> 48 & 0x7FFF);
}

static inline uint32_t window_day_region(uint64_t key) {
    return (uint32_t)(key >> 16);
}

static inline uint16_t window_day_day(uint64_t key) {
    return (uint16_t)key;
}

/* Adds a receipt; room for refusal_count refusals is at receipt->refusals, to be filled by the caller. */
struct receipt *window_add_receipt(struct window *window, uint16_t node, uint32_t refusal_count);

/* The window was written: nothing has happened since. Records stay as a cache, unless there is no room for another batch's:
 * then the cache starts empty. */
void window_settle(struct window *window);

#endif
