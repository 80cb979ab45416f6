/* Reads a file and puts its rows into the node's outbox; the library sends them and settles them with the daemon while
 * the reading goes on. Rows carry a tag that says which file and which row they were, so that a refusal finds its row
 * again, also when an earlier push of the same file was interrupted. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <xxhash.h>

#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/diagnostic.h"
#include "client/cli/interrupt.h"
#include "client/cli/outbox_path.h"
#include "client/cli/reader/sheet.h"
#include "client/cli/reader/source.h"
#include "client/cli/rejects.h"
#include "client/cli/terminal.h"
#include "proto/day.h"
#include "proto/refusal.h"

enum { CHUNK_ROWS = SHEET_TEXT_ROWS, SLICE_MS = 100, REASONS_SHOWN = 20, SILENCE_MS = 3000 };

/* Why a push ended. */
enum ending { ENDING_DONE = 0, ENDING_INTERRUPTED, ENDING_TIMEOUT, ENDING_FAILED };

struct push {
    const struct arguments *arguments;
    const char *path;
    struct source source;
    struct connection connection;
    struct sheet *sheet;
    struct tally_node *node; /* NULL in a dry run */
    char *outbox;            /* NULL = none */
    struct rejects *rejects;
    enum language language; /* of the reasons */
    int interrupt;
    uint64_t tag_file;     /* high half of the tags of this file's rows */
    uint64_t rows_earlier; /* in the outbox when it was opened */
    uint64_t rows_read;
    uint64_t rows_refused; /* here, before sending */
    int64_t start_ms;
    int64_t drawn_ms;
    int64_t silent_since_ms; /* 0 = the daemon was heard */
    bool silence_told;
    size_t chunk_count;
    struct tally_project chunk[CHUNK_ROWS];
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct tally_node_progress progress_of(const struct push *push) {
    struct tally_node_progress progress = {0};
    if (push->node != NULL) {
        tally_node_progress(push->node, &progress);
    }
    return progress;
}

/* Tells once when the daemon has not been heard for a while: the push goes on by itself. */
static void tell_silence(struct push *push, const struct tally_node_progress *progress, int64_t now) {
    if (progress->connected && !progress->busy) {
        push->silent_since_ms = 0;
        push->silence_told = false;
        return;
    }
    push->silent_since_ms = push->silent_since_ms == 0 ? now : push->silent_since_ms;
    if (!push->silence_told && now - push->silent_since_ms >= SILENCE_MS) {
        char message[256];
        tally_node_message(push->node, message, sizeof message);
        terminal_bar_clear();
        diagnostic_warning("push", "waiting for the daemon: %s", message);
        push->silence_told = true;
    }
}

static void draw(struct push *push) {
    int64_t now = now_ms();
    if (now - push->drawn_ms < SLICE_MS) {
        return;
    }
    push->drawn_ms = now;
    struct tally_node_progress progress = progress_of(push);
    uint64_t settled = progress.rows_accepted + progress.rows_refused + push->rows_refused;
    uint64_t position = sheet_position(push->sheet);
    uint64_t rows = push->rows_read + push->rows_earlier;
    uint64_t expected =
        position == 0 ? 0 : (uint64_t)((double)rows * (double)push->source.text.size / (double)position);
    char text[96];
    char number[32];
    snprintf(text, sizeof text, "%s rows%s", terminal_number((int64_t)settled, number),
             push->node == NULL || progress.connected ? "" : ", waiting for the daemon");
    terminal_bar_draw(push->node == NULL ? push->rows_read : settled, expected, text);
    if (push->node != NULL) {
        tell_silence(push, &progress, now);
    }
}

/* Whether to stop before the end. */
static enum ending check(struct push *push) {
    draw(push);
    if (interrupt_take(push->interrupt) != 0) {
        return ENDING_INTERRUPTED;
    }
    bool limited = options_given(push->arguments, OPTION_TIMEOUT);
    return limited && now_ms() - push->start_ms > push->arguments->number[OPTION_TIMEOUT] ? ENDING_TIMEOUT
                                                                                          : ENDING_DONE;
}

static enum ending node_failed(struct push *push, enum tally_error error) {
    char message[512];
    tally_node_message(push->node, message, sizeof message);
    terminal_bar_clear();
    diagnostic_error("push", "%s", message[0] != '\0' ? message : tally_error_text(error));
    return ENDING_FAILED;
}

/* Hands the chunk over; while the outbox is full, waits for receipts. */
static enum ending put_chunk(struct push *push, enum tally_error *error) {
    const char *competition = push->connection.competition->key;
    enum ending ending = check(push);
    while (push->chunk_count > 0 && push->node != NULL && ending == ENDING_DONE) {
        *error = tally_node_put(push->node, competition, push->chunk, push->chunk_count, false);
        if (*error == TALLY_OK) {
            break;
        }
        if (*error == TALLY_OUTBOX_FULL) {
            *error = tally_node_flush(push->node, SLICE_MS);
        }
        if (*error != TALLY_OK && *error != TALLY_TIMEOUT) {
            return node_failed(push, *error);
        }
        ending = check(push);
    }
    push->chunk_count = ending == ENDING_DONE ? 0 : push->chunk_count;
    return ending;
}

static bool refuse_row(struct push *push, const struct sheet_row *row) {
    char reason[PROBLEM_TEXT_BYTES];
    const char *column = row->problem.field < FIELD_COUNT ? sheet_column_name(push->sheet, row->problem.field) : NULL;
    push->rows_refused++;
    return rejects_add(push->rejects, row->row, problem_text(&row->problem, column, push->language, reason));
}

static enum ending read_rows(struct push *push, enum tally_error *error) {
    struct sheet_row row;
    enum ending ending = ENDING_DONE;
    *error = TALLY_MEMORY;
    while (ending == ENDING_DONE && sheet_next(push->sheet, &row)) {
        push->rows_read++;
        if (row.problem.kind != PROBLEM_NONE) {
            if (!refuse_row(push, &row)) {
                return ENDING_FAILED;
            }
            continue;
        }
        row.project.tag = push->tag_file | row.row;
        push->chunk[push->chunk_count++] = row.project;
        if (push->chunk_count == CHUNK_ROWS) {
            ending = put_chunk(push, error);
        }
    }
    if (sheet_failed(push->sheet)) {
        *error = TALLY_MEMORY;
        return ENDING_FAILED;
    }
    return ending == ENDING_DONE ? put_chunk(push, error) : ending;
}

static enum ending wait_receipts(struct push *push, enum tally_error *error) {
    enum ending ending = ENDING_DONE;
    while (push->node != NULL && ending == ENDING_DONE) {
        *error = tally_node_flush(push->node, SLICE_MS);
        if (*error == TALLY_OK) {
            break;
        }
        if (*error != TALLY_TIMEOUT) {
            return node_failed(push, *error);
        }
        ending = check(push);
    }
    return ending;
}

/* Takes over one row that the daemon refused. */
static bool take_refused(void *context, const struct tally_refused *refused) {
    struct push *push = context;
    char reason[PROBLEM_TEXT_BYTES];
    bool known = refusal_known(refused->code);
    snprintf(reason, sizeof reason, "%s: %s", refused->name,
             push->language == LANGUAGE_ZH && known ? refusal_text_zh(refused->code) : refused->text);
    uint64_t row = refused->project.tag & UINT32_MAX;
    if ((refused->project.tag & ~(uint64_t)UINT32_MAX) == push->tag_file) {
        return rejects_add(push->rejects, row, reason);
    }
    return rejects_add_earlier(push->rejects, refused, reason);
}

static void tell_reasons(struct push *push) {
    size_t count = rejects_count(push->rejects);
    for (size_t i = 0; i < count && i < REASONS_SHOWN; i++) {
        uint64_t row;
        const char *reason = rejects_reason(push->rejects, i, &row);
        diagnostic_error("push", "%s:%" PRIu64 ": %s", push->path, row, reason);
    }
    if (count > REASONS_SHOWN) {
        const char *file = push->arguments->text[OPTION_REJECTS];
        diagnostic_error("push", "%zu more rows are refused: %s%s", count - REASONS_SHOWN,
                         file != NULL ? "see " : "have them written with --rejects FILE", file != NULL ? file : "");
    }
    for (size_t i = 0; i < rejects_earlier_count(push->rejects); i++) {
        const char *code;
        const char *reason = rejects_earlier_reason(push->rejects, i, &code);
        diagnostic_error("push", "project %s of an earlier push: %s", code, reason);
    }
}

/* Collects what was refused and writes it where it is wanted. Returns an exit code. */
static int settle_rejects(struct push *push) {
    const char *file = push->arguments->text[OPTION_REJECTS];
    enum tally_error error = TALLY_OK;
    if (push->node != NULL) {
        error = tally_node_take_refused(push->node, take_refused, push, NULL);
    }
    tell_reasons(push);
    if (error != TALLY_OK) {
        diagnostic_error("push", "cannot read all refused rows from the outbox: %s", tally_error_text(error));
    }
    if (file != NULL && !rejects_write(push->rejects, file, &push->source, push->sheet, push->connection.competition)) {
        diagnostic_error("push", "%s: cannot write the refused rows: %s", file, strerror(errno));
        return EX_CANTCREAT;
    }
    return error == TALLY_OK ? EX_OK : connection_exit_code(error);
}

static void tell_left(const struct push *push, const struct tally_node_progress *progress, const char *what) {
    uint64_t left = progress->rows_put - progress->rows_accepted - progress->rows_refused;
    uint64_t durable = progress->rows_accepted + progress->rows_refused;
    if (push->node == NULL) {
        diagnostic_error("push", "%s after %" PRIu64 " rows; nothing was sent", what, push->rows_read);
    } else if (push->outbox != NULL) {
        diagnostic_error("push",
                         "%s: %" PRIu64 " rows have their receipt and are safe; %" PRIu64
                         " wait in the outbox %s and go with the next push of this node; push %s again for the rest",
                         what, durable, left, push->outbox, push->path);
    } else {
        diagnostic_error("push",
                         "%s: %" PRIu64 " rows have their receipt and are safe; %" PRIu64 " have none: push %s again",
                         what, durable, left, push->path);
    }
}

static void print_summary(const struct push *push, uint64_t accepted, uint64_t refused, uint64_t duplicate) {
    int64_t took_ms = now_ms() - push->start_ms;
    uint64_t rows = accepted + refused;
    uint64_t rate = rows * 1000 / (uint64_t)(took_ms > 0 ? took_ms : 1);
    bool zh = push->arguments->language == LANGUAGE_ZH;
    if (push->node == NULL) {
        printf(zh ? "试读:可发送 %" PRIu64 " 行,拒绝 %" PRIu64 " 行\n"
                  : "dry run: %" PRIu64 " rows can be sent, %" PRIu64 " are refused\n",
               accepted, refused);
        return;
    }
    printf(zh ? "接受 %" PRIu64 " 行,拒绝 %" PRIu64 " 行,重复 %" PRIu64 " 行,%" PRIu64 " 行/秒,%" PRId64 ".%03" PRId64
                " 秒\n"
              : "accepted %" PRIu64 ", refused %" PRIu64 ", duplicate %" PRIu64 ", %" PRIu64 " rows/s, %" PRId64
                ".%03" PRId64 " s\n",
           accepted, refused, duplicate, rate, took_ms / 1000, took_ms % 1000);
}

/* The last line and the exit code. */
static int conclude(struct push *push, enum ending ending, enum tally_error error) {
    terminal_bar_clear();
    struct tally_node_progress progress = progress_of(push);
    int code = settle_rejects(push);
    uint64_t accepted = push->node != NULL ? progress.rows_accepted : push->rows_read - push->rows_refused;
    uint64_t refused = progress.rows_refused + push->rows_refused;
    if (ending == ENDING_INTERRUPTED || ending == ENDING_TIMEOUT) {
        tell_left(push, &progress, ending == ENDING_INTERRUPTED ? "interrupted" : "not all receipts came in time");
    } else if (push->rows_read == 0) {
        diagnostic_warning("push", "%s: no rows below the header", push->path);
    }
    print_summary(push, accepted, refused, progress.rows_unchanged);
    switch (ending) {
    case ENDING_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case ENDING_TIMEOUT:
        return EX_TEMPFAIL;
    case ENDING_FAILED:
        return connection_exit_code(error);
    default:
        break;
    }
    if (code != EX_OK || refused == 0) {
        return code;
    }
    return accepted > 0 ? EXIT_SOME_REFUSED : EXIT_NONE_ACCEPTED;
}

static void tell_columns(const struct push *push) {
    const char *ignored = sheet_ignored(push->sheet);
    if (ignored[0] != '\0') {
        diagnostic_warning("push", "%s: ignored what is not known: %s", push->path, ignored);
    }
    if (!sheet_has_column(push->sheet, FIELD_MIGRANTS)) {
        diagnostic_warning("push", "%s: no column 其中农民工 (migrant_participants): counted as 0", push->path);
    }
}

static int transfer(struct push *push) {
    enum tally_error error = TALLY_OK;
    push->start_ms = now_ms();
    enum ending ending = read_rows(push, &error);
    tell_columns(push);
    if (ending == ENDING_FAILED && error == TALLY_MEMORY) {
        diagnostic_error("push", "out of memory");
    }
    if (ending == ENDING_DONE) {
        ending = wait_receipts(push, &error);
    }
    return conclude(push, ending, error);
}

static int open_node(struct push *push) {
    const struct arguments *arguments = push->arguments;
    const char *name = arguments->text[OPTION_NODE];
    if (!options_given(arguments, OPTION_NO_OUTBOX)) {
        const char *given = arguments->text[OPTION_OUTBOX];
        push->outbox = given != NULL ? strdup(given) : outbox_path_default(name);
        if (push->outbox == NULL) {
            diagnostic_error("push", "no place for the outbox: name one with --outbox DIR, or set HOME");
            return EX_CONFIG;
        }
        if (!outbox_path_make_parents(push->outbox)) {
            diagnostic_error("push", "%s: cannot make the outbox: %s", push->outbox, strerror(errno));
            return EX_CANTCREAT;
        }
    }
    struct tally_node_options options = {
        .endpoint = arguments->text[OPTION_INGEST], .node = name, .outbox = push->outbox};
    char message[256] = "";
    enum tally_error error = tally_node_open(&options, &push->node, message);
    if (error != TALLY_OK) {
        diagnostic_error("push", "%s", message[0] != '\0' ? message : tally_error_text(error));
        return error == TALLY_INVALID ? EX_USAGE : connection_exit_code(error);
    }
    push->rows_earlier = progress_of(push).rows_put;
    if (push->rows_earlier > 0) {
        diagnostic_warning("push",
                           "%" PRIu64 " rows of an earlier push wait in the outbox; they go along and are counted",
                           push->rows_earlier);
    }
    return EX_OK;
}

static int open_source(struct push *push) {
    char message[ENCODING_MESSAGE_BYTES];
    enum encoding encoding = encoding_of_name(push->arguments->text[OPTION_ENCODING]);
    int code = source_open(push->arguments->operand[0], encoding, &push->source, message);
    if (code != EX_OK) {
        diagnostic_error("push", "%s: %s", push->path, message);
    }
    return code;
}

static int open_sheet(struct push *push) {
    const struct arguments *arguments = push->arguments;
    struct sheet_options options = {.text = push->source.text.text,
                                    .size = push->source.text.size,
                                    .format = sheet_format_of_name(arguments->text[OPTION_INPUT_FORMAT]),
                                    .competition = push->connection.competition,
                                    .today = day_of_time((int64_t)time(NULL) * 1000),
                                    .short_codes = options_given(arguments, OPTION_SHORT_CODES)};
    char message[SHEET_MESSAGE_BYTES];
    if (!sheet_open(&options, &push->sheet, message)) {
        diagnostic_error("push", "%s: %s", push->path, message);
        return EX_DATAERR;
    }
    push->language = arguments->text[OPTION_LANG] != NULL ? arguments->language : sheet_language(push->sheet);
    uint64_t hash = XXH3_64bits(push->source.text.text, push->source.text.size);
    push->tag_file = (hash | UINT64_C(1) << 63) & ~(uint64_t)UINT32_MAX;
    return EX_OK;
}

static int run(struct push *push) {
    const struct arguments *arguments = push->arguments;
    bool dry = options_given(arguments, OPTION_DRY_RUN);
    if (!dry && arguments->text[OPTION_NODE] == NULL) {
        diagnostic_error("push", "which node reports? name it with --node NAME or TALLY_NODE");
        return EX_USAGE;
    }
    int code = open_source(push);
    if (code != EX_OK) {
        return code;
    }
    push->interrupt = interrupt_open(false);
    code = connection_open_competition(arguments, &push->connection);
    code = code == EX_OK ? open_sheet(push) : code;
    code = code == EX_OK && !dry ? open_node(push) : code;
    return code == EX_OK ? transfer(push) : code;
}

int push_run(const struct arguments *arguments) {
    struct push *push = calloc(1, sizeof *push);
    int code = EX_OSERR;
    if (push != NULL && (push->rejects = rejects_create()) != NULL) {
        push->arguments = arguments;
        push->path = strcmp(arguments->operand[0], "-") == 0 ? "standard input" : arguments->operand[0];
        push->interrupt = -1;
        code = run(push);
        tally_node_close(&push->node);
        sheet_close(&push->sheet);
        connection_close(&push->connection);
        source_close(&push->source);
        interrupt_close(push->interrupt);
        free(push->outbox);
        rejects_destroy(&push->rejects);
    }
    free(push);
    return code;
}
