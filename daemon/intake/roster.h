/* The roster: what intake knows of each node: which connection speaks for it, which batch it expects next, and the receipts
 * that the node may still ask for. Pure bookkeeping, no I/O. Owned by the intake thread. */
#ifndef TALLY_DAEMON_INTAKE_ROSTER_H
#define TALLY_DAEMON_INTAKE_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "admission.h"
#include "daemon/base/receipt.h"
#include "daemon/base/registry.h"

/* The connection's name on the ROUTER socket: ZeroMQ makes them of a zero byte and 4 random ones. */
typedef uint32_t routing_t;

struct roster_node {
    uint16_t number;
    const struct node_right *right; /* in the present registry; NULL if the node was taken out of it */
    bool connected;
    routing_t routing;
    struct curve_key key;                        /* that the connection came with, if the registry is keyed */
    uint64_t next_sequence;                      /* expected */
    uint64_t durable_sequence;                   /* highest that is durable and applied */
    uint64_t sent_sequence;                      /* highest whose receipt went to this connection */
    uint64_t version;                            /* of the last receipt */
    int64_t sent_ns;                             /* when something was last sent to it, monotonic */
    int64_t rewind_quiet_until_ns;               /* no further Rewind before this, unless the expected batch came */
    struct receipt receipts[WINDOW_BATCHES_MAX]; /* by sequence modulo; sequence 0 = none */
    struct admission_memo memo;
};

struct roster;

/* NULL if memory is out. */
struct roster *roster_create(void);
void roster_destroy(struct roster *roster);

/* The node of this number, made if there is none. NULL if memory is out. */
struct roster_node *roster_node(struct roster *roster, uint16_t number);

/* The node of this number, or NULL. */
struct roster_node *roster_find(struct roster *roster, uint16_t number);

/* The node that a connection speaks for, or NULL. */
struct roster_node *roster_speaker(struct roster *roster, routing_t routing);

/* From now on the connection speaks for the node; the node has none. */
void roster_connect(struct roster *roster, struct roster_node *node, routing_t routing);

/* Nobody speaks for the node any more. */
void roster_disconnect(struct roster *roster, struct roster_node *node);

/* Points every node at its right in a new registry, or at NULL, and forgets verdicts. */
void roster_adopt(struct roster *roster, const struct registry *registry);

/* Keeps a receipt; takes over its refusals. The oldest goes. */
void roster_keep(struct roster_node *node, const struct receipt *receipt);

/* The receipt of a sequence, or NULL if it is no longer kept. */
const struct receipt *roster_receipt(const struct roster_node *node, uint64_t sequence);

/* Calls visit for every node that there is. */
void roster_visit(struct roster *roster, void (*visit)(void *context, struct roster_node *node), void *context);

#endif
