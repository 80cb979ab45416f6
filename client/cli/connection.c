#include "connection.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/diagnostic.h"
#include "proto/refusal.h"
#include "proto/region.h"

int connection_exit_code(enum tally_error error) {
    switch (error) {
    case TALLY_OK:
        return EX_OK;
    case TALLY_TIMEOUT:
        return EX_UNAVAILABLE;
    case TALLY_REFUSED:
    case TALLY_INVALID:
        return EX_DATAERR;
    case TALLY_OUTBOX_BUSY:
    case TALLY_OUTBOX_FULL:
        return EX_TEMPFAIL;
    case TALLY_OUTBOX_DAMAGED:
    case TALLY_DISK:
        return EX_IOERR;
    case TALLY_MEMORY:
        return EX_OSERR;
    case TALLY_STOPPED:
        return EX_NOPERM;
    default:
        return EX_PROTOCOL;
    }
}

int connection_open(const struct arguments *arguments, struct connection *connection) {
    *connection = (struct connection){.arguments = arguments};
    char message[256] = "";
    struct tally_query_options options = {.endpoint = arguments->text[OPTION_QUERY],
                                          .key_file = arguments->text[OPTION_KEY],
                                          .daemon_key = arguments->text[OPTION_DAEMON_KEY]};
    enum tally_error error = tally_query_open(&options, &connection->query, message);
    if (error != TALLY_OK) {
        diagnostic_error(arguments->command->name, "%s: %s", arguments->text[OPTION_QUERY],
                         message[0] != '\0' ? message : tally_error_text(error));
        return error == TALLY_INVALID ? EX_USAGE : connection_exit_code(error);
    }
    return EX_OK;
}

int connection_failure(const struct connection *connection, enum tally_error error) {
    const char *command = connection->arguments->command->name;
    const char *endpoint = connection->arguments->text[OPTION_QUERY];
    if (error == TALLY_TIMEOUT) {
        diagnostic_error(command,
                         "the daemon does not answer at %s: start it, or name its query endpoint with --query or "
                         "TALLY_QUERY",
                         endpoint);
    } else {
        const char *message = tally_query_message(connection->query);
        diagnostic_error(command, "%s", message != NULL && message[0] != '\0' ? message : tally_error_text(error));
    }
    if (error == TALLY_REFUSED && tally_query_refusal(connection->query) == REFUSAL_NOT_ALLOWED) {
        return EX_NOPERM;
    }
    return connection_exit_code(error);
}

/* Prints the keys that there are, so that one can be chosen. */
static void list_keys(const struct tally_competitions_answer *answer, char *buffer, size_t size) {
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < answer->count && used < size; i++) {
        int written = snprintf(buffer + used, size - used, "%s%s", i > 0 ? ", " : "", answer->competitions[i].key);
        used += written > 0 ? (size_t)written : 0;
    }
}

static int choose(struct connection *connection) {
    const struct tally_competitions_answer *answer = connection->competitions;
    const char *key = connection->arguments->text[OPTION_COMPETITION];
    const char *command = connection->arguments->command->name;
    for (size_t i = 0; key != NULL && i < answer->count; i++) {
        if (strcmp(answer->competitions[i].key, key) == 0) {
            connection->competition = &answer->competitions[i];
        }
    }
    if (key == NULL && answer->count == 1) {
        connection->competition = &answer->competitions[0];
        return EX_OK;
    }
    if (connection->competition != NULL) {
        return EX_OK;
    }
    char keys[512];
    list_keys(answer, keys, sizeof keys);
    if (answer->count == 0) {
        diagnostic_error(command, "the daemon has no competition: add a competition file to it");
    } else if (key == NULL) {
        diagnostic_error(command, "the daemon has %zu competitions: choose one with --competition: %s", answer->count,
                         keys);
    } else {
        diagnostic_error(command, "the daemon has no competition '%s': it has %s", key, keys);
    }
    return EX_USAGE;
}

int connection_open_competition(const struct arguments *arguments, struct connection *connection) {
    int code = connection_open(arguments, connection);
    if (code != EX_OK) {
        return code;
    }
    enum tally_error error = tally_query_competitions(connection->query, &connection->competitions);
    return error != TALLY_OK ? connection_failure(connection, error) : choose(connection);
}

void connection_close(struct connection *connection) {
    tally_answer_free(connection->competitions);
    tally_query_close(&connection->query);
    *connection = (struct connection){0};
}

const char *connection_region_name(const struct connection *connection, uint32_t region, char *buffer) {
    enum language language = connection->arguments->language;
    const struct tally_competition *competition = connection->competition;
    if (region == REGION_ALL && competition != NULL) {
        const char *place = language_pick(language, competition->place_en, competition->place_zh);
        if (place[0] != '\0') {
            return place;
        }
    }
    return language == LANGUAGE_ZH ? region_name_zh(region, buffer) : region_name_en(region, buffer);
}

const char *connection_label(const struct connection *connection, const struct tally_label *labels, size_t count,
                             uint32_t code) {
    for (size_t i = 0; i < count; i++) {
        if (labels[i].code == code) {
            return language_pick(connection->arguments->language, labels[i].en, labels[i].zh);
        }
    }
    return "?";
}
