#include "day.h"

#include <stdio.h>
#include <string.h>

enum { CHINA_OFFSET_MS = 8 * 3600 * 1000, DAY_MS = 24 * 3600 * 1000 };

day_number_t day_of_time(int64_t time_ms) {
    const int64_t last_ms = (int64_t)DAY_LIMIT * DAY_MS - CHINA_OFFSET_MS - 1;
    if (time_ms >= last_ms) {
        return DAY_LIMIT - 1;
    }
    return time_ms < 0 ? 0 : (day_number_t)((time_ms + CHINA_OFFSET_MS) / DAY_MS);
}

day_number_t day_from_date(struct day_date date) {
    int year = date.month <= 2 ? date.year - 1 : date.year;
    int era = year / 400;
    int year_of_era = year - era * 400;
    int day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (day_number_t)(era * 146097 + day_of_era - 719468);
}

struct day_date day_to_date(day_number_t day) {
    int shifted = (int)day + 719468;
    int era = shifted / 146097;
    int day_of_era = shifted - era * 146097;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_shifted = (5 * day_of_year + 2) / 153;
    struct day_date date = {.day = day_of_year - (153 * month_shifted + 2) / 5 + 1};
    date.month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

/* Reads up to digits_max digits at *at; returns how many. */
static size_t read_digits(const char *text, size_t size, size_t *at, size_t digits_max, int *value) {
    size_t count = 0;
    *value = 0;
    while (count < digits_max && *at < size && text[*at] >= '0' && text[*at] <= '9') {
        *value = *value * 10 + (text[*at] - '0');
        *at += 1;
        count++;
    }
    return count;
}

static bool skip(const char *text, size_t size, size_t *at, const char *mark) {
    size_t length = strlen(mark);
    if (size - *at < length || memcmp(text + *at, mark, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

static bool parse_fields(const char *text, size_t size, struct day_date *date) {
    static const char *const marks[][3] = {{"-", "-", ""}, {"/", "/", ""}, {".", ".", ""}, {"年", "月", "日"}};
    size_t at = 0;
    if (read_digits(text, size, &at, 4, &date->year) != 4) {
        return false;
    }
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (skip(text, size, &at, marks[i][0])) {
            return read_digits(text, size, &at, 2, &date->month) > 0 && skip(text, size, &at, marks[i][1]) &&
                   read_digits(text, size, &at, 2, &date->day) > 0 && skip(text, size, &at, marks[i][2]) && at == size;
        }
    }
    return read_digits(text, size, &at, 2, &date->month) == 2 && read_digits(text, size, &at, 2, &date->day) == 2 &&
           at == size;
}

bool day_parse(const char *text, size_t size, day_number_t *day) {
    struct day_date date;
    if (!parse_fields(text, size, &date) || date.year < 1970 || date.year > 2149 || date.month < 1 || date.month > 12 ||
        date.day < 1 || date.day > 31) {
        return false;
    }
    day_number_t number = day_from_date(date);
    struct day_date back = day_to_date(number);
    if (number == 0 || number >= DAY_LIMIT || back.month != date.month || back.day != date.day) {
        return false;
    }
    *day = number;
    return true;
}

char *day_format(day_number_t day, char *buffer) {
    struct day_date date = day_to_date(day % DAY_LIMIT);
    snprintf(buffer, DAY_TEXT_BYTES, "%04u-%02u-%02u", (unsigned)date.year % 10000, (unsigned)date.month % 100,
             (unsigned)date.day % 100);
    return buffer;
}
