#include "header.h"

#include <stdio.h>

enum { NORMAL_BYTES = 64 };

struct known_name {
    const char *name; /* normalised; for money without its unit */
    enum field field;
};

static const struct known_name known_names[] = {
    {"项目代码", FIELD_CODE},
    {"项目编码", FIELD_CODE},
    {"项目编号", FIELD_CODE},
    {"code", FIELD_CODE},
    {"projectcode", FIELD_CODE},
    {"项目名称", FIELD_NAME},
    {"name", FIELD_NAME},
    {"projectname", FIELD_NAME},
    {"行政区划代码", FIELD_REGION},
    {"行政区划", FIELD_REGION},
    {"区划代码", FIELD_REGION},
    {"region", FIELD_REGION},
    {"regioncode", FIELD_REGION},
    {"竞赛类别", FIELD_CATEGORY},
    {"类别", FIELD_CATEGORY},
    {"category", FIELD_CATEGORY},
    {"状态", FIELD_STATUS},
    {"项目状态", FIELD_STATUS},
    {"status", FIELD_STATUS},
    {"参与人数", FIELD_PARTICIPANTS},
    {"参赛人数", FIELD_PARTICIPANTS},
    {"participants", FIELD_PARTICIPANTS},
    {"其中农民工", FIELD_MIGRANTS},
    {"其中农民工人数", FIELD_MIGRANTS},
    {"农民工人数", FIELD_MIGRANTS},
    {"migrantparticipants", FIELD_MIGRANTS},
    {"migrants", FIELD_MIGRANTS},
    {"承建单位", FIELD_CONTRACTOR},
    {"施工单位", FIELD_CONTRACTOR},
    {"contractor", FIELD_CONTRACTOR},
    {"开工日期", FIELD_START},
    {"startdate", FIELD_START},
    {"竣工日期", FIELD_COMPLETION},
    {"completiondate", FIELD_COMPLETION},
    {"生效日期", FIELD_EFFECTIVE},
    {"effectivedate", FIELD_EFFECTIVE},
    {"原因", FIELD_REASON},
    {"reason", FIELD_REASON},
};

static const char *const money_names[] = {"合同造价", "合同总造价", "contractvalue"};

static const struct {
    const char *name;
    enum money_unit unit;
} units[] = {
    {"元", MONEY_UNIT_YUAN},          {"人民币元", MONEY_UNIT_YUAN},  {"yuan", MONEY_UNIT_YUAN},
    {"万元", MONEY_UNIT_WAN_YUAN},    {"万", MONEY_UNIT_WAN_YUAN},    {"wan", MONEY_UNIT_WAN_YUAN},
    {"wanyuan", MONEY_UNIT_WAN_YUAN}, {"亿元", MONEY_UNIT_YI_YUAN},   {"亿", MONEY_UNIT_YI_YUAN},
    {"yi", MONEY_UNIT_YI_YUAN},       {"yiyuan", MONEY_UNIT_YI_YUAN}, {"分", MONEY_UNIT_FEN},
    {"fen", MONEY_UNIT_FEN},
};

