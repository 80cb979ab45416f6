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

/* Two places for each hash, the newer region in the first: with one, a node that reports a few hundred regions would judge
 * every third of them again. */
static enum refusal region_verdict(struct admission_memo *memo, uint32_t region) {
    size_t slot = (region * 2654435761u) >> 22 << 1; /* Knuth's multiplicative hash, top 10 bits */
    slot += memo->regions[slot] != region;
    if (memo->regions[slot] != region || region == 0) {
        slot &= ~(size_t)1;
        memo->regions[slot + 1] = memo->regions[slot];
        memo->verdicts[slot + 1] = memo->verdicts[slot];
        memo->regions[slot] = region;
        memo->verdicts[slot] = (uint8_t)judge_region(region, memo->competition, memo->node);
    }
    return (enum refusal)memo->verdicts[slot];
}

_Static_assert(ADMISSION_MEMO_SLOTS == 2 << 10, "region_verdict takes 10 bits");

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

/* ---- all rows at once ----
 * Almost always every row is fine. So each column is looked over once, without a branch in the loop, and only when something
 * is not as it should be is every row judged for itself. */

static bool lengths_fine(const struct batch *batch) {
    bool wrong = false;
    for (size_t i = 0; i < batch->rows; i++) {
        wrong |= batch->code_bytes[i] - 1 >= PROJECT_CODE_BYTES_MAX;
    }
    return !wrong;
}

static bool codes_in_mask(const uint32_t *codes, size_t rows, uint16_t mask) {
    uint32_t seen = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < rows; i++) {
        bits |= codes[i];
        seen |= UINT32_C(1) << (codes[i] & 15);
    }
    return bits < 16 && (seen & ~(uint32_t)mask) == 0;
}

/* A number is within 0 and its bound if neither it nor the bound less it is negative. */
static bool figures_fine(const struct batch *batch) {
    uint64_t signs = 0;
    for (size_t i = 0; i < batch->rows; i++) {
        uint64_t value = (uint64_t)batch->contract_value[i];
        uint64_t heads = (uint64_t)batch->participants[i];
        uint64_t migrants = (uint64_t)batch->migrant_participants[i];
        signs |= value | ((uint64_t)CONTRACT_VALUE_FEN_MAX - value) | heads | ((uint64_t)PARTICIPANTS_MAX - heads) |
                 migrants | (heads - migrants);
    }
    return (int64_t)signs >= 0;
}

static bool regions_fine(const struct batch *batch, struct admission_memo *memo) {
    bool wrong = false;
    for (size_t i = 0; i < batch->rows; i++) {
        wrong |= region_verdict(memo, batch->region[i]) != REFUSAL_NONE;
    }
    return !wrong;
}

static bool days_fine(const struct entry *entry, uint16_t first_day) {
    size_t looks = entry->batch.effective_day != NULL ? entry->batch.rows : 1;
    bool wrong = false;
    for (size_t i = 0; i < looks; i++) {
        wrong |= judge_day(entry, i, first_day) != REFUSAL_NONE;
    }
    return !wrong;
}

static bool all_fine(const struct entry *entry, struct admission_memo *memo) {
    const struct batch *batch = &entry->batch;
    const struct competition *competition = memo->competition;
    return !batch_has_texts(batch) && lengths_fine(batch) &&
           text_is_code((const char *)batch->code, batch->code_bytes_sum) &&
           codes_in_mask(batch->category, batch->rows, competition->category_mask) &&
           codes_in_mask(batch->status, batch->rows, competition->status_mask) && figures_fine(batch) &&
           days_fine(entry, competition->first_day) && regions_fine(batch, memo);
}

static void judge_each(struct entry *entry, struct admission_memo *memo) {
    const uint8_t *code = entry->batch.code;
    for (size_t row = 0; row < entry->batch.rows; row++) {
        entry->verdicts[row] = (uint8_t)judge_row(entry, row, code, memo);
        entry->refused_by_intake += entry->verdicts[row] != REFUSAL_NONE;
        code += entry->batch.code_bytes[row];
    }
}

void admission_judge(struct entry *entry, const struct competition *competition, const struct node_right *node,
                     struct admission_memo *memo) {
    if (memo->competition != competition || memo->node != node) {
        *memo = (struct admission_memo){.competition = competition, .node = node};
    }
    entry->refused_by_intake = 0;
    if (all_fine(entry, memo)) {
        memset(entry->verdicts, REFUSAL_NONE, entry->batch.rows);
    } else {
        judge_each(entry, memo);
    }
}
