#include "transfer.h"

#include <stdio.h>
#include <time.h>

#include "client/cli/commands.h"
#include "client/cli/diagnostic.h"
#include "client/cli/interrupt.h"
#include "client/cli/terminal.h"

enum { SLICE_MS = 100, SILENCE_MS = 3000 };

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct tally_node_progress transfer_progress(const struct transfer *transfer) {
    struct tally_node_progress progress = {0};
    if (transfer->node != NULL) {
        tally_node_progress(transfer->node, &progress);
    }
    return progress;
}

int64_t transfer_elapsed_ms(const struct transfer *transfer) {
    return now_ms() - transfer->start_ms;
}

/* Tells once when the daemon has not been heard for a while: the push goes on by itself. */
static void tell_silence(struct transfer *transfer, const struct tally_node_progress *progress, int64_t now) {
    if (progress->connected && !progress->busy) {
        transfer->silent_since_ms = 0;
        transfer->silence_told = false;
        return;
    }
    transfer->silent_since_ms = transfer->silent_since_ms == 0 ? now : transfer->silent_since_ms;
    if (!transfer->silence_told && now - transfer->silent_since_ms >= SILENCE_MS) {
        char message[256];
        tally_node_message(transfer->node, message, sizeof message);
        terminal_bar_clear();
        diagnostic_warning(transfer->arguments->command->name, "waiting for the daemon: %s", message);
        transfer->silence_told = true;
    }
}

static void draw(struct transfer *transfer) {
    int64_t now = now_ms();
    if (now - transfer->drawn_ms < SLICE_MS) {
        return;
    }
    transfer->drawn_ms = now;
    struct tally_node_progress progress = transfer_progress(transfer);
    uint64_t settled = progress.rows_accepted + progress.rows_refused + transfer->rows_refused;
    uint64_t position = sheet_position(transfer->sheet);
    uint64_t rows = transfer->rows_read + transfer->rows_earlier;
    uint64_t expected = position == 0 ? 0 : (uint64_t)((double)rows * (double)transfer->text_size / (double)position);
    char text[96];
    char number[32];
    snprintf(text, sizeof text, "%s rows%s", terminal_number((int64_t)settled, number),
             transfer->node == NULL || progress.connected ? "" : ", waiting for the daemon");
    terminal_bar_draw(transfer->node == NULL ? transfer->rows_read : settled, expected, text);
    if (transfer->node != NULL) {
        tell_silence(transfer, &progress, now);
    }
}

/* Whether to stop before the end. */
static enum transfer_ending check(struct transfer *transfer) {
    draw(transfer);
    if (interrupt_take(transfer->interrupt) != 0) {
        return TRANSFER_INTERRUPTED;
    }
    bool limited = options_given(transfer->arguments, OPTION_TIMEOUT);
    return limited && now_ms() - transfer->start_ms > transfer->arguments->number[OPTION_TIMEOUT] ? TRANSFER_TIMEOUT
                                                                                                  : TRANSFER_DONE;
}

static enum transfer_ending node_failed(struct transfer *transfer, enum tally_error error) {
    char message[512];
    tally_node_message(transfer->node, message, sizeof message);
    terminal_bar_clear();
    diagnostic_error(transfer->arguments->command->name, "%s", message[0] != '\0' ? message : tally_error_text(error));
    return TRANSFER_FAILED;
}

/* Hands the chunk over; while the outbox is full, waits for receipts. */
static enum transfer_ending put_chunk(struct transfer *transfer, enum tally_error *error) {
    const char *competition = transfer->competition;
    enum transfer_ending ending = check(transfer);
    while (transfer->chunk_count > 0 && transfer->node != NULL && ending == TRANSFER_DONE) {
        *error = tally_node_put(transfer->node, competition, transfer->chunk, transfer->chunk_count, false);
        if (*error == TALLY_OK) {
            break;
        }
        if (*error == TALLY_OUTBOX_FULL) {
            *error = tally_node_flush(transfer->node, SLICE_MS);
        }
        if (*error != TALLY_OK && *error != TALLY_TIMEOUT) {
            return node_failed(transfer, *error);
        }
        ending = check(transfer);
    }
    transfer->chunk_count = ending == TRANSFER_DONE ? 0 : transfer->chunk_count;
    return ending;
}

static bool refuse_row(struct transfer *transfer, const struct sheet_row *row) {
    char reason[PROBLEM_TEXT_BYTES];
    const char *column =
        row->problem.field < FIELD_COUNT ? sheet_column_name(transfer->sheet, row->problem.field) : NULL;
    transfer->rows_refused++;
    return rejects_add(transfer->rejects, row->row, problem_text(&row->problem, column, transfer->language, reason));
}

static enum transfer_ending read_rows(struct transfer *transfer, enum tally_error *error) {
    struct sheet_row row;
    enum transfer_ending ending = TRANSFER_DONE;
    *error = TALLY_MEMORY;
    while (ending == TRANSFER_DONE && sheet_next(transfer->sheet, &row)) {
        transfer->rows_read++;
        if (row.problem.kind != PROBLEM_NONE) {
            if (!refuse_row(transfer, &row)) {
                return TRANSFER_FAILED;
            }
            continue;
        }
        row.project.tag = transfer->tag_file | row.row;
        transfer->chunk[transfer->chunk_count++] = row.project;
        if (transfer->chunk_count == TRANSFER_CHUNK_ROWS) {
            ending = put_chunk(transfer, error);
        }
    }
    if (sheet_failed(transfer->sheet)) {
        *error = TALLY_MEMORY;
        return TRANSFER_FAILED;
    }
    return ending == TRANSFER_DONE ? put_chunk(transfer, error) : ending;
}

static enum transfer_ending wait_receipts(struct transfer *transfer, enum tally_error *error) {
    enum transfer_ending ending = TRANSFER_DONE;
    while (transfer->node != NULL && ending == TRANSFER_DONE) {
        *error = tally_node_flush(transfer->node, SLICE_MS);
        if (*error == TALLY_OK) {
            break;
        }
        if (*error != TALLY_TIMEOUT) {
            return node_failed(transfer, *error);
        }
        ending = check(transfer);
    }
    return ending;
}

enum transfer_ending transfer_run(struct transfer *transfer, enum tally_error *error) {
    transfer->start_ms = now_ms();
    *error = TALLY_OK;
    enum transfer_ending ending = read_rows(transfer, error);
    return ending == TRANSFER_DONE ? wait_receipts(transfer, error) : ending;
}
