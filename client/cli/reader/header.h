/* What the columns of a spreadsheet and the keys of an NDJSON object mean: their names in English and Chinese. */
#ifndef TALLY_CLIENT_CLI_READER_HEADER_H
#define TALLY_CLIENT_CLI_READER_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/cli/language.h"
#include "client/cli/reader/slice.h"
#include "proto/money.h"

enum field {
    FIELD_CODE = 0,
    FIELD_NAME,
    FIELD_REGION,
    FIELD_CATEGORY,
    FIELD_STATUS,
    FIELD_CONTRACT_VALUE,
    FIELD_PARTICIPANTS,
    FIELD_MIGRANTS,
    FIELD_CONTRACTOR,
    FIELD_START,
    FIELD_COMPLETION,
    FIELD_EFFECTIVE,
    FIELD_REASON, /* of an earlier refusal: ignored */
    FIELD_COUNT,
    FIELD_UNKNOWN = FIELD_COUNT,
};

enum header_unit {
    HEADER_UNIT_NONE = 0, /* the field is not money */
    HEADER_UNIT_GIVEN,
    HEADER_UNIT_MISSING, /* a money column that does not say whether it is yuan or ten thousands of them */
    HEADER_UNIT_UNKNOWN,
};

struct header_name {
    enum field field;
    enum header_unit unit_state;
    enum money_unit unit; /* if given */
};

/* Looks a name up. Case, spaces, underscores, hyphens and brackets (full and half width) make no difference. */
struct header_name header_name_read(struct slice name);

/* How a spreadsheet calls the field, without unit. */
const char *header_field_name(enum field field, enum language language);

enum { HEADER_COLUMNS_MAX = 256, HEADER_MESSAGE_BYTES = 512 };

/* The columns of a spreadsheet. */
struct header {
    size_t count;
    enum field fields[HEADER_COLUMNS_MAX]; /* what each column holds */
    size_t column[FIELD_COUNT];            /* which column holds each field; only if present */
    bool present[FIELD_COUNT];
    enum money_unit unit;
    enum language language;             /* Chinese if the project code's column has a Chinese name */
    char unknown[HEADER_MESSAGE_BYTES]; /* names of the columns that mean nothing here, with ", " between; cut */
};

/* Whether a row is no project without the field. */
bool header_field_required(enum field field);

/* Adds the next column. Returns false, with what is wrong and what to do in message (HEADER_MESSAGE_BYTES), if it cannot
 * be used. Start with a zeroed header. */
bool header_add(struct header *header, struct slice name, char *message);

/* After the last column. Returns false, with every missing column in message, if one is missing. */
bool header_complete(const struct header *header, char *message);

#endif
