/* Why something was refused: every code of the wire protocol, with its name and what to do about it.
 * The numbers are part of the protocol and never change meaning; new ones are added within their range.
 *    1 -  63  a row: the other rows of its batch count
 *   64 - 127  a batch: none of its rows count
 *  128 - 191  a message: it was not dealt with
 *  192 - 223  not now: send it again later */
#ifndef TALLY_PROTO_REFUSAL_H
#define TALLY_PROTO_REFUSAL_H

#include <stdbool.h>

/* X(constant, number, name, what it means and what to do) */
#define REFUSAL_TABLE(X) \
    X(CODE_EMPTY, 1, "code-empty", "the project code is empty; give the code under which the project was approved") \
    X(CODE_TOO_LONG, 2, "code-too-long", \
      "the project code is longer than 32 bytes; use the registered code, not the name") \
    X(CODE_NOT_PRINTABLE, 3, "code-not-printable", \
      "the project code holds a space, control or non-ASCII character; use letters, digits and dashes as registered") \
    X(REGION_UNKNOWN, 4, "region-unknown", \
      "the region is not a GB/T 2260 six-digit code of a known province; look the code up") \
    X(REGION_OUTSIDE_COMPETITION, 5, "region-outside-competition", \
      "the region does not take part in this competition; check the region and the competition") \
    X(REGION_NOT_YOURS, 6, "region-not-yours", \
      "this node may not report for the region; correct the region or have the right node report it") \
    X(CATEGORY_UNKNOWN, 7, "category-unknown", "the competition has no such category; ask it for its list") \
    X(STATUS_UNKNOWN, 8, "status-unknown", "the competition has no such status; ask it for its list") \
    X(VALUE_NEGATIVE, 9, "value-negative", \
      "the contract value is negative; give the full present value, not a change") \
    X(VALUE_TOO_LARGE, 10, "value-too-large", "the contract value is above 10^15 fen; check its unit") \
    X(PARTICIPANTS_NEGATIVE, 11, "participants-negative", \
      "the number of participants is negative; give the full present number, not a change") \
    X(PARTICIPANTS_TOO_LARGE, 12, "participants-too-large", \
      "the number of participants is above 10^8; check the column") \
    X(MIGRANTS_NEGATIVE, 13, "migrants-negative", \
      "the number of migrant participants is negative; give the full present number") \
    X(MIGRANTS_ABOVE_PARTICIPANTS, 14, "migrants-above-participants", \
      "there are more migrant participants than participants; they are counted among them, correct one of the two") \
    X(DAY_BEFORE_START, 15, "day-before-start", \
      "the effective day lies before the competition started; correct the day") \
    X(DAY_IN_FUTURE, 16, "day-in-future", \
      "the effective day lies after tomorrow; report what is true, not what is planned") \
    X(DAY_BEFORE_LAST, 17, "day-before-last", \
      "the effective day lies before the last one reported for this project; days of a project never go back") \
    X(PROJECT_NOT_YOURS, 18, "project-not-yours", \
      "another node reported this project first and owns it; settle with that node who reports it") \
    X(TEXT_TOO_LONG, 19, "text-too-long", "the name or contractor is longer than 255 bytes of UTF-8; shorten it") \
    X(TEXT_NOT_VALID, 20, "text-not-valid", \
      "the name or contractor is not UTF-8 or holds control characters; send it as UTF-8 text on one line") \
    X(DATE_OUT_OF_RANGE, 21, "date-out-of-range", \
      "the start or completion day is outside 1970 to 2149; correct the date") \
    X(TOTALS_FULL, 22, "totals-full", \
      "the daemon's table of projects or totals is full; tell its operator, then send the row again") \
    X(COMPETITION_UNKNOWN, 64, "competition-unknown", \
      "the daemon knows no competition of this key; ask it for its list, or have its operator add the file") \
    X(COLUMNS_UNEVEN, 65, "columns-uneven", \
      "the columns are not equally long, or the code lengths do not add up to the codes; correct the program that " \
      "packs the batch") \
    X(TOO_MANY_ROWS, 66, "too-many-rows", "the batch has more than 8,192 rows; split it") \
    X(BATCH_EMPTY, 67, "batch-empty", "the batch has no rows; send batches of at least one") \
    X(SEQUENCE_GAP, 68, "sequence-gap", "batches before this one are missing; send again from the expected sequence") \
    X(SEQUENCE_OLD, 69, "sequence-old", \
      "this sequence was taken before; it was not counted again, go on from the expected sequence") \
    X(FRAMES_MALFORMED, 128, "frames-malformed", \
      "a message is two frames, a header of 4 bytes and a body; correct the program that sends it") \
    X(PROTOCOL_UNSUPPORTED, 129, "protocol-unsupported", \
      "the header does not say protocol T1 with flags 0; use a client of protocol version 1") \
    X(TYPE_UNKNOWN, 130, "type-unknown", \
      "this endpoint takes no message of this type; check the endpoint and the version of the client") \
    X(BODY_MALFORMED, 131, "body-malformed", \
      "the body is not the protobuf message that the header names, or decodes to too much; correct the program that " \
      "packs it") \
    X(BODY_TOO_LARGE, 132, "body-too-large", "the body is larger than 1 MiB; split the batch") \
    X(HELLO_MISSING, 133, "hello-missing", \
      "this connection has not said Hello, or the daemon was restarted since; say Hello first") \
    X(NODE_UNKNOWN, 134, "node-unknown", \
      "the daemon's configuration has no node of this name; check the name, or have its operator add the node") \
    X(SUPERSEDED, 135, "superseded", \
      "the same node said Hello on a newer connection; only one connection may speak for a node") \
    X(ANSWER_TOO_LARGE, 136, "answer-too-large", "the answer would be larger than 4 MiB; ask for less") \
    X(NOT_READY, 137, "not-ready", "the daemon cannot answer this just now; ask again in a moment") \
    X(NOT_ALLOWED, 138, "not-allowed", \
      "the key of this connection may not do or see this; use another key, or have the daemon's operator allow it") \
    X(KEY_OF_ANOTHER, 139, "key-of-another", \
      "the key of this connection is not one of the node that Hello names; use that node's key, or its own name") \
    X(DISK_FULL, 192, "disk-full", \
      "the daemon's disk is full; nothing is lost, it goes on by itself once there is space") \
    X(DRAINING, 193, "draining", "the daemon is stopping; send again when it is back")

enum refusal {
    REFUSAL_NONE = 0,
#define X(constant, number, name, text) REFUSAL_##constant = (number),
    REFUSAL_TABLE(X)
#undef X
};

/* Codes are below this; arrays of counters have this length. */
#define REFUSAL_CODE_LIMIT 224

/* The code's name, such as "region-unknown"; "unknown-code" for a number that this build does not know. Never NULL. */
const char *refusal_name(unsigned code);

/* What it means and what to do, in English, one sentence without a full stop. Never NULL. */
const char *refusal_text(unsigned code);

/* The same in Chinese, for screens. Never NULL. */
const char *refusal_text_zh(unsigned code);

/* Whether this build knows the code. REFUSAL_NONE is not one. */
bool refusal_known(unsigned code);

#endif
