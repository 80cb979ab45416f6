/* What intake says to nodes, and what becomes of it: a peer that is gone loses its session, one that is full gets its
 * receipts later. Intake thread only. */
#ifndef TALLY_DAEMON_INTAKE_REPLIES_H
#define TALLY_DAEMON_INTAKE_REPLIES_H

#include "intake.h"

/* Nobody speaks for the node any more. */
void replies_disconnect(struct intake *intake, struct roster_node *node);

/* Notes what became of something that was sent to a node. Returns whether it was sent. */
bool replies_sent(struct intake *intake, struct roster_node *node, enum sending sending);

/* Sends the node every receipt that it has not had on this connection, as far as its queue takes them. */
void replies_receipts(struct intake *intake, struct roster_node *node);

/* Refuses a message: counts, logs (limited), and answers if there is an address. */
void replies_refuse(struct intake *intake, const struct arrival *arrival, enum refusal code);

/* Tells a node that its session is over, and forgets the session. */
void replies_end_session(struct intake *intake, struct roster_node *node, enum refusal code);

/* Every so often: sends receipts that found a peer full, and reminds peers that have been quiet. */
void replies_round(struct intake *intake);

#endif
