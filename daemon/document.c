#include "document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/text_file.h"
#include "proto/day.h"
#include "proto/region.h"
#include "proto/text.h"

struct document {
    cfg_t *root;
    const char *path;
    struct fault *fault;
};

/* libconfuse gives its error function nothing of ours to write to; but as it never sees a comment, the one that it
 * would keep with the section is free to hold the message, and is freed with the section. */
static void keep_message(cfg_t *section, const char *format, va_list arguments) {
    char text[FAULT_TEXT_BYTES];
    vsnprintf(text, sizeof text, format, arguments);
    if (section->comment == NULL) {
        section->comment = strdup(text);
    }
}

static const cfg_t *section_with_message(const cfg_t *section) {
    if (section->comment != NULL) {
        return section;
    }
    for (const cfg_opt_t *option = section->opts; option != NULL && option->name != NULL; option++) {
        for (unsigned i = 0; option->type == CFGT_SEC && i < option->nvalues; i++) {
            /* Without memory libconfuse leaves a value behind that it could not make. */
            const cfg_t *inner = option->values[i] != NULL ? option->values[i]->section : NULL;
            const cfg_t *found = inner != NULL ? section_with_message(inner) : NULL;
            if (found != NULL) {
                return found;
            }
        }
    }
    return NULL;
}

/* def.number is no use to libconfuse for a pointer; it holds the line on which the value was first given. */
int document_keep(cfg_t *section, cfg_opt_t *option, const char *text, void *result) {
    if (option->def.number != 0 && option->nvalues == 1) {
        cfg_error(section, "%s is given twice, first on line %ld; keep one", option->name, option->def.number);
        return -1;
    }
    size_t size = strlen(text) + 1;
    struct document_value *value = malloc(sizeof *value + size);
    if (value == NULL) {
        return -1;
    }
    value->line = section->line;
    memcpy(value->text, text, size);
    option->def.number = option->def.number != 0 ? option->def.number : section->line;
    *(void **)result = value;
    return 0;
}

void document_drop(void *value) {
    free(value);
}

/* A failure without a message is one of memory: every other one in libconfuse has its message. */
static void parse(struct document *document, const char *text) {
    if (cfg_parse_buf(document->root, text) == CFG_SUCCESS) {
        return;
    }
    const cfg_t *section = section_with_message(document->root);
    if (section == NULL) {
        fault_set(document->fault, ERROR_MEMORY, "%s: out of memory while parsing it", document->path);
        return;
    }
    document_fault(document, section, section->line, "%s", section->comment);
}

struct document *document_load(const char *path, cfg_opt_t *options, struct fault *fault) {
    struct document *document = NULL;
    char *text = text_file_read(path, fault);
    if (text == NULL) {
        return NULL;
    }
    document = calloc(1, sizeof *document);
    if (document == NULL || (document->root = cfg_init(options, CFGF_NONE)) == NULL) {
        fault_set(fault, ERROR_MEMORY, "%s: out of memory while parsing it", path);
        goto fail;
    }
    document->path = path;
    document->fault = fault;
    cfg_set_error_function(document->root, keep_message);
    parse(document, text);
    if (fault->error != ERROR_NONE) {
        goto fail;
    }
    free(text);
    return document;

fail:
    free(text);
    document_destroy(document);
    return NULL;
}

void document_destroy(struct document *document) {
    if (document == NULL) {
        return;
    }
    if (document->root != NULL) {
        cfg_free(document->root);
    }
    free(document);
}

cfg_t *document_root(const struct document *document) {
    return document->root;
}

void document_fault(const struct document *document, const cfg_t *section, int line, const char *format, ...) {
    char where[FAULT_TEXT_BYTES] = "";
    char what[FAULT_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    bool outermost = section == document->root;
    if (section->title != NULL) {
        snprintf(where, sizeof where, "%s '%s': ", section->name, section->title);
    } else if (!outermost) {
        snprintf(where, sizeof where, "%s: ", section->name);
    }
    if (line == 0 && outermost) {
        fault_set(document->fault, ERROR_CONFIGURATION, "%s: %s", document->path, what);
    } else {
        fault_set(document->fault, ERROR_CONFIGURATION, "%s:%d: %s%s", document->path, line != 0 ? line : section->line,
                  where, what);
    }
}

const struct document_value *document_value(cfg_t *section, const char *name) {
    return cfg_getptr(section, name);
}

void document_require(const struct document *document, cfg_t *section, const char *const *names) {
    for (; *names != NULL; names++) {
        if (document_value(section, *names) == NULL) {
            document_fault(document, section, 0, "%s is missing", *names);
        }
    }
}

static bool parse_number(const char *text, uint64_t *number) {
    uint64_t value = 0;
    bool fits = *text != '\0';
    for (; *text >= '0' && *text <= '9' && fits; text++) {
        fits = !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value);
    }
    if (*text != '\0' || !fits) {
        return false;
    }
    *number = value;
    return true;
}

