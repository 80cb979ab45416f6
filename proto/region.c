#include "region.h"

#include <stdio.h>
#include <string.h>

#include "region_table.h"

enum { PROVINCE_UNIT = 10000, CITY_UNIT = 100 };

/* The 34 provinces by the first two digits, as a set: region_valid is on the hot path. */
static bool province_known(uint32_t province) {
    static const uint64_t known[2] = {REGION_PROVINCES_LOW, REGION_PROVINCES_HIGH};
    return (known[province / 64] >> (province % 64) & 1) != 0;
}

bool region_valid(uint32_t code) {
    return code < REGION_CODE_LIMIT && province_known(code / PROVINCE_UNIT);
}

enum region_level region_level(uint32_t code) {
    if (code == REGION_ALL) {
        return REGION_LEVEL_ALL;
    }
    if (code % PROVINCE_UNIT == 0) {
        return REGION_LEVEL_PROVINCE;
    }
    return code % CITY_UNIT == 0 ? REGION_LEVEL_CITY : REGION_LEVEL_COUNTY;
}

uint32_t region_parent(uint32_t code) {
    switch (region_level(code)) {
    case REGION_LEVEL_COUNTY:
        return code - code % CITY_UNIT;
    case REGION_LEVEL_CITY:
        return code - code % PROVINCE_UNIT;
    default:
        return REGION_ALL;
    }
}

bool region_within(uint32_t code, uint32_t ancestor) {
    switch (region_level(ancestor)) {
    case REGION_LEVEL_ALL:
        return true;
    case REGION_LEVEL_PROVINCE:
        return code / PROVINCE_UNIT == ancestor / PROVINCE_UNIT;
    case REGION_LEVEL_CITY:
        return code / CITY_UNIT == ancestor / CITY_UNIT;
    default:
        return code == ancestor;
    }
}

size_t region_path(uint32_t code, uint32_t path[REGION_LEVELS]) {
    size_t count = 0;
    path[count++] = code;
    while (code != REGION_ALL) {
        code = region_parent(code);
        path[count++] = code;
    }
    return count;
}

const struct region *region_find(uint32_t code) {
    size_t low = 0;
    size_t high = sizeof region_table / sizeof region_table[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (region_table[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < sizeof region_table / sizeof region_table[0] && region_table[low].code == code;
    return found ? &region_table[low] : NULL;
}

const char *region_name_zh(uint32_t code, char *buffer) {
    const struct region *region = region_find(code);
    if (region != NULL) {
        return region->zh;
    }
    if (code == REGION_ALL) {
        return "合计";
    }
    snprintf(buffer, REGION_CODE_DIGITS + 1, "%06u", code % REGION_CODE_LIMIT);
    return buffer;
}

const char *region_name_en(uint32_t code, char *buffer) {
    const struct region *region = region_find(code);
    if (code == REGION_ALL) {
        return "All";
    }
    return region != NULL && region->en != NULL ? region->en : region_name_zh(code, buffer);
}

bool region_parse(const char *text, uint32_t *code) {
    if (strcmp(text, "all") == 0) {
        *code = REGION_ALL;
        return true;
    }
    size_t digits = strspn(text, "0123456789");
    if (text[digits] != '\0' || (digits != 2 && digits != 4 && digits != REGION_CODE_DIGITS)) {
        return false;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < REGION_CODE_DIGITS; i++) {
        value = value * 10 + (i < digits ? (uint32_t)(text[i] - '0') : 0);
    }
    if (value != REGION_ALL && !region_valid(value)) {
        return false;
    }
    *code = value;
    return true;
}

const struct region *region_list(size_t *count) {
    *count = sizeof region_table / sizeof region_table[0];
    return region_table;
}
