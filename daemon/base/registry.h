/* The registry: the competitions and nodes of the configuration, as data. Immutable once shared; counted references let
 * every stage go on with the old one until it takes up the new one after a reload. */
#ifndef TALLY_DAEMON_BASE_REGISTRY_H
#define TALLY_DAEMON_BASE_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/entry.h"
#include "daemon/base/error.h"
#include "daemon/base/figures.h"
#include "proto/curve_key.h"
#include "proto/limits.h"

enum { REGISTRY_TITLE_BYTES = 128, REGISTRY_REGIONS_MAX = 64, NUMBER_NONE = UINT16_MAX };

struct label {
    bool defined;
    bool counts; /* statuses only */
    char key[COMPETITION_KEY_BYTES_MAX + 1];
    char zh[REGISTRY_TITLE_BYTES];
    char en[REGISTRY_TITLE_BYTES];
};

struct competition {
    uint16_t number; /* in the journal; NUMBER_NONE until assigned */
    char key[COMPETITION_KEY_BYTES_MAX + 1];
    char zh[REGISTRY_TITLE_BYTES];
    char en[REGISTRY_TITLE_BYTES];
    char place_zh[REGISTRY_TITLE_BYTES]; /* what the whole of it is called in a sentence */
    char place_en[REGISTRY_TITLE_BYTES];
    uint16_t first_day;
    uint16_t last_day;
    size_t region_count;
    uint32_t regions[REGISTRY_REGIONS_MAX];  /* in scope, each with everything below it */
    struct label categories[CATEGORIES_MAX]; /* by code */
    struct label statuses[STATUSES_MAX];
    uint16_t category_mask; /* bit c set = category c is defined */
    uint16_t status_mask;
    uint16_t counts;          /* bit s set = status s counts in the totals */
    uint64_t target_projects; /* 0 = none, as for the next two */
    int64_t target_contract_value;
    int64_t target_participants;
};

struct node_right {
    uint16_t number; /* in the journal; NUMBER_NONE until assigned */
    char name[NODE_NAME_BYTES_MAX + 1];
    char zh[REGISTRY_TITLE_BYTES];
    char en[REGISTRY_TITLE_BYTES];
    size_t region_count;
    uint32_t regions[REGISTRY_REGIONS_MAX]; /* that it may report for, each with everything below it */
};

/* What a key may do: docs/keys.md has the table. */
enum role { ROLE_NODE = 0, ROLE_DASHBOARD, ROLE_OPERATOR, ROLE_COUNT };

enum { KEYS_OF_ONE_MAX = 4, HOLDERS_MAX = 1024 }; /* dashboards and operators together */

/* A key and whose it is. Somebody with two keys, while one replaces the other, stands here twice. */
struct key_right {
    struct curve_key key;
    enum role role;
    char name[NODE_NAME_BYTES_MAX + 1]; /* of the node, dashboard or operator */
    size_t read_count;
    uint32_t reads[REGISTRY_REGIONS_MAX]; /* regions whose projects it may see, each with everything below it */
};

struct registry {
    size_t competition_count;
    struct competition *competitions; /* in order of their keys */
    size_t node_count;
    struct node_right *nodes; /* in order of their names */
    bool keyed;               /* nobody without a key in `keys` is let in */
    size_t key_count;
    struct key_right *keys; /* in order of the keys */
    atomic_int references;
};

/* An empty registry with room for so many; one reference, the caller's. NULL if memory is out. */
struct registry *registry_create(size_t competitions, size_t nodes);

struct registry *registry_hold(struct registry *registry);

/* Gives a reference back; the last one frees. NULL is fine. Any thread. */
void registry_release(struct registry *registry);

/* NULL if there is none. size is the length of the key, which need not end with NUL. */
const struct competition *registry_competition(const struct registry *registry, const char *key, size_t size);
const struct competition *registry_competition_numbered(const struct registry *registry, uint16_t number);
const struct node_right *registry_node(const struct registry *registry, const char *name, size_t size);
const struct node_right *registry_node_numbered(const struct registry *registry, uint16_t number);

/* Before it is shared: takes over an array from malloc, sorts it, and lets nobody in whose key is not in it. Returns a key that
 * stands there twice, or NULL. */
const struct key_right *registry_set_keys(struct registry *registry, struct key_right *keys, size_t count);

/* What the key may do, or NULL. */
const struct key_right *registry_key(const struct registry *registry, const struct curve_key *key);

/* Whether every key of before may do in after what it did, or more is not asked: whether it is still there with its role
 * and name. Regions do not matter: they are looked at whenever something is asked. */
bool registry_keeps_keys(const struct registry *before, const struct registry *after);

const char *role_name(enum role role);

/* What the journal is told of them; their numbers are assigned. */
struct definition definition_of_competition(const struct competition *competition);
struct definition definition_of_node(const struct node_right *node);

/* A slot through which main hands a new registry to one stage, and the stage finds it at its next turn. */
struct registry_slot {
    struct registry *_Atomic next; /* exchanged by both: holds a reference, or NULL */
};

/* Main: puts a reference in; one that was never taken is released. */
void registry_offer(struct registry_slot *slot, struct registry *registry);

/* The stage: if there is a new one, releases *current, sets it and returns true. */
bool registry_take(struct registry_slot *slot, struct registry **current);

#endif
