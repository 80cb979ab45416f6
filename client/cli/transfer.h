/* The middle of a push: rows from a sheet into a node, chunk by chunk, while the library sends and settles them; then the
 * wait for the last receipt. Draws the progress bar, and looks out for Ctrl-C and the time-out all the while. */
#ifndef TALLY_CLIENT_CLI_TRANSFER_H
#define TALLY_CLIENT_CLI_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tally/tally.h>

#include "client/cli/options.h"
#include "client/cli/reader/sheet.h"
#include "client/cli/rejects.h"

enum { TRANSFER_CHUNK_ROWS = SHEET_TEXT_ROWS };

/* Why a transfer ended. */
enum transfer_ending {
    TRANSFER_DONE = 0,
    TRANSFER_INTERRUPTED,
    TRANSFER_TIMEOUT, /* --timeout */
    TRANSFER_FAILED,  /* told on stderr, but for want of memory */
};

/* Zeroed by the caller, who also fills the first part and owns all that it points to. Large: not for the stack. */
struct transfer {
    const struct arguments *arguments;
    const char *competition;
    struct sheet *sheet;
    size_t text_size;        /* of the sheet's source */
    struct tally_node *node; /* NULL in a dry run: rows are only read */
    struct rejects *rejects; /* takes the rows that cannot be sent */
    enum language language;  /* of their reasons */
    int interrupt;           /* of interrupt_open */
    uint64_t tag_file;       /* high half of the tags of this file's rows; the low half is the row number */
    uint64_t rows_earlier;   /* in the outbox when it was opened */

    /* What came of it. */
    uint64_t rows_read;
    uint64_t rows_refused; /* here, before sending */

    int64_t start_ms;
    int64_t drawn_ms;
    int64_t silent_since_ms; /* 0 = the daemon was heard */
    bool silence_told;
    size_t chunk_count;
    struct tally_project chunk[TRANSFER_CHUNK_ROWS];
};

/* Blocks until everything is settled or something ends it. error is what failed if the result is FAILED. */
enum transfer_ending transfer_run(struct transfer *transfer, enum tally_error *error);

/* The node's progress; all zero in a dry run. */
struct tally_node_progress transfer_progress(const struct transfer *transfer);

/* Since the start. */
int64_t transfer_elapsed_ms(const struct transfer *transfer);

#endif
