/* Keys of CURVE as people keep and write them: 32 bytes, 64 hexadecimal digits. Not Z85, which ZeroMQ's own tools write: its
 * brackets, stars and dollars mean something to shells, spreadsheets and configuration files, and nobody can read them out
 * on the telephone.
 *
 * A key file has one setting a line, `public-key = DIGITS` and, if it is a secret one, `secret-key = DIGITS`; lines that
 * begin with # are comments. Secret ones are for their owner's eyes (mode 0600, or 0400) and are refused otherwise.
 * Any thread. */
#ifndef TALLY_PROTO_CURVE_KEY_H
#define TALLY_PROTO_CURVE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CURVE_KEY_BYTES = 32,
    CURVE_KEY_DIGITS = 64,
    CURVE_OBJECTION_BYTES = 512, /* room for what is said of a file that is no good */
};

struct curve_key {
    uint8_t bytes[CURVE_KEY_BYTES];
};

struct curve_pair {
    struct curve_key public_key;
    struct curve_key secret_key;
};

/* size bytes of text. Returns whether they are 64 hexadecimal digits, large or small. */
bool curve_key_parse(const char *text, size_t size, struct curve_key *key);

/* Writes 64 small digits and the end. */
void curve_key_write(const struct curve_key *key, char text[CURVE_KEY_DIGITS + 1]);

/* A new pair. Returns false if libzmq was built without CURVE. */
bool curve_pair_make(struct curve_pair *pair);

/* Overwrites the pair so that the compiler cannot leave it out. */
void curve_pair_forget(struct curve_pair *pair);

/* Reads a secret key file. On failure writes what is wrong and what to do, with the path, to objection. */
bool curve_pair_read(const char *path, struct curve_pair *pair, char objection[CURVE_OBJECTION_BYTES]);

/* Reads the public key of a key file, secret or not. Failures as above. */
bool curve_key_read(const char *path, struct curve_key *key, char objection[CURVE_OBJECTION_BYTES]);

/* Makes two files, synced: the secret one at path (mode 0600) and the public one at path with .pub behind it (0644). Neither
 * may be there before. comment is one line that says whose they are. Failures as above; nothing is left behind then. */
bool curve_pair_save(const char *path, const struct curve_pair *pair, const char *comment,
                     char objection[CURVE_OBJECTION_BYTES]);

#endif
