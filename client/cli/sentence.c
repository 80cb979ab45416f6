#include "sentence.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/cli/terminal.h"
#include "proto/day.h"
#include "proto/money.h"

enum { WAN = 10000 };

char *sentence_heads_zh(int64_t heads, char *buffer) {
    if (heads < WAN) {
        snprintf(buffer, SENTENCE_HEADS_BYTES, "%" PRId64, heads);
        return buffer;
    }
    int64_t whole = heads / WAN;
    unsigned hundredths = (unsigned)(heads % WAN) / (WAN / 100);
    if (hundredths == 0) {
        snprintf(buffer, SENTENCE_HEADS_BYTES, "%" PRId64 "万", whole);
    } else if (hundredths % 10 == 0) {
        snprintf(buffer, SENTENCE_HEADS_BYTES, "%" PRId64 ".%u万", whole, hundredths / 10);
    } else {
        snprintf(buffer, SENTENCE_HEADS_BYTES, "%" PRId64 ".%02u万", whole, hundredths);
    }
    return buffer;
}

static char *write_zh(const struct sentence *sentence, char *buffer) {
    const struct tally_totals *totals = &sentence->totals;
    struct day_date date = day_to_date(sentence->day);
    char money[MONEY_TEXT_BYTES];
    char heads[SENTENCE_HEADS_BYTES];
    char migrants[SENTENCE_HEADS_BYTES];
    bool more = sentence->migrants;
    snprintf(buffer, SENTENCE_BYTES,
             "截至%d年%d月%d日,%s已报名参加的项目达%" PRIu64 "个,合同总造价%s,参与竞赛人员达%s人%s%s%s", date.year,
             date.month, date.day, sentence->place, totals->projects, money_format_zh(totals->contract_value, money),
             sentence_heads_zh(totals->participants, heads), more ? ",其中农民工" : "",
             more ? sentence_heads_zh(totals->migrant_participants, migrants) : "", more ? "人" : "");
    return buffer;
}

static char *write_en(const struct sentence *sentence, char *buffer) {
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    const struct tally_totals *totals = &sentence->totals;
    struct day_date date = day_to_date(sentence->day);
    char projects[32];
    char money[MONEY_TEXT_BYTES];
    char heads[32];
    char migrants[32];
    bool more = sentence->migrants;
    snprintf(
        buffer, SENTENCE_BYTES, "As of %d %s %d, %s %s in %s had enrolled, with contracts worth %s and %s %s%s%s%s.",
        date.day, months[date.month - 1], date.year, terminal_number((int64_t)totals->projects, projects),
        totals->projects == 1 ? "project" : "projects", sentence->place, money_format_en(totals->contract_value, money),
        terminal_number(totals->participants, heads), totals->participants == 1 ? "participant" : "participants",
        more ? ", among them " : "", more ? terminal_number(totals->migrant_participants, migrants) : "",
        !more                               ? ""
        : totals->migrant_participants == 1 ? " migrant worker"
                                            : " migrant workers");
    return buffer;
}

char *sentence_write(const struct sentence *sentence, enum language language, char *buffer) {
    return language == LANGUAGE_ZH ? write_zh(sentence, buffer) : write_en(sentence, buffer);
}
