#include <stdio.h>
#include <sysexits.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/diagnostic.h"
#include "client/cli/sentence.h"
#include "proto/day.h"

/* Whether the competition has a sentence for the day; 0 = today. */
static bool day_fits(const struct connection *connection, day_number_t day, day_number_t today) {
    const struct tally_competition *competition = connection->competition;
    char text[DAY_TEXT_BYTES];
    char start[DAY_TEXT_BYTES];
    if (day == 0) {
        return true;
    }
    if (day < competition->first_day) {
        diagnostic_error("report", "--at: %s lies before the start of %s: ask for a day from %s on",
                         day_format(day, text), competition->key, day_format(competition->first_day, start));
        return false;
    }
    if (day > today) {
        diagnostic_error("report", "--at: %s lies in the future: ask for a day up to today, %s", day_format(day, text),
                         day_format(today, start));
        return false;
    }
    return true;
}

static int print(const struct connection *connection, day_number_t day, const struct tally_totals_answer *answer) {
    const struct arguments *arguments = connection->arguments;
    char name[8];
    char buffer[SENTENCE_BYTES];
    struct sentence sentence = {.day = day != 0 ? day : day_of_time((int64_t)answer->time_ms),
                                .place = connection_region_name(connection, answer->region, name),
                                .totals = answer->totals,
                                .migrants = options_given(arguments, OPTION_MIGRANTS)};
    return puts(sentence_write(&sentence, arguments->language, buffer)) >= 0 ? EX_OK : EX_IOERR;
}

/* Asks for the day and prints it; a day of 0 is the live totals. */
static int report(const struct connection *connection) {
    const struct arguments *arguments = connection->arguments;
    day_number_t day = (day_number_t)arguments->number[OPTION_AT];
    struct tally_status_answer *status = NULL;
    struct tally_totals_answer *answer = NULL;
    enum tally_error error = tally_query_status(connection->query, &status);
    if (error == TALLY_OK && !day_fits(connection, day, day_of_time((int64_t)status->time_ms))) {
        tally_answer_free(status);
        return EX_USAGE;
    }
    tally_answer_free(status);
    if (error == TALLY_OK) {
        error = tally_query_totals(connection->query, connection->competition->key,
                                   (uint32_t)arguments->number[OPTION_REGION], day, &answer);
    }
    int code = error == TALLY_OK ? print(connection, day, answer) : connection_failure(connection, error);
    tally_answer_free(answer);
    return code;
}

int report_run(const struct arguments *arguments) {
    struct connection connection;
    int code = connection_open_competition(arguments, &connection);
    if (code == EX_OK) {
        code = report(&connection);
    }
    connection_close(&connection);
    return code;
}
