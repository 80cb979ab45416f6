/* The audience: which regions somebody subscribes to, and which of those are due to be sent. Only regions in it are ever
 * packed. By region numbers of the roll-up. Publish thread only. */
#ifndef TALLY_DAEMON_PUBLISH_AUDIENCE_H
#define TALLY_DAEMON_PUBLISH_AUDIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "daemon/base/registry.h"
#include "daemon/base/rollup.h"
#include "subscriptions.h"

struct audience {
    struct subscriptions *subscriptions;
    bool stale;       /* subscriptions or registry have changed since it was decided who is wanted */
    uint32_t decided; /* regions below this number are decided */
    uint8_t *marks;   /* by region number: whether it is wanted, whether it stands in due */
    uint32_t *due;    /* due_count region numbers, each once */
    uint32_t due_count;
    uint32_t refresh_at; /* where the next refresh goes on */
};

/* Room for "KEY/330106" and its end. */
enum { AUDIENCE_TOPIC_BYTES = TOPIC_BYTES_MAX + 1 };

/* seed: see subscriptions_create. Errors: MEMORY. */
MUST_USE enum error audience_init(struct audience *audience, uint64_t seed);
void audience_fini(struct audience *audience);

/* Takes up a new subscription: the regions that it matches become due when it is next decided. Returns false if there are
 * too many. */
bool audience_subscribe(struct audience *audience, const char *prefix, size_t size);
void audience_unsubscribe(struct audience *audience, const char *prefix, size_t size);

/* The registry has changed: regions of competitions that it no longer has are not wanted any more. */
void audience_distrust(struct audience *audience);

/* Whether audience_decide has something to do. */
bool audience_undecided(const struct audience *audience, const struct rollup *rollup);

/* Decides which regions are wanted, as far as that may have changed. */
void audience_decide(struct audience *audience, const struct rollup *rollup, const struct registry *registry);

/* These regions changed: the wanted ones become due. They are decided. */
void audience_note(struct audience *audience, const uint32_t *numbers, size_t count);

/* Makes the next few wanted regions due, so that all have been in `parts` calls: what a slow subscriber lost heals,
 * although the region does not change any more. */
void audience_refresh(struct audience *audience, uint32_t parts);

/* Nothing is due any more. */
void audience_settle(struct audience *audience);

/* Writes the topic of a region; returns its length. */
size_t audience_topic(char topic[AUDIENCE_TOPIC_BYTES], const char *competition, uint32_t region);

#endif
