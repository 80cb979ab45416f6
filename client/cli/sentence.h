/* The totals of a day as the sentence that goes to the news. */
#ifndef TALLY_CLIENT_CLI_SENTENCE_H
#define TALLY_CLIENT_CLI_SENTENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <tally/tally.h>

#include "client/cli/language.h"

enum { SENTENCE_BYTES = 1024, SENTENCE_HEADS_BYTES = 40 };

struct sentence {
    uint32_t day;
    const char *place; /* 长三角地区, or "the Yangtze River Delta" */
    struct tally_totals totals;
    bool migrants; /* also say how many of the participants are migrant workers */
};

/* 截至2021年10月28日,长三角地区已报名参加的项目达780个,合同总造价9410亿元,参与竞赛人员达60万人, and the same in English with a
 * full stop. Figures are cut, so that none reads larger than it is. buffer has SENTENCE_BYTES. Returns buffer. */
char *sentence_write(const struct sentence *sentence, enum language language, char *buffer);

/* Heads as Chinese readers count them: 9999, 60万, 12.34万. buffer has SENTENCE_HEADS_BYTES. Returns buffer. */
char *sentence_heads_zh(int64_t heads, char *buffer);

#endif
