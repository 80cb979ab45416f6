#include "credentials.h"

#include <string.h>

/* Digits, or the path of a file that has them. */
static bool read_daemon_key(const char *text, struct curve_key *key, char *objection) {
    return curve_key_parse(text, strlen(text), key) || curve_key_read(text, key, objection);
}

enum tally_error credentials_read(struct credentials *credentials, const char *key_file, const char *daemon_key,
                                  char *message) {
    char objection[CURVE_OBJECTION_BYTES];
    *credentials = (struct credentials){.given = key_file != NULL};
    if ((key_file == NULL) != (daemon_key == NULL)) {
        return fault_set(message, TALLY_INVALID, "%s is missing: a connection with keys needs both",
                         key_file == NULL ? "the own key file" : "the daemon's public key");
    }
    if (key_file != NULL && (!curve_pair_read(key_file, &credentials->own, objection) ||
                             !read_daemon_key(daemon_key, &credentials->daemon, objection))) {
        credentials_forget(credentials);
        return fault_set(message, TALLY_INVALID, "%s", objection);
    }
    return TALLY_OK;
}

void credentials_forget(struct credentials *credentials) {
    curve_pair_forget(&credentials->own);
    credentials->given = false;
}
