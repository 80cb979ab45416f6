/* The query endpoint as the commands use it: open, ask, tell on stderr what failed, and with which exit code to end. */
#ifndef TALLY_CLIENT_CLI_CONNECTION_H
#define TALLY_CLIENT_CLI_CONNECTION_H

#include <tally/tally.h>

#include "client/cli/options.h"

struct connection {
    const struct arguments *arguments;
    struct tally_query *query;
    struct tally_competitions_answer *competitions; /* NULL unless asked for */
    const struct tally_competition *competition;    /* within competitions */
};

/* Opens the endpoint that the arguments name. Returns an exit code; it has told why if that is not 0. Give the connection
 * back with connection_close whatever the result. */
int connection_open(const struct arguments *arguments, struct connection *connection);

/* The same, and asks for the competition: the one named, or the only one that the daemon has. */
int connection_open_competition(const struct arguments *arguments, struct connection *connection);

void connection_close(struct connection *connection);

/* Tells on stderr what the last question failed of, and what to do. Returns the exit code. */
int connection_failure(const struct connection *connection, enum tally_error error);

/* The exit code that an error of libtally stands for. */
int connection_exit_code(enum tally_error error);

/* The name of a region in the arguments' language; the competition's place for the whole. buffer has 8 bytes. */
const char *connection_region_name(const struct connection *connection, uint32_t region, char *buffer);

/* The label of a category or status of the competition in the arguments' language; "?" for a code that it lacks. */
const char *connection_label(const struct connection *connection, const struct tally_label *labels, size_t count,
                             uint32_t code);

#endif
