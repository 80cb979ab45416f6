#include "roster.h"

#include <stdlib.h>

#include "daemon/base/check.h"

enum { SPEAKER_SLOTS = NODES_MAX * 4, SPEAKER_GONE = NODES_MAX + 1 };

/* Connections by routing id: open addressing, at most a quarter full. A slot holds the node's number + 1, 0 when it was
 * never used; a node that went leaves SPEAKER_GONE behind until the table is made anew. */
struct speaker {
    routing_t routing;
    uint32_t node;
};

struct roster {
    struct roster_node *nodes[NODES_MAX];
    struct speaker speakers[SPEAKER_SLOTS];
    size_t speakers_used; /* slots that are not 0 */
};

struct roster *roster_create(void) {
    return calloc(1, sizeof(struct roster));
}

static void free_receipts(struct roster_node *node) {
    for (size_t i = 0; i < WINDOW_BATCHES_MAX; i++) {
        free(node->receipts[i].refusals);
    }
}

void roster_destroy(struct roster *roster) {
    if (roster == NULL) {
        return;
    }
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (roster->nodes[i] != NULL) {
            free_receipts(roster->nodes[i]);
            free(roster->nodes[i]);
        }
    }
    free(roster);
}

struct roster_node *roster_node(struct roster *roster, uint16_t number) {
    CHECK(number < NODES_MAX);
    if (roster->nodes[number] == NULL) {
        roster->nodes[number] = calloc(1, sizeof *roster->nodes[number]);
        if (roster->nodes[number] != NULL) {
            roster->nodes[number]->number = number;
            roster->nodes[number]->next_sequence = 1;
        }
    }
    return roster->nodes[number];
}

struct roster_node *roster_find(struct roster *roster, uint16_t number) {
    return number < NODES_MAX ? roster->nodes[number] : NULL;
}

static size_t home_of(routing_t routing) {
    return (routing * 2654435761u) % SPEAKER_SLOTS;
}

static struct speaker *find_speaker(struct roster *roster, routing_t routing) {
    size_t slot = home_of(routing);
    while (roster->speakers[slot].node != 0) {
        struct speaker *speaker = &roster->speakers[slot];
        if (speaker->routing == routing && speaker->node != SPEAKER_GONE) {
            return speaker;
        }
        slot = (slot + 1) % SPEAKER_SLOTS;
    }
    return NULL;
}

struct roster_node *roster_speaker(struct roster *roster, routing_t routing) {
    struct speaker *speaker = find_speaker(roster, routing);
    return speaker == NULL ? NULL : roster->nodes[speaker->node - 1];
}

static void place_speaker(struct roster *roster, routing_t routing, uint16_t number) {
    size_t slot = home_of(routing);
    while (roster->speakers[slot].node != 0) {
        slot = (slot + 1) % SPEAKER_SLOTS;
    }
    roster->speakers[slot] = (struct speaker){.routing = routing, .node = (uint32_t)number + 1};
    roster->speakers_used++;
}

/* Connections come and go for months: without this the marks of those gone would fill the table. */
static void rebuild_speakers(struct roster *roster) {
    for (size_t i = 0; i < SPEAKER_SLOTS; i++) {
        roster->speakers[i] = (struct speaker){0};
    }
    roster->speakers_used = 0;
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (roster->nodes[i] != NULL && roster->nodes[i]->connected) {
            place_speaker(roster, roster->nodes[i]->routing, (uint16_t)i);
        }
    }
}

void roster_connect(struct roster *roster, struct roster_node *node, routing_t routing) {
    CHECK(!node->connected);
    if (roster->speakers_used >= SPEAKER_SLOTS / 2) {
        rebuild_speakers(roster);
    }
    place_speaker(roster, routing, node->number);
    node->connected = true;
    node->routing = routing;
    node->rewind_quiet_until_ns = 0;
}

void roster_disconnect(struct roster *roster, struct roster_node *node) {
    struct speaker *speaker = node->connected ? find_speaker(roster, node->routing) : NULL;
    if (speaker != NULL) {
        speaker->node = SPEAKER_GONE;
    }
    node->connected = false;
}

void roster_adopt(struct roster *roster, const struct registry *registry) {
    for (uint16_t i = 0; i < NODES_MAX; i++) {
        if (roster->nodes[i] != NULL) {
            roster->nodes[i]->right = registry_node_numbered(registry, i);
            roster->nodes[i]->memo = (struct admission_memo){0};
        }
    }
}

void roster_keep(struct roster_node *node, const struct receipt *receipt) {
    struct receipt *place = &node->receipts[receipt->sequence % WINDOW_BATCHES_MAX];
    free(place->refusals);
    *place = *receipt;
}

const struct receipt *roster_receipt(const struct roster_node *node, uint64_t sequence) {
    const struct receipt *place = &node->receipts[sequence % WINDOW_BATCHES_MAX];
    return sequence > 0 && place->sequence == sequence ? place : NULL;
}

void roster_visit(struct roster *roster, void (*visit)(void *context, struct roster_node *node), void *context) {
    for (size_t i = 0; i < NODES_MAX; i++) {
        if (roster->nodes[i] != NULL) {
            visit(context, roster->nodes[i]);
        }
    }
}
