#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "proto/refusal.h"
#include "reader.h"

enum { REASON_BYTES_MAX = 512 };

void outbox_close(struct outbox **outbox) {
    if (*outbox != NULL) {
        (*outbox)->operations->close(*outbox);
        *outbox = NULL;
    }
}

enum tally_error outbox_append(struct outbox *outbox, struct parcel *const *sealed, size_t count,
                               const struct parcel *waiting, bool waiting_replaced, char *message) {
    return outbox->operations->append(outbox, sealed, count, waiting, waiting_replaced, message);
}

enum tally_error outbox_read(struct outbox *outbox, uint64_t number, uint64_t sequence, struct parcel **parcel,
                             char *message) {
    return outbox->operations->read(outbox, number, sequence, parcel, message);
}

enum tally_error outbox_settle(struct outbox *outbox, struct settlement *settlements, size_t count, char *message) {
    return outbox->operations->settle(outbox, settlements, count, message);
}

enum tally_error outbox_renumber(struct outbox *outbox, uint64_t epoch, uint64_t offset, char *message) {
    return outbox->operations->renumber(outbox, epoch, offset, message);
}

enum tally_error outbox_waiting(struct outbox *outbox, struct parcel ***parcels, size_t *count, char *message) {
    return outbox->operations->waiting(outbox, parcels, count, message);
}

enum tally_error outbox_refused(struct outbox *outbox, uint64_t after, struct refused *refused, size_t max,
                                size_t *count, char *message) {
    return outbox->operations->refused(outbox, after, refused, max, count, message);
}

enum tally_error outbox_forget(struct outbox *outbox, const uint64_t *ids, size_t count, char *message) {
    return outbox->operations->forget(outbox, ids, count, message);
}

void refused_fini(struct refused *refused) {
    free(refused->text);
    refused->text = NULL;
    parcel_release(&refused->row);
}

/* The daemon's own words are kept only for codes that this build cannot explain. */
static char *reason_for(const struct settlement *settlement, unsigned code) {
    for (size_t i = 0; i < settlement->reason_count && !refusal_known(code); i++) {
        if (settlement->reason_code[i] == code) {
            return strndup(settlement->reason_text[i], REASON_BYTES_MAX);
        }
    }
    return NULL;
}

/* codes: one for each row of the parcel, 0 where the row was accepted. */
static void mark_refused(const struct settlement *settlement, uint32_t *codes, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        codes[i] = settlement->batch_code;
    }
    for (size_t i = 0; i < settlement->refused_count && settlement->batch_code == 0; i++) {
        if (settlement->refused_row[i] < rows) {
            codes[settlement->refused_row[i]] = settlement->refused_code[i];
        }
    }
}

static enum tally_error keep_row(const char *competition, const struct tally_project *project, unsigned code,
                                 const struct settlement *settlement,
                                 enum tally_error (*keep)(void *, struct refused *, char *), void *context,
                                 char *message) {
    struct refused refused = {.code = code, .text = reason_for(settlement, code)};
    refused.row = builder_pack_one(competition, project);
    if (refused.row == NULL) {
        refused_fini(&refused);
        return fault_memory(message);
    }
    return keep(context, &refused, message);
}

enum tally_error outbox_each_refused(const struct parcel *parcel, struct settlement *settlement,
                                     enum tally_error (*keep)(void *, struct refused *, char *), void *context,
                                     char *message) {
    settlement->rows = parcel->rows;
    settlement->refused = 0;
    if (settlement->batch_code == 0 && settlement->refused_count == 0) {
        return TALLY_OK;
    }
    enum tally_error error = TALLY_OK;
    bool malformed = false;
    uint32_t *codes = calloc(parcel->rows, sizeof *codes);
    struct reader *reader = reader_create(parcel, &malformed);
    if (codes == NULL || reader == NULL) {
        error = malformed ? fault_set(message, TALLY_OUTBOX_DAMAGED, "a batch in the outbox cannot be read")
                          : fault_memory(message);
        goto done;
    }
    mark_refused(settlement, codes, parcel->rows);
    struct tally_project project;
    for (size_t i = 0; error == TALLY_OK && reader_next(reader, &project); i++) {
        if (codes[i] != 0) {
            error = keep_row(reader_competition(reader), &project, codes[i], settlement, keep, context, message);
            settlement->refused++;
        }
    }
done:
    reader_destroy(reader);
    free(codes);
    return error;
}
