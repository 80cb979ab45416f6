#include "follower.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/diagnostic.h"
#include "proto/region.h"

enum { PROVINCES_MAX = 64, PREFIX_BYTES = 8, KNOWN_MAX = 4096 };

struct follower {
    struct tally_watcher *watcher; /* its callbacks write to event, from its own thread */
    int event;
    uint32_t region;
    uint64_t epoch;
    size_t count;
    struct follower_row rows[FOLLOWER_ROWS_MAX];
    struct follower_row sum;
    bool has_sum;
    struct tally_watch_region known[KNOWN_MAX];
};

static void wake(struct follower *follower) {
    uint64_t one = 1;
    ssize_t written = write(follower->event, &one, sizeof one);
    (void)written; /* fails only when it is readable anyway */
}

static void on_totals(void *context, const struct tally_watch_region *region) {
    (void)region;
    wake(context);
}

static void on_state(void *context, const struct tally_watch_state *state) {
    (void)state;
    wake(context);
}

/* The topics wanted: a province is all that begins with its two digits; the whole is its own sum and each province's. */
static size_t fill_prefixes(uint32_t region, char (*prefixes)[PREFIX_BYTES]) {
    size_t count = 0;
    int digits[] = {
        [REGION_LEVEL_ALL] = 6, [REGION_LEVEL_PROVINCE] = 2, [REGION_LEVEL_CITY] = 4, [REGION_LEVEL_COUNTY] = 6};
    char code[PREFIX_BYTES];
    snprintf(code, sizeof code, "%06u", region % REGION_CODE_LIMIT);
    snprintf(prefixes[count++], PREFIX_BYTES, "%.*s", digits[region_level(region)], code);
    size_t regions;
    const struct region *list = region_list(&regions);
    for (size_t i = 0; region == REGION_ALL && i < regions && count < PROVINCES_MAX; i++) {
        if (region_level(list[i].code) == REGION_LEVEL_PROVINCE) {
            snprintf(prefixes[count++], PREFIX_BYTES, "%06u", list[i].code % REGION_CODE_LIMIT);
        }
    }
    return count;
}

int follower_open(const struct arguments *arguments, const char *competition, uint32_t region, struct follower **out) {
    struct follower *follower = calloc(1, sizeof *follower);
    char prefixes[PROVINCES_MAX][PREFIX_BYTES];
    const char *pointers[PROVINCES_MAX];
    if (follower == NULL || (follower->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) {
        diagnostic_error(arguments->command->name, "cannot follow: %s", strerror(errno));
        free(follower);
        return EX_OSERR;
    }
    follower->region = region;
    size_t count = fill_prefixes(region, prefixes);
    for (size_t i = 0; i < count; i++) {
        pointers[i] = prefixes[i];
    }
    struct tally_watcher_options options = {.endpoint = arguments->text[OPTION_TOTALS],
                                            .key_file = arguments->text[OPTION_KEY],
                                            .daemon_key = arguments->text[OPTION_DAEMON_KEY],
                                            .competition = competition,
                                            .prefixes = pointers,
                                            .prefix_count = count,
                                            .on_totals = on_totals,
                                            .on_state = on_state,
                                            .context = follower};
    char message[256] = "";
    enum tally_error error = tally_watcher_open(&options, &follower->watcher, message);
    if (error != TALLY_OK) {
        diagnostic_error(arguments->command->name, "%s: %s", options.endpoint,
                         message[0] != '\0' ? message : tally_error_text(error));
        follower_close(&follower);
        return error == TALLY_INVALID ? EX_USAGE : connection_exit_code(error);
    }
    *out = follower;
    return EX_OK;
}

void follower_close(struct follower **follower) {
    if (*follower != NULL) {
        tally_watcher_close(&(*follower)->watcher);
        close((*follower)->event);
        free(*follower);
        *follower = NULL;
    }
}

int follower_descriptor(const struct follower *follower) {
    return follower->event;
}

/* The region whose children are shown. */
static uint32_t parent_shown(const struct follower *follower, size_t known) {
    uint32_t city = 0;
    size_t cities = 0;
    if (region_level(follower->region) != REGION_LEVEL_PROVINCE) {
        return follower->region;
    }
    for (size_t i = 0; i < known; i++) {
        if (region_level(follower->known[i].region) == REGION_LEVEL_CITY) {
            city = follower->known[i].region;
            cities++;
        }
    }
    return cities == 1 ? city : follower->region;
}

static bool totals_equal(const struct tally_totals *a, const struct tally_totals *b) {
    return a->projects == b->projects && a->contract_value == b->contract_value && a->participants == b->participants &&
           a->migrant_participants == b->migrant_participants;
}

static void row_update(struct follower_row *row, bool fresh, const struct tally_watch_region *known) {
    row->changed = fresh || !totals_equal(&row->now, &known->totals);
    row->region = known->region;
    row->version = known->version;
    row->time_ms = known->time_ms;
    row->now = known->totals;
    row->start = fresh ? known->totals : row->start;
}

/* The row of a region, made if it is missing; NULL when there are too many. fresh tells whether it was made. */
static struct follower_row *row_of(struct follower *follower, uint32_t region, bool *fresh) {
    size_t at = 0;
    while (at < follower->count && follower->rows[at].region < region) {
        at++;
    }
    *fresh = at == follower->count || follower->rows[at].region != region;
    if (*fresh) {
        if (follower->count == FOLLOWER_ROWS_MAX) {
            return NULL;
        }
        memmove(&follower->rows[at + 1], &follower->rows[at], (follower->count - at) * sizeof follower->rows[0]);
        follower->rows[at] = (struct follower_row){.region = region};
        follower->count++;
    }
    return &follower->rows[at];
}

/* A new epoch is a new history: forget the old one. */
static void check_epoch(struct follower *follower) {
    struct tally_watch_state state;
    tally_watcher_state(follower->watcher, &state);
    if (state.epoch != follower->epoch) {
        follower->epoch = state.epoch;
        follower->count = 0;
        follower->has_sum = false;
    }
}

/* Rows that are no children any more: a second city of a province was heard of. */
static void drop_others(struct follower *follower, uint32_t parent) {
    size_t kept = 0;
    for (size_t i = 0; i < follower->count; i++) {
        if (region_parent(follower->rows[i].region) == parent) {
            follower->rows[kept++] = follower->rows[i];
        }
    }
    follower->count = kept;
}

void follower_update(struct follower *follower) {
    uint64_t ignored;
    ssize_t got = read(follower->event, &ignored, sizeof ignored);
    (void)got;
    check_epoch(follower);
    size_t known = tally_watcher_regions(follower->watcher, follower->known, KNOWN_MAX);
    known = known < KNOWN_MAX ? known : KNOWN_MAX;
    uint32_t parent = parent_shown(follower, known);
    drop_others(follower, parent);
    for (size_t i = 0; i < known; i++) {
        const struct tally_watch_region *region = &follower->known[i];
        if (region->region == follower->region) {
            row_update(&follower->sum, !follower->has_sum, region);
            follower->has_sum = true;
        } else if (region_parent(region->region) == parent) {
            bool fresh;
            struct follower_row *row = row_of(follower, region->region, &fresh);
            if (row != NULL) {
                row_update(row, fresh, region);
            }
        }
    }
}

const struct follower_row *follower_rows(const struct follower *follower, size_t *count) {
    *count = follower->count;
    return follower->rows;
}

const struct follower_row *follower_sum(const struct follower *follower) {
    return follower->has_sum ? &follower->sum : NULL;
}

void follower_state(const struct follower *follower, struct tally_watch_state *state) {
    tally_watcher_state(follower->watcher, state);
}
