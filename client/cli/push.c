/* Reads a file and puts its rows into the node's outbox; the library sends them and settles them with the daemon while
 * the reading goes on. Rows carry a tag that says which file and which row they were, so that a refusal finds its row
 * again, also when an earlier push of the same file was interrupted. */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
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
#include "client/cli/transfer.h"
#include "proto/day.h"
#include "proto/refusal.h"

enum { REASONS_SHOWN = 20 };

struct push {
    const struct arguments *arguments;
    const char *path;
    struct source source;
    struct connection connection;
    struct sheet *sheet;
    struct tally_node *node; /* NULL in a dry run */
    char *outbox;            /* NULL = none */
    struct rejects *rejects;
    struct transfer transfer;
};

/* Takes over one row that the daemon refused. */
static bool take_refused(void *context, const struct tally_refused *refused) {
    struct push *push = context;
    char reason[PROBLEM_TEXT_BYTES];
    bool known = refusal_known(refused->code);
    snprintf(reason, sizeof reason, "%s: %s", refused->name,
             push->transfer.language == LANGUAGE_ZH && known ? refusal_text_zh(refused->code) : refused->text);
    uint64_t row = refused->project.tag & UINT32_MAX;
    if ((refused->project.tag & ~(uint64_t)UINT32_MAX) == push->transfer.tag_file) {
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
    uint64_t durable = progress->rows_accepted + progress->rows_refused;
    uint64_t left = progress->rows_put - durable;
    bool read = sheet_position(push->sheet) == push->source.text.size;
    const char *rest = read ? "" : "; what was not read yet needs another push of the file";
    if (push->node == NULL) {
        diagnostic_error("push", "%s: nothing was sent", what);
    } else if (push->outbox != NULL) {
        diagnostic_error("push",
                         "%s: %" PRIu64 " rows have their receipt and are safe; %" PRIu64
                         " wait in the outbox %s and go with the next push of this node%s",
                         what, durable, left, push->outbox, rest);
    } else {
        diagnostic_error("push",
                         "%s: %" PRIu64 " rows have their receipt and are safe; %" PRIu64
                         " have none and need another push of the file%s",
                         what, durable, left, rest);
    }
}

static void print_summary(const struct push *push, uint64_t accepted, uint64_t refused, uint64_t duplicate) {
    int64_t took_ms = transfer_elapsed_ms(&push->transfer);
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
static int conclude(struct push *push, enum transfer_ending ending, enum tally_error error) {
    terminal_bar_clear();
    struct tally_node_progress progress = transfer_progress(&push->transfer);
    int code = settle_rejects(push);
    uint64_t accepted =
        push->node != NULL ? progress.rows_accepted : push->transfer.rows_read - push->transfer.rows_refused;
    uint64_t refused = progress.rows_refused + push->transfer.rows_refused;
    if (ending != TRANSFER_DONE) {
        static const char *const what[] = {[TRANSFER_INTERRUPTED] = "interrupted",
                                           [TRANSFER_TIMEOUT] = "not all receipts came in time",
                                           [TRANSFER_FAILED] = "failed"};
        tell_left(push, &progress, what[ending]);
    } else if (push->transfer.rows_read == 0) {
        diagnostic_warning("push", "%s: no rows below the header", push->path);
    }
    print_summary(push, accepted, refused, progress.rows_unchanged);
    switch (ending) {
    case TRANSFER_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case TRANSFER_TIMEOUT:
        return EX_TEMPFAIL;
    case TRANSFER_FAILED:
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
    enum tally_error error;
    push->transfer.arguments = push->arguments;
    push->transfer.competition = push->connection.competition->key;
    push->transfer.sheet = push->sheet;
    push->transfer.text_size = push->source.text.size;
    push->transfer.node = push->node;
    push->transfer.rejects = push->rejects;
    enum transfer_ending ending = transfer_run(&push->transfer, &error);
    tell_columns(push);
    if (ending == TRANSFER_FAILED && error == TALLY_MEMORY) {
        diagnostic_error("push", "out of memory");
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
    struct tally_node_options options = {.endpoint = arguments->text[OPTION_INGEST],
                                         .node = name,
                                         .key_file = arguments->text[OPTION_KEY],
                                         .daemon_key = arguments->text[OPTION_DAEMON_KEY],
                                         .outbox = push->outbox};
    char message[256] = "";
    enum tally_error error = tally_node_open(&options, &push->node, message);
    if (error != TALLY_OK) {
        diagnostic_error("push", "%s", message[0] != '\0' ? message : tally_error_text(error));
        return error == TALLY_INVALID ? EX_USAGE : connection_exit_code(error);
    }
    struct tally_node_progress progress;
    tally_node_progress(push->node, &progress);
    push->transfer.rows_earlier = progress.rows_put;
    if (push->transfer.rows_earlier > 0) {
        diagnostic_warning("push", "rows of an earlier push that wait in the outbox go along and are counted: %" PRIu64,
                           push->transfer.rows_earlier);
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
    /* Who reads the reasons is who wrote the sheet. */
    bool told = arguments->text[OPTION_LANG] != NULL;
    bool zh = !told && sheet_language(push->sheet) == LANGUAGE_ZH;
    push->transfer.language = zh ? LANGUAGE_ZH : arguments->language;
    uint64_t hash = XXH3_64bits(push->source.text.text, push->source.text.size);
    push->transfer.tag_file = (hash | UINT64_C(1) << 63) & ~(uint64_t)UINT32_MAX;
    return EX_OK;
}

/* Before anything is sent: refused rows must have somewhere to go, and not over the sheet itself. */
static int check_rejects_file(const struct push *push) {
    const char *file = push->arguments->text[OPTION_REJECTS];
    struct stat sheet;
    struct stat rejects;
    if (file == NULL) {
        return EX_OK;
    }
    if (stat(file, &rejects) == 0 && stat(push->arguments->operand[0], &sheet) == 0 && sheet.st_dev == rejects.st_dev &&
        sheet.st_ino == rejects.st_ino) {
        diagnostic_error("push", "%s: is the sheet itself; name another file for the refused rows", file);
        return EX_USAGE;
    }
    char *copy = strdup(file);
    bool writable = copy != NULL && access(dirname(copy), W_OK) == 0;
    free(copy);
    if (!writable) {
        diagnostic_error("push", "%s: cannot write the refused rows: %s", file, strerror(errno));
        return EX_CANTCREAT;
    }
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
    if (code == EX_OK) {
        code = check_rejects_file(push);
    }
    if (code != EX_OK) {
        return code;
    }
    push->transfer.interrupt = interrupt_open(false);
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
        push->transfer.interrupt = -1;
        code = run(push);
        tally_node_close(&push->node);
        sheet_close(&push->sheet);
        connection_close(&push->connection);
        source_close(&push->source);
        interrupt_close(push->transfer.interrupt);
        free(push->outbox);
        rejects_destroy(&push->rejects);
    }
    free(push);
    return code;
}
