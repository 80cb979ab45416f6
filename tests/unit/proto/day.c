#include "proto/day.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static bool leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* A calendar that only counts. */
static void next_day(struct day_date *date) {
    date->day++;
    if (date->day > days_in(date->year, date->month)) {
        date->day = 1;
        date->month++;
    }
    if (date->month > 12) {
        date->month = 1;
        date->year++;
    }
}

static bool parses(const char *text, day_number_t *day) {
    return day_parse(text, strlen(text), day);
}

static bool refused(const char *text) {
    day_number_t day = 777;
    return !parses(text, &day) && day == 777;
}

Test(day, agrees_with_a_counting_calendar_over_the_whole_range) {
    struct day_date date = {1970, 1, 1};
    for (day_number_t day = 0; day < DAY_LIMIT; day++) {
        struct day_date got = day_to_date(day);
        cr_assert(got.year == date.year && got.month == date.month && got.day == date.day, "day %u", day);
        cr_assert_eq(day_from_date(date), day);
        char wanted[32];
        char text[DAY_TEXT_BYTES];
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02d", date.year, date.month, date.day);
        cr_assert_str_eq(day_format(day, text), wanted);
        day_number_t parsed = 0;
        cr_assert_eq(parses(text, &parsed), day != 0);
        cr_assert_eq(parsed, day);
        next_day(&date);
    }
    cr_assert(date.year == 2149 && date.month == 6 && date.day == 7, "the range ends with 2149-06-06");
}

/* Every day, month and a stretch of years, existing or not. */
Test(day, only_dates_of_the_calendar_are_read) {
    for (int year = 1969; year <= 2150; year++) {
        for (int month = 0; month <= 13; month++) {
            for (int day = 0; day <= 32; day++) {
                char text[32];
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                bool exists = month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month);
                bool in_range = year > 1969 && (year > 1970 || month > 1 || day > 1) &&
                                (year < 2149 || (year == 2149 && (month < 6 || (month == 6 && day <= 6))));
                day_number_t number;
                cr_assert_eq(parses(text, &number), exists && in_range, "%s", text);
            }
        }
    }
}

Test(day, is_read_the_ways_that_spreadsheets_write_it) {
    static const char *const texts[] = {"2021-10-08", "2021/10/08", "2021.10.08",    "20211008",
                                        "2021-10-8",  "2021/10/8",  "2021年10月8日", "2021年10月08日"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        day_number_t day = 0;
        cr_assert(parses(texts[i], &day), "%s", texts[i]);
        cr_assert_eq(day, day_from_date((struct day_date){2021, 10, 8}), "%s", texts[i]);
    }
}

Test(day, anything_else_is_refused_and_leaves_the_day_alone) {
    static const char *const texts[] = {"",
                                        "2021",
                                        "2021-",
                                        "2021-10",
                                        "2021-10-",
                                        "2021-10-8x",
                                        " 2021-10-08",
                                        "2021-10-08 ",
                                        "2021-1-081",
                                        "2021/10-08",
                                        "2021-10/08",
                                        "2021.10-08",
                                        "21-10-08",
                                        "2021108",
                                        "202110081",
                                        "2021年10月8",
                                        "2021年10-8",
                                        "2021-10-8日",
                                        "-021-10-08",
                                        "2021-10-08T00",
                                        "2021--10-08",
                                        "10-08-2021",
                                        "2021-+1-08",
                                        "２０２１-10-08",
                                        "2021-0010-08",
                                        "00002021-10-08",
                                        "2021年10月8日x",
                                        "2021-02-29",
                                        "1970-01-01",
                                        "19700101"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert(refused(texts[i]), "%s", texts[i]);
    }
    cr_assert(!day_parse("2021-10-08\0", 11, &(day_number_t){0}), "a NUL is no part of a date");
}

Test(day, size_ends_the_text) {
    day_number_t day = 0;
    cr_assert(day_parse("2021-10-089", 10, &day));
    cr_assert_eq(day, day_from_date((struct day_date){2021, 10, 8}));
    cr_assert(!day_parse("2021-10-08", 8, &day), "cut after the second dash");
    cr_assert(!day_parse("2021年10月8日", 14, &day), "cut within the last character");
}

Test(day, of_a_time_begins_at_midnight_in_china) {
    const int64_t hour_ms = 3600 * 1000;
    day_number_t day = day_from_date((struct day_date){2021, 10, 28});
    int64_t midnight_ms = (int64_t)day * 24 * hour_ms - 8 * hour_ms;
    cr_assert_eq(day_of_time(midnight_ms), day);
    cr_assert_eq(day_of_time(midnight_ms - 1), day - 1);
    cr_assert_eq(day_of_time(midnight_ms + 24 * hour_ms - 1), day);
    cr_assert_eq(day_of_time(0), 0);
    cr_assert_eq(day_of_time(16 * hour_ms - 1), 0);
    cr_assert_eq(day_of_time(16 * hour_ms), 1);
}

Test(day, of_a_time_stays_within_the_range) {
    cr_assert_eq(day_of_time(-INT64_C(1000000000000)), 0);
    cr_assert_eq(day_of_time(INT64_C(1000000000000000)), DAY_LIMIT - 1);
    cr_assert_eq(day_of_time(INT64_MAX), DAY_LIMIT - 1);
    cr_assert_eq(day_of_time(INT64_MIN), 0);
}

Test(day, format_takes_any_number_without_leaving_its_buffer) {
    char text[DAY_TEXT_BYTES];
    cr_assert_str_eq(day_format(DAY_LIMIT, text), "1970-01-01");
    cr_assert_eq(strlen(day_format(UINT32_MAX, text)), DAY_TEXT_BYTES - 1);
}
