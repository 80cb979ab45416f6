/* Days: whole days since 1970-01-01 in China Standard Time (UTC+8, no summer time). Day 0 means "none" on the wire. */
#ifndef TALLY_PROTO_DAY_H
#define TALLY_PROTO_DAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DAY_LIMIT = 65536,   /* days are stored in 16 bits: up to 2149-06-06 */
    DAY_TEXT_BYTES = 11, /* 2021-10-28 and its end */
};

typedef uint32_t day_number_t;

struct day_date {
    int year;  /* 1970 to 2149 */
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* The day that it is in China at a time in milliseconds since 1970 UTC. */
day_number_t day_of_time(int64_t time_ms);

/* Both directions of the Gregorian calendar, after Howard Hinnant's days_from_civil. */
day_number_t day_from_date(struct day_date date);
struct day_date day_to_date(day_number_t day);

/* Reads 2021-10-28, 2021/10/28, 2021.10.28, 20211028 or 2021年10月28日, the way spreadsheets write dates; month and day
 * may have one digit where separators stand. Returns whether it is a date of the calendar from 1970-01-02 on. */
bool day_parse(const char *text, size_t size, day_number_t *day);

/* "2021-10-28". buffer has DAY_TEXT_BYTES. Returns buffer. */
char *day_format(day_number_t day, char *buffer);

#endif
