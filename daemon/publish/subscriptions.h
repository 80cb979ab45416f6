/* The topics that somebody subscribes to: a bounded set of prefixes, and whether one of them begins a given topic.
 * XPUB tells of each new subscription, and of the end of the last one of a topic, so that a set is enough.
 * Publish thread only. */
#ifndef TALLY_DAEMON_PUBLISH_SUBSCRIPTIONS_H
#define TALLY_DAEMON_PUBLISH_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"

enum { SUBSCRIPTIONS_MAX = 65536 };

struct subscriptions;

enum subscription_match {
    SUBSCRIPTION_NONE = 0,
    SUBSCRIPTION_WANTED, /* some prefix begins the topic */
    SUBSCRIPTION_FRESH,  /* and one of those came, or came again, since the last settle */
};

/* seed: any number that subscribers cannot know, so that they cannot choose topics that collide. NULL if memory is out. */
struct subscriptions *subscriptions_create(uint64_t seed);

/* NULL is fine. */
void subscriptions_destroy(struct subscriptions *subscriptions);

/* Returns false if there are SUBSCRIPTIONS_MAX already. What is longer than any topic is left out: it begins none. */
bool subscriptions_add(struct subscriptions *subscriptions, const char *prefix, size_t size);

/* What is not there is fine. */
void subscriptions_remove(struct subscriptions *subscriptions, const char *prefix, size_t size);

size_t subscriptions_count(const struct subscriptions *subscriptions);

/* topic is at most TOPIC_BYTES_MAX long. Looks at each length of prefix that is in use. */
enum subscription_match subscriptions_match(const struct subscriptions *subscriptions, const char *topic, size_t size);

/* From now on none is fresh. */
void subscriptions_settle(struct subscriptions *subscriptions);

#endif