void document_number(const struct document *document, cfg_t *section, const char *name, uint64_t min, uint64_t max,
                     uint64_t *number) {
    const struct document_value *value = document_value(section, name);
    uint64_t parsed;
    if (value == NULL) {
        return;
    }
    if (!parse_number(value->text, &parsed) || parsed < min || parsed > max) {
        document_fault(document, section, value->line, "%s is '%s'; it must be a whole number from %ju to %ju", name,
                       value->text, (uintmax_t)min, (uintmax_t)max);
        return;
    }
    *number = parsed;
}

void document_text(const struct document *document, cfg_t *section, const char *name, char *text, size_t size) {
    const struct document_value *value = document_value(section, name);
    if (value == NULL) {
        return;
    }
    size_t length = strlen(value->text);
    if (length == 0) {
        document_fault(document, section, value->line, "%s is empty", name);
    } else if (length >= size) {
        document_fault(document, section, value->line, "%s is longer than %zu bytes; shorten it", name, size - 1);
    } else if (!text_valid(value->text, length)) {
        document_fault(document, section, value->line, "%s holds control characters; write plain text", name);
    } else {
        memcpy(text, value->text, length + 1);
    }
}

void document_truth(const struct document *document, cfg_t *section, const char *name, bool *truth) {
    const struct document_value *value = document_value(section, name);
    if (value == NULL) {
        return;
    }
    int parsed = cfg_parse_boolean(value->text);
    if (parsed == CFG_FAIL) {
        document_fault(document, section, value->line, "%s is '%s'; it must be true or false", name, value->text);
        return;
    }
    *truth = parsed != 0;
}

void document_choice(const struct document *document, cfg_t *section, const char *name, const char *const *words,
                     size_t count, size_t *index) {
    const struct document_value *value = document_value(section, name);
    char list[128] = "";
    if (value == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value->text, words[i]) == 0) {
            *index = i;
            return;
        }
        size_t length = strlen(list);
        snprintf(list + length, sizeof list - length, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    document_fault(document, section, value->line, "%s is '%s'; it must be one of %s", name, value->text, list);
}

void document_day(const struct document *document, cfg_t *section, const char *name, uint16_t *day) {
    const struct document_value *value = document_value(section, name);
    day_number_t parsed;
    if (value == NULL) {
        return;
    }
    if (!day_parse(value->text, strlen(value->text), &parsed)) {
        document_fault(document, section, value->line, "%s is '%s'; it must be a date such as 2021-04-01", name,
                       value->text);
        return;
    }
    *day = (uint16_t)parsed;
}

/* The region of the list that the new one lies in, or that lies in it; NULL if there is none. */
static const uint32_t *region_overlap(const uint32_t *regions, size_t count, uint32_t region) {
    for (size_t i = 0; i < count; i++) {
        if (region_within(region, regions[i]) || region_within(regions[i], region)) {
            return &regions[i];
        }
    }
    return NULL;
}

int document_line(cfg_t *section, const char *name) {
    return cfg_size(section, name) > 0 ? ((const struct document_value *)cfg_getnptr(section, name, 0))->line : 0;
}

void document_keys(const struct document *document, cfg_t *section, const char *name, size_t max,
                   struct curve_key *keys, size_t *count) {
    unsigned size = cfg_size(section, name);
    *count = 0;
    for (unsigned i = 0; i < size; i++) {
        const struct document_value *value = cfg_getnptr(section, name, i);
        if (*count == max) {
            document_fault(document, section, value->line,
                           "%s has more than %zu keys; leave out those that are not used any more", name, max);
            return;
        }
        if (!curve_key_parse(value->text, strlen(value->text), &keys[*count])) {
            document_fault(
                document, section, value->line,
                "%s: '%.80s' is not a key; copy the 64 digits of public-key from the file that ends with .pub", name,
                value->text);
            return;
        }
        (*count)++;
    }
}

void document_regions(const struct document *document, cfg_t *section, const char *name, size_t max, uint32_t *regions,
                      size_t *count) {
    unsigned size = cfg_size(section, name);
    *count = 0;
    if (size == 0) {
        document_fault(document, section, 0, "%s is missing or empty; list region codes, such as {33}", name);
    }
    for (unsigned i = 0; i < size; i++) {
        const struct document_value *value = cfg_getnptr(section, name, i);
        uint32_t region;
        if (*count == max) {
            document_fault(document, section, value->line, "%s has more than %zu regions; name larger ones", name, max);
            return;
        }
        if (!region_parse(value->text, &region)) {
            document_fault(document, section, value->line,
                           "%s: '%s' is not a region; write 2, 4 or 6 digits of a GB/T 2260 code", name, value->text);
            return;
        }
        const uint32_t *overlap = region_overlap(regions, *count, region);
        if (overlap != NULL) {
            document_fault(document, section, value->line,
                           "%s: %06u and %06u overlap: one lies in the other; leave one out", name, *overlap, region);
            return;
        }
        regions[(*count)++] = region;
    }
}
