/* One configuration file, parsed, with the line of every value, and the readings that check them.
 * libconfuse knows the syntax. What it lacks is added here: 3.3 counts a comment as three lines, refuses one inside a
 * list, and takes the end of the file for that of a section, so text_file.h comes before it; it takes 010 for eight and
 * the second of two values in silence, so values are kept as they were written and read below.
 *
 * Faults stick: the first one is kept with file and line, and a reading that fails leaves its result alone. So a caller
 * reads everything and looks at the fault once.
 * Thread: one at a time in the process (libconfuse's scanner is global); in the daemon, main. */
#ifndef TALLY_DAEMON_DOCUMENT_H
#define TALLY_DAEMON_DOCUMENT_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/error.h"
#include "proto/curve_key.h"

struct document;

struct document_value {
    int line;
    char text[];
};

/* What a file may hold, for document_load: options as libconfuse takes them. */
#define DOCUMENT_VALUE(name) CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, document_keep, document_drop)
#define DOCUMENT_LIST(name) CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, document_keep, document_drop)
#define DOCUMENT_SECTION(name, options) CFG_SEC(name, options, CFGF_NONE)
#define DOCUMENT_TITLED_SECTIONS(name, options) CFG_SEC(name, options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

/* For the macros above only. */
int document_keep(cfg_t *section, cfg_opt_t *option, const char *text, void *result);
void document_drop(void *value);

/* Parses the file. options end with CFG_END and are copied; path and fault are borrowed until document_destroy.
 * NULL on failure, with the fault filled: CONFIGURATION (it cannot be opened, is too large, not UTF-8, or wrong), IO,
 * MEMORY. */
struct document *document_load(const char *path, cfg_opt_t *options, struct fault *fault);

/* NULL is fine. */
void document_destroy(struct document *document);

/* The outermost section. */
cfg_t *document_root(const struct document *document);

/* Sets a CONFIGURATION fault: path:line: section 'title': what. Line 0 stands for the section's end; the outermost
 * section then has no line. */
void document_fault(const struct document *document, const cfg_t *section, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The value as written, or NULL if it is not there. */
const struct document_value *document_value(cfg_t *section, const char *name);

/* The line of a list's first value, or 0 if there is none. */
int document_line(cfg_t *section, const char *name);

/* Faults unless every one of the names, which end with NULL, has a value. */
void document_require(const struct document *document, cfg_t *section, const char *const *names);

/* The readings. Each leaves its result alone if the value is not there or wrong. */

/* Decimal digits only. */
void document_number(const struct document *document, cfg_t *section, const char *name, uint64_t min, uint64_t max,
                     uint64_t *number);

/* Not empty, no control characters; size is that of the buffer, with the end. */
void document_text(const struct document *document, cfg_t *section, const char *name, char *text, size_t size);

/* true or false, also yes or no, on or off. */
void document_truth(const struct document *document, cfg_t *section, const char *name, bool *truth);

/* The index of the one of count words that stands there. */
void document_choice(const struct document *document, cfg_t *section, const char *name, const char *const *words,
                     size_t count, size_t *index);

/* A date such as 2021-04-01. */
void document_day(const struct document *document, cfg_t *section, const char *name, uint16_t *day);

/* A list of public keys, at most max; none if it is not there. */
void document_keys(const struct document *document, cfg_t *section, const char *name, size_t max,
                   struct curve_key *keys, size_t *count);

/* A list of region codes, at least one, at most max, none within another. */
void document_regions(const struct document *document, cfg_t *section, const char *name, size_t max, uint32_t *regions,
                      size_t *count);

#endif
