/* Turns projects into columns and columns into a parcel. Rows of one batch share the competition and which optional
 * columns they have: an absent column means "leave as it was", so a row that leaves its name cannot stand beside one
 * that gives it. When a row does not fit, the caller packs what is there and starts again.
 * Fixed memory (about 3 MiB of address space, touched as it fills); one thread at a time. */
#ifndef TALLY_LIB_BUILDER_H
#define TALLY_LIB_BUILDER_H

#include <stdbool.h>
#include <stddef.h>

#include "parcel.h"
#include "tally/tally.h"

enum {
    BUILDER_CODE_BYTES_MAX = 255,  /* what can be packed; the daemon refuses rows above 32 with a reason */
    BUILDER_TEXT_BYTES_MAX = 4096, /* likewise; the daemon refuses above 255 */
};

struct builder;

/* A place between two rows. The default value is the beginning. */
struct builder_mark {
    size_t rows;
    size_t code_bytes;
    size_t text_bytes;
    size_t packed_bytes;
};

/* NULL without memory. */
struct builder *builder_create(void);
void builder_destroy(struct builder *builder);

/* Forgets all rows; the next ones belong to competition (a key of at most 32 bytes, copied). */
void builder_start(struct builder *builder, const char *competition);

/* Whether rows of competition may be added. */
bool builder_takes(const struct builder *builder, const char *competition);

/* Adds a row; its texts are copied. Returns false, and adds nothing, if the row does not fit: rows_max or the bytes of
 * a batch reached, or other optional columns than the rows there. An empty builder takes any row within the two limits
 * above, which are the caller's to check. */
bool builder_add(struct builder *builder, const struct tally_project *project, size_t rows_max);

size_t builder_rows(const struct builder *builder);
struct builder_mark builder_end(const struct builder *builder);

/* Forgets the rows after a mark. */
void builder_cut(struct builder *builder, struct builder_mark mark);

/* Packs the rows after a mark, at least one; sequence 1 stands for "none yet". NULL without memory. */
struct parcel *builder_pack(const struct builder *builder, struct builder_mark from);

/* A parcel of one row. NULL without memory. */
struct parcel *builder_pack_one(const char *competition, const struct tally_project *project);

/* At most what the row takes in a parcel. */
size_t builder_row_bytes_max(size_t code_bytes, size_t name_bytes, size_t contractor_bytes);

#endif
