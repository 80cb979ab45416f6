/* Administrative regions: GB/T 2260 six-digit codes. Their digits are the tree: 330106 is in 330100, that in 330000,
 * that in 0, the whole (written 000000).
 * The names come from regions.tsv (civil-affairs list of the end of 2024, MIT-licensed package lcn 7.2.2). A county code
 * that is not in the list is still a region, because new districts and development zones appear every year; its province
 * must be known. */
#ifndef TALLY_PROTO_REGION_H
#define TALLY_PROTO_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REGION_ALL = 0, /* 000000 */
    REGION_CODE_LIMIT = 1000000,
    REGION_LEVELS = 4, /* all, province, city, county */
    REGION_CODE_DIGITS = 6,
};

enum region_level { REGION_LEVEL_ALL = 0, REGION_LEVEL_PROVINCE, REGION_LEVEL_CITY, REGION_LEVEL_COUNTY };

struct region {
    uint32_t code;
    const char *zh; /* such as 西湖区 */
    const char *en; /* NULL where there is no settled English name */
};

/* Whether a project may lie there: six digits with a known province part, not the whole. Constant time. */
bool region_valid(uint32_t code);

/* The level that the digits say; does not look whether the region is known. */
enum region_level region_level(uint32_t code);

/* The region one level up; REGION_ALL for provinces and for itself. */
uint32_t region_parent(uint32_t code);

/* Whether code is ancestor or lies below it. Every code is within itself and within REGION_ALL. */
bool region_within(uint32_t code, uint32_t ancestor);

/* Fills up to REGION_LEVELS codes, code itself first, REGION_ALL last, none twice; returns how many. */
size_t region_path(uint32_t code, uint32_t path[REGION_LEVELS]);

/* The list's entry, or NULL where the list has none. Static storage. */
const struct region *region_find(uint32_t code);

/* The Chinese name, or the six digits written to buffer (at least 7 bytes) where the list has none. */
const char *region_name_zh(uint32_t code, char *buffer);

/* The English name; for counties and cities, which have none, the Chinese one. */
const char *region_name_en(uint32_t code, char *buffer);

/* Reads two, four or six digits: 33 and 3301 are short for 330000 and 330100; 000000 and "all" are the whole.
 * Returns whether text was a valid region; code is untouched if not. */
bool region_parse(const char *text, uint32_t *code);

/* All regions of the list in order of their codes; count is set. Static storage. */
const struct region *region_list(size_t *count);

#endif
