/* A connection to the ingest or the query endpoint: one DEALER, replaced by a new one whenever the session starts over, so that
 * nothing of an old connection comes through. One thread at a time. */
#ifndef TALLY_LIB_LINK_H
#define TALLY_LIB_LINK_H

#include "parcel.h"
#include "socket.h"

struct link {
    void *context;        /* ZeroMQ's, borrowed */
    const char *endpoint; /* borrowed, as are the credentials */
    const struct credentials *credentials;
    void *socket;  /* NULL while closed */
    void *monitor; /* tells when the connection is lost */
    unsigned generation;
    bool turned_away; /* the last attempt ended because of the keys */
};

void link_init(struct link *link, void *context, const char *endpoint, const struct credentials *credentials);

/* Closes. */
void link_fini(struct link *link);

/* Closes what is open and opens a new connection. Does not wait for it: what is sent goes out once it stands.
 * Errors  MEMORY, INVALID. */
TALLY_MUST_USE enum tally_error link_renew(struct link *link, char *message);
void link_close(struct link *link);

/* Whether the connection was lost since, or never stood; turned_away says more. */
bool link_lost(struct link *link);

/* What to tell people when it was turned away: a sentence into message, of FAULT_MESSAGE_BYTES. */
void link_tell_turned_away(const struct link *link, char *message);

/* False when it cannot be queued: then the link is of no more use. */
bool link_hello(struct link *link, const char *node, uint64_t acknowledged, uint64_t epoch);

/* Sends the body without copying it: the parcel is held until ZeroMQ has sent it. */
bool link_batch(struct link *link, struct parcel *parcel);

#endif
