#include "admission.h"

#include <stdbool.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/region.h"
#include "proto/text.h"

static bool in_any(uint32_t region, const uint32_t *regions, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (region_within(region, regions[i])) {
            return true;
        }
    }
    return false;
}

static enum refusal judge_region(uint32_t region, const struct competition *competition,
                                 const struct node_right *node) {
    if (!region_valid(region)) {
        return REFUSAL_REGION_UNKNOWN;
    }
    if (!in_any(region, competition->regions, competition->region_count)) {
        return REFUSAL_REGION_OUTSIDE_COMPETITION;
    }
    return in_any(region, node->regions, node->region_count) ? REFUSAL_NONE : REFUSAL_REGION_NOT_YOURS;
}

static enum refusal region_verdict(struct admission_memo *memo, uint32_t region) {
    size_t slot = (region * 2654435761u) >> 23; /* Knuth's multiplicative hash, top 9 bits */
    if (memo->regions[slot] != region || region == 0) {
        memo->regions[slot] = region;
        memo->verdicts[slot] = (uint8_t)judge_region(region, memo->competition, memo->node);
    }
    return (enum refusal)memo->verdicts[slot];
}

_Static_assert(ADMISSION_MEMO_SLOTS == 512, "region_verdict takes 9 bits");

static bool mask_has(uint16_t mask, uint32_t code) {
    return code < 16 && (mask >> code & 1) != 0;
}

static enum refusal judge_heads(int64_t participants, int64_t migrants) {
    if (participants < 0) {
        return REFUSAL_PARTICIPANTS_NEGATIVE;
    }
    if (participants > PARTICIPANTS_MAX) {
        return REFUSAL_PARTICIPANTS_TOO_LARGE;
    }
    if (migrants < 0) {
        return REFUSAL_MIGRANTS_NEGATIVE;
    }
    return migrants > participants ? REFUSAL_MIGRANTS_ABOVE_PARTICIPANTS : REFUSAL_NONE;
}

static enum refusal judge_figures(const struct batch *batch, size_t row, struct admission_memo *memo) {
    enum refusal region = region_verdict(memo, batch->region[row]);
    if (region != REFUSAL_NONE) {
        return region;
    }
    if (!mask_has(memo->competition->category_mask, batch->category[row])) {
        return REFUSAL_CATEGORY_UNKNOWN;
    }
    if (!mask_has(memo->competition->status_mask, batch->status[row])) {
        return REFUSAL_STATUS_UNKNOWN;
    }
    if (batch->contract_value[row] < 0) {
        return REFUSAL_VALUE_NEGATIVE;
    }
    if (batch->contract_value[row] > CONTRACT_VALUE_FEN_MAX) {
        return REFUSAL_VALUE_TOO_LARGE;
    }
    return judge_heads(batch->participants[row], batch->migrant_participants[row]);
}

static enum refusal judge_day(const struct entry *entry, size_t row, uint16_t first_day) {
    const uint32_t *days = entry->batch.effective_day;
    uint32_t day = days != NULL && days[row] != 0 ? days[row] : entry->day;
    if (day < first_day) {
        return REFUSAL_DAY_BEFORE_START;
    }
    return day > (uint32_t)entry->day + 1 ? REFUSAL_DAY_IN_FUTURE : REFUSAL_NONE;
}

static enum refusal judge_code(const uint8_t *code, uint32_t code_bytes) {
    if (code_bytes == 0) {
        return REFUSAL_CODE_EMPTY;
    }
    if (code_bytes > PROJECT_CODE_BYTES_MAX) {
        return REFUSAL_CODE_TOO_LONG;
    }
    return text_is_code((const char *)code, code_bytes) ? REFUSAL_NONE : REFUSAL_CODE_NOT_PRINTABLE;
}

static enum refusal judge_text(const char *text) {
    size_t size = strlen(text);
    if (size > TEXT_BYTES_MAX) {
        return REFUSAL_TEXT_TOO_LONG;
    }
    return text_valid(text, size) ? REFUSAL_NONE : REFUSAL_TEXT_NOT_VALID;
}

static enum refusal judge_texts(const struct batch *batch, size_t row) {
    enum refusal name = batch->name != NULL ? judge_text(batch->name[row]) : REFUSAL_NONE;
    enum refusal contractor = batch->contractor != NULL ? judge_text(batch->contractor[row]) : REFUSAL_NONE;
    bool contractor_first = name == REFUSAL_NONE || (contractor != REFUSAL_NONE && contractor < name);
    enum refusal refusal = contractor_first ? contractor : name;
    bool out_of_range = (batch->start_day != NULL && batch->start_day[row] >= DAY_LIMIT) ||
                        (batch->completion_day != NULL && batch->completion_day[row] >= DAY_LIMIT);
    return refusal == REFUSAL_NONE && out_of_range ? REFUSAL_DATE_OUT_OF_RANGE : refusal;
}

/* One bit for everything that judge_figures, judge_day and the length of the code would find, without branches. */
static bool row_is_fine(const struct entry *entry, size_t row, struct admission_memo *memo) {
    const struct batch *batch = &entry->batch;
    uint64_t participants = (uint64_t)batch->participants[row];
    bool fine = batch->code_bytes[row] - 1u < PROJECT_CODE_BYTES_MAX;
    fine &= mask_has(memo->competition->category_mask, batch->category[row]);
    fine &= mask_has(memo->competition->status_mask, batch->status[row]);
    fine &= (uint64_t)batch->contract_value[row] <= (uint64_t)CONTRACT_VALUE_FEN_MAX;
    fine &= participants <= (uint64_t)PARTICIPANTS_MAX;
    fine &= (uint64_t)batch->migrant_participants[row] <= participants;
    fine &= region_verdict(memo, batch->region[row]) == REFUSAL_NONE;
    return fine && judge_day(entry, row, memo->competition->first_day) == REFUSAL_NONE;
}

static enum refusal judge_row(const struct entry *entry, size_t row, const uint8_t *code, struct admission_memo *memo) {
    enum refusal refusal = judge_code(code, entry->batch.code_bytes[row]);
    if (refusal == REFUSAL_NONE) {
        refusal = judge_figures(&entry->batch, row, memo);
    }
    if (refusal == REFUSAL_NONE) {
        refusal = judge_day(entry, row, memo->competition->first_day);
    }
    return refusal == REFUSAL_NONE ? judge_texts(&entry->batch, row) : refusal;
}

static bool has_texts(const struct batch *batch) {
    return batch->name != NULL || batch->contractor != NULL || batch->start_day != NULL ||
           batch->completion_day != NULL;
}

void admission_judge(struct entry *entry, const struct competition *competition, const struct node_right *node,
                     struct admission_memo *memo) {
    if (memo->competition != competition || memo->node != node) {
        *memo = (struct admission_memo){.competition = competition, .node = node};
    }
    const struct batch *batch = &entry->batch;
    /* One look over all codes: almost always they are fine, and then no row's own bytes are looked at. */
    bool look_closer = has_texts(batch) || !text_is_code((const char *)batch->code, batch->code_bytes_sum);
    const uint8_t *code = batch->code;
    entry->refused_by_intake = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        entry->verdicts[row] = REFUSAL_NONE;
        if (look_closer || !row_is_fine(entry, row, memo)) {
            entry->verdicts[row] = (uint8_t)judge_row(entry, row, code, memo);
            entry->refused_by_intake += entry->verdicts[row] != REFUSAL_NONE;
        }
        code += batch->code_bytes[row];
    }
}