/* Length of a character at text that names do not depend on; 0 if it matters. */
static size_t ornament(const char *text, size_t size) {
    static const char *const wide[] = {"\uFF08", "\uFF09", "\u3010", "\u3011", "\uFF3B", "\uFF3D",
                                       "\uFF1A", "\uFF0A", "\u3000", "\u00A0", "\uFEFF"};
    if (strchr(" \t\r\n_-()[]:*", text[0]) != NULL && text[0] != '\0') {
        return 1;
    }
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        size_t length = strlen(wide[i]);
        if (length <= size && memcmp(text, wide[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

/* Writes name in lower case without ornaments; a name that is too long for any known one becomes "". */
static void normalise(struct slice name, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < name.size;) {
        size_t skip = ornament(name.text + i, name.size - i);
        if (skip > 0) {
            i += skip;
            continue;
        }
        if (used + 1 == NORMAL_BYTES) {
            used = 0;
            break;
        }
        char character = name.text[i++];
        out[used++] = character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
    }
    out[used] = '\0';
}

static struct header_name money_read(const char *unit_name) {
    struct header_name result = {.field = FIELD_CONTRACT_VALUE, .unit_state = HEADER_UNIT_UNKNOWN};
    if (unit_name[0] == '\0') {
        result.unit_state = HEADER_UNIT_MISSING;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, unit_name) == 0) {
            result.unit_state = HEADER_UNIT_GIVEN;
            result.unit = units[i].unit;
        }
    }
    return result;
}

struct header_name header_name_read(struct slice name) {
    char normal[NORMAL_BYTES] = "";
    normalise(name, normal);
    for (size_t i = 0; i < sizeof money_names / sizeof money_names[0]; i++) {
        size_t length = strlen(money_names[i]);
        if (strncmp(normal, money_names[i], length) == 0) {
            return money_read(normal + length);
        }
    }
    for (size_t i = 0; i < sizeof known_names / sizeof known_names[0]; i++) {
        if (strcmp(known_names[i].name, normal) == 0) {
            return (struct header_name){.field = known_names[i].field};
        }
    }
    return (struct header_name){.field = FIELD_UNKNOWN};
}

const char *header_field_name(enum field field, enum language language) {
    static const char *const names[FIELD_COUNT][2] = {
        [FIELD_CODE] = {"code", "项目代码"},
        [FIELD_NAME] = {"name", "项目名称"},
        [FIELD_REGION] = {"region", "行政区划代码"},
        [FIELD_CATEGORY] = {"category", "竞赛类别"},
        [FIELD_STATUS] = {"status", "状态"},
        [FIELD_CONTRACT_VALUE] = {"contract_value", "合同造价"},
        [FIELD_PARTICIPANTS] = {"participants", "参与人数"},
        [FIELD_MIGRANTS] = {"migrant_participants", "其中农民工"},
        [FIELD_CONTRACTOR] = {"contractor", "承建单位"},
        [FIELD_START] = {"start_date", "开工日期"},
        [FIELD_COMPLETION] = {"completion_date", "竣工日期"},
        [FIELD_EFFECTIVE] = {"effective_date", "生效日期"},
        [FIELD_REASON] = {"reason", "原因"},
    };
    return field < FIELD_COUNT ? names[field][language] : "";
}

bool header_field_required(enum field field) {
    return field == FIELD_CODE || field == FIELD_REGION || field == FIELD_CATEGORY || field == FIELD_STATUS ||
           field == FIELD_CONTRACT_VALUE || field == FIELD_PARTICIPANTS;
}

static void note_unknown(struct header *header, struct slice name) {
    size_t used = strlen(header->unknown);
    if (name.size == 0 || used + name.size + 3 > sizeof header->unknown) {
        return;
    }
    snprintf(header->unknown + used, sizeof header->unknown - used, "%s%.*s", used > 0 ? ", " : "", (int)name.size,
             name.text);
}

bool header_add(struct header *header, struct slice name, char *message) {
    name = slice_trim(name);
    struct header_name known = header_name_read(name);
    int length = name.size > 100 ? 100 : (int)name.size;
    if (header->count == HEADER_COLUMNS_MAX) {
        snprintf(message, HEADER_MESSAGE_BYTES, "more than %d columns; remove those that are not needed",
                 HEADER_COLUMNS_MAX);
        return false;
    }
    header->fields[header->count++] = known.field;
    if (known.field == FIELD_UNKNOWN) {
        note_unknown(header, name);
        return true;
    }
    if (known.unit_state == HEADER_UNIT_MISSING || known.unit_state == HEADER_UNIT_UNKNOWN) {
        snprintf(message, HEADER_MESSAGE_BYTES,
                 "column \"%.*s\" does not say its unit: name it 合同造价(元), 合同造价(万元), 合同造价(亿元), or "
                 "contract_value_yuan, contract_value_wan, contract_value_yi, contract_value_fen",
                 length, name.text);
        return false;
    }
    if (header->present[known.field]) {
        snprintf(message, HEADER_MESSAGE_BYTES,
                 "column \"%.*s\" stands there twice, as columns %zu and %zu: remove one", length, name.text,
                 header->column[known.field] + 1, header->count);
        return false;
    }
    header->present[known.field] = true;
    header->column[known.field] = header->count - 1;
    if (known.field == FIELD_CONTRACT_VALUE) {
        header->unit = known.unit;
    }
    if (known.field == FIELD_CODE) {
        header->language = name.size > 0 && (name.text[0] & 0x80) != 0 ? LANGUAGE_ZH : LANGUAGE_EN;
    }
    return true;
}

bool header_complete(const struct header *header, char *message) {
    size_t used = 0;
    for (enum field field = 0; field < FIELD_COUNT; field++) {
        if (!header_field_required(field) || header->present[field]) {
            continue;
        }
        const char *unit_zh = field == FIELD_CONTRACT_VALUE ? "(元|万元|亿元)" : "";
        const char *unit_en = field == FIELD_CONTRACT_VALUE ? "_yuan|wan|yi" : "";
        int written = snprintf(message + used, HEADER_MESSAGE_BYTES - used, "%s%s%s (%s%s)",
                               used > 0 ? ", " : "the header lacks ", header_field_name(field, LANGUAGE_ZH), unit_zh,
                               header_field_name(field, LANGUAGE_EN), unit_en);
        used += written > 0 ? (size_t)written : 0;
    }
    if (used > 0) {
        snprintf(message + used, HEADER_MESSAGE_BYTES - used,
                 ": the first row that is not empty must name the columns");
    }
    return used == 0;
}
