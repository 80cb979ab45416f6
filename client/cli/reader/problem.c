#include "problem.h"

#include <stdio.h>

static const char *const texts[PROBLEM_KINDS][2] = {[PROBLEM_NONE] = {"is fine", "无误"},
#define X(constant, en, zh) [PROBLEM_##constant] = {en, zh},
                                                    PROBLEM_TABLE(X)
#undef X
};

enum { CELL_BYTES_SHOWN = 60 };

/* Bytes of the cell to show: all, or as many whole characters as fit. */
static int shown_bytes(struct slice cell) {
    size_t size = cell.size;
    if (size > CELL_BYTES_SHOWN) {
        size = CELL_BYTES_SHOWN;
        while (size > 0 && (cell.text[size] & 0xC0) == 0x80) {
            size--;
        }
    }
    return (int)size;
}

char *problem_text(const struct problem *problem, const char *column, enum language language, char *buffer) {
    bool refusal = problem->kind == PROBLEM_REFUSAL;
    const char *text = !refusal                  ? texts[problem->kind][language]
                       : language == LANGUAGE_ZH ? refusal_text_zh(problem->refusal)
                                                 : refusal_text(problem->refusal);
    if (problem->field == FIELD_UNKNOWN) {
        snprintf(buffer, PROBLEM_TEXT_BYTES, "%s", text);
        return buffer;
    }
    int shown = shown_bytes(problem->cell);
    snprintf(buffer, PROBLEM_TEXT_BYTES, "%s%s%.*s%s%s%s",
             column != NULL ? column : header_field_name(problem->field, language), shown > 0 ? " \"" : "", shown,
             problem->cell.text != NULL ? problem->cell.text : "", (size_t)shown < problem->cell.size ? "…" : "",
             shown > 0 ? "\"" : "", refusal ? ": " : " ");
    size_t used = strlen(buffer);
    snprintf(buffer + used, PROBLEM_TEXT_BYTES - used, "%s", text);
    /* A reason is one line, whatever stood in the cell. */
    for (char *at = buffer; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' ? ' ' : *at;
    }
    return buffer;
}
