/* Where a node's outbox lies if nobody says otherwise. */
#ifndef TALLY_CLIENT_CLI_OUTBOX_PATH_H
#define TALLY_CLIENT_CLI_OUTBOX_PATH_H

#include <stdbool.h>

/* $XDG_STATE_HOME/tally/NODE or ~/.local/state/tally/NODE, for the caller to free; NULL if there is neither. */
char *outbox_path_default(const char *node);

/* Makes the directories above path that are missing, for this user only. Returns false with errno set. */
bool outbox_path_make_parents(const char *path);

#endif
