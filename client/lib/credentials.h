/* The keys that a connection is made with: its own pair and the daemon's public key. Immutable once read. */
#ifndef TALLY_LIB_CREDENTIALS_H
#define TALLY_LIB_CREDENTIALS_H

#include <stdbool.h>

#include "fault.h"
#include "proto/curve_key.h"

struct credentials {
    bool given; /* else the connection is made without keys */
    struct curve_pair own;
    struct curve_key daemon;
};

/* Reads what an object's options name; both NULL is fine, one alone is not. Errors  INVALID. */
TALLY_MUST_USE enum tally_error credentials_read(struct credentials *credentials, const char *key_file,
                                                 const char *daemon_key, char *message);

/* Overwrites the secret. */
void credentials_forget(struct credentials *credentials);

#endif
